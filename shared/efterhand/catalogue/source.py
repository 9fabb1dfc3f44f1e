"""YAML read strictly and with its places: every value knows its file and line.

YAML 1.1 turns `on` and `no` into booleans and lets a key stand twice; here only `true` and `false` are booleans and a
repeated key is an error.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import yaml

from efterhand.catalogue.errors import CatalogueError, nearest

_T = TypeVar("_T")

DEEPEST: Final = 40
"""Levels that values may be nested."""
MOST_VALUES: Final = 200_000
"""Values that a file may hold, those counted again that an alias repeats."""

_SCALARS: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"true|false"), lambda text: text == "true"),
    (re.compile(r"-?(0|[1-9]\d*)"), int),
    (re.compile(r"-?(0|[1-9]\d*)\.\d+"), Decimal),
    (re.compile(r"\d{4}-\d\d-\d\d"), date.fromisoformat),
)


@dataclass(frozen=True)
class Place:
    """A value of a catalogue file with the place it stands at."""

    file: Path
    line: int
    value: Any
    """A scalar, a list of Place, or a dict of str to Place."""

    def fail(self, message: str) -> NoReturn:
        """Refuse the catalogue because of this value.

        Raises:
            CatalogueError: always.
        """
        raise CatalogueError(self.file, self.line, message)

    @property
    def shown(self) -> str:
        """The value as a message shows it."""
        if isinstance(self.value, dict):
            return "a mapping"
        if isinstance(self.value, list):
            return "a list"
        return str(self.value) if isinstance(self.value, date | Decimal) else repr(self.value)

    def mapping(self) -> dict[str, "Place"]:
        """Return the entries of a mapping."""
        if not isinstance(self.value, dict):
            self.fail("a mapping (key: value) is expected here")
        return self.value

    def items(self) -> list["Place"]:
        """Return the members of a list."""
        if not isinstance(self.value, list):
            self.fail("a list is expected here")
        return self.value

    def text(self) -> str:
        """Return a text."""
        if not isinstance(self.value, str) or not self.value:
            self.fail(f"a text is expected here, not {self.shown}")
        return self.value

    def integer(self) -> int:
        """Return a whole number."""
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self.fail(f"a whole number is expected here, not {self.shown}")
        return self.value

    def number(self) -> Decimal:
        """Return a number, perhaps with decimals."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | Decimal):
            self.fail(f"a number is expected here, not {self.shown}")
        return Decimal(self.value)

    def flag(self) -> bool:
        """Return true or false."""
        if not isinstance(self.value, bool):
            self.fail(f"true or false is expected here, not {self.shown}")
        return self.value

    def day(self) -> date:
        """Return a day."""
        if not isinstance(self.value, date):
            self.fail(f"a day (YYYY-MM-DD) is expected here, not {self.shown}")
        return self.value

    def one_of(self, known: Iterable[str]) -> str:
        """Return a text that must be one of the known words."""
        words = list(known)
        if self.value not in words:
            if isinstance(self.value, dict | list):
                self.fail(f"{self.shown} cannot stand here; {nearest('', words)}")
            self.fail(f"'{self.value}' is unknown here; {nearest(self.value, words)}")
        return str(self.value)

    def fields(self, required: Iterable[str] = (), optional: Iterable[str] = ()) -> dict[str, "Place"]:
        """Return the entries of a mapping that has all required keys and no others than the optional ones."""
        entries = self.mapping()
        needed = list(required)
        allowed = [*needed, *optional]
        for key, place in entries.items():
            if key not in allowed:
                place.fail(f"'{key}' is no key here; {nearest(key, allowed)}")
        for key in needed:
            if key not in entries:
                self.fail(f"'{key}' is missing")
        return entries


def read_yaml(file: Path) -> Place:
    """Read one catalogue file.

    Raises:
        CatalogueError: the file is missing, is no YAML, repeats a key, or holds a value that the grammar does not know.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CatalogueError(file, 1, "the file is missing") from None
    except UnicodeDecodeError:
        raise CatalogueError(file, 1, "the file is not UTF-8") from None
    except OSError as error:
        raise CatalogueError(file, 1, f"the file cannot be read: {error.strerror}") from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CatalogueError(file, line, f"not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise CatalogueError(file, 1, f"not YAML: {error}") from None
    except RecursionError:
        raise CatalogueError(file, 1, "it is nested too deep") from None
    if root is None:
        raise CatalogueError(file, 1, "the file is empty")
    return _Reader(file).place(root, 0)


class _Reader:
    """Turns the nodes of one file into places; a node that an alias repeats is read again, within bounds."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.left = MOST_VALUES

    def place(self, node: yaml.Node, depth: int) -> Place:
        line = node.start_mark.line + 1
        self.left -= 1
        if depth > DEEPEST:
            raise CatalogueError(self.file, line, f"it is nested too deep: at most {DEEPEST} levels")
        if self.left < 0:
            raise CatalogueError(self.file, line, f"it is too long: at most {MOST_VALUES} values")
        if isinstance(node, yaml.MappingNode):
            return Place(self.file, line, self._mapping(node, depth))
        if isinstance(node, yaml.SequenceNode):
            return Place(self.file, line, [self.place(member, depth + 1) for member in node.value])
        return Place(self.file, line, _scalar(self.file, line, node))

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Place]:
        entries: dict[str, Place] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            if not isinstance(key, str):
                raise CatalogueError(self.file, line, "a key must be a word")
            if key in entries:
                raise CatalogueError(self.file, line, f"'{key}' stands here twice")
            entries[key] = self.place(value_node, depth + 1)
        return entries


def _scalar(file: Path, line: int, node: yaml.Node) -> Any:
    text = str(node.value)
    if getattr(node, "style", None) in ("'", '"'):
        return text
    if text in ("", "~", "null"):
        raise CatalogueError(file, line, "a value is missing")
    for pattern, read in _SCALARS:
        if pattern.fullmatch(text):
            try:
                return read(text)
            except ValueError:
                raise CatalogueError(file, line, f"'{text}' is no calendar day") from None
    return text
