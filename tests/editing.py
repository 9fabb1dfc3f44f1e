"""Catalogues that are like another one but for what somebody has edited."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.tiny import definitions

Edits = Mapping[str, Sequence[tuple[str, str]]]
"""By file: texts that stand there, each once, and what stands there instead."""


def edited_catalogue(source: Path, target: Path, edits: Edits, without: Iterable[tuple[str, str]] = ()) -> Path:
    """Write a catalogue's directory anew with some edits, and without some definitions (file, id); gives it."""
    target.mkdir(parents=True)
    for file in source.glob("*.yaml"):
        left_out = {name for where, name in without if where == file.name}
        text = file.read_text(encoding="utf-8")
        if left_out:
            text = "".join(part for name, part in definitions(file).items() if name not in left_out)
        for old, new in edits.get(file.name, ()):
            assert text.count(old) == 1, (file.name, old, text.count(old))
            text = text.replace(old, new)
        (target / file.name).write_text(text, encoding="utf-8")
    return target


def edited_definition(file: Path, name: str, old: str, new: str) -> tuple[str, str]:
    """The edit that replaces a text, which may stand in other definitions too, in one of them."""
    whole = definitions(file)[name]
    assert whole.count(old) == 1, (name, old, whole.count(old))
    return whole, whole.replace(old, new)
