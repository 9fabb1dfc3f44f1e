"""What a catalogue that cannot be loaded says."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class CatalogueError(Exception):
    """A catalogue that must not be used: where it is wrong, and the nearest right word."""

    def __init__(self, file: Path, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}")
        self.file = file
        self.line = line
        self.message = message


def nearest(word: object, known: Iterable[str]) -> str:
    """Return a sentence part naming the known word nearest to a wrong one, or all of them when none is near."""
    words = sorted(known)
    close = get_close_matches(str(word), words, n=1, cutoff=0.5)
    if close:
        return f"did you mean '{close[0]}'?"
    return "known: " + (", ".join(words) if words else "nothing")
