"""Who lives what: the plan's numbers dealt out to made-up persons, with days, reasons and outcomes, by a seed.

What the plan says is met exactly, whatever the seed; all else is drawn.
"""

import random
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from itertools import chain
from typing import Any, Final, TypeVar

from efterhand.dates import add_months, is_working_day, next_working_day
from efterhand.demo.plan import YOUNG, CaseKind, Half, Period, Plan, ReasonPool

LIVELIHOOD: Final = frozenset({"work", "studies", "self_employment"})
OFFER_DAYS: Final = 90
LAST_EVENT: Final = date(2018, 1, 26)
"""Nothing happens after this day: the last weeks of the history are for what arrives late."""
SHORTEST: Final = 10
"""Fewest days from enrolment to closure: a working week lies in between."""

_HISTORY: Final = Period(date(2015, 1, 1), LAST_EVENT)
_NOBODY_ENROLLED: Final = frozenset({date(2015, 10, 1), date(2015, 10, 2), date(2017, 10, 2)})
"""The 90 days of an offer then end in the calendar year that the plan's period says."""
_WEIGHT_OF_MONTH: Final = (11, 9, 9, 8, 8, 7, 4, 11, 11, 9, 8, 6)
_DAYS_IN_A_MONTH: Final = 30.4375
_LENGTH: Final = {
    "ordinary": (120, 0.85), "resource": (400, 0.9), "activity_duty": (150, 0.7), "entry_20_29": (125, 0.75),
    "other": (190, 0.85), "stockholmsjobb": (260, 0.5),
}  # fmt: skip
"""Median days of a case, and how much they vary (the deviation of their logarithm)."""
_LEADS_TO: Final = {
    "work": {"ordinary": 10, "entry_20_29": 11, "stockholmsjobb": 12, "other": 8, "activity_duty": 6, "resource": 3},
    "studies": {"ordinary": 10, "entry_20_29": 12, "stockholmsjobb": 5, "other": 7, "activity_duty": 10, "resource": 4},
    "other_authority": {"resource": 25},
    "deceased": {"stockholmsjobb": 0},
}
"""Reason → target group → how likely beside the others, 10 where nothing is said."""
_OTHER_REASONS: Final = {
    "other_measure": 24, "moved": 22, "own_request": 22, "illness": 14, "parental_leave": 9, "unknown": 9,
}  # fmt: skip
_JANUARY_REASONS: Final = {"work": 46, "studies": 17, "other_authority": 14, "own_request": 8, "other_measure": 8}
_STARTS_BEFORE_STUDIES: Final = Period(date(2015, 6, 1), date(2016, 2, 29))
_HIGHER_VOCATIONAL_ENDS: Final = (
    *(date(2016, 12, day) for day in range(19, 23)),
    *(date(2017, 6, day) for day in (1, 2, 7, 8, 9, 14, 15)),
)
T = TypeVar("T")


@dataclass
class Measure:
    """What somebody takes part in."""

    kind: str
    started: date
    ended: date | None
    provider: str | None = None
    funder: str | None = None
    result: str = "completed"
    answer: str | None = None
    """What is found out afterwards: `reached` (works, or studies where that counts), `not_reached`, or `silent`."""


@dataclass(eq=False)
class Case:
    """One enrolment with all that is decided about it."""

    kind: CaseKind
    enrolled: date
    closed: date | None
    reason: str | None = None
    months: dict[date, bool | None] = field(default_factory=dict)
    """First of a month → whether assistance is received; None: the register does not find the person."""
    offered: bool | None = None
    """Whether an offer comes within 90 days; None: as it happens."""
    measures: list[Measure] = field(default_factory=list)

    @property
    def young(self) -> bool:
        """Under 30 all the time."""
        return self.kind.age in YOUNG

    @property
    def last(self) -> date:
        """The last day on which something happens in it."""
        return self.closed or LAST_EVENT

    @property
    def half(self) -> Half:
        """What the plan's pairs say of a case."""
        return Half(self.kind.sex, self.kind.group, self.kind.age, self.kind.years)


