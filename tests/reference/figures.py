"""Figures: a sum over the things whose measuring day lies in the window that ends on T, in every cell by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import combinations

from tests.reference.checks import in_the_end
from tests.reference.days import age, band, month_of, plus_months, window
from tests.reference.history import Event, History, as_of, histories, received_on
from tests.reference.municipality import Municipality

FEED = {"closed_12m": "cases", "self_sufficient_6m": "assistance", "offer_90d": "cases", "unique_persons": "cases"}
DECIMALS = {"closed_12m": 2, "self_sufficient_6m": 2, "offer_90d": 1, "unique_persons": 0}
COVERED = {"self_sufficient_6m": Fraction(80, 100)}
"""Shares of which only the reported can be told, and the coverage under which the value is not shown."""
COUNTS = ("unique_persons",)

Dims = tuple[tuple[str, str], ...]
"""A cell: what it is restricted to, by name of the dimension; () is all."""


@dataclass(frozen=True)
class Row:
    """One cell of a figure. What does not apply is None."""

    value: str | None
    numerator: int | None
    denominator: int | None
    expected: int | None
    coverage: str | None
    status: str
    target: str | None
    judgement: str


@dataclass(frozen=True)
class Figure:
    """A figure at T."""

    indicator: str
    from_on: date
    to_on: date
    preliminary: bool
    rows: dict[Dims, Row]
    """The cells in which something is counted, and always the total."""


@dataclass(frozen=True)
class Counted:
    """One counted thing in the window, with the cells that it lies in."""

    person: str
    cells: frozenset[Dims]
    reported: bool
    reached: bool
    """Whether it counts in the numerator."""


def figures(
    events: list[Event],
    indicator: str,
    at: date,
    by: tuple[str, ...],
    known: date | None,
    business_date: date,
    municipality: Municipality,
) -> Figure:
    """The figure at T = `at`, by every combination of the dimensions in `by`, as known on a day (None: now).

    As known: without what was received after that day; business date and watermarks stay as they are now, and an
    erasure acts on every as-known day.
    """
    from_on, to_on = window(at, 12)
    living = {history.person for history in histories(events)}
    heard = [e for e in events if e["type"] != "source.reported_through" and (known is None or received_on(e) <= known)]
    things: list[Counted] = []
    for history in histories(heard):
        if history.person in living and history.cases():
            things += counted(history, indicator, from_on, to_on, by, municipality)
    cells = {()}.union(*(t.cells for t in things))
    total = row(indicator, [t for t in things if () in t.cells], municipality.targets.get((indicator, at.year)))
    rows = {cell: row(indicator, [t for t in things if cell in t.cells], None) for cell in cells}
    rows[()] = total  # targets are held against the total
    return Figure(
        indicator=indicator,
        from_on=from_on,
        to_on=to_on,
        preliminary=to_on > as_of(events, FEED[indicator], business_date),
        rows=rows,
    )


def cells_of(values: dict[str, list[str]], by: tuple[str, ...]) -> Iterator[Dims]:
    """Every cell that something lies in: for each of some dimensions one of its values; none of the others."""
    for many in range(len(by) + 1):
        for chosen in combinations(sorted(by), many):
            cells: list[Dims] = [()]
            for name in chosen:
                cells = [(*cell, (name, value)) for cell in cells for value in values.get(name, [])]
            yield from cells


def dimensions_on(history: History, case: str, day: date, at: date, municipality: Municipality) -> dict[str, list[str]]:
    """Where a case belongs at the end of a day. The unit is rolled up the tree of day T; unknown sex: total only."""
    sex, birth_year = history.sex(), history.birth_year()
    assert sex is not None
    assert birth_year is not None
    years = band(age(birth_year, day))
    return {
        "sex": [sex] if sex in ("female", "male") else [],
        "unit": municipality.up_the_tree(history.attribute_on(case, "unit", day), at),
        "target_group": [history.attribute_on(case, "target_group", day)],
        "age_band": [years] if years else [],
    }


def counted(
    history: History, indicator: str, from_on: date, to_on: date, by: tuple[str, ...], municipality: Municipality
) -> list[Counted]:
    """What one person brings to a figure."""
    if indicator == "unique_persons":
        return one_person(history, from_on, to_on, by, municipality)
    things: list[Counted] = []
    for case in history.cases():
        if indicator == "closed_12m":
            thing = closed_12m(history, case)
        elif indicator == "self_sufficient_6m":
            thing = self_sufficient_6m(history, case)
        else:
            thing = offer_90d(history, case, municipality)
        if thing is None:
            continue
        measuring_day, anchor_on, reported, reached = thing
        if not from_on <= measuring_day <= to_on:
            continue
        values = dimensions_on(history, case, anchor_on, to_on, municipality)
        if indicator == "self_sufficient_6m":  # by closure reason where the anchor is the closure
            reason = history.reason(case)
            assert reason is not None
            values["closure_reason"] = [reason]
        things.append(Counted(history.person, frozenset(cells_of(values, by)), reported, reached))
    return things


def closed_12m(history: History, case: str) -> tuple[date, date, bool, bool] | None:
    """Cases, twelve months after enrolment; not those referred back by then; which were closed by then."""
    enrolled, closed = history.enrolled_on(case), history.closed_on(case)
    measuring_day = plus_months(enrolled, 12)
    closed_by_then = closed is not None and closed <= measuring_day
    if closed_by_then and history.reason(case) == "referred_back":
        return None
    return measuring_day, enrolled, True, closed_by_then


def self_sufficient_6m(history: History, case: str) -> tuple[date, date, bool, bool] | None:
    """Cases closed, not referred back or deceased, seven months after; no assistance in that calendar month."""
    closed = history.closed_on(case)
    if closed is None or history.reason(case) in ("referred_back", "deceased"):
        return None
    measuring_day = plus_months(closed, 7)
    receives = history.assistance(month_of(measuring_day))
    return measuring_day, closed, receives is not None, receives is False


def offer_90d(history: History, case: str, municipality: Municipality) -> tuple[date, date, bool, bool] | None:
    """Checks of the protocol, not the cancelled, on their due date; those that are met."""
    check = in_the_end(history, "offer_90d", case, municipality)
    if check is None or check[2] == "cancelled":
        return None
    anchor_on, due, outcome = check
    return due, anchor_on, True, outcome == "met"


def one_person(
    history: History, from_on: date, to_on: date, by: tuple[str, ...], municipality: Municipality
) -> list[Counted]:
    """A person with a case open on some day of the window, once in each cell it was in on some such day."""
    cells: set[Dims] = set()
    new_years = [date(year, 1, 1) for year in range(from_on.year, to_on.year + 1)]
    for case in history.cases():
        # the days on which the case can come into another cell: nothing of it changes between them
        for day in sorted({from_on, *history.dated_days(), *new_years}):
            if from_on <= day <= to_on and history.is_open_on(case, day):
                cells |= set(cells_of(dimensions_on(history, case, day, to_on, municipality), by))
    return [Counted(history.person, frozenset(cells), True, True)] if cells else []


def row(indicator: str, things: list[Counted], target: tuple[str, str] | None) -> Row:
    """Sum a cell: share in per cent, or count; coverage; rounding; target."""
    told = target[0] if target else None
    value: str | None
    if indicator in COUNTS:
        value = str(len(things))
        return Row(value, len(things), None, None, None, "shown", told, judgement(value, target))
    reported = [t for t in things if t.reported]
    numerator, denominator = sum(t.reached for t in reported), len(reported)
    expected, coverage, enough = None, None, True
    if indicator in COVERED:
        expected = len(things)
        if expected:
            ratio = Fraction(denominator, expected)
            coverage = round_half_up(ratio, 4)
            enough = ratio >= COVERED[indicator]
    if not enough:
        value, status = None, "low_coverage"
    elif denominator == 0:
        value, status = None, "no_data"
    else:
        value, status = round_half_up(Fraction(100 * numerator, denominator), DECIMALS[indicator]), "shown"
    return Row(value, numerator, denominator, expected, coverage, status, told, judgement(value, target))


def round_half_up(exact: Fraction, decimals: int) -> str:
    """Half up, as a decimal text. No figure here is negative."""
    scaled = exact * 10**decimals
    whole = scaled.numerator // scaled.denominator
    if scaled - whole >= Fraction(1, 2):
        whole += 1
    return str((Decimal(whole) / 10**decimals).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))


def judgement(value: str | None, target: tuple[str, str] | None) -> str:
    """Met; at least 0.9 of the target (at most 1.1 where less is better): partly; else not; on the rounded value."""
    if value is None or target is None:
        return "not_judged"
    reached, goal = Fraction(value), Fraction(target[0])
    if target[1] == "lower":
        return "met" if reached <= goal else "partly" if reached <= goal * Fraction(11, 10) else "not_met"
    return "met" if reached >= goal else "partly" if reached >= goal * Fraction(9, 10) else "not_met"
