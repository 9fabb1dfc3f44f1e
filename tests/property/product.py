"""The product's pure core, asked the questions that the reference answers, with the answers in one shape."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from typing import Any

import orjson

from efterhand.catalogue import Catalogue, load_catalogue
from efterhand.timeline.checks import Check, derive_checks, state_on
from efterhand.timeline.events import Event
from efterhand.timeline.facts import Facts, derive_facts
from efterhand.timeline.notices import Notice, catch_up_notices, notices_on, register_notices
from tests import reference
from tests.property.strategies import Event as Sent
from tests.tiny import MUNICIPALITY, tiny_catalogue_directory

Answer = dict[str, Any]


@cache
def catalogue() -> Catalogue:
    """The tiny catalogue, loaded as the product loads any."""
    return load_catalogue(str(tiny_catalogue_directory()))


def protocols() -> tuple[str, ...]:
    """The protocols of the catalogue that the rules name."""
    return tuple(each for each in reference.PROTOCOLS if each in catalogue().protocols)


def indicators() -> tuple[str, ...]:
    """The indicators of the catalogue that the rules name."""
    return tuple(each for each in reference.INDICATORS if each in catalogue().indicators)


def on_the_wire(sent: Sent) -> Event:
    """The event as a worker reads it."""
    return Event.from_wire(orjson.dumps(sent))


def by_person(events: Iterable[Sent]) -> dict[str, list[Event]]:
    """Every person's events, in the order in which they came."""
    persons: dict[str, list[Event]] = {}
    for sent in events:
        event = on_the_wire(sent)
        if event.person:
            persons.setdefault(event.person, []).append(event)
    return persons


def facts_of(events: Iterable[Sent]) -> dict[str, Facts]:
    """Every person's facts."""
    return {person: derive_facts(own) for person, own in by_person(events).items()}


def known_to(events: Iterable[Sent], business_date: date) -> dict[str, date]:
    """as_of of every feed, by the greatest watermark."""
    greatest: dict[str, Event] = {}
    for sent in events:
        event = on_the_wire(sent)
        if event.type == "source.reported_through":
            feed = event.data["feed"]
            if feed not in greatest or greatest[feed].rank < event.rank:
                greatest[feed] = event
    through = {feed: date.fromisoformat(event.data["through"]) for feed, event in greatest.items()}
    return {feed: min(through.get(feed, business_date), business_date) for feed in ("cases", "answers", "assistance")}


def _checks(facts: Mapping[str, Facts]) -> dict[str, list[Check]]:
    wanted = protocols()
    return {
        person: [check for check in derive_checks(each, catalogue()) if check.protocol in wanted]
        for person, each in facts.items()
    }


def nothing_answered_after(events: Iterable[Sent], on: date) -> bool:
    """Whether what was answered can be compared: the core tells it as it is in the end, not as it was on a day."""
    return all(e["data"]["on"] <= on.isoformat() for e in events if e["type"] == "followup.answered")


def checks(events: list[Sent], on: date, business_date: date) -> dict[str, Answer]:
    """The checks on a day, by id."""
    as_of = known_to(events, business_date)
    facts = facts_of(events)
    told = nothing_answered_after(events, on)
    answers: dict[str, Answer] = {}
    for person, own in _checks(facts).items():
        for check in own:
            standing = state_on(check, catalogue().protocols[check.protocol], on, as_of)
            if standing is not None:
                answers[check.id] = {
                    "anchor_on": check.anchor_on,
                    "due": check.due,
                    "state": str(standing.state),
                    "settled_on": standing.settled_on,
                    "late": standing.late,
                    "flag": standing.flag,
                    "unit": facts[person].unit_on(check.case_id, on),
                    "worker": facts[person].worker_on(check.case_id, on),
                    "first_received": check.first_received,
                    "protected": facts[person].protected_on(on),
                    "response": check.response if standing.state == "answered" and told else None,
                    "occupation": check.occupation if standing.state == "answered" and told else None,
                }
    return answers


def expected_checks(events: list[Sent], on: date, business_date: date) -> dict[str, Answer]:
    """The same from the reference."""
    told = nothing_answered_after(events, on)
    return {
        check.id: {
            "anchor_on": check.anchor_on,
            "due": check.due,
            "state": check.state,
            "settled_on": check.settled_on,
            "late": check.late,
            "flag": check.flag,
            "unit": check.unit,
            "worker": check.worker,
            "first_received": check.first_received,
            "protected": check.protected,
            "response": check.response if told else None,
            "occupation": check.occupation if told else None,
        }
        for check in reference.checks(events, on, business_date, MUNICIPALITY, protocols())
    }


def notices(events: list[Sent], on: date, business_date: date) -> dict[str, Answer]:
    """The open and summed notices on a day, by id."""
    as_of = known_to(events, business_date)
    facts = facts_of(events)
    found: list[Notice] = []
    months: list[date] = []
    for person, own in _checks(facts).items():
        found += notices_on(facts[person], own, catalogue(), on, as_of)
        for check in own:
            protocol = catalogue().protocols[check.protocol]
            standing = state_on(check, protocol, on, as_of)
            if protocol.reads_month and standing is not None and not standing.settled:
                months.append(check.due.replace(day=1))
    found += catch_up_notices(found)
    found += register_notices(months, on)
    assert len({notice.id for notice in found}) == len(found)
    return {
        notice.id: {
            "check": notice.check,
            "step": notice.step,
            "moment": notice.moment,
            "send_on": notice.send_on,
            "unit": notice.unit,
            "to": notice.to,
            "status": notice.status,
            "summed_into": notice.summed_into,
            "lists": notice.lists,
        }
        for notice in found
    }


def expected_notices(events: list[Sent], on: date, business_date: date) -> dict[str, Answer]:
    """The same from the reference."""

    def addressed(notice: reference.Notice) -> str:
        if notice.to == "register_owner":
            return "register"
        return f"{notice.to}:{notice.worker if notice.to == 'worker' else notice.unit}"

    return {
        notice.id: {
            "check": notice.check,
            "step": notice.step,
            "moment": notice.moment,
            "send_on": notice.send_on,
            "unit": notice.unit,
            "to": addressed(notice),
            "status": notice.status,
            "summed_into": notice.summed_into,
            "lists": () if notice.id.startswith("register/") else notice.lists,
        }
        for notice in reference.notices(events, on, business_date, MUNICIPALITY, protocols=protocols())
    }