@dataclass(eq=False)
class Life:
    """One person with all cases, the first one first."""

    sex: str
    cases: list[Case]
    birth_year: int = 0
    talks: list[tuple[Case, date]] = field(default_factory=list)
    mistaken: bool = False
    """Enrolled by mistake, and taken back."""
    erased: bool = False

    @property
    def months(self) -> dict[date, bool | None]:
        """What the register is asked about the person."""
        return dict(chain.from_iterable(case.months.items() for case in self.cases))

    def in_year(self, year: int) -> list[Case]:
        """The cases that are open on some day of a year."""
        return [case for case in self.cases if case.enrolled.year <= year <= case.last.year]


def cast(plan: Plan, rng: random.Random) -> list[Life]:
    """Return the lives that the plan asks for, in no order that means anything.

    Args:
        plan: the numbers.
        rng: draws everything that the plan leaves open.

    Raises:
        ValueError: the plan's numbers contradict each other.
    """
    cases = [_with_days(rng, kind) for kind in plan.cases for _ in range(kind.cases)]
    _give_reasons(rng, cases, plan.reasons)
    _keep_means(rng, cases, plan.quotas["mean_months_to_work_or_studies"])
    _give_stockholmsjobb(rng, cases, plan.quotas)
    _decide_assistance(rng, cases, plan.quotas["self_sufficient"])
    _decide_offers(rng, cases, plan.quotas["offers_missed"])
    lives = list(_lives(rng, cases, plan))
    for life in lives:
        life.birth_year = _birth_year(rng, life)
    _give_talks(rng, lives, plan.quotas["guidance_2017"])
    _give_internships(rng, cases, plan.quotas["municipal_internships"])
    _give_higher_vocational(rng, cases, plan.quotas["asked_after_higher_vocational"])
    return lives


def beside(plan: Plan, rng: random.Random) -> list[Life]:
    """Return the few who count nowhere or only later: enrolled by mistake, erased, enrolled in the January after."""
    early = [kind for kind in plan.cases if kind.closed and kind.closed.last <= date(2016, 12, 31)]
    kinds = rng.sample([kind for kind in early if kind.age == "30-64" and kind.group != "stockholmsjobb"], 21)
    lives = []
    for number, kind in enumerate(kinds):
        case = _with_days(rng, kind)
        case.reason = pick(rng, _JANUARY_REASONS)
        lives.append(Life(kind.sex, [case], mistaken=number < 12, erased=number >= 12))
    january = Period(date(2018, 1, 1), LAST_EVENT)
    like = rng.choices(plan.cases, [kind.cases for kind in plan.cases], k=240)
    for kind in like:
        new = CaseKind(kind.group, kind.sex, kind.age, january, None, "", back=False, cases=1)
        lives.append(Life(kind.sex, [Case(new, rng.choice(_working_days(january)), None)]))
    for life in lives:
        life.birth_year = _birth_year(rng, life)
    return lives


def pick(rng: random.Random, weights: dict[T, int]) -> T:
    """Return one of the keys, likelier the greater its weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def working_day(rng: random.Random, first: date, last: date) -> date | None:
    """Return a working day of a period within the history's years, if it has one."""
    days = _working_days(_HISTORY)
    start, stop = bisect_left(days, first), bisect_right(days, last)
    return days[rng.randrange(start, stop)] if start < stop else None


# -- days


@cache
def _working_days(period: Period) -> list[date]:
    days = (period.first + timedelta(days=ahead) for ahead in range((period.last - period.first).days + 1))
    return [day for day in days if is_working_day(day)]


@cache
def _days_to_enrol_on(period: Period) -> list[date]:
    return [day for day in _working_days(period) if day not in _NOBODY_ENROLLED]


@cache
def _weights(period: Period) -> list[int]:
    return [_WEIGHT_OF_MONTH[day.month - 1] for day in _days_to_enrol_on(period)]


