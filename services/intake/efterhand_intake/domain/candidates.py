"""An event on its way in: what was sent, what speaks against it, and what is decided."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

import orjson

from efterhand.clock import end_of_day
from efterhand.contracts import (
    REFUSAL_CODES,
    CodeLookup,
    Fault,
    NotJson,
    canonical_content,
    find_faults,
    mask_identity_numbers,
)
from efterhand.contracts.codes import (
    CONFLICT,
    IDENTITY_NUMBER,
    NOT_JSON,
    PERSON_ERASED,
    RANK,
    SOURCE_NOT_ALLOWED,
    WRONG_VALUE,
)

ERASURE: Final = "person.erased"
WATERMARK: Final = "source.reported_through"

LARGEST_EVENT: Final = 500_000
"""Bytes of one event: a record of a topic holds no more than a megabyte."""

Identity = tuple[str, str]
"""(source, id)"""


class Outcome(StrEnum):
    """What becomes of an event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided: the outcome, and for what is not taken every fault in the order of the codes."""

    outcome: Outcome
    faults: tuple[Fault, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code that applies, once."""
        return tuple(dict.fromkeys(fault.code for fault in self.faults))

    @property
    def field(self) -> str | None:
        """What the first fault is about."""
        return self.faults[0].field if self.faults else None

    @property
    def message(self) -> str | None:
        """Why, in words."""
        return " ".join(dict.fromkeys(fault.message for fault in self.faults)) or None


ACCEPTED: Final = Decision(Outcome.ACCEPTED)
DUPLICATE: Final = Decision(Outcome.DUPLICATE)


@dataclass(slots=True)
class Candidate:
    """One event as it was sent, with what is needed to decide about it.

    `judge` fills in what follows from the event itself; it is called again when the business date has moved.
    """

    item: object
    """The JSON value, or `NotJson` in its place."""
    may_write_source: Callable[[str], bool] = field(default=lambda _: True)
    """Whether the sender may write events of a source."""
    sender: str = ""
    """The source that the sender's token is for; "" for staff and services."""
    received_on: date | None = None
    """The day it is to count as received on (loading history); None: now."""
    received_is_wrong: bool = False
    """Whether a day of receipt was given that is no day."""
    keep_refusal: bool = True
    check_size: bool = False
    """Whether it may be too large for a record of a topic."""
    entry: int | None = None
    """The refused entry that this is another try of; closed when it is taken."""

    event: dict[str, Any] = field(default_factory=dict)
    source: str | None = None
    id: str | None = None
    type: str = ""
    person: str | None = None
    identity: Identity | None = None
    content: bytes | None = None
    """Canonical content; None where it cannot be made, so that it equals no other."""
    faults: Sequence[Fault] = ()
    day: date | None = None
    """The business date it was judged on."""
    received: datetime | None = None

    @property
    def may_write(self) -> bool:
        """Whether the sender may write events of this source."""
        return self.source is None or self.may_write_source(self.source)

    @property
    def is_erasure(self) -> bool:
        """Whether it is the erasure of a person."""
        return self.type == ERASURE

    @property
    def feed(self) -> str | None:
        """The feed that a watermark is about."""
        if self.type != WATERMARK:
            return None
        feed: str = self.event["data"]["feed"]
        return feed

    def shown(self, value: str | None) -> str | None:
        """Return a value of the envelope as it may be shown."""
        if value is not None and any(fault.code == IDENTITY_NUMBER for fault in self.faults):
            return mask_identity_numbers(value)
        return value


def heard(candidates: Sequence[Candidate], decisions: Sequence[Decision]) -> set[tuple[str, str]]:
    """Return who has been heard by what was decided about candidates: ("source", name) and ("feed", name)."""
    named: set[tuple[str, str]] = set()
    for candidate, decision in zip(candidates, decisions, strict=True):
        if decision.outcome not in (Outcome.ACCEPTED, Outcome.DUPLICATE):
            continue
        if candidate.source is not None:
            named.add(("source", candidate.source))
        if candidate.feed is not None:
            named.add(("feed", candidate.feed))
    return named


def judge(candidate: Candidate, *, day: date, received: datetime, codes: CodeLookup) -> None:
    """Find what can be told of a candidate without knowing what was received before.

    Args:
        candidate: is filled in.
        day: the business date.
        received: intake's stamp, unless the candidate says on which day it counts as received.
        codes: the codes of the catalogue.
    """
    candidate.day = day
    item = candidate.item
    if isinstance(item, NotJson):
        candidate.received = received
        candidate.faults = (Fault(NOT_JSON, None, item.message),)
        return
    if candidate.received_on is not None:
        received = end_of_day(candidate.received_on)
    candidate.received = received
    faults = find_faults(item, received=received, business_date=day, codes=codes)
    if isinstance(item, dict):
        _identify(candidate, item)
        if not candidate.may_write:
            faults.append(Fault(SOURCE_NOT_ALLOWED, "source", REFUSAL_CODES[SOURCE_NOT_ALLOWED]))
    if candidate.received_on is not None and candidate.received_on > day:
        faults.append(
            Fault(WRONG_VALUE, "received", "received lies after the business date. Give a day that has come.")
        )
    if candidate.received_is_wrong:
        faults.append(Fault(WRONG_VALUE, "received", "received must be a day, written YYYY-MM-DD."))
    if candidate.check_size and len(orjson.dumps(item)) > LARGEST_EVENT:
        faults.append(Fault(WRONG_VALUE, None, f"The event has more than {LARGEST_EVENT} bytes. Send less in it."))
    candidate.faults = sorted(faults, key=lambda fault: RANK[fault.code]) if faults else ()


def _identify(candidate: Candidate, event: dict[str, Any]) -> None:
    candidate.event = event
    source, event_id, event_type, data = (event.get(name) for name in ("source", "id", "type", "data"))
    candidate.source = source if isinstance(source, str) else None
    candidate.id = event_id if isinstance(event_id, str) else None
    candidate.type = event_type if isinstance(event_type, str) else ""
    if candidate.source and candidate.id:
        candidate.identity = (candidate.source, candidate.id)
        try:
            candidate.content = canonical_content(event)
        except ValueError:
            candidate.content = None
    person = data.get("person") if isinstance(data, dict) else None
    candidate.person = person if isinstance(person, str) else None


_ERASED: Final = Fault(PERSON_ERASED, "data.person", REFUSAL_CODES[PERSON_ERASED])
_OTHER_CONTENT: Final = Fault(CONFLICT, "id", REFUSAL_CODES[CONFLICT])


def decide(candidate: Candidate, *, fingerprint: str, stored: str | None, is_erased: bool) -> Decision:
    """Decide about a judged candidate.

    What was accepted before is a duplicate, whatever speaks against it today; but not for a sender who may not write
    that source, who is to learn nothing more than that.

    Args:
        candidate: judged.
        fingerprint: of its content.
        stored: the fingerprint of the event of the same identity that was accepted earlier, if there is one.
        is_erased: whether its person has been erased.
    """
    if stored is not None and stored == fingerprint and candidate.may_write:
        return DUPLICATE
    faults = list(candidate.faults)
    if is_erased:
        faults.append(_ERASED)
    if stored is not None and stored != fingerprint:
        faults.append(_OTHER_CONTENT)
    if not faults:
        return ACCEPTED
    return Decision(Outcome.CONFLICT if faults[-1] is _OTHER_CONTENT else Outcome.REFUSED, tuple(faults))
