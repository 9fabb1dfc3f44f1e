"""From sums to what is shown: exact shares, rounding, coverage, targets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from efterhand.catalogue import Indicator
from efterhand.dates import window_start

PARTLY_MET: Final = Fraction(1, 10)
"""How far from the target, as a part of it, a value may lie to be met partly."""

COVERAGE_DECIMALS: Final = 4


@dataclass(frozen=True)
class Sums:
    """What one cell adds up to; None is what does not apply to the indicator."""

    numerator: int
    denominator: int | None
    expected: int | None


@dataclass(frozen=True)
class Cell:
    """One row of a figure; texts are decimal numbers."""

    dims: Mapping[str, str]
    value: str | None
    numerator: int | None
    denominator: int | None
    expected: int | None
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
    """Return the indicator's window that ends on a day.

    Raises:
        OverflowError: it would begin before the calendar does.
    """
    try:
        return Window(window_start(at, indicator.window_months), at)
    except ValueError as error:
        raise OverflowError("no window ends so early") from error


def nothing(indicator: Indicator) -> Sums:
    """Return the sums of a cell in which nothing is counted."""
    return Sums(0, 0 if indicator.kind == "share" else None, 0 if indicator.covered else None)


def cell(indicator: Indicator, dims: Mapping[str, str], sums: Sums, year: int) -> Cell:
    """Return what is shown of one cell.

    Targets are held against the total, the cell without dimensions. Where too little has been reported the value is not
    shown; a share of nothing has none; a count of nothing is 0.

    Args:
        indicator: the definition.
        dims: what the cell is restricted to.
        sums: what it adds up to.
        year: whose target holds.
    """
    coverage = _coverage(sums)
    if indicator.kind != "share":
        value, status = round_half_up(Fraction(sums.numerator), indicator.decimals), "shown"
    elif not sums.denominator and not sums.expected:
        value, status = None, "no_data"
    elif coverage is not None and coverage * 100 < Fraction(indicator.coverage_minimum or 0):
        value, status = None, "low_coverage"
    elif not sums.denominator:
        value, status = None, "no_data"
    else:
        value, status = round_half_up(Fraction(100 * sums.numerator, sums.denominator), indicator.decimals), "shown"
    target = None if dims else indicator.targets.get(year)
    return Cell(
        dims=dims,
        value=value,
        numerator=sums.numerator,
        denominator=sums.denominator,
        expected=sums.expected,
        coverage=None if coverage is None else round_half_up(coverage, COVERAGE_DECIMALS),
        status=status,
        target=None if target is None else format(target, "f"),
        judgement=judge(value, target, indicator.better),
    )


def _coverage(sums: Sums) -> Fraction | None:
    return Fraction(sums.denominator or 0, sums.expected) if sums.expected else None


def round_half_up(exact: Fraction, decimals: int) -> str:
    """Return an exact number that is not negative as a decimal text, rounded half up."""
    scaled = exact * 10**decimals
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return format(Decimal(whole).scaleb(-decimals), "f")


def judge(value: str | None, target: Decimal | None, better: str) -> str:
    """Return how a value (as shown: rounded) stands to its target: met, partly, not_met, or not_judged without one."""
    if value is None or target is None:
        return "not_judged"
    reached, goal = Fraction(value), Fraction(target)
    if better == "lower":
        return "met" if reached <= goal else "partly" if reached <= goal * (1 + PARTLY_MET) else "not_met"
    return "met" if reached >= goal else "partly" if reached >= goal * (1 - PARTLY_MET) else "not_met"
