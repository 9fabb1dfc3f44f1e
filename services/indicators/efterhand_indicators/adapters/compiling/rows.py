"""Rows that a definition speaks of, and what its names stand for in the statement."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, FromClause, Table

from efterhand.catalogue.conditions import COUNTED, OUTER, Column
from efterhand.catalogue.factkinds import FactKind
from efterhand.catalogue.phrases import Phrase
from efterhand_indicators.adapters.compiling.days import moved


class Around(Protocol):
    """What surrounds every row of a statement."""

    @property
    def counted(self) -> "Row":
        """The outermost row."""

    @property
    def kinds(self) -> Mapping[str, FactKind]:
        """The catalogue's kinds of facts."""

    @property
    def days(self) -> Mapping[str, ColumnElement[Any]]:
        """Days that have names of their own."""

    @property
    def working_day(self) -> Table:
        """The table of working days."""

    def further(self, name: str) -> ColumnElement[Any]:
        """Return what the outermost row has beside its columns: age, sex, unit, target_group."""

    def found(self, find: str) -> "Found":
        """Return what a look-up of that name has found."""

    def rows_of(self, fact: str, name: str) -> FromClause:
        """Return the rows of a kind of fact, under this name or one like it."""

    def free_name(self, wanted: str) -> str:
        """Return a name, the one wanted or one like it, that the statement does not have yet."""


@dataclass(frozen=True)
class Found:
    """What a look-up has found: a row (none: unknown throughout), or the one `value` that it comes to."""

    row: FromClause
    value: ColumnElement[Any] | None

    @property
    def itself(self) -> ColumnElement[Any]:
        """What is known if and only if something was found."""
        return self.row.c.person if self.value is None else self.value


@dataclass(frozen=True)
class Row:
    """A row that conditions are judged on: the counted one (without `outer`), or one that a look-up looks at."""

    around: Around
    kind: FactKind
    source: FromClause
    outer: "Row | None" = None

    def inside(self, kind: FactKind, source: FromClause) -> "Row":
        """Return a row that a look-up judged on this one looks at."""
        return Row(self.around, kind, source, self)

    def value(self, column: Column) -> ColumnElement[Any]:
        """Return what a column's name stands for."""
        if column.row == COUNTED:
            return self.around.counted.value(Column(column.name))
        if column.row == OUTER and self.outer is not None:
            return self.outer.value(Column(column.name))
        if column.row:
            found = self.around.found(column.row)
            return found.row.c[column.name] if column.name else found.itself
        return self.source.c[column.name] if column.name in self.kind.columns else self.around.further(column.name)

    def day(self, phrase: Phrase) -> ColumnElement[Any]:
        """Return the day that a phrase means."""
        return moved(self._named_day(phrase), phrase, self.around.working_day)

    def _named_day(self, phrase: Phrase) -> ColumnElement[Any]:
        if phrase.name in self.around.days:
            return self.around.days[phrase.name]
        if phrase.row or phrase.name in self.kind.columns:
            return self.value(Column(phrase.column, phrase.row))
        return self.around.found(phrase.name).itself
