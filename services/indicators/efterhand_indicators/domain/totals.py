"""Totals by month, sex and unit, from which figures of whole months are read: of which indicators, by what rules."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any, Final

from efterhand.catalogue import Indicator, UnitTree
from efterhand.catalogue.model import Kind
from efterhand.dates import last_day_of_month

DIMENSIONS: Final = frozenset({"sex", "unit"})
"""What totals are told apart by."""

EVERYWHERE: Final = ""
"""Stands for all units."""


@dataclass(frozen=True)
class Totals:
    """Which indicators have totals; each maps to what its totals depend on, see `depends_on`.

    Whoever changes contributions to an indicator that is `kept` writes what that changes in its totals. Those that are
    `filled` also hold what was there before they were kept: only from these is anything read.
    """

    kept: Mapping[str, str] = field(default_factory=dict)
    filled: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Totals":
        """Read it as it is stored."""
        return cls(**value)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return asdict(self)

    def only(self, wanted: Mapping[str, str]) -> "Totals":
        """Return what of this still holds where totals should depend on something else."""
        return Totals(dict(self.kept.items() & wanted.items()), dict(self.filled.items() & wanted.items()))


def are_possible(indicator: Indicator) -> bool:
    """Tell whether an indicator's figures can be added up from totals.

    A median cannot; the parts of a split, and firsts of a person, are told apart by more than totals are; and the stock
    on a day has no months.
    """
    return (
        indicator.window_months > 0
        and indicator.kind not in (Kind.MEDIAN, Kind.SPLIT)
        and not indicator.first_per_person
    )


def counts_once(indicator: Indicator) -> bool:
    """Tell whether a thing can have several contributions in a cell, of which one counts."""
    return bool(indicator.once_per) or indicator.during is not None


def depends_on(indicator: Indicator, tree: UnitTree) -> str:
    """Return what changes with whatever decides the totals of an indicator, beside the contributions."""
    if not counts_once(indicator):
        return indicator.definition
    return sha256(repr((indicator.definition, units_above(tree))).encode()).hexdigest()[:16]


def answer(indicator: Indicator, last: date, by: Collection[str]) -> bool:
    """Tell whether totals know the window that ends on a day, in all cells of some dimensions."""
    return are_possible(indicator) and last == last_day_of_month(last) and DIMENSIONS.issuperset(by)


def month_number(day: date) -> int:
    """Return the number of a day's month, counted from the beginning of the calendar."""
    return day.year * 12 + day.month


FIRST_MONTH: Final = month_number(date.min)
LAST_MONTH: Final = month_number(date.max)


def units_above(tree: UnitTree) -> tuple[tuple[str, str, int, int], ...]:
    """Return each unit with each in whose cells it counts: itself, those above it, and EVERYWHERE.

    Each row says for windows that end with which months: from the first to before the last of its two numbers.
    """
    return tuple(sorted(row for unit in tree.units for row in _above(tree, unit)))


def units_read(indicator: Indicator, tree: UnitTree, unit: str | None, last: date) -> frozenset[str] | None:
    """Return the units whose totals make up the cell of a unit (None: of all), in the window that ends on a day.

    None: those of every unit, also of such as the tree lacks.
    """
    if counts_once(indicator):
        return frozenset({EVERYWHERE if unit is None else unit})
    return None if unit is None else tree.below_on(unit, last) | {unit}


def _above(tree: UnitTree, unit: str) -> Iterator[tuple[str, str, int, int]]:
    changes = sorted({month_number(day) for day in tree.change_days()})
    begun: dict[str, int] = {EVERYWHERE: FIRST_MONTH}
    for month in (FIRST_MONTH, *changes):
        above = {EVERYWHERE, *tree.ancestors_on(unit, _last_day(month))}
        for left in begun.keys() - above:
            yield unit, left, begun.pop(left), month
        begun = {each: begun.get(each, month) for each in above}
    for each, month in begun.items():
        yield unit, each, month, LAST_MONTH + 1


def _last_day(month: int) -> date:
    year, before = divmod(month - 1, 12)
    return last_day_of_month(date(year, before + 1, 1))