def _with_days(rng: random.Random, kind: CaseKind) -> Case:
    """Draw the days of a case: of the usual length where that fits the kind, else any that do."""
    median, deviation = _LENGTH[kind.group]
    for attempt in range(3000):
        enrolled = rng.choices(_days_to_enrol_on(kind.enrolled), _weights(kind.enrolled))[0]
        if kind.back:
            closed = next_working_day(enrolled + timedelta(days=rng.randint(SHORTEST, 50)))
            if closed in kind.enrolled:
                return Case(kind, enrolled, closed, "referred_back")
        elif kind.closed is None:
            return _open_case(rng, kind, enrolled)
        elif attempt < 150:
            closed = next_working_day(enrolled + timedelta(days=int(median * rng.lognormvariate(0, deviation))))
            if _fits(kind, enrolled, closed):
                return Case(kind, enrolled, closed)
        elif _fits(kind, enrolled, closed := rng.choice(_working_days(kind.closed))):
            return Case(kind, enrolled, closed)
    raise ValueError(f"no days fit {kind}")


def _open_case(rng: random.Random, kind: CaseKind, enrolled: date) -> Case:
    """Return a case that outlasts the plan's years; one in twelve is closed in the weeks after."""
    case = Case(kind, enrolled, None)
    closed = working_day(rng, date(2018, 1, 2), LAST_EVENT) if rng.random() < 0.08 else None
    if closed and (closed - enrolled).days >= SHORTEST:
        case.closed, case.reason = closed, pick(rng, _JANUARY_REASONS)
    return case


def _fits(kind: CaseKind, enrolled: date, closed: date) -> bool:
    if kind.closed is None or closed not in kind.closed or (closed - enrolled).days < SHORTEST:
        return False
    if kind.months == "longer":
        return closed > add_months(enrolled, 18)
    months = int(kind.months)
    return closed <= add_months(enrolled, months) and (months == 6 or closed > add_months(enrolled, months - 6))


def _keep_means(rng: random.Random, cases: Sequence[Case], means: dict[int, dict[str, float]]) -> None:
    """Move closures by some days, within their kinds, until those of youth to work or studies last as planned."""
    for year, by_sex in means.items():
        for sex, months in by_sex.items():
            pool = [
                case
                for case in cases
                if case.closed and case.closed.year == year and case.kind.sex == sex and case.kind.closed
                if case.kind.age in YOUNG - {"25-29"} and case.reason in {"work", "studies"}
            ]
            missing = round(months * _DAYS_IN_A_MONTH * len(pool))
            missing -= sum((case.last - case.enrolled).days for case in pool)
            for _ in range(200):
                for case in rng.sample(pool, len(pool)):
                    missing -= _moved(case, missing)
                if abs(missing) <= len(pool) // 10:
                    break
            else:
                raise ValueError(f"{missing} days are missing for {sex} {year}")


def _moved(case: Case, missing: int) -> int:
    """Move a closure by at most five days in the direction that is missing; return by how many."""
    day = case.last + timedelta(days=max(-5, min(5, missing)))
    while not is_working_day(day):
        day += timedelta(days=1 if day > case.last else -1)
    if not _fits(case.kind, case.enrolled, day):
        return 0
    days = (day - case.last).days
    case.closed = day
    return days


# -- reasons


def _give_reasons(rng: random.Random, cases: Iterable[Case], pools: Iterable[ReasonPool]) -> None:
    members: dict[tuple[str, str, Period, str], list[Case]] = defaultdict(list)
    periods = {pool.closed for pool in pools}
    for case in cases:
        if case.closed and case.kind.closed:
            period = next(period for period in periods if case.closed in period)
            months = "any" if not case.young else case.kind.months if case.kind.months in {"6", "12"} else "longer"
            members[case.kind.sex, case.kind.age, period, months].append(case)
    for pool in pools:
        left = members.pop((pool.sex, pool.age, pool.closed, pool.months), [])
        if len(left) != sum(pool.numbers.values()):
            raise ValueError(f"{len(left)} closures instead of {pool}")
        for reason in ("deceased", "studies", "other_authority", "work"):
            likely = _LEADS_TO[reason]
            left.sort(key=lambda case: rng.random() ** (1 / max(likely.get(case.kind.group, 10), 1e-3)))
            for case in left[len(left) - pool.numbers[reason] :]:
                case.reason = reason
                if reason == "work" and case.kind.age in {"25-29", "30-64"} and rng.random() < 0.05:
                    case.reason = "self_employment"
            left = left[: len(left) - pool.numbers[reason]]
        for case in left:
            # Who moves away in the first months would take the check of the offer along.
            early = (case.last - case.enrolled).days <= OFFER_DAYS + 5
            case.reason = pick(rng, {r: w for r, w in _OTHER_REASONS.items() if not (early and r == "moved")})
    if members:
        raise ValueError(f"no reasons for {list(members)}")


