"""What happens to one made-up person: enrolments, help on the way, closures, and what became of it."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, TypeVar

from efterhand.dates import add_months, add_working_days, next_working_day
from efterhand.demo.recording import ANSWERS, Recorded, Recorder

LIVELIHOOD: Final = frozenset({"work", "studies", "self_employment"})
NO_RESULT: Final = frozenset({"referred_back", "deceased"})


T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """A unit that handles cases: how many come there, and who."""

    weight: int
    oldest: int = 99
    """Age in years of the oldest that are sent there."""
    groups: frozenset[str] = frozenset()
    """Target groups; none: all but those that have a place of their own."""


@dataclass(frozen=True)
class Group:
    """A target group: how many, how old, how long enrolled, and where they go."""

    weight: int
    ages: tuple[int, int, int]
    """Youngest, most frequent, oldest."""
    median_days: int
    reasons: dict[str, int]
    measures: dict[str, int]


_ORDINARY_REASONS: Final = {
    "work": 46, "studies": 17, "self_employment": 2, "other_authority": 9, "other_measure": 6, "moved": 6,
    "illness": 3, "parental_leave": 2, "own_request": 7, "unknown": 2,
}  # fmt: skip
_RESOURCE_REASONS: Final = {
    "work": 18, "studies": 7, "other_authority": 38, "other_measure": 12, "moved": 5, "illness": 12,
    "parental_leave": 2, "own_request": 3, "unknown": 2, "deceased": 1,
}  # fmt: skip
_SCHOOL_REASONS: Final = {
    "studies": 55, "work": 18, "other_measure": 6, "moved": 8, "own_request": 10, "unknown": 3,
}  # fmt: skip

GROUPS: Final[dict[str, Group]] = {
    "ordinary": Group(34, (18, 27, 62), 115, _ORDINARY_REASONS, {"internship": 3, "vocational_training": 2}),
    "resource": Group(12, (19, 42, 63), 390, _RESOURCE_REASONS, {"job_support": 5, "internship": 3}),
    "activity_duty": Group(12, (16, 18, 19), 170, _SCHOOL_REASONS, {"internship": 2}),
    "entry_20_29": Group(11, (20, 23, 29), 120, _ORDINARY_REASONS, {"internship": 3, "combination_training": 1}),
    "stockholmsjobb": Group(11, (20, 38, 62), 290, _ORDINARY_REASONS, {"stockholmsjobb": 1}),
    "other": Group(20, (18, 36, 64), 175, _ORDINARY_REASONS, {"combination_training": 2, "other": 1}),
}
"""Codes of the built-in catalogue with what is typical of each."""

PLACES: Final[dict[str, Place]] = {
    "jobbtorg-city": Place(5),
    "jobbtorg-farsta": Place(4),
    "jobbtorg-kista": Place(4),
    "jobbtorg-skarholmen": Place(4),
    "jobbtorg-vallingby": Place(3),
    "jobbtorg-unga-globen": Place(14, oldest=24),
    "jobbtorg-unga-kista": Place(9, oldest=24),
    "jobbtorg-resurs": Place(30, groups=frozenset({"resource"})),
}
"""Units of the built-in catalogue."""

_LENGTH_OF_MEASURE: Final = {
    "stockholmsjobb": (150, 365), "internship": (20, 90), "vocational_training": (90, 240),
    "combination_training": (120, 300), "job_support": (60, 180), "other": (20, 120),
}  # fmt: skip
"""Fewest and most days."""

_STILL_ASSISTED: Final = {
    "work": 0.12, "studies": 0.17, "self_employment": 0.2, "other_authority": 0.48, "other_measure": 0.4,
    "moved": 0.2, "illness": 0.55, "parental_leave": 0.35, "own_request": 0.25, "unknown": 0.35,
}  # fmt: skip
"""Reason → the share that receives assistance in the seventh month after."""


@dataclass(frozen=True)
class Person:
    """What holds for all of a person's cases."""

    sex: str
    birth_year: int
    education: str
    born_abroad: bool
    assisted: bool
    assisted_since: date | None
    reached_by: str
    consents: bool | None


@dataclass(frozen=True)
class Case:
    """One enrolment as the case system holds it."""

    id: str
    group: str
    unit: str
    enrolled: date
    closed: date
    """May lie ahead of the history's end: then the case is open."""
    reason: str


