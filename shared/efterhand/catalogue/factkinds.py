"""The kinds of facts that definitions may speak of, read from facts.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from efterhand.catalogue.source import Place, read_yaml

FACTS_FILE = Path(__file__).with_name("facts.yaml")
SHAPES: Final = ("one", "point", "span", "month")


@dataclass(frozen=True)
class ColumnType:
    """The type of a fact's column; `codelist` or `words` narrow a text to what may stand there."""

    name: str
    codelist: str | None = None
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.codelist:
            return f"a code of {self.codelist}"
        return f"one of {', '.join(self.words)}" if self.words else self.name


@dataclass(frozen=True)
class FactKind:
    """A kind of fact.

    `day` is the column that says when (of a span: when it begins), None for what has no day; `ends` a span's last day.
    `key` makes a row unique within a person (empty but for shape `one`: rows may be alike). `has_table`: indicators
    keep it.
    """

    name: str
    shape: str
    day: str | None
    ends: str | None
    key: tuple[str, ...]
    has_table: bool
    columns: Mapping[str, ColumnType] = field(hash=False)

    @property
    def days(self) -> list[str]:
        """The columns that hold a day."""
        return [name for name, column in self.columns.items() if column.name == "date"]


@cache
def fact_kinds() -> dict[str, FactKind]:
    """Return every kind of fact that events make, by its name; a catalogue may derive more."""
    return {name: _kind(name, place) for name, place in read_yaml(FACTS_FILE).mapping().items()}


def _kind(name: str, place: Place) -> FactKind:
    fields = place.fields(required=("shape", "key", "tables", "columns"), optional=("day", "starts", "ends"))
    columns = {column: _type(declared) for column, declared in fields["columns"].mapping().items()}
    day = fields.get("day") or fields.get("starts")
    return FactKind(
        name=name,
        shape=fields["shape"].one_of(SHAPES),
        day=None if day is None else day.one_of(columns),
        ends=fields["ends"].one_of(columns) if "ends" in fields else None,
        key=tuple(part.one_of(columns) for part in fields["key"].items()),
        has_table=fields["tables"].flag(),
        columns=columns,
    )


def _type(place: Place) -> ColumnType:
    text = place.text()
    if text.startswith("code "):
        return ColumnType("text", codelist=text.removeprefix("code "))
    if text.startswith("one of "):
        return ColumnType("text", words=tuple(text.removeprefix("one of ").split("|")))
    return ColumnType(place.one_of(("text", "int", "bool", "date")))