# -- outcomes


def _deal(rng: random.Random, things: Sequence[T], numbers: Sequence[int]) -> list[list[T]]:
    """Deal things out in heaps of the given numbers."""
    if len(things) != sum(numbers):
        raise ValueError(f"{len(things)} cannot be dealt out as {numbers}")
    shuffled = rng.sample(things, len(things))
    heaps = []
    for number in numbers:
        heaps.append(shuffled[:number])
        shuffled = shuffled[number:]
    return heaps


def _first_of(day: date) -> date:
    return day.replace(day=1)


def _decide_assistance(rng: random.Random, cases: Sequence[Case], quotas: dict[str, Any]) -> None:
    for text, by_pool in quotas.items():
        period = Period.of(text)
        pools: dict[tuple[str, str], list[Case]] = defaultdict(list)
        for case in cases:
            if case.closed and case.closed in period and case.reason not in {"referred_back", "deceased"}:
                age = "young" if case.young else "older"
                reason = str(case.reason)
                place = "livelihood" if reason in LIVELIHOOD else reason if reason == "other_authority" else "rest"
                pools[f"{case.kind.sex}_{age}", place].append(case)
        for who, by_place in by_pool.items():
            for place, numbers in by_place.items():
                heaps = _deal(rng, pools[who, place], numbers)
                for receives, heap in zip((False, True, None), heaps, strict=True):
                    for case in heap:
                        case.months[_first_of(add_months(case.last, 7))] = receives


def _decide_offers(rng: random.Random, cases: Iterable[Case], quotas: dict[str, dict[str, int]]) -> None:
    pools: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in cases:
        for text in quotas:
            if case.young and not case.kind.back and case.enrolled in Period.of(text):
                case.offered = True
                due = case.enrolled + timedelta(days=OFFER_DAYS)
                if not (case.reason in LIVELIHOOD and case.last <= due):
                    pools[text, case.kind.sex].append(case)
    for text, by_sex in quotas.items():
        for sex, number in by_sex.items():
            for case in rng.sample(pools[text, sex], number):
                case.offered = False


# -- measures


def _give_stockholmsjobb(rng: random.Random, cases: Iterable[Case], quotas: Mapping[str, Any]) -> None:
    everybody = [case for case in cases if case.kind.group == "stockholmsjobb"]
    for case in everybody:
        case.measures.append(_stockholmsjobb(rng, case))
    pool = [case for case in everybody if not case.kind.back]
    by_years: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in pool:
        by_years[case.kind.sex, case.kind.years].append(case)
    for sex, numbers in quotas["paid_by_the_committee"].items():
        for years, number in numbers.items():
            for case in rng.sample(by_years[sex, years], number):
                case.measures[0].funder = "own"
    ended = [(case, case.measures[0]) for case in pool if case.measures[0].ended and case.kind.closed]
    register = Period.of("2016-09/08")
    for sex, numbers in quotas["after_stockholmsjobb"].items():
        of_sex = [(case, job) for case, job in ended if job.ended and job.ended in register and case.kind.sex == sex]
        for receives, heap in zip((False, True, None), _deal(rng, of_sex, numbers), strict=True):
            for case, job in heap:
                case.months[_first_of(add_months(job.ended or case.last, 4))] = receives
    for case, job in ended:
        if job.ended and job.ended < register.first and rng.random() < 0.95:
            case.months[_first_of(add_months(job.ended, 4))] = rng.random() < 0.15
    for text, numbers in quotas["asked_after_stockholmsjobb"].items():
        jobs = [job for _, job in ended if job.ended and job.ended in Period.of(text)]
        for answer, asked in zip(("reached", "not_reached", "silent"), _deal(rng, jobs, numbers), strict=True):
            for job in asked:
                job.answer = answer


