"""Dispose of persons of whom everything lies before a horizon, each as a whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Literal
from uuid import UUID, uuid4

import orjson
from sqlalchemy import Connection

from efterhand.clock import end_of_day
from efterhand.disposal import (
    DISPOSAL_TYPE,
    LARGEST_DISPOSAL,
    as_hex,
    check_horizon,
    event_identity,
    from_hex,
)
from efterhand.erasure import person_hash
from efterhand.timeline.disposal import last_day_of
from efterhand.timeline.events import Event
from efterhand_intake.adapters import archive, disposals
from efterhand_intake.adapters.disposals import Gone, Held

SOURCE: Final = "/efterhand/intake"


@dataclass(frozen=True)
class Wanted:
    """A person who is to be disposed of, as indicators tells it without the name.

    `events` is how many events are held and `sum` what their 64-bit hashes add up to; `bucket` is the person's and
    `least` the least of the hashes; both in 16 hexadecimal digits.
    """

    personhash: str
    events: int
    sum: str
    bucket: int
    least: str


@dataclass(frozen=True)
class Disposed:
    """The keyed hashes of those who were disposed of, and of those who were not: more, or other, is held of them."""

    disposed: tuple[str, ...]
    moved_on: tuple[str, ...]


class Disposer:
    """Disposes of persons; shared by threads."""

    def __init__(self, clock: Literal["system", "manual"], secret: str, years: int) -> None:
        """`secret` keys the hashes of persons and events; everything is kept for so many `years` at least."""
        self._clock = clock
        self._secret = secret
        self._years = years

    def dispose(self, connection: Connection, before: date, wanted: Sequence[Wanted]) -> Disposed:
        """Dispose of those of the persons of whom exactly that is held which indicators has closed.

        One transaction, which the caller commits. Who was disposed of before is among those who are not.

        Args:
            connection: inside that transaction.
            before: the horizon: what lies before it goes.
            wanted: the persons.

        Raises:
            WrongHorizon: nothing may be disposed of up to that day.
            NoDateYet: intake has never been started.
        """
        day, _ = archive.begin(connection, alone=True, person_hashes=())
        check_horizon(before, self._years, day)
        by_hash = {each.personhash: each for each in wanted}
        found = disposals.find_persons(connection, [(each.bucket, from_hex(each.least)) for each in by_hash.values()])
        persons = {person: person_hash(self._secret, person) for person in found}
        persons = {person: hashed for person, hashed in persons.items() if hashed in by_hash}
        held: dict[str, list[Held]] = {person: [] for person in persons}
        for event in disposals.events_of(connection, persons):
            held[event.person].append(event)
        gone = [
            self._gone(person, persons[person], events, before, day)
            for person, events in sorted(held.items())
            if _is_as_told(by_hash[persons[person]], events) and _lies_before(events, before)
        ]
        disposals.dispose(connection, gone, before)
        done = {each.person_hash for each in gone}
        return Disposed(
            tuple(each for each in by_hash if each in done), tuple(each for each in by_hash if each not in done)
        )

    def _gone(self, person: str, hashed: str, events: Sequence[Held], before: date, day: date) -> Gone:
        identities: dict[UUID, str] = {
            event_identity(self._secret, event.source, event.id): event.content for event in events
        }
        now = end_of_day(day) if self._clock == "manual" else datetime.now(UTC)
        body = {
            "specversion": "1.0",
            "id": str(uuid4()),
            "source": SOURCE,
            "type": DISPOSAL_TYPE,
            "time": now,
            "data": {
                "before": before,
                "received_until": max(Event.from_wire(event.wire.encode()).received_on for event in events),
                "events": [identity.hex for identity in sorted(identities)],
            },
            "personhash": hashed,
            "received": now,
        }
        return Gone(person, hashed, orjson.dumps(body), identities)


def _is_as_told(wanted: Wanted, events: Sequence[Held]) -> bool:
    return (
        len(events) == wanted.events <= LARGEST_DISPOSAL and as_hex(sum(event.hash for event in events)) == wanted.sum
    )


def _lies_before(events: Sequence[Held], before: date) -> bool:
    return all(last_day_of(Event.from_wire(event.wire.encode())) < before for event in events)
