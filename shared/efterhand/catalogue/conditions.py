"""Conditions on the columns of a fact.

Two-valued: an unknown value fulfils no comparison, and `not` is the complement.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from efterhand.catalogue.phrases import Phrase

Value = str | int | bool | date


@dataclass(frozen=True)
class Column:
    """A column of the counted fact, or of what the find of that name has found."""

    name: str
    find: str | None = None

    def __str__(self) -> str:
        return f"{self.find}.{self.name}" if self.find else self.name


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
    """The column's value compares so with a number, or its day with the day of a phrase."""

    column: Column
    order: Order
    bound: int | Phrase


@dataclass(frozen=True)
class Known:
    """The column has a value; `Column("", find)` asks whether the find has found anything."""

    column: Column


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


Condition = OneOf | Compare | Known | AllOf | AnyOf | Not

ALWAYS = AllOf(())