def _stockholmsjobb(rng: random.Random, case: Case) -> Measure:
    """Return a job that begins in the year of the enrolment and ends in the period of the closure.

    Of those who are referred back nobody says when it ended.
    """
    latest = min(case.enrolled + timedelta(days=45), case.last, date(case.enrolled.year, 12, 31))
    started = working_day(rng, case.enrolled, latest) or case.enrolled
    ended = None
    if case.closed and not case.kind.back:
        first = case.kind.closed.first if case.kind.closed else case.closed - timedelta(days=5)
        first = max(first, started, case.closed - timedelta(days=20))
        ended = working_day(rng, first, case.closed)
    result = "completed" if rng.random() < 0.86 else "interrupted"
    return Measure("stockholmsjobb", started, ended, "municipal", pick(rng, {"district": 4, "other": 1}), result)


def _give_internships(rng: random.Random, cases: Iterable[Case], quotas: dict[int, dict[str, int]]) -> None:
    groups = {"ordinary", "activity_duty", "entry_20_29", "other"}
    pool = [case for case in cases if case.kind.group in groups and not case.measures and not case.kind.back]
    for year, by_sex in quotas.items():
        for sex, number in by_sex.items():
            inside = [case for case in pool if case.kind.sex == sex and _days_in(case, year) and not case.measures]
            for case in rng.sample(inside, number):
                started = working_day(rng, *_days_in(case, year)) or case.enrolled
                case.measures.append(internship(rng, case, started, "municipal"))


def internship(rng: random.Random, case: Case, started: date, provider: str) -> Measure:
    """Return an internship of some weeks, over at the latest when the case is."""
    ended = next_working_day(started + timedelta(days=rng.randint(20, 90)))
    result = "completed" if rng.random() < 0.8 else "interrupted"
    if case.closed:
        ended = min(ended, case.closed)
    return Measure("internship", started, ended if ended <= LAST_EVENT else None, provider, None, result)


def _days_in(case: Case, year: int) -> tuple[date, date] | tuple[()]:
    """Return the days of a year on which a case is open and has been for a week, if it is for three weeks."""
    first = max(case.enrolled + timedelta(days=7), date(year, 1, 2))
    last = min(case.last - timedelta(days=7), date(year, 12, 30))
    return (first, last) if (last - first).days > 20 else ()


def _give_higher_vocational(rng: random.Random, cases: Iterable[Case], quotas: dict[str, list[int]]) -> None:
    """Let some of those who were closed to studies do a higher vocational education, over a year or more later."""
    for sex, numbers in quotas.items():
        pool = [
            case
            for case in cases
            if case.kind.sex == sex and case.reason == "studies" and case.last in _STARTS_BEFORE_STUDIES
            if case.kind.age != "16-19" and not case.measures
        ]
        heaps = _deal(rng, rng.sample(pool, sum(numbers)), numbers)
        for answer, heap in zip(("reached", "not_reached", "silent"), heaps, strict=True):
            for case in heap:
                started = working_day(rng, max(case.enrolled, case.last - timedelta(days=14)), case.last) or case.last
                ended = rng.choice(_HIGHER_VOCATIONAL_ENDS)
                case.measures.append(Measure("higher_vocational", started, ended, answer=answer))


# -- persons


def _lives(rng: random.Random, cases: Sequence[Case], plan: Plan) -> Iterator[Life]:
    """Join cases to persons: the plan's pairs, then some who come back after years, and each other case by itself."""
    pools: dict[Half, list[Case]] = defaultdict(list)
    for case in rng.sample(cases, len(cases)):
        if not case.kind.back and case.reason != "deceased":
            pools[case.half].append(case)
    paired: set[Case] = set()
    for kind in plan.pairs:
        for _ in range(kind.persons):
            two = _pair(pools[kind.first], pools[kind.second])
            paired.update(two)
            yield Life(kind.first.sex, sorted(two, key=lambda case: case.enrolled))
    single = [case for case in cases if case not in paired]
    yield from _who_come_back(rng, single)


