"""A seeded history in which what is hard is common, cut into periods between moves of the business date.

The built-in municipality's history, and on top of it: the same fact set twice at the same instant, corrections,
retractions before and after what they take back, conflicts, repeats, erasures. Nothing that the outcome depends on is
left to chance when it is sent: a conflict comes a period after the event it differs from, and what is stamped with the
business date is sent, and kept, before the date moves on.
"""

from __future__ import annotations

import calendar
import random
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from efterhand.demo import municipality

Event = dict[str, Any]

FIRST_DATE: Final = date(2016, 4, 30)
"""The first business date; what was received up to it is sent on it."""
LAST_DATE: Final = municipality.LAST_DAY
MONTHS_BETWEEN_DATES: Final = 2
NIGHT_SOURCE: Final = "/stockholm/nattfil"
"""A second case system, so that equal times are told apart by the source."""
NEVER_RETRACTED: Final = frozenset({"event.retracted", "person.erased", "source.reported_through"})

# What a correction may change, by type: another value of the field, never one that the contracts refuse.
CHANGES: Final[dict[str, tuple[tuple[str, tuple[Any, ...]], ...]]] = {
    "case.enrolled": (
        ("unit", ("jobbtorg-city", "jobbtorg-farsta", "jobbtorg-resurs", "jobbtorg-kista")),
        ("target_group", ("ordinary", "resource", "other")),
        ("sex", ("female", "male", "unknown")),
        ("contact_consent", (True, False)),
    ),
    "case.closed": (("reason", ("work", "studies", "moved", "referred_back", "deceased", "illness")),),
    "case.transferred": (("target_group", ("ordinary", "resource")), ("unit", ("jobbtorg-city", "jobbtorg-farsta"))),
    "case.assigned": (("worker", ("night-1", "night-2")),),
    "assistance.reported": (("receives", (True, False)),),
    "followup.answered": (("method", ("register", "survey")),),
    "consent.changed": (("contact", (True, False)),),
}


class Way(StrEnum):
    """How an event is sent."""

    LOAD = "load"
    """Posted with the day that it was received on."""
    POST = "post"
    """Posted; received on the business date."""
    TOPIC = "topic"
    """Written to `case-events-inbound`; received on the business date."""


@dataclass
class Sending:
    """An event on its way."""

    event: Event
    received: date
    way: Way
    refused_as: str | None = None
    """The code that the door may refuse it with; it leaves no trace in the result in any case."""

    @property
    def identity(self) -> tuple[str, str]:
        """(source, id)."""
        return self.event["source"], self.event["id"]

    @property
    def person(self) -> str | None:
        """Whom it is about."""
        person: str | None = self.event["data"].get("person")
        return person


@dataclass
class Period:
    """What is sent while one business date holds, in the order of sending."""

    on: date
    sendings: list[Sending] = field(default_factory=list)


@dataclass
class Plan:
    """A whole history."""

    seed: int
    periods: list[Period]

    @property
    def sendings(self) -> list[Sending]:
        """All of it."""
        return [sending for period in self.periods for sending in period.sendings]

    @property
    def accepted(self) -> list[Event]:
        """The events that count in the end, once each, with their days of receipt, as the reference takes them."""
        first: dict[tuple[str, str], Event] = {}
        for sending in self.sendings:
            if sending.refused_as is None:
                first.setdefault(sending.identity, {**sending.event, "received": sending.received.isoformat()})
        return list(first.values())

    @property
    def erased(self) -> frozenset[str]:
        """Persons of whom nothing is kept."""
        return frozenset(e["data"]["person"] for e in self.accepted if e["type"] == "person.erased")


def plan(seed: int, enrolments: int) -> Plan:
    """Make the history of a seed; the same seed and number give the same bytes."""
    rng = random.Random(f"kill/{seed}")
    periods = [Period(day) for day in _dates()]
    told = [each for each in municipality.history(seed, enrolments) if not _is_one_evening_of_many(each[0])]
    told += _beside(rng, told)
    persons = sorted({event["data"]["person"] for event, _ in told if "person" in event["data"]})
    told += _erasures(rng, rng.sample(persons, 3))
    for event, received in told:
        period = next(each for each in periods if received <= each.on)
        period.sendings.append(_sending(rng, event, received, period.on))
    erased = _refuse_after_erasures(periods)
    for period in periods:
        rng.shuffle(period.sendings)
    _repeat_and_contradict(rng, periods, erased)
    return Plan(seed, periods)


def _dates() -> list[date]:
    days, day = [], FIRST_DATE
    while day < LAST_DATE:
        days.append(day)
        month = day.month + MONTHS_BETWEEN_DATES - 1
        year, month = day.year + month // 12, month % 12 + 1
        day = date(year, month, calendar.monthrange(year, month)[1])
    return [*days, LAST_DATE]


def _is_one_evening_of_many(event: Event) -> bool:
    """Whether this is a watermark that another of the same week makes needless."""
    data = event["data"]
    return data.get("feed") == "cases" and date.fromisoformat(data["through"]).weekday() not in (2, 6)


