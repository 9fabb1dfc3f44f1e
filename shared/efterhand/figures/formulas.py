"""Figures made of other figures when they are read: exact fractions, rounded once when they are shown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from efterhand.catalogue.model import Formula, Indicator, Operation
from efterhand.dates import window_start
from efterhand.figures.cells import LOW_COVERAGE, NO_DATA, SHOWN, Dims, Outcome, Sums, nothing, outcome

Restriction = frozenset[tuple[str, str]]
"""What a cell is restricted to, in no order."""

_TOTAL: Final[Restriction] = frozenset()

YEAR: Final = 12
"""The months that an average is taken over where the figure's own window is a single day."""


@dataclass(frozen=True)
class Operand:
    """A figure at one T: the exact outcome of its cells, how many things lie in each, and what a missing cell is."""

    cells: Mapping[Restriction, Outcome]
    counted: Mapping[Restriction, int]
    missing: Outcome

    def at(self, restriction: Restriction) -> Outcome:
        """Return the outcome of a cell; where nothing is counted, that of nothing: 0 of a count, no value else."""
        return self.cells.get(restriction, self.missing)


Read = Callable[[str, date, Sequence[str]], Operand]
"""Reads an indicator: its id, the last day of its window, the dimensions it is broken down by."""


def operand(indicator: Indicator, sums: Mapping[Dims, Sums]) -> Operand:
    """Return a figure as formulas take it.

    Args:
        indicator: the definition.
        sums: its cells, by every combination of some dimensions.
    """
    whole = {frozenset(dims): each for dims, each in sums.items()}
    return Operand(
        cells={dims: outcome(indicator, each) for dims, each in whole.items()},
        counted={
            dims: (each.numerator or 0) if each.denominator is None else each.denominator
            for dims, each in whole.items()
        },
        missing=outcome(indicator, nothing(indicator)),
    )


def formula_dimensions(formula: Formula, indicators: Mapping[str, Indicator]) -> tuple[str, ...]:
    """Return the dimensions that a formula can be broken down by: those of its figures that it does not use up."""
    used = {*formula.over, *([formula.between[0]] if formula.between else [])}
    divisor = indicators[formula.to].dimensions if formula.to is not None else None
    return tuple(
        name for name in indicators[formula.of].dimensions if name not in used and (divisor is None or name in divisor)
    )


def formula_window_months(formula: Formula, indicators: Mapping[str, Indicator]) -> int:
    """Return the length of a formula's window: that of the figure it is made of.

    An average of a figure whose window is a single day is taken over twelve months.
    """
    months = indicators[formula.of].window_months
    return months or YEAR if formula.operation is Operation.AVERAGE_OF else months


def month_ends(at: date, months: int) -> tuple[date, ...]:
    """Return the ends of the months that a window of so many (at least one) consists of; the last is the window's end.

    The months of a window that ends on 15 June end on the 15th, those of one that ends with a month end with the month.
    """
    earlier = [window_start(at, back) - timedelta(days=1) for back in range(1, months or YEAR)]
    return (*reversed(earlier), at)


def formula_cells(
    formula: Formula, indicators: Mapping[str, Indicator], at: date, by: Sequence[str], read: Read
) -> dict[Dims, Outcome]:
    """Return the exact outcome of each cell of a formula.

    What is unknown in a part of it, or a divisor of zero, leaves no value; what is not shown of a part for want of
    coverage is not shown of the whole.

    Args:
        formula: the definition.
        indicators: the catalogue's, by id.
        at: the last day of the window.
        by: dimensions out of `formula_dimensions`; every combination of some of them is a cell.
        read: gives the figures that it is made of.
    """
    months = formula_window_months(formula, indicators)
    match formula.operation:
        case Operation.RATIO:
            found = _ratio(formula, at, by, months, read)
        case Operation.AVERAGE_OF:
            found = _average(read, formula.of, at, by, months)
        case Operation.DIFFERENCE:
            found = _difference(formula, at, by, read)
        case Operation.STANDARDISE:
            found = _standardised(formula, at, by, read)
        case Operation.MEAN_OF:
            found = _mean(formula, at, by, read)
    order = {name: place for place, name in enumerate(by)}
    return {tuple(sorted(dims, key=lambda pair: order[pair[0]])): result for dims, result in found.items()}


