"""Figures: a sum over the things whose measuring day lies in the window that ends on T, in every cell by itself."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import combinations

from tests.reference.checks import in_the_end
from tests.reference.days import age, band, month_of, plus_months, window
from tests.reference.history import Event, History, as_of, histories, received_on
from tests.reference.municipality import Municipality

SHARES = (
    "closed_12m",
    "resource_closed_12m",
    "resource_closed_18m",
    "youth_closed_6m",
    "offer_90d",
    "plan_5d",
    "closed_to_livelihood",
    "closed_to_studies",
    "closed_to_studies_20_29",
    "activity_duty_to_studies",
    "guidance_share",
    "guidance_share_16_29",
    "livelihood_of_ended",
    "livelihood_of_served",
)
COVERED_SHARES = (
    "self_sufficient_6m",
    "self_sufficient_6m_youth",
    "self_sufficient_6m_livelihood",
    "self_sufficient_6m_other_authority",
    "stockholmsjobb_no_return_4m",
    "stockholmsjobb_occupation_3m",
    "training_work_3m",
    "higher_vocational_work_6m",
    "occupation_6m_livelihood",
)
COUNTS = (
    "stockholmsjobb_count",
    "stockholmsjobb_persons",
    "internship_count",
    "enrolled_20_29",
    "unique_persons",
    "persons_by_target_group",
)
MEANS = ("youth_duration", "long_assistance_duration", "days_to_livelihood")

INDICATORS = SHARES + COVERED_SHARES + COUNTS + MEANS

PRESENT = (
    "guidance_share",
    "guidance_share_16_29",
    "stockholmsjobb_count",
    "stockholmsjobb_persons",
    "unique_persons",
    "persons_by_target_group",
    "livelihood_of_served",
)
"""What counts whatever was there on some day of the window."""

COVERED = {name: Fraction(80, 100) for name in COVERED_SHARES}
"""Shares of which only the reported can be told, and the coverage under which the value is not shown."""

FEED = {
    **dict.fromkeys(INDICATORS, "cases"),
    "self_sufficient_6m": "assistance",
    "self_sufficient_6m_youth": "assistance",
    "self_sufficient_6m_livelihood": "assistance",
    "self_sufficient_6m_other_authority": "assistance",
    "stockholmsjobb_no_return_4m": "assistance",
    "stockholmsjobb_occupation_3m": "answers",
    "training_work_3m": "answers",
    "higher_vocational_work_6m": "answers",
    "occupation_6m_livelihood": "answers",
}
DECIMALS = {
    **dict.fromkeys(INDICATORS, 1),
    **dict.fromkeys(COUNTS, 0),
    "closed_12m": 2,
    "self_sufficient_6m": 2,
    "self_sufficient_6m_youth": 2,
    "higher_vocational_work_6m": 2,
}
DAYS_A_UNIT = {
    "youth_duration": Fraction("30.4375"),
    "long_assistance_duration": Fraction("30.4375"),
    "days_to_livelihood": Fraction(1),
}
"""How many days make one of what a mean is told in: months, days."""

EVERYWHERE = ("sex", "unit", "target_group", "age_band")
AFTER_THE_CLOSURE = (
    "self_sufficient_6m",
    "self_sufficient_6m_youth",
    "self_sufficient_6m_livelihood",
    "self_sufficient_6m_other_authority",
    "closed_to_livelihood",
    "closed_to_studies",
    "closed_to_studies_20_29",
    "activity_duty_to_studies",
    "occupation_6m_livelihood",
    "youth_duration",
    "long_assistance_duration",
    "days_to_livelihood",
)
DIMENSIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(INDICATORS, EVERYWHERE),
    **dict.fromkeys(AFTER_THE_CLOSURE, (*EVERYWHERE, "closure_reason")),
    "livelihood_of_ended": (*EVERYWHERE, "kind", "provider"),
    "livelihood_of_served": (*EVERYWHERE, "kind", "provider"),
}
"""By what a figure can be broken down."""

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
    sum: int | None = None
    """The days of a mean."""


@dataclass(frozen=True)
class Figure:
    """A figure at T."""

    indicator: str
    from_on: date
    to_on: date
    preliminary: bool
    rows: dict[Dims, Row]
    """The cells in which something is counted, and always the total."""
    projection: bool = False
    """T lies ahead."""


@dataclass(frozen=True)
class Thing:
    """One counted thing with a measuring day of its own."""

    measuring_day: date
    anchor_on: date
    """The day whose unit, target group and age it is counted with."""
    case: str
    measure: str | None = None
    reported: bool = True
    reached: bool = True
    """Whether it counts in the numerator."""
    days: int = 0


@dataclass(frozen=True)
class Counted:
    """One counted thing in the window, with the cells that it lies in."""

    person: str
    cells: frozenset[Dims]
    reported: bool = True
    reached: bool = True
    days: int = 0


class Known:
    """What was known on a day (None: now) of everybody, made out once for any number of figures.

    As known: without what was received after that day; business date and watermarks stay as they are now, and an
    erasure acts on every as-known day.
    """

    def __init__(
        self, events: list[Event], known: date | None, business_date: date, municipality: Municipality
    ) -> None:
        living = {history.person for history in histories(events)}
        heard = [
            e for e in events if e["type"] != "source.reported_through" and (known is None or received_on(e) <= known)
        ]
        self.histories = [h for h in histories(heard) if h.person in living and h.cases()]
        self.business_date = business_date
        self.known_to = {feed: as_of(events, feed, business_date) for feed in ("cases", "answers", "assistance")}
        self.municipality = municipality
        self._things: dict[str, list[tuple[History, Thing]]] = {}

    def things(self, indicator: str) -> list[tuple[History, Thing]]:
        """Everything that an indicator ever counts on a measuring day."""
        if indicator not in self._things:
            self._things[indicator] = [
                (history, thing)
                for history in self.histories
                for thing in things(history, indicator, self.municipality)
            ]
        return self._things[indicator]

    def figure(self, indicator: str, at: date, by: tuple[str, ...] = ()) -> Figure:
        """The figure at T = `at`, by every combination of the dimensions in `by`."""
        from_on, to_on = window(at, 12)
        found: list[Counted] = []
        if indicator in PRESENT:
            for history in self.histories:
                found += present(history, indicator, from_on, to_on, by, self.municipality)
        elif indicator == "enrolled_20_29":
            found = once_a_person(self.in_window(indicator, from_on, to_on, by))
        else:
            found = self.in_window(indicator, from_on, to_on, by)
        cells: dict[Dims, list[Counted]] = {(): []}
        for thing in found:
            for cell in thing.cells:
                cells.setdefault(cell, []).append(thing)
        target = self.municipality.targets.get((indicator, at.year))  # held against the total
        return Figure(
            indicator=indicator,
            from_on=from_on,
            to_on=to_on,
            preliminary=to_on > self.known_to[FEED[indicator]],
            rows={cell: row(indicator, inside, None if cell else target) for cell, inside in cells.items()},
            projection=to_on > self.business_date,
        )

    def in_window(self, indicator: str, from_on: date, to_on: date, by: tuple[str, ...]) -> list[Counted]:
        """The things whose measuring day lies in the window, with the cells of their anchor's day."""
        found: list[Counted] = []
        for history, thing in self.things(indicator):
            if not from_on <= thing.measuring_day <= to_on:
                continue
            values = dimensions_on(history, thing.case, thing.anchor_on, to_on, self.municipality)
            if thing.measure is not None:
                values |= dimensions_of_measure(history, thing.measure)
            elif indicator in AFTER_THE_CLOSURE:
                reason = history.reason(thing.case)
                assert reason is not None
                values["closure_reason"] = [reason]
            found.append(
                Counted(history.person, frozenset(cells_of(values, by)), thing.reported, thing.reached, thing.days)
            )
        return found


