"""Stretches of ages in which neither the age band nor any condition on the age changes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from efterhand.catalogue.conditions import (
    AllOf,
    AnyOf,
    Column,
    Compare,
    Condition,
    Exists,
    Find,
    Not,
    OneOf,
    Order,
    SameAs,
)
from efterhand.catalogue.model import Indicator
from efterhand.dates import AGE_BANDS, age_band

AGE: Final = "age"
OLDEST: Final = 150
"""Nobody is older, where every single age matters."""


@dataclass(frozen=True)
class AgeClass:
    """Ages from `first` to `last`, both included (None: without an end); `age` is one of them."""

    first: int | None
    last: int | None
    age: int
    band: str | None


def classes_for(indicator: Indicator) -> tuple[AgeClass, ...]:
    """Return the classes in each of which an indicator says the same of every age."""
    conditions: list[Condition | None] = [indicator.where, indicator.unless]
    if indicator.evidence is not None:
        conditions.append(indicator.evidence.where)
    conditions += [find.where for find in indicator.finds.values()]
    return age_classes(conditions, each_age=any(column.name == AGE for column in indicator.by))


def age_classes(conditions: Iterable[Condition | None], *, each_age: bool = False) -> tuple[AgeClass, ...]:
    """Return the classes, in order, that cover every age; within one, all of the conditions say the same.

    Args:
        conditions: may speak of an age, also from inside of look-ups.
        each_age: every age is a class of its own.
    """
    starts = {first for _, first, _ in AGE_BANDS}
    if each_age:
        starts.update(range(OLDEST + 1))
    for condition in conditions:
        if condition is not None:
            starts.update(_starts(condition))
    ordered = sorted(starts)
    classes = [AgeClass(None, ordered[0] - 1, ordered[0] - 1, age_band(ordered[0] - 1))]
    for first, following in zip(ordered, [*ordered[1:], None], strict=True):
        last = None if following is None else following - 1
        classes.append(AgeClass(first, last, first, age_band(first)))
    return tuple(classes)


def _starts(condition: Condition) -> Iterator[int]:
    """Give each age with which a condition on the age may begin to say something else."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _starts(part)
        case Not(part):
            yield from _starts(part)
        case Exists(Find(where=inner)) if inner is not None:
            yield from _starts(inner)
        case OneOf(Column(name="age"), values):
            for value in values:
                yield from (int(str(value)), int(str(value)) + 1)
        case Compare(Column(name="age"), order, int(bound)):
            yield bound if order in (Order.LESS, Order.AT_LEAST) else bound + 1
        case SameAs(column, other) if AGE in (column.name, other.name):
            yield from range(OLDEST + 1)
        case _:
            pass
