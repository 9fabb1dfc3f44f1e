"""What happened in a case, as its events tell it: what was corrected, taken back or doubtful is marked. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from efterhand.timeline.events import Event, EventRef

_EVERY_ONE: Final = frozenset({"plan.set", "guidance.held", "offer.made", "followup.attempted", "followup.answered"})
"""Types of events of which every one counts by itself."""
_OF_PERSON: Final = frozenset({"consent.changed", "person.protected"})


@dataclass(frozen=True)
class Told:
    """One event of a case.

    Attributes:
        event: as it came.
        on: the day that it is about; a month counts from its first day.
        corrects: an event recorded earlier said something else of the same fact.
        corrected: an event recorded later does.
        retracted_on: on which day its source's retraction of it came.
        doubts: the codes of what is doubtful about it.
    """

    event: Event
    on: date
    corrects: bool
    corrected: bool
    retracted_on: date | None
    doubts: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the event as others see it: without the person."""
        return {
            "source": self.event.source,
            "id": self.event.id,
            "type": self.event.type,
            "on": self.on,
            "time": self.event.time,
            "received": self.event.received,
            "data": {name: value for name, value in self.event.data.items() if name != "person"},
            "corrects": self.corrects,
            "corrected": self.corrected,
            "retracted_on": self.retracted_on,
            "doubts": list(self.doubts),
        }


def story_of(
    events: Iterable[Event], case_id: str, months: Collection[str], doubts: Mapping[EventRef, Collection[str]]
) -> tuple[Told, ...]:
    """Return what happened in a case, in the order of its days, and of recording within a day.

    What is said of the person, and not of one case, is part of it: consent, protection, and the register's months that
    a check of the case looks at.

    Args:
        events: all that are held of the person.
        case_id: the case.
        months: as `YYYY-MM`.
        doubts: codes by the event that they are about.
    """
    held = list(events)
    retracted = {
        (event.source, event.data["retracts"]["id"]): event.received_on
        for event in held
        if event.type == "event.retracted" and event.data["retracts"]["source"] == event.source
    }
    subjects = {case_id, *(each.data["measure"] for each in held if _starts_measure_of(each, case_id))}
    own = [event for event in held if _is_of(event, case_id, subjects, months)]
    ranks: dict[tuple[Any, ...], list[Any]] = {}
    for event in own:
        if event.ref not in retracted:
            ranks.setdefault(_fact(event), []).append(event.rank)
    told = [
        Told(
            event=event,
            on=_day(event),
            corrects=event.ref not in retracted and event.rank > min(ranks[_fact(event)]),
            corrected=event.ref not in retracted and event.rank < max(ranks[_fact(event)]),
            retracted_on=retracted.get(event.ref),
            doubts=tuple(sorted(doubts.get(event.ref, ()))),
        )
        for event in own
    ]
    return tuple(sorted(told, key=lambda each: (each.on, each.event.rank)))


def _starts_measure_of(event: Event, case_id: str) -> bool:
    return event.type == "measure.started" and event.data["case"] == case_id


def _is_of(event: Event, case_id: str, subjects: Collection[str], months: Collection[str]) -> bool:
    data = event.data
    if event.type in ("event.retracted", "person.erased"):
        return False
    if event.type in _OF_PERSON:
        return True
    if event.type == "assistance.reported":
        return data["month"] in months
    if "subject" in data:
        return data["subject"] in subjects
    return bool(data.get("case") == case_id)


def _day(event: Event) -> date:
    data = event.data
    return date.fromisoformat(f"{data['month']}-01" if "month" in data else data["on"])


def _fact(event: Event) -> tuple[Any, ...]:
    """Return the single fact that an event sets, by its key."""
    data = event.data
    if event.type in _EVERY_ONE:
        return event.ref
    if event.type in ("case.enrolled", "case.closed"):
        return event.type, data["case"]
    if event.type.startswith("measure."):
        return event.type, data["measure"]
    if event.type == "case.transferred":
        return event.type, data["on"], "unit" in data, "target_group" in data
    return event.type, data.get("on"), data.get("month")
