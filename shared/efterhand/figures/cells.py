"""From what a cell adds up to, to what is shown of it: exact values, rounding, coverage, targets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from efterhand.catalogue.model import DAYS_IN, Between, Formula, Indicator, Kind
from efterhand.dates import window_start

PARTLY_MET: Final = Fraction(1, 10)
"""How far from the target, as a part of it, a value may lie to be met partly."""

COVERAGE_DECIMALS: Final = 4

SHOWN: Final = "shown"
NO_DATA: Final = "no_data"
LOW_COVERAGE: Final = "low_coverage"
NOT_AVAILABLE: Final = "not_available"

Dims = tuple[tuple[str, str], ...]
"""What a cell is restricted to: dimensions and their values, in the order of the figure's dimensions, the part of a
split last. The total has none."""


@dataclass(frozen=True)
class Sums:
    """What one cell adds up to; None is what does not apply to the kind of figure.

    numerator: of a share, the things that fulfil it; of a count, the things or persons; of a part of a split, the
    things of that part (of the whole, None). denominator: the things that count, of covered figures those reported.
    expected: of covered figures those that could have been. sum: of means and medians what the numbers add up to,
    durations in days. middle: of a median the middle number, or what lies half way between the two middle ones; None of
    nothing.
    """

    numerator: int | None = None
    denominator: int | None = None
    expected: int | None = None
    sum: int | None = None
    middle: Fraction | None = None


@dataclass(frozen=True)
class Outcome:
    """The exact value of a cell, in the unit that it is shown in, or why there is none.

    The whole of a split is `shown` without a value: only its parts have one.
    """

    value: Fraction | None
    status: str


@dataclass(frozen=True)
class Cell:
    """One row of a figure; texts are decimal numbers."""

    dims: Mapping[str, str]
    value: str | None
    numerator: int | None
    denominator: int | None
    expected: int | None
    sum: int | None
    coverage: str | None
    status: str
    target: str | None
    judgement: str


@dataclass(frozen=True)
class Window:
    """The days, both included, whose measuring days count."""

    first: date
    last: date


def window_of(indicator: Indicator, at: date) -> Window:
    """Return the indicator's window that ends on a day; of no months: that day.

    Raises:
        OverflowError: it would begin before the calendar does.
    """
    return window_of_months(indicator.window_months, at)


def window_of_months(months: int, at: date) -> Window:
    """Return the window of so many months that ends on a day; of none: that day.

    Raises:
        OverflowError: it would begin before the calendar does.
    """
    if not months:
        return Window(at, at)
    try:
        return Window(window_start(at, months), at)
    except ValueError as error:
        raise OverflowError("no window ends so early") from error


def nothing(indicator: Indicator) -> Sums:
    """Return the sums of a cell in which nothing is counted."""
    expected = 0 if indicator.covered else None
    match indicator.kind:
        case Kind.COUNT | Kind.PERSONS:
            return Sums(numerator=0)
        case Kind.SHARE:
            return Sums(numerator=0, denominator=0, expected=expected)
        case Kind.MEAN | Kind.MEDIAN:
            return Sums(denominator=0, expected=expected, sum=0)
        case Kind.SPLIT:
            return Sums(denominator=0, expected=expected)


def outcome(indicator: Indicator, sums: Sums) -> Outcome:
    """Return the exact value of a cell.

    A count of nothing is 0; nothing else has a value of nothing. Where too little has been reported there is no value.
    Durations are added in days and only then brought to the unit that they are shown in.
    """
    if indicator.kind in (Kind.COUNT, Kind.PERSONS):
        return Outcome(Fraction(sums.numerator or 0), SHOWN)
    coverage = coverage_of(sums)
    if coverage is not None and coverage * 100 < Fraction(indicator.coverage_minimum or 0):
        return Outcome(None, LOW_COVERAGE)
    if not sums.denominator:
        return Outcome(None, NO_DATA)
    if indicator.kind in (Kind.SHARE, Kind.SPLIT):
        return Outcome(None if sums.numerator is None else Fraction(100 * sums.numerator, sums.denominator), SHOWN)
    middle = Fraction(sums.sum or 0, sums.denominator) if indicator.kind is Kind.MEAN else sums.middle
    return Outcome(None if middle is None else middle / _in_unit(indicator), SHOWN)


def _in_unit(indicator: Indicator) -> Fraction:
    return Fraction(DAYS_IN[indicator.measured.unit]) if isinstance(indicator.measured, Between) else Fraction(1)


def coverage_of(sums: Sums) -> Fraction | None:
    """Return which part of what was expected has been reported; None where nothing was."""
    return Fraction(sums.denominator or 0, sums.expected) if sums.expected else None


def cell(indicator: Indicator, dims: Mapping[str, str], sums: Sums, year: int) -> Cell:
    """Return what is shown of one cell.

    Targets are held against the total, the cell without dimensions.

    Args:
        indicator: the definition.
        dims: what the cell is restricted to.
        sums: what it adds up to.
        year: whose target holds.
    """
    return _cell(indicator, dims, outcome(indicator, sums), year, sums)


def formula_cell(formula: Formula, dims: Mapping[str, str], result: Outcome, year: int) -> Cell:
    """Return what is shown of one cell of a formula, as `cell` does; it has no sums of its own."""
    return _cell(formula, dims, result, year, Sums())


def cell_without_value(definition: Indicator | Formula, status: str, year: int) -> Cell:
    """Return the total of a figure of which nothing can be told, with the target that it would be held against."""
    return _cell(definition, {}, Outcome(None, status), year, Sums())


def _cell(definition: Indicator | Formula, dims: Mapping[str, str], result: Outcome, year: int, sums: Sums) -> Cell:
    coverage = coverage_of(sums)
    value = None if result.value is None else round_half_up(result.value, definition.decimals)
    target = None if dims else definition.targets.get(year)
    return Cell(
        dims=dims,
        value=value,
        numerator=sums.numerator,
        denominator=sums.denominator,
        expected=sums.expected,
        sum=sums.sum,
        coverage=None if coverage is None else round_half_up(coverage, COVERAGE_DECIMALS),
        status=result.status,
        target=None if target is None else format(target, "f"),
        judgement=judge(value, target, definition.better),
    )


def round_half_up(exact: Fraction, decimals: int) -> str:
    """Return an exact number as a decimal text, a half rounded away from zero: 0.25 to 0.3, -0.25 to -0.3.

    Below zero a half is rounded away from zero too, so that a difference taken the other way round only changes its
    sign. What rounds to zero has no sign.
    """
    scaled = abs(exact) * 10**decimals
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return format(Decimal(-whole if exact < 0 else whole).scaleb(-decimals), "f")


def judge(value: str | None, target: Decimal | None, better: str) -> str:
    """Return how a value (as shown: rounded) stands to its target: met, partly, not_met, or not_judged without one."""
    if value is None or target is None:
        return "not_judged"
    reached, goal = Fraction(value), Fraction(target)
    if better == "lower":
        return "met" if reached <= goal else "partly" if reached <= goal * (1 + PARTLY_MET) else "not_met"
    return "met" if reached >= goal else "partly" if reached >= goal * (1 - PARTLY_MET) else "not_met"
