"""Conditions in SQL. Two-valued: an unknown value fulfils no comparison, and `not` is the complement."""

from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, true

from efterhand.catalogue.conditions import (
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Exists,
    Known,
    Not,
    OneOf,
    Order,
    SameAs,
)
from efterhand.catalogue.phrases import Phrase
from efterhand_indicators.adapters.compiling import lookups
from efterhand_indicators.adapters.compiling.literals import constant
from efterhand_indicators.adapters.compiling.rows import Row


def holds(condition: Condition, row: Row) -> ColumnElement[Any]:
    """Return a condition that is true where it holds, and false or unknown where it does not."""
    match condition:
        case OneOf(column, options):
            value = row.value(column)
            if not options:
                return false()
            if len(options) == 1:
                return value == constant(options[0])
            return value.in_([constant(option) for option in options])
        case Compare(left, order, bound):
            value = row.day(left) if isinstance(left, Phrase) else row.value(left)
            return compare(value, order, row.day(bound) if isinstance(bound, Phrase) else constant(bound))
        case SameAs(column, other):
            return row.value(column) == row.value(other)
        case Known(column):
            return row.value(column).is_not(None)
        case Exists(find):
            return lookups.exists(find, row)
        case AllOf(parts):
            return and_(true(), *(holds(part, row) for part in parts))
        case AnyOf(parts):
            return or_(false(), *(holds(part, row) for part in parts))
        case Not(part):
            return complement(holds(part, row))


def complement(condition: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return what is true exactly where the condition is not: also where it is unknown."""
    return not_(func.coalesce(condition, false()))


def compare(value: ColumnElement[Any], order: Order, limit: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return whether a value compares so with another."""
    match order:
        case Order.LESS:
            return value < limit
        case Order.AT_MOST:
            return value <= limit
        case Order.AT_LEAST:
            return value >= limit
        case Order.MORE:
            return value > limit
