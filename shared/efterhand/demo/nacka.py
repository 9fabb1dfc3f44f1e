"""A history of Nacka's three measures 2019–2021 that agrees with what the municipality printed about 2021.

How many measures there are of each kind, from which year to which year, and where they led is laid down here; who
took part, when exactly and with which provider is drawn. Nobody in it is real, and the providers are numbers only.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import orjson

from efterhand.dates import add_months, add_working_days, is_working_day, next_working_day
from efterhand.demo.recording import Recorded, Recorder, register_run

CATALOGUE: Final = "nacka"
"""The built-in catalogue whose codes the events use."""
LAST_DAY: Final = date(2022, 3, 31)
"""The history is known up to here: the spring in which the year 2021 was accounted for."""
CASES: Final = "/nacka/arbetsmarknad"
"""The case system: enrolments, plans, talks, measures, closures."""
ASSISTANCE: Final = "/nacka/ekonomiskt-bistand"
"""The assistance register, matched once a month."""
LIVELIHOOD: Final = ("work", "studies", "self_employment")
GROUP_OF_KIND: Final = {
    "jobbpeng_grund": "near_work",
    "jobbpeng_forstarkt": "complex_needs",
    "sai": "language_needs",
}
"""Kind of measure → the need that it is granted for."""

_YEARS: Final = (2019, 2020, 2021)
_OPEN: Final = 2022
_UNIT: Final = "karriarvagledning"
_WRONG_AT_FIRST: Final = 0.02
_TAKEN_BACK: Final = 0.01

_FROM_YEAR_TO_YEAR: Final = {
    "jobbpeng_grund": {2018: (40, 5, 0, 0), 2019: (40, 33, 2, 0), 2020: (0, 22, 18, 4), 2021: (0, 0, 20, 28)},
    "jobbpeng_forstarkt": {2018: (130, 40, 10, 0), 2019: (42, 50, 30, 0), 2020: (0, 20, 80, 0), 2021: (0, 0, 48, 3)},
    "sai": {2018: (150, 38, 2, 0), 2019: (58, 38, 32, 0), 2020: (0, 10, 56, 0), 2021: (0, 0, 49, 2)},
}
"""Kind → year of the start (2018: that or the year before) → how many ended in 2019, 2020, 2021 and later."""

_REASONS: Final = ("work", "studies", "self_employment", "other_measure", "other_authority", "moved", "illness")
_ENDINGS: Final = {
    "jobbpeng_grund": {2019: (33, 11, 1, 26, 6, 2, 1), 2020: (16, 10, 1, 20, 8, 3, 2), 2021: (12, 5, 1, 16, 4, 1, 1)},
    "jobbpeng_forstarkt": {
        2019: (44, 14, 2, 40, 40, 12, 20),
        2020: (20, 12, 1, 28, 25, 8, 16),
        2021: (41, 14, 3, 44, 32, 13, 21),
    },
    "sai": {2019: (44, 17, 1, 38, 20, 80, 8), 2020: (12, 8, 0, 18, 9, 34, 5), 2021: (24, 12, 1, 30, 18, 46, 8)},
}
"""Kind → year of the end → how many measures led to each of the reasons."""

_DAYS_TO_LIVELIHOOD: Final = {
    "jobbpeng_grund": {2019: 7_425, 2020: 5_022, 2021: 2_545},
    "jobbpeng_forstarkt": {2019: 21_120, 2020: 12_144, 2021: 24_122},
    "sai": {2019: 17_980, 2020: 6_440, 2021: 9_390},
}
"""Kind → year of the end → days in the measure of all that led to a livelihood, together."""

_TO_LIVELIHOOD_FROM_BEFORE: Final = {
    "jobbpeng_grund": {2019: {2018: 22}, 2020: {2018: 1, 2019: 14}, 2021: {2020: 7}},
    "jobbpeng_forstarkt": {2019: {2018: 54}, 2020: {2018: 7, 2019: 18}, 2021: {2019: 22, 2020: 24}},
    "sai": {2019: {2018: 50}, 2020: {2018: 5, 2019: 13}, 2021: {2019: 4, 2020: 20}},
}
"""Kind → year of the end → year of the start → how many led to a livelihood; the others began in the same year."""

_CHANGES: Final = {
    2019: {("jobbpeng_grund", "jobbpeng_forstarkt"): 20, ("jobbpeng_grund", "sai"): 6, ("sai", "jobbpeng_grund"): 14,
           ("jobbpeng_forstarkt", "jobbpeng_grund"): 8},
    2020: {("jobbpeng_grund", "jobbpeng_forstarkt"): 16, ("jobbpeng_grund", "sai"): 4, ("sai", "jobbpeng_grund"): 5,
           ("jobbpeng_forstarkt", "jobbpeng_grund"): 3},
    2021: {("jobbpeng_grund", "jobbpeng_forstarkt"): 12, ("jobbpeng_grund", "sai"): 4, ("sai", "jobbpeng_grund"): 6,
           ("jobbpeng_forstarkt", "jobbpeng_grund"): 3},
}  # fmt: skip
"""Year → from kind, to kind → how many ended the one as `other_measure` and began the other in the same year.