def _pair(first: list[Case], second: list[Case]) -> list[Case]:
    """Take a case from each pool: together when the register is asked about different months; in order, if it can be.

    The plan says which years the two share, not which came first; the first group's comes first where that is possible.
    """

    def together(one: Case, other: Case) -> bool:
        return not one.months.keys() & other.months.keys()

    def in_order(one: Case, other: Case) -> bool:
        return together(one, other) and one.enrolled < other.enrolled

    for rule in (in_order, together):
        for one in first[-40:]:
            for other in second[-40:]:
                if rule(one, other):
                    first.remove(one)
                    second.remove(other)
                    return [one, other]
    raise ValueError("two pools have no cases that fit together")


def _who_come_back(rng: random.Random, cases: Sequence[Case]) -> Iterator[Life]:
    earlier: dict[tuple[str, str], list[Case]] = defaultdict(list)
    later = []
    for case in cases:
        if case.enrolled.year >= 2016 and case.kind.years in {"2016", "2017"}:
            later.append(case)
        elif case.closed and case.closed.year == 2015 and case.reason != "deceased":
            earlier[case.kind.sex, case.kind.age].append(case)
    joined: set[Case] = set()
    for case in later:
        pool = earlier[case.kind.sex, case.kind.age]
        before = pool[-1] if pool and rng.random() < 0.3 else None
        if before and (case.enrolled - before.last).days > 30 and not case.months.keys() & before.months.keys():
            joined |= {case, pool.pop()}
            yield Life(case.kind.sex, [before, case])
    for case in cases:
        if case not in joined:
            yield Life(case.kind.sex, [case])


def _birth_year(rng: random.Random, life: Life) -> int:
    """Draw a year of birth with which the person is of the age that the plan says, in all cases and years."""
    years = range(1900, 2010)
    for case in life.cases:
        first, last = case.enrolled.year, min(case.last.year, 2017)
        lowest, highest = {
            "16-19": (last - 19, first - 16),
            "18-19": (last - 19, first - 16),
            "20-24": (last - 24, min(first - 18, 1997 if last == 2017 else 2000)),
            "25-29": (last - 29, first - 25),
            "30-64": (first - 64, first - 30),
        }[case.kind.age]
        if case.kind.group == "entry_20_29":
            highest = min(highest, first - 20)
        years = range(max(years.start, lowest), min(years.stop, highest + 1))
    if not years:
        raise ValueError(f"no year of birth fits {life}")
    if life.cases[0].kind.age == "30-64":
        return min(int(rng.triangular(years.start, years.stop, years.start + 0.7 * len(years))), years.stop - 1)
    return rng.choice(years)


def _give_talks(rng: random.Random, lives: Sequence[Life], quotas: dict[str, dict[str, int]]) -> None:
    """Let the planned numbers talk about studies and careers in 2017, and as many of the years before as it happens."""
    chosen: set[Life] = set()
    for sex, by_age in quotas.items():
        for age, number in by_age.items():
            pool = [
                life
                for life in lives
                if life.sex == sex and life.in_year(2017) and life.cases[0].young == (age == "young")
                if not any(case.kind.back for case in life.cases)
            ]
            chosen.update(rng.sample(pool, number))
    for life in lives:
        if life in chosen:
            for _ in range(rng.choices((1, 2), (88, 12))[0]):
                life.talks.append(_talk(rng, life, 2017))
        if life.in_year(2016) and rng.random() < 0.22:
            life.talks.append(_talk(rng, life, 2016))


def _talk(rng: random.Random, life: Life, year: int) -> tuple[Case, date]:
    case = rng.choice(life.in_year(year))
    first, last = max(case.enrolled, date(year, 1, 1)), min(case.last, date(year, 12, 31))
    for earliest in (min(first + timedelta(days=5), last), first):
        if day := working_day(rng, earliest, last):
            return case, day
    raise ValueError(f"no working day in {year} for {case}")