def figures(
    events: list[Event],
    indicator: str,
    at: date,
    by: tuple[str, ...],
    known: date | None,
    business_date: date,
    municipality: Municipality,
) -> Figure:
    """One figure at T = `at`, by every combination of the dimensions in `by`, as known on a day (None: now)."""
    return Known(events, known, business_date, municipality).figure(indicator, at, by)


def many_figures(
    events: list[Event],
    indicators: Iterable[str],
    at: date,
    by: tuple[str, ...],
    known: date | None,
    business_date: date,
    municipality: Municipality,
) -> dict[str, Figure]:
    """Many figures of the same events; each by those dimensions in `by` that it has."""
    prepared = Known(events, known, business_date, municipality)
    return {
        indicator: prepared.figure(indicator, at, tuple(d for d in by if d in DIMENSIONS[indicator]))
        for indicator in indicators
    }


# -- cells


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
    sex = history.sex()
    years = band(age_on(history, day))
    return {
        "sex": [sex] if sex in ("female", "male") else [],
        "unit": municipality.up_the_tree(history.attribute_on(case, "unit", day), at),
        "target_group": [history.attribute_on(case, "target_group", day)],
        "age_band": [years] if years else [],
    }


def dimensions_of_measure(history: History, measure: str) -> dict[str, list[str]]:
    """Kind and provider, by the start. What was not said is in no cell."""
    said = {name: history.said_of_measure(measure, name) for name in ("kind", "provider")}
    return {name: [value] if value else [] for name, value in said.items()}