def _sending(rng: random.Random, event: Event, received: date, today: date) -> Sending:
    way = rng.choices((Way.LOAD, Way.POST, Way.TOPIC), (50, 25, 25))[0]
    if event["type"] == "person.erased":
        way = Way.LOAD
    return Sending(event, received if way is Way.LOAD else today, way)


def _beside(rng: random.Random, told: Iterable[tuple[Event, date]]) -> list[tuple[Event, date]]:
    """Return corrections, rivals of the same instant, and retractions, of a part of the events."""
    more: list[tuple[Event, date]] = []
    for event, received in told:
        if event["type"] not in CHANGES:
            if event["type"] not in NEVER_RETRACTED and rng.random() < 0.03:
                more.append(_retraction(rng, event, received))
            continue
        chance = rng.random()
        if chance < 0.06:
            # The same instant: the source, then the id, says which of them holds.
            source = rng.choice((event["source"], NIGHT_SOURCE))
            more.append((_changed(rng, event, f"rival-{event['id']}", source), received))
        elif chance < 0.12:
            later = min(received + timedelta(days=rng.randint(1, 90)), LAST_DATE)
            corrected = _changed(rng, event, f"corrected-{event['id']}", event["source"])
            corrected["time"] = (datetime.fromisoformat(event["time"]) + (later - received)).isoformat()
            more.append((corrected, later))
        elif chance < 0.15:
            more.append(_retraction(rng, event, received))
    return more


def _changed(rng: random.Random, event: Event, event_id: str, source: str) -> Event:
    changed = deepcopy(event)
    if event["type"] == "case.closed" and rng.random() < 0.4:
        # Earlier, now and then before the enrolment: doubtful then.
        on = date.fromisoformat(event["data"]["on"]) - timedelta(days=rng.choice((1, 3, 40, 400)))
        changed["data"]["on"] = on.isoformat()
    else:
        name, values = rng.choice(CHANGES[event["type"]])
        changed["data"][name] = rng.choice([value for value in values if value != event["data"].get(name)])
    return {**changed, "id": event_id, "source": source}


def _retraction(rng: random.Random, event: Event, received: date) -> tuple[Event, date]:
    """Take an event back up to 200 days later, or on a day before it has come."""
    day = received + timedelta(days=rng.choice((-70, 0, 5, 30, 200)))
    day = min(max(day, municipality.FIRST_DAY), LAST_DATE)
    data = {"person": event["data"]["person"], "retracts": {"source": event["source"], "id": event["id"]}}
    time = f"{day.isoformat()}T07:00:00+01:00"
    return {**event, "id": f"retraction-{event['id']}", "type": "event.retracted", "time": time, "data": data}, day


def _erasures(rng: random.Random, persons: list[str]) -> list[tuple[Event, date]]:
    """Return erasures in the middle of the history."""
    made: list[tuple[Event, date]] = []
    for number, person in enumerate(persons):
        day = FIRST_DATE + timedelta(days=rng.randint(60, 500))
        event = {
            "specversion": "1.0",
            "id": f"erasure-{number}",
            "source": NIGHT_SOURCE,
            "type": "person.erased",
            "time": f"{day.isoformat()}T07:30:00+01:00",
            "data": {"person": person},
        }
        made.append((event, day))
    return made


def _refuse_after_erasures(periods: list[Period]) -> set[str]:
    """Mark what may be refused because its person has been erased; give those persons.

    What is sent in the period of the erasure comes before it or after it: taken away, or refused.
    """
    erased: set[str] = set()
    for period in periods:
        erased |= {s.person for s in period.sendings if s.event["type"] == "person.erased" and s.person}
        for sending in period.sendings:
            if sending.person in erased and sending.event["type"] != "person.erased":
                sending.refused_as = "person_erased"
    return erased


def _repeat_and_contradict(rng: random.Random, periods: list[Period], erased: set[str]) -> None:
    """Add repeats of what was sent in an earlier period, and other contents under the same identity."""
    sent: list[Sending] = []
    for period in periods:
        more: list[Sending] = []
        for earlier in rng.sample(sent, min(len(sent), 25)):
            if earlier.person in erased or earlier.refused_as:
                continue
            # Received when it came first, whatever way it comes again.
            if rng.random() < 0.6 or earlier.event["type"] not in CHANGES:
                way = Way.LOAD if earlier.way is Way.LOAD else rng.choice((Way.POST, Way.TOPIC))
                more.append(Sending(earlier.event, earlier.received if way is Way.LOAD else period.on, way))
            else:
                other = _changed(rng, earlier.event, *reversed(earlier.identity))
                way = rng.choice((Way.POST, Way.TOPIC))
                more.append(Sending(other, period.on, way, refused_as="conflict"))
        sent += period.sendings
        for sending in more:
            period.sendings.insert(rng.randint(0, len(period.sendings)), sending)
