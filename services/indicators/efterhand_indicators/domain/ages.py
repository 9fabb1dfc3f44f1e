"""Stretches of ages in which neither the age band nor any condition on the age changes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from efterhand.catalogue.conditions import AllOf, AnyOf, Compare, Condition, Not, OneOf, Order
from efterhand.dates import AGE_BANDS, age_band


@dataclass(frozen=True)
class AgeClass:
    """Ages from `first` to `last`, both included (None: without an end); `age` is one of them."""

    first: int | None
    last: int | None
    age: int
    band: str | None


def age_classes(conditions: Iterable[Condition | None]) -> tuple[AgeClass, ...]:
    """Return the classes, in order, that cover every age; within one, all of the conditions say the same."""
    starts = {first for _, first, _ in AGE_BANDS}
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
        case OneOf(column, values) if str(column) == "age":
            for value in values:
                yield from (int(str(value)), int(str(value)) + 1)
        case Compare(column, order, int(bound)) if str(column) == "age":
            yield bound if order in (Order.LESS, Order.AT_LEAST) else bound + 1
        case _:
            pass