def _whole(parts: Iterable[Outcome], made: Callable[[list[Fraction]], Fraction | None]) -> Outcome:
    """Make one outcome of several, or say why there is none."""
    given = list(parts)
    if any(part.status == LOW_COVERAGE for part in given):
        return Outcome(None, LOW_COVERAGE)
    values = [part.value for part in given if part.value is not None]
    if len(values) < len(given) or not given:
        return Outcome(None, NO_DATA)
    value = made(values)
    return Outcome(value, NO_DATA if value is None else SHOWN)


def _plain_mean(values: list[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def _ratio(formula: Formula, at: date, by: Sequence[str], months: int, read: Read) -> dict[Restriction, Outcome]:
    divided = read(formula.of, at, by)
    divisor_id = formula.to or ""
    if formula.to_average:
        averages = [read(divisor_id, end, by) for end in month_ends(at, months)]
        keys = {_TOTAL, *divided.cells}.union(*(each.cells for each in averages))
        divisors = {key: _whole([each.at(key) for each in averages], _plain_mean) for key in keys}
    else:
        divisor = read(divisor_id, at, by)
        divisors = {key: divisor.at(key) for key in {_TOTAL, *divided.cells, *divisor.cells}}

    def quotient(values: list[Fraction]) -> Fraction | None:
        return values[0] / values[1] * Fraction(formula.times) if values[1] else None

    return {key: _whole([divided.at(key), each], quotient) for key, each in divisors.items()}


def _average(read: Read, of: str, at: date, by: Sequence[str], months: int) -> dict[Restriction, Outcome]:
    operands = [read(of, end, by) for end in month_ends(at, months)]
    keys = {_TOTAL}.union(*(each.cells for each in operands))
    return {key: _whole([each.at(key) for each in operands], _plain_mean) for key in keys}


def _difference(formula: Formula, at: date, by: Sequence[str], read: Read) -> dict[Restriction, Outcome]:
    dimension, minuend, subtrahend = formula.between or ("", "", "")
    figure = read(formula.of, at, (*by, dimension))
    return {
        key: _whole(
            [figure.at(key | {(dimension, minuend)}), figure.at(key | {(dimension, subtrahend)})],
            lambda values: values[0] - values[1],
        )
        for key in _without(figure, (dimension,))
    }


def _standardised(formula: Formula, at: date, by: Sequence[str], read: Read) -> dict[Restriction, Outcome]:
    figure = read(formula.of, at, (*by, *formula.over))
    weights = {key: count for key, count in figure.counted.items() if _names(key) == set(formula.over) and count}
    total = sum(weights.values())

    def weighed(values: list[Fraction]) -> Fraction:
        return sum((value * count for value, count in zip(values, weights.values(), strict=True)), Fraction(0)) / total

    return {
        key: _whole([figure.at(key | group) for group in weights], weighed) for key in _without(figure, formula.over)
    }


def _mean(formula: Formula, at: date, by: Sequence[str], read: Read) -> dict[Restriction, Outcome]:
    figure = read(formula.of, at, (*by, *formula.over))
    members: dict[Restriction, list[Outcome]] = {key: [] for key in _without(figure, formula.over)}
    for key, each in figure.cells.items():
        if _names(key) >= set(formula.over):
            members[frozenset(pair for pair in key if pair[0] not in formula.over)].append(each)
    return {key: _whole(parts, _plain_mean) for key, parts in members.items()}


def _names(restriction: Restriction) -> set[str]:
    return {name for name, _ in restriction}


def _without(figure: Operand, dimensions: Sequence[str]) -> set[Restriction]:
    """Return the cells that are not restricted in any of the dimensions, among them the total."""
    return {_TOTAL, *(key for key in figure.cells if not _names(key) & set(dimensions))}