def live(recorder: Recorder, first: date, *, first_case_number: int, most_cases: int, end: date) -> int:
    """Write down a whole life with the labour-market unit, up to the day `end`; return how many cases it has.

    Args:
        recorder: writes the events; its random numbers decide everything.
        first: the day on which the person comes for the first time.
        first_case_number: number of the first case; the next ones follow.
        most_cases: how many the person may have at most.
        end: nothing is enrolled after this day.
    """
    rng = recorder.rng
    group = _pick(rng, {name: group.weight for name, group in GROUPS.items()})
    person = _person(rng, first, group)
    cases = [_case(rng, first_case_number, group, _place(rng, person, group, first), first)]
    while len(cases) < most_cases and (again := _again(rng, person, cases[-1], first_case_number + len(cases))):
        if again.enrolled > end:
            break
        cases.append(again)
    for position, case in enumerate(cases):
        later = cases[position + 1] if position + 1 < len(cases) else None
        _follow_case(recorder, person, case, later, first=position == 0)
    _protect(recorder, first)
    if rng.random() < 0.0015:
        # Asked for by the person, long after; nothing more is recorded then.
        recorder.write("person.erased", next_working_day(recorder.last_receipt() + timedelta(days=60)), {})
    return len(cases)


def _person(rng: random.Random, first: date, group: str) -> Person:
    youngest, usual, oldest = GROUPS[group].ages
    age = int(rng.triangular(youngest, oldest + 1, usual))
    assisted = rng.random() < (0.25 if group == "activity_duty" else 0.68)
    return Person(
        sex=_pick(rng, {"male": 525, "female": 470, "unknown": 5}),
        birth_year=first.year - min(age, oldest),
        education=_pick(rng, {"compulsory": 42, "upper_secondary": 33, "post_secondary": 17, "unknown": 8}),
        born_abroad=rng.random() < 0.58,
        assisted=assisted,
        assisted_since=first - timedelta(days=int(rng.expovariate(1 / 400)) + 5) if assisted else None,
        reached_by=_pick(rng, {"referral": 70, "outreach": 12, "self": 18}),
        consents=_pick(rng, {True: 72, False: 10, None: 18}),
    )


def _case(rng: random.Random, number: int, group: str, unit: str, day: date) -> Case:
    enrolled = next_working_day(day)
    if rng.random() < 0.05:
        reason, days = "referred_back", rng.randint(5, 55)
    else:
        reason = _pick(rng, GROUPS[group].reasons)
        days = max(3, int(rng.lognormvariate(0, 0.75) * GROUPS[group].median_days))
    closed = enrolled + timedelta(days=days)
    if reason == "studies":
        closed = max(_near_term_start(closed), enrolled + timedelta(days=3))
    return Case(f"c-{enrolled.year}-{number:05d}", group, unit, enrolled, next_working_day(closed), reason)


def _near_term_start(day: date) -> date:
    """Return the term's start within six weeks of a day, if there is one: studies begin in August and January."""
    starts = (date(day.year, 1, 16), date(day.year, 8, 21), date(day.year + 1, 1, 16))
    return next((start for start in starts if abs((start - day).days) <= 42), day)


def _again(rng: random.Random, person: Person, case: Case, number: int) -> Case | None:
    """Return the person's next case, if there is one: beside the one that is open, or after it."""
    chance = rng.random()
    if case.reason == "deceased" or chance >= 0.15:
        return None
    if chance < 0.035:
        days = max(10, (case.closed - case.enrolled).days)
        day = case.enrolled + timedelta(days=rng.randint(5, days))
    else:
        day = case.closed + timedelta(days=rng.randint(30, 420))
    group = _next_group(rng, case.group)
    return _case(rng, number, group, _place(rng, person, group, day, other_than=case.unit), day)


def _next_group(rng: random.Random, group: str) -> str:
    if group == "activity_duty" or rng.random() < 0.5:
        return group
    return _pick(rng, {"resource": 4, "stockholmsjobb": 3, "other": 3})


def _follow_case(recorder: Recorder, person: Person, case: Case, later: Case | None, *, first: bool) -> None:
    rng = recorder.rng
    enrolled = _enrol(recorder, person, case, with_consent=first)
    _assign(recorder, case)
    if rng.random() < 0.86:
        _on_the_way(recorder, "plan.set", case, add_working_days(case.enrolled, rng.choice((1, 2, 3, 3, 4, 5, 9, 20))))
    for _ in range(rng.choices((0, 1, 2), (50, 40, 10))[0]):
        _on_the_way(recorder, "guidance.held", case, case.enrolled + timedelta(days=rng.randint(5, 150)))
    _offer(recorder, person, case)
    if rng.random() < 0.45:
        _take_part(recorder, case, _pick(rng, GROUPS[case.group].measures))
    if rng.random() < 0.09:
        _transfer(recorder, person, case)
    if rng.random() < 0.03 and first:
        _change_consent(recorder, person, case)
    if person.assisted:
        for month in range(rng.randint(1, 3)):
            recorder.report_month(add_months(case.enrolled, month), rng.random() < 0.96)
    if rng.random() < 0.015:
        recorder.correct(enrolled, 12, birth_year=person.birth_year - 1)
    _close(recorder, person, case, later)