def age_on(history: History, day: date) -> int:
    """The person's age on a day."""
    birth_year = history.birth_year()
    assert birth_year is not None
    return age(birth_year, day)


# -- what is counted on a day of its own


def things(history: History, indicator: str, municipality: Municipality) -> list[Thing]:
    """What one person ever brings to an indicator whose things have a measuring day."""
    found: list[Thing | None]
    if indicator in ("closed_12m", "resource_closed_12m", "resource_closed_18m", "youth_closed_6m"):
        found = [closed_in_time(history, indicator, case) for case in history.cases()]
    elif indicator.startswith("self_sufficient_6m"):
        found = [self_sufficient(history, indicator, case, municipality) for case in history.cases()]
    elif indicator in ("offer_90d", "plan_5d", "occupation_6m_livelihood"):
        found = [checked_case(history, indicator, case, municipality) for case in history.cases()]
    elif indicator in ("stockholmsjobb_occupation_3m", "training_work_3m", "higher_vocational_work_6m"):
        found = [checked_measure(history, indicator, measure, municipality) for measure in history.measures()]
    elif indicator.startswith("closed_to_") or indicator == "activity_duty_to_studies":
        found = [closed_where(history, indicator, case, municipality) for case in history.cases()]
    elif indicator in MEANS:
        found = [duration(history, indicator, case, municipality) for case in history.cases()]
    elif indicator == "enrolled_20_29":
        found = [enrolled_20_29(history, case) for case in history.cases()]
    elif indicator == "internship_count":
        found = [internship_started(history, measure, municipality) for measure in history.measures()]
    elif indicator == "stockholmsjobb_no_return_4m":
        found = [no_return(history, measure) for measure in history.measures()]
    else:
        assert indicator == "livelihood_of_ended"
        found = [ended(history, measure, municipality) for measure in history.measures()]
    return [thing for thing in found if thing is not None]


def closed_in_time(history: History, indicator: str, case: str) -> Thing | None:
    """Cases, some months after enrolment; not those referred back by then; which were closed by then."""
    enrolled, closed = history.enrolled_on(case), history.closed_on(case)
    months = {"closed_12m": 12, "resource_closed_12m": 12, "resource_closed_18m": 18, "youth_closed_6m": 6}
    group = history.attribute_on(case, "target_group", enrolled)
    if indicator.startswith("resource_") and group != "resource":
        return None
    if indicator == "youth_closed_6m" and not (group == "ordinary" and 16 <= age_on(history, enrolled) <= 29):
        return None
    measuring_day = plus_months(enrolled, months[indicator])
    closed_by_then = closed is not None and closed <= measuring_day
    if closed_by_then and history.reason(case) == "referred_back":
        return None
    return Thing(measuring_day, enrolled, case, reached=closed_by_then)


def self_sufficient(history: History, indicator: str, case: str, municipality: Municipality) -> Thing | None:
    """Cases closed, not referred back or deceased, seven months after; no assistance in that calendar month."""
    closed, reason = history.closed_on(case), history.reason(case)
    if closed is None or reason in ("referred_back", "deceased"):
        return None
    if indicator == "self_sufficient_6m_youth" and age_on(history, closed) > 29:
        return None
    if indicator == "self_sufficient_6m_livelihood" and reason not in municipality.livelihood:
        return None
    if indicator == "self_sufficient_6m_other_authority" and reason != "other_authority":
        return None
    measuring_day = plus_months(closed, 7)
    receives = history.assistance(month_of(measuring_day))
    return Thing(measuring_day, closed, case, reported=receives is not None, reached=receives is False)


def checked_case(history: History, indicator: str, case: str, municipality: Municipality) -> Thing | None:
    """Checks of a protocol about a case, not the cancelled, on their due date."""
    protocol = "occupation_6m" if indicator == "occupation_6m_livelihood" else indicator
    check = in_the_end(history, protocol, case, municipality)
    if check is None or check.state == "cancelled":
        return None
    if protocol != "occupation_6m":
        return Thing(check.due, check.anchor_on, case, reached=check.state == "met")
    in_livelihood = check.answer.get("occupation") in ("work", "studies", "self_employment")
    return Thing(check.due, check.anchor_on, case, reported=bool(check.answer), reached=in_livelihood)