These are what makes fewer persons than measures.
"""


@dataclass(frozen=True)
class Provider:
    """An authorised provider: how many of a kind it gets, and until when."""

    code: str
    weights: tuple[int, int, int]
    """Of jobbpeng grund, förstärkt jobbpeng and SAI."""
    last_day: date = date.max
    """Everything with it has ended by then."""


PROVIDERS: Final = (
    Provider("provider_01", (5, 9, 8)),
    Provider("provider_02", (6, 4, 9)),
    Provider("provider_03", (0, 11, 0)),
    Provider("provider_04", (4, 5, 10)),
    Provider("provider_05", (3, 7, 0)),
    Provider("provider_06", (5, 2, 7)),
    Provider("provider_07", (0, 8, 0)),
    Provider("provider_08", (2, 3, 6)),
    Provider("provider_09", (4, 4, 2)),
    Provider("provider_10", (1, 6, 1)),
    Provider("provider_11", (3, 1, 4)),
    Provider("provider_12", (2, 5, 0)),
    Provider("provider_13", (1, 2, 3)),
    Provider("provider_15", (2, 3, 3), date(2021, 9, 30)),
    Provider("provider_16", (2, 2, 2), date(2021, 10, 31)),
    Provider("provider_17", (1, 3, 2), date(2021, 11, 30)),
    Provider("provider_18", (3, 5, 6), date(2020, 12, 30)),
    Provider("provider_19", (2, 4, 4), date(2020, 12, 30)),
)
"""The fourteenth has been authorised, and has had nobody yet."""


@dataclass
class Spell:
    """One measure of one person: the days are drawn, and moved until the sums are right."""

    kind: str
    first_year: int
    last_year: int
    reason: str | None
    """None: it goes on."""
    start: date
    end: date | None
    after: "Spell | None" = None
    """The one of the same person that this came after."""
    before: "Spell | None" = None
    """The one of the same person that this came before."""

    @property
    def days(self) -> int:
        """Days from the start to the end."""
        if self.end is None:
            raise ValueError("it goes on")
        return (self.end - self.start).days

    @property
    def earliest_start(self) -> date:
        """No start before this."""
        opens = date(self.first_year if self.first_year > 2018 else 2017, 1, 2)
        return opens if self.after is None or self.after.end is None else self.after.end + timedelta(days=3)

    @property
    def latest_start(self) -> date:
        """No start after this: a measure lasts two weeks or more."""
        closes = date(self.first_year, 12, 20)
        return closes if self.end is None else min(closes, self.end - timedelta(days=14))


def history(seed: int = 2021) -> Iterator[tuple[dict[str, Any], date]]:
    """Yield the events with the days on which intake gets them, in order of receipt.

    Args:
        seed: another seed gives other people and days, and the same printed figures; the same one the same bytes.

    Yields:
        A CloudEvents 1.0 event in structured mode, and its day of receipt: never before its `time`.
    """
    rng = random.Random(f"nacka/{seed}")  # noqa: S311 — made-up people need no secrecy
    spells = _spells(rng)
    firsts = [spell for spell in spells if spell.after is None]
    rng.shuffle(firsts)
    written = chain.from_iterable(_live(seed, number, first) for number, first in enumerate(firsts, start=1))
    for recorded in sorted(written, key=attrgetter("order")):
        yield recorded.event, recorded.received


def events_as_json_lines(path: Path, seed: int = 2021) -> int:
    """Write the history as `efterhand load` reads it, `{"event": …, "received": day}` a line; return their number."""
    number = 0
    with path.open("wb") as file:
        for event, received in history(seed):
            file.write(orjson.dumps({"event": event, "received": received}) + b"\n")
            number += 1
    return number


# --- measures -----------------------------------------------------------------------------------------------------


def _spells(rng: random.Random) -> list[Spell]:
    spells = [spell for kind in _FROM_YEAR_TO_YEAR for spell in _of_kind(kind, rng)]
    for year in _YEARS:
        _join(spells, year, rng)
    for spell in spells:
        if spell.after is not None:
            _begin_after(spell.after, spell, rng)
    for kind in _FROM_YEAR_TO_YEAR:
        for year in _YEARS:
            led = [one for one in spells if (one.kind, one.last_year) == (kind, year) and one.reason in LIVELIHOOD]
            _move_until(_DAYS_TO_LIVELIHOOD[kind][year], led)
    return spells


def _of_kind(kind: str, rng: random.Random) -> Iterator[Spell]:
    """Yield the measures of a kind: the years and the reasons as laid down, the days drawn."""
    for first_year, counts in _FROM_YEAR_TO_YEAR[kind].items():
        for _ in range(counts[-1]):
            yield _spell(kind, first_year, _OPEN, None, rng)
    for column, last_year in enumerate(_YEARS):
        numbers = dict(zip(_REASONS, _ENDINGS[kind][last_year], strict=True))
        good = [reason for reason in LIVELIHOOD for _ in range(numbers[reason])]
        bad = [reason for reason in _REASONS if reason not in LIVELIHOOD for _ in range(numbers[reason])]
        rng.shuffle(good)
        rng.shuffle(bad)
        left = {year: row[column] for year, row in _FROM_YEAR_TO_YEAR[kind].items()}
        to_livelihood = _TO_LIVELIHOOD_FROM_BEFORE[kind][last_year]
        to_livelihood = {**to_livelihood, last_year: len(good) - sum(to_livelihood.values())}
        for first_year, number in to_livelihood.items():
            left[first_year] -= number
            for _ in range(number):
                yield _spell(kind, first_year, last_year, good.pop(), rng)
        for first_year, number in left.items():
            for _ in range(number):
                yield _spell(kind, first_year, last_year, bad.pop(), rng)


def _spell(kind: str, first_year: int, last_year: int, reason: str | None, rng: random.Random) -> Spell:
    if first_year == 2018:
        start = _working_day(date(2017, 9, 1), date(2018, 12, 20), rng)
    elif first_year == last_year:
        start = _working_day(date(first_year, 1, 2), date(first_year, 9, 15), rng)
    else:
        start = _working_day(date(first_year, 1, 2), date(first_year, 12, 20), rng)
    end = None
    if reason is not None:
        end = _working_day(max(date(last_year, 1, 2), start + timedelta(days=21)), date(last_year, 12, 27), rng)
    return Spell(kind, first_year, last_year, reason, start, end)


def _working_day(first: date, last: date, rng: random.Random) -> date:
    """Return a working day; `last` has to leave room for holidays after it."""
    return next_working_day(first + timedelta(days=rng.randint(0, max(0, (last - first).days))))


def _join(spells: list[Spell], year: int, rng: random.Random) -> None:
    """Let one person have two measures in a year: the first ended as another measure, the second began then.

    The second leads to a livelihood or goes on, so that nobody counts twice among those who broke off.
    """
    for (kind, next_kind), number in _CHANGES[year].items():
        firsts = [
            one
            for one in spells
            if (one.kind, one.last_year, one.reason) == (kind, year, "other_measure")
            and not one.before
            and not one.after
        ]
        seconds = [
            one
            for one in spells
            if (one.kind, one.first_year) == (next_kind, year)
            and (one.reason is None or one.reason in LIVELIHOOD)
            and not one.after
        ]
        # What goes on comes first: it has most room for a late start.
        seconds.sort(key=lambda one: (-one.last_year, one.start))
        for first, second in zip(rng.sample(firsts, number), seconds[:number], strict=True):
            first.before, second.after = second, first


def _begin_after(first: Spell, second: Spell, rng: random.Random) -> None:
    """Make room: the first ends early enough in the year, the second begins within some weeks."""
    year = second.first_year
    latest = date(year, 11, 20) if second.last_year > year else date(year, 6, 20)
    first.start = min(first.start, _working_day(date(year, 1, 2), date(year, 2, 10), rng))
    opens = max(date(year, 1, 15), first.start + timedelta(days=14))
    first.end = _working_day(opens, latest, rng)
    second.start = _working_day(first.end + timedelta(days=3), first.end + timedelta(days=25), rng)
    if second.end is not None and second.end < second.start + timedelta(days=30):
        second.end = _working_day(second.start + timedelta(days=60), date(second.last_year, 12, 27), rng)


def _move_until(total: int, spells: list[Spell]) -> None:
    """Move starts by one working day at a time until the days of all sum up to `total`.

    Raises:
        ValueError: the years laid down leave no room for it.
    """
    while missing := total - sum(spell.days for spell in spells):
        moved = False
        for spell in spells:
            start = _next(spell.start, -1 if missing > 0 else 1)
            gain = (spell.start - start).days
            if abs(missing - gain) < abs(missing) and spell.earliest_start <= start <= spell.latest_start:
                spell.start, missing, moved = start, missing - gain, True
        if not moved:
            raise ValueError(f"no way to {total} days: {missing} are missing")


def _next(day: date, step: int) -> date:
    day += timedelta(days=step)
    while not is_working_day(day):
        day += timedelta(days=step)
    return day


# --- people -------------------------------------------------------------------------------------------------------


def _live(seed: int, number: int, first: Spell) -> list[Recorded]:
    """Write down all about one person: one case for each measure, as long as the measure.

    Raises:
        ValueError: something would be received after the history's end.
    """
    rng = random.Random(f"nacka/{seed}/{number}")  # noqa: S311 — made-up people need no secrecy
    name = hashlib.blake2b(f"nacka/{seed}/{number}".encode(), digest_size=8).hexdigest()
    recorder = Recorder(rng, number, f"p-{name}")
    person = {
        "sex": rng.choices(("female", "male"), (52, 48))[0],
        "birth_year": first.start.year - round(rng.triangular(*_AGES[first.kind])),
        "education": rng.choices(("compulsory", "upper_secondary", "post_secondary", "unknown"), (36, 38, 18, 8))[0],
        "born_abroad": first.kind == "sai" or rng.random() < 0.45,
    }
    for place, spell in enumerate(filter(None, (first, first.before)), start=1):
        _take_part(recorder, spell, f"n-{number:04d}-{place}", person)
    late = [recorded for recorded in recorder.written if recorded.received > LAST_DAY]
    if late:
        raise ValueError(f"received after the history's end: {late[0].event['id']}")
    return recorder.written


_AGES: Final = {"jobbpeng_grund": (18, 60, 24), "jobbpeng_forstarkt": (18, 63, 38), "sai": (19, 62, 35)}
"""Kind → youngest, oldest and most frequent age at the start."""


def _take_part(recorder: Recorder, spell: Spell, case: str, person: dict[str, Any]) -> None:
    rng = recorder.rng
    measure = f"m{case[1:]}"
    assisted = rng.random() < 0.7
    enrolment = {
        "case": case,
        "unit": _UNIT,
        "target_group": GROUP_OF_KIND[spell.kind],
        **person,
        "assistance": assisted,
        "reached_by": rng.choices(("referral", "self"), (85, 15))[0],
        "contact_consent": rng.random() < 0.8,
    }
    recorder.note("case.enrolled", spell.start, enrolment, source=CASES)
    recorder.note("case.assigned", spell.start, {"case": case, "worker": f"kv-{rng.randint(1, 9)}"}, source=CASES)
    granted = {
        "case": case,
        "measure": measure,
        "kind": spell.kind,
        "provider": _provider(spell, rng),
        "funder": "own",
    }
    recorder.note("measure.started", spell.start, granted, source=CASES)
    planned = add_working_days(spell.start, rng.choice((1, 2, 2, 3, 3, 4, 5, 8)))
    if spell.end is None or planned <= spell.end:
        recorder.note("plan.set", planned, {"case": case}, source=CASES)
    talk = add_working_days(spell.start, rng.randint(5, 60))
    if rng.random() < 0.4 and (spell.end is None or talk <= spell.end):
        recorder.note("guidance.held", talk, {"case": case}, source=CASES)
    if spell.end is not None:
        _end(recorder, spell, spell.end, case, measure, assisted)


def _end(recorder: Recorder, spell: Spell, end: date, case: str, measure: str, assisted: bool) -> None:
    rng = recorder.rng
    if spell.days > 120 and rng.random() < _TAKEN_BACK:
        # Written on the wrong person's card, and taken back.
        mistaken = {"case": case, "measure": measure, "result": "interrupted", "reason": "own_request"}
        halfway = next_working_day(spell.start + timedelta(days=spell.days // 2))
        recorder.retract(recorder.note("measure.ended", halfway, mistaken, source=CASES), rng.randint(1, 9))
    result = "completed" if spell.reason in LIVELIHOOD else "interrupted"
    ending = {"case": case, "measure": measure, "result": result, "reason": spell.reason}
    room_to_correct = end < date(2021, 9, 1)
    if room_to_correct and rng.random() < _WRONG_AT_FIRST:
        wrong = recorder.note("measure.ended", end, {**ending, "reason": "unknown"}, source=CASES)
        recorder.correct(wrong, rng.randint(3, 40), reason=spell.reason)
    else:
        recorder.note("measure.ended", end, ending, source=CASES)
    recorder.note("case.closed", end, {"case": case, "reason": spell.reason}, source=CASES)
    month = add_months(end, 7)
    run = register_run(month)
    if run <= LAST_DAY - timedelta(days=7) and rng.random() < 0.97:
        still = rng.random() < (0.12 if spell.reason in LIVELIHOOD else 0.5 if assisted else 0.25)
        recorder.write("assistance.reported", run, {"month": f"{month:%Y-%m}", "receives": still}, source=ASSISTANCE)


def _provider(spell: Spell, rng: random.Random) -> str:
    place = tuple(GROUP_OF_KIND).index(spell.kind)
    open_to = [one for one in PROVIDERS if (spell.end or date.max) <= one.last_day]
    return rng.choices([one.code for one in open_to], [one.weights[place] for one in open_to])[0]
