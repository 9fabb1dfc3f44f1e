"""Conditions on a row, and the look-ups among a person's other rows that they may ask for.

Two-valued: an unknown value fulfils no comparison, and `not` is the complement.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from efterhand.catalogue.phrases import Phrase

Value = str | int | bool | date

COUNTED = "counted"
"""Names the outermost row from inside of look-ups."""
OUTER = "outer"
"""Names the row that a look-up is judged on, from inside of its `where`."""


@dataclass(frozen=True)
class Column:
    """A column of the row itself, of the `counted` or the `outer` row, or of what the find of that name has found.

    Of a find that counts or adds up, `Column("", find)` is the number; of another, it is the row as a whole.
    """

    name: str
    row: str = ""

    def __str__(self) -> str:
        return f"{self.row}.{self.name}" if self.row and self.name else self.row or self.name


class Order(StrEnum):
    """How two values compare."""

    LESS = "<"
    AT_MOST = "<="
    AT_LEAST = ">="
    MORE = ">"


@dataclass(frozen=True)
class OneOf:
    """The column's value is one of these."""

    column: Column
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Compare:
    """A number compares so with a number, or a day with the day of a phrase."""

    left: Column | Phrase
    order: Order
    bound: int | Phrase


@dataclass(frozen=True)
class SameAs:
    """Two columns have the same known value."""

    column: Column
    other: Column


@dataclass(frozen=True)
class Known:
    """The column has a value; `Column("", find)` asks whether the find has found anything."""

    column: Column


@dataclass(frozen=True)
class Exists:
    """The look-up finds a row."""

    find: "Find"


@dataclass(frozen=True)
class AllOf:
    """Every part holds; of no parts: true."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: "Condition"


Condition = OneOf | Compare | SameAs | Known | Exists | AllOf | AnyOf | Not

ALWAYS = AllOf(())


class Verb(StrEnum):
    """What a look-up gives."""

    FIRST = "first"
    """The row with the earliest day."""
    LAST = "last"
    """The row with the latest day."""
    AT = "at"
    """The row of the month, or the row of the span, that a day lies in; of several spans the one that begins last."""
    THE = "the"
    """The one row that shares the columns of `same`."""
    SOME = "some"
    """Whether there is a row."""
    COUNT = "count"
    """How many rows there are."""
    SUM = "sum"
    """The sum of a column of numbers; unknown of no rows, as the two that follow."""
    MIN = "min"
    """The smallest number or earliest day of a column."""
    MAX = "max"
    """The greatest number or latest day of a column."""

    @property
    def gives_value(self) -> bool:
        """Whether it gives a number or a day, and not a row."""
        return self in (Verb.COUNT, Verb.SUM, Verb.MIN, Verb.MAX)


@dataclass(frozen=True)
class Bound:
    """A first or last day of a look-up; `open` leaves the day itself out."""

    phrase: Phrase
    open: bool = False


@dataclass(frozen=True)
class Find:
    """A look-up among the rows of a kind of fact of the same person.

    `day` is the column that the bounds hold against (None: the rows have no day). `same` names columns that must equal
    those of the row it is judged on, `other` such as must differ; `replies` takes only replies to the check itself.
    Phrases in `at`, `lower` and `upper` speak of the row that it is judged on, `where` of the row that is looked at.
    Equal days are decided by the key of the kind of fact.
    """

    verb: Verb
    fact: str
    day: str | None
    value: str | None = None
    at: Phrase | None = None
    same: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    replies: bool = False
    lower: Bound | None = None
    upper: Bound | None = None
    where: Condition | None = None