def checked_measure(history: History, indicator: str, measure: str, municipality: Municipality) -> Thing | None:
    """Checks of a protocol about an ended measure, not the cancelled, on their due date."""
    kind = history.said_of_measure(measure, "kind")
    kinds: tuple[str, ...]
    if indicator == "stockholmsjobb_occupation_3m":
        protocol, kinds = "occupation_3m", ("stockholmsjobb",)
    elif indicator == "training_work_3m":
        protocol, kinds = "occupation_3m", ("vocational_training", "combination_training")
    else:
        protocol, kinds = "higher_vocational_6m", ("higher_vocational",)
    check = in_the_end(history, protocol, measure, municipality)
    if kind not in kinds or check is None or check.state == "cancelled":
        return None
    occupation = check.answer.get("occupation")
    if indicator == "stockholmsjobb_occupation_3m":
        reached = occupation in ("work", "studies", "self_employment")
    elif indicator == "training_work_3m":
        reached = occupation in ("work", "self_employment")
    else:
        reached = occupation in ("work", "self_employment") and check.answer.get("same_field") is True
    case = history.measure_case(measure)
    return Thing(check.due, check.anchor_on, case, measure, reported=bool(check.answer), reached=reached)


def closed_where(history: History, indicator: str, case: str, municipality: Municipality) -> Thing | None:
    """Cases closed, not referred back, on the day of closure; those closed to livelihood, or to studies."""
    closed, reason = history.closed_on(case), history.reason(case)
    if closed is None or reason == "referred_back":
        return None
    if indicator == "closed_to_studies_20_29" and not 20 <= age_on(history, closed) <= 29:
        return None
    if indicator == "activity_duty_to_studies":
        group = history.attribute_on(case, "target_group", closed)
        if not (group == "activity_duty" and 16 <= age_on(history, closed) <= 19):
            return None
    reached = reason in municipality.livelihood if indicator == "closed_to_livelihood" else reason == "studies"
    return Thing(closed, closed, case, reached=reached)


def duration(history: History, indicator: str, case: str, municipality: Municipality) -> Thing | None:
    """Cases closed to work or studies (or to livelihood), on the day of closure: days from enrolment to closure."""
    enrolled, closed, reason = history.enrolled_on(case), history.closed_on(case), history.reason(case)
    if closed is None:
        return None
    if indicator == "days_to_livelihood":
        if reason not in municipality.livelihood:
            return None
    elif reason not in ("work", "studies"):
        return None
    if indicator == "youth_duration" and not 16 <= age_on(history, closed) <= 24:
        return None
    if indicator == "long_assistance_duration" and not on_assistance_for_long(history, case):
        return None
    return Thing(closed, closed, case, days=(closed - enrolled).days)


def on_assistance_for_long(history: History, case: str) -> bool:
    """By the enrolment: on assistance, and since a day that + 10 months lies before it."""
    enrolment = history.enrolment(case)
    assert enrolment is not None
    since = enrolment["data"].get("assistance_since")
    if enrolment["data"].get("assistance") is not True or since is None:
        return False
    return plus_months(date.fromisoformat(since), 10) < history.enrolled_on(case)


def enrolled_20_29(history: History, case: str) -> Thing | None:
    """Cases enrolled in entry_20_29, by the end of that day."""
    enrolled = history.enrolled_on(case)
    if history.attribute_on(case, "target_group", enrolled) != "entry_20_29":
        return None
    return Thing(enrolled, enrolled, case)


def internship_started(history: History, measure: str, municipality: Municipality) -> Thing | None:
    """Internships with a municipal provider, on their first day."""
    if history.said_of_measure(measure, "kind") != "internship":
        return None
    if history.said_of_measure(measure, "provider") not in municipality.municipal:
        return None
    started = history.started_on(measure)
    return Thing(started, started, history.measure_case(measure), measure)


def no_return(history: History, measure: str) -> Thing | None:
    """Stockholmsjobb ended, four months after; no assistance in that calendar month."""
    ended_on = history.ended_on(measure)
    if ended_on is None or history.said_of_measure(measure, "kind") != "stockholmsjobb":
        return None
    measuring_day = plus_months(ended_on, 4)
    receives = history.assistance(month_of(measuring_day))
    case = history.measure_case(measure)
    return Thing(measuring_day, ended_on, case, measure, reported=receives is not None, reached=receives is False)


def ended(history: History, measure: str, municipality: Municipality) -> Thing | None:
    """Measures ended, on the day of the end; those that led to livelihood."""
    ended_on = history.ended_on(measure)
    if ended_on is None:
        return None
    reached = history.said_of_measure(measure, "reason") in municipality.livelihood
    return Thing(ended_on, ended_on, history.measure_case(measure), measure, reached=reached)


