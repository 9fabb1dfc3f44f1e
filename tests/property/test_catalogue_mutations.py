"""Whatever is done to a catalogue's text: it loads and all can be said of it, or it is refused with file and line."""

import re
import shutil
from functools import cache
from pathlib import Path
from random import Random

import pytest

from efterhand.catalogue import Catalogue, CatalogueError, load_catalogue
from efterhand.catalogue.differences import differences
from efterhand.catalogue.loader import BUILT_IN
from efterhand.catalogue.sentences import LANGUAGES, explain
from efterhand.catalogue.warnings import find_warnings
from efterhand.figures.examples import try_examples

WIDE = Path(__file__).parents[1] / "data" / "wide-catalogue"
SOURCES = {"stockholm": BUILT_IN / "stockholm", "wide": WIDE}
SEEDS = range(40)
"""Seeds that are tried each time; a seed that failed once is put into FOUND and stays there."""
FOUND: tuple[tuple[str, int], ...] = ()

_WORD = re.compile(r"[\w.]+")
_STRANGE = (
    *("0", "-1", "2017-02-30", "9999-12-31", "99999999999999999999", "true", "[]", "{}", "'", "é", ":", "&a", "*a"),
    *("counted", "outer.x", "closed_on + 9999 years", "{not: known}", "[known, [known]]", "²⁰¹⁷", "{0}", "None"),
)


def mutated(text: str, words: list[str], random: Random) -> str:
    """Return a text with one to three places changed."""
    lines = text.split("\n")
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(lines))
        found = list(_WORD.finditer(lines[at]))
        match random.randrange(7):
            case 0:
                del lines[at]
                lines = lines or [""]
            case 1:
                lines.insert(random.randrange(len(lines)), lines[at])
            case 2 | 3 if found:
                word = random.choice(found)
                lines[at] = f"{lines[at][: word.start()]}{random.choice(words)}{lines[at][word.end() :]}"
            case 4 if found:
                word = random.choice(found)
                lines[at] = f"{lines[at][: word.start()]}{random.choice(_STRANGE)}{lines[at][word.end() :]}"
            case 5 if lines[at]:
                cut = random.randrange(len(lines[at]))
                lines[at] = lines[at][:cut] + lines[at][cut + 1 :]
            case _:
                lines[at] = f"  {lines[at]}" if random.random() < 0.5 else lines[at].removeprefix("  ")
    return "\n".join(lines)


@cache
def built_in() -> Catalogue:
    """What a changed catalogue is compared with."""
    return load_catalogue("stockholm")


def look_at(directory: Path) -> None:
    """Load a catalogue and do everything with it that a user can."""
    catalogue = load_catalogue(str(directory))
    find_warnings(catalogue)
    list(try_examples(catalogue))
    differences(built_in(), catalogue)
    for language in LANGUAGES:
        for name in (*catalogue.indicators, *catalogue.formulas):
            explain(catalogue, name, language)
        for name in catalogue.protocols:
            explain(catalogue, name, language, protocol=True)


def refusal_of(directory: Path) -> CatalogueError | None:
    """Look at a catalogue; gives why it is refused, if it is. Any other error is one of the product."""
    try:
        look_at(directory)
    except CatalogueError as error:
        return error
    return None


@pytest.mark.parametrize(("source", "seed"), [*FOUND, *((name, seed) for name in SOURCES for seed in SEEDS)])
def test_a_changed_text_loads_or_is_refused_with_its_place(source: str, seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    directory = tmp_path / source
    shutil.copytree(SOURCES[source], directory)
    file = random.choice(sorted(directory.glob("*.yaml")))
    words = sorted({word for each in directory.glob("*.yaml") for word in _WORD.findall(each.read_text("utf-8"))})
    file.write_text(mutated(file.read_text("utf-8"), words, random), encoding="utf-8")

    refused = refusal_of(directory)

    if refused is not None:
        assert refused.file.parent == directory
        assert refused.line >= 1
        assert refused.message
