"""The kinds of facts that definitions may speak of, read from facts.yaml."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from efterhand.catalogue.source import Place, read_yaml

FACTS_FILE = Path(__file__).with_name("facts.yaml")


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
    """A kind of fact: its columns in order, what makes a row unique within a person, whether it has a table."""

    name: str
    key: tuple[str, ...]
    has_table: bool
    columns: dict[str, ColumnType]


@cache
def fact_kinds() -> dict[str, FactKind]:
    """Return every kind of fact by its name."""
    return {name: _kind(name, place) for name, place in read_yaml(FACTS_FILE).mapping().items()}


def _kind(name: str, place: Place) -> FactKind:
    fields = place.fields(required=("key", "tables", "columns"))
    columns = {column: _type(declared) for column, declared in fields["columns"].mapping().items()}
    return FactKind(
        name=name,
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