def once_a_person(found: list[Counted]) -> list[Counted]:
    """Each person once in every cell in which any of its things lies."""
    cells: dict[str, set[Dims]] = {}
    for thing in found:
        cells.setdefault(thing.person, set()).update(thing.cells)
    return [Counted(person, frozenset(own)) for person, own in cells.items()]


# -- what is counted because it was there on some day of the window


def present(
    history: History, indicator: str, from_on: date, to_on: date, by: tuple[str, ...], municipality: Municipality
) -> list[Counted]:
    """What one person brings to a figure of those who were there, once in each cell it was in on some such day."""
    if indicator == "livelihood_of_served":
        return served(history, from_on, to_on, by, municipality)
    if indicator in ("stockholmsjobb_count", "stockholmsjobb_persons"):
        return on_stockholmsjobb(history, indicator, from_on, to_on, by, municipality)
    cells: set[Dims] = set()
    by_group: dict[str, set[Dims]] = {}
    for case in history.cases():
        for day in days_of_change(history, from_on, to_on):
            if not history.is_open_on(case, day):
                continue
            if indicator == "guidance_share_16_29" and not 16 <= age_on(history, day) <= 29:
                continue
            inside = set(cells_of(dimensions_on(history, case, day, to_on, municipality), by))
            cells |= inside
            by_group.setdefault(history.attribute_on(case, "target_group", day), set()).update(inside)
    if indicator == "persons_by_target_group":  # the sum of the persons counted in each target group
        return [Counted(history.person, frozenset(inside)) for inside in by_group.values()]
    if not cells:
        return []
    talked = any(from_on <= day <= to_on for day in history.talks())
    return [Counted(history.person, frozenset(cells), reached=talked)]


def days_of_change(history: History, from_on: date, to_on: date) -> list[date]:
    """The days of the window on which the person can come into another cell: nothing of it changes between them."""
    new_years = [date(year, 1, 1) for year in range(from_on.year, to_on.year + 1)]
    return [day for day in sorted({from_on, *history.dated_days(), *new_years}) if from_on <= day <= to_on]


def cells_of_measure(
    history: History, measure: str, from_on: date, to_on: date, by: tuple[str, ...], municipality: Municipality
) -> set[Dims]:
    """The cells in which a measure was going on, on some day of the window."""
    cells: set[Dims] = set()
    case = history.measure_case(measure)
    for day in days_of_change(history, from_on, to_on):
        if history.goes_on(measure, day):
            values = dimensions_on(history, case, day, to_on, municipality) | dimensions_of_measure(history, measure)
            cells |= set(cells_of(values, by))
    return cells


def on_stockholmsjobb(
    history: History, indicator: str, from_on: date, to_on: date, by: tuple[str, ...], municipality: Municipality
) -> list[Counted]:
    """A person with a stockholmsjobb going on (paid by the committee itself), once in each cell."""
    cells: set[Dims] = set()
    for measure in history.measures():
        if history.said_of_measure(measure, "kind") != "stockholmsjobb":
            continue
        own = history.said_of_measure(measure, "funder") in municipality.own
        if indicator == "stockholmsjobb_persons" or own:
            cells |= cells_of_measure(history, measure, from_on, to_on, by, municipality)
    return [Counted(history.person, frozenset(cells))] if cells else []


def served(
    history: History, from_on: date, to_on: date, by: tuple[str, ...], municipality: Municipality
) -> list[Counted]:
    """Measures going on on some day of the window; those that ended in it and led to livelihood."""
    found: list[Counted] = []
    for measure in history.measures():
        cells = cells_of_measure(history, measure, from_on, to_on, by, municipality)
        if cells:
            ended_on = history.ended_on(measure)
            led_to_livelihood = history.said_of_measure(measure, "reason") in municipality.livelihood
            in_window = ended_on is not None and from_on <= ended_on <= to_on
            found.append(Counted(history.person, frozenset(cells), reached=in_window and led_to_livelihood))
    return found


# -- a cell's sums


def row(indicator: str, things: list[Counted], target: tuple[str, str] | None) -> Row:
    """Sum a cell: share in per cent, count, or mean; coverage; rounding; target."""
    told = target[0] if target else None
    value: str | None
    if indicator in COUNTS:
        value = str(len(things))
        return Row(value, len(things), None, None, None, "shown", told, judgement(value, target))
    if indicator in MEANS:
        days, many = sum(t.days for t in things), len(things)
        value = round_half_up(Fraction(days, many) / DAYS_A_UNIT[indicator], DECIMALS[indicator]) if many else None
        status = "shown" if many else "no_data"
        return Row(value, None, many, None, None, status, told, judgement(value, target), days)
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