def _enrol(recorder: Recorder, person: Person, case: Case, *, with_consent: bool) -> Recorded:
    data: dict[str, Any] = {
        "case": case.id,
        "unit": case.unit,
        "target_group": case.group,
        "sex": person.sex,
        "birth_year": person.birth_year,
        "assistance": person.assisted,
        "reached_by": person.reached_by,
        "education": person.education,
        "born_abroad": person.born_abroad,
    }
    if person.assisted_since is not None:
        data["assistance_since"] = person.assisted_since.isoformat()
    if with_consent and person.consents is not None:
        data["contact_consent"] = person.consents
    return recorder.note("case.enrolled", case.enrolled, data)


def _assign(recorder: Recorder, case: Case) -> None:
    rng = recorder.rng
    if rng.random() < 0.95:
        day = add_working_days(case.enrolled, rng.randint(1, 4))
        _on_the_way(recorder, "case.assigned", case, day, worker=_worker(rng, case.unit))
    if rng.random() < 0.08:
        day = case.enrolled + timedelta(days=rng.randint(30, 200))
        _on_the_way(recorder, "case.assigned", case, day, worker=_worker(rng, case.unit))


def _worker(rng: random.Random, unit: str) -> str:
    return f"{unit}-{rng.randint(1, 6)}"


def _on_the_way(recorder: Recorder, event_type: str, case: Case, day: date, **data: Any) -> Recorded | None:
    """Write down what happens during the case; nothing, when the case is closed before that day."""
    day = next_working_day(day)
    if day > case.closed:
        return None
    return recorder.note(event_type, day, {"case": case.id, **data})


def _offer(recorder: Recorder, person: Person, case: Case) -> None:
    rng = recorder.rng
    young = case.enrolled.year - person.birth_year <= 29
    if rng.random() > (0.97 if young else 0.6):
        return
    days = int(rng.triangular(2, 88, 20)) if rng.random() < 0.965 else rng.randint(91, 130)
    # Who is about to leave was offered something before that.
    days = min(days, (case.closed - case.enrolled).days)
    kinds = {"job": 35, "education": 20, "internship": 20, "preparatory": 25}
    made = _on_the_way(recorder, "offer.made", case, case.enrolled + timedelta(days=days), kind=_pick(rng, kinds))
    if made is not None and rng.random() < 0.006:
        recorder.retract(made, 5)
    if rng.random() < 0.25:
        more = case.enrolled + timedelta(days=days + rng.randint(10, 90))
        _on_the_way(recorder, "offer.made", case, more, kind=_pick(rng, kinds))


def _take_part(recorder: Recorder, case: Case, kind: str) -> None:
    rng = recorder.rng
    start = next_working_day(case.enrolled + timedelta(days=rng.randint(10, 80)))
    if start >= case.closed:
        return
    measure = f"m-{case.id.removeprefix('c-')}"
    data: dict[str, Any] = {"case": case.id, "measure": measure, "kind": kind}
    if kind in {"stockholmsjobb", "internship"}:
        data["provider"] = _pick(rng, {"municipal": 70, "private": 20, "association": 10})
    if kind == "stockholmsjobb":
        data["funder"] = _pick(rng, {"own": 60, "district": 30, "other": 10})
    recorder.note("measure.started", start, data)
    end = min(next_working_day(start + timedelta(days=rng.randint(*_LENGTH_OF_MEASURE[kind]))), case.closed)
    if rng.random() < 0.04:
        return
    interrupted = rng.random() < 0.15
    ended: dict[str, Any] = {"case": case.id, "measure": measure, "result": "completed"}
    if interrupted:
        ended["result"] = "interrupted"
        end = start + (end - start) // 2
    elif rng.random() < 0.5:
        ended["reason"] = _pick(rng, {"work": 5, "studies": 3, "other_measure": 2})
    recorder.note("measure.ended", end, ended)
    if kind == "stockholmsjobb":
        recorder.report_month(add_months(end, 4), rng.random() < 0.12)


def _transfer(recorder: Recorder, person: Person, case: Case) -> None:
    """Move the case to another unit, or to another target group where it is."""
    rng = recorder.rng
    day = case.enrolled + timedelta(days=rng.randint(20, 160))
    if rng.random() < 0.5:
        _on_the_way(recorder, "case.transferred", case, day, target_group=_pick(rng, {"resource": 2, "other": 1}))
    else:
        unit = _place(rng, person, case.group, day, other_than=case.unit)
        if _on_the_way(recorder, "case.transferred", case, day, unit=unit):
            _on_the_way(recorder, "case.assigned", case, add_working_days(day, 1), worker=_worker(rng, unit))


def _change_consent(recorder: Recorder, person: Person, case: Case) -> None:
    day = next_working_day(case.enrolled + timedelta(days=recorder.rng.randint(20, 300)))
    recorder.note("consent.changed", day, {"contact": not person.consents})


def _close(recorder: Recorder, person: Person, case: Case, later: Case | None) -> None:
    rng = recorder.rng
    closure = recorder.note("case.closed", case.closed, {"case": case.id, "reason": case.reason})
    chance = rng.random()
    if chance < 0.012:
        recorder.correct(closure, 9, reason=_pick(rng, {"work": 3, "studies": 2, "own_request": 1}))
    elif chance < 0.016:
        recorder.correct(closure, 20, on=next_working_day(case.closed + timedelta(days=6)).isoformat())
    elif chance < 0.020:
        recorder.retract(closure, 15)
        return
    if case.reason not in NO_RESULT and rng.random() < 0.97:
        assisted = rng.random() < _STILL_ASSISTED[case.reason] * (1.12 if person.sex == "female" else 0.92)
        recorder.report_month(add_months(case.closed, 7), assisted)
    came_back = later is not None and case.closed < later.enrolled < add_months(case.closed, 6)
    if case.reason in LIVELIHOOD and person.consents and not came_back:
        _ask(recorder, case)


def _ask(recorder: Recorder, case: Case) -> None:
    """Ask by telephone about half a year after the closure; some do not answer, some would rather not say."""
    rng = recorder.rng
    due = add_months(case.closed, 6)
    day = next_working_day(due + timedelta(days=rng.randint(-10, 12)))
    subject = {"check": "occupation_6m", "subject": case.id}
    for _ in range(rng.choices((0, 1, 2), (60, 28, 12))[0]):
        how = _pick(rng, {"phone": 6, "sms": 3, "letter": 1})
        recorder.note("followup.attempted", day, {**subject, "how": how}, source=ANSWERS)
        day = add_working_days(day, rng.randint(2, 6))
    chance = rng.random()
    if chance < 0.12 or day >= add_months(due, 2):
        return
    if chance < 0.17:
        recorder.note("followup.answered", day, {**subject, "response": "declined"}, source=ANSWERS)
        return
    changed = {"work": 6, "studies": 3, "unemployed": 12, "other": 4}
    occupation = case.reason if rng.random() < 0.76 else _pick(rng, changed)
    data: dict[str, Any] = {**subject, "response": "answered", "occupation": occupation, "method": "interview"}
    if occupation in LIVELIHOOD and rng.random() < 0.5:
        data["same_field"] = rng.random() < 0.7
    recorder.note("followup.answered", day, data, source=ANSWERS)


def _protect(recorder: Recorder, first: date) -> None:
    """A few live with protected identity, some of them only for a time."""
    rng = recorder.rng
    if rng.random() >= 0.008:
        return
    since = next_working_day(first + timedelta(days=rng.randint(0, 90)))
    recorder.note("person.protected", since, {"protected": True})
    if rng.random() < 0.3:
        until = next_working_day(since + timedelta(days=rng.randint(200, 500)))
        recorder.note("person.protected", until, {"protected": False})


def _place(rng: random.Random, person: Person, group: str, day: date, other_than: str | None = None) -> str:
    """Return a unit for somebody of that age and target group, another than the one given."""
    age = day.year - person.birth_year
    own = {unit: place.weight for unit, place in PLACES.items() if group in place.groups}
    open_to_all = {unit: place.weight for unit, place in PLACES.items() if not place.groups and age <= place.oldest}
    suitable = {unit: weight for unit, weight in (own | open_to_all).items() if unit != other_than}
    return _pick(rng, suitable)


def _pick(rng: random.Random, weights: dict[T, int]) -> T:
    return rng.choices(list(weights), list(weights.values()))[0]
