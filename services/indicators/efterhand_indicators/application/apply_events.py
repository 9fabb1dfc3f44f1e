"""A batch of accepted events: kept, and everything that depends on them brought in line."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from efterhand.erasure import person_hash
from efterhand.messaging.records import Record
from efterhand.timeline.events import Event
from efterhand_indicators.adapters import context_store, person_store
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.application.recompute import recompute
from efterhand_indicators.domain.context import NEVER_COMPUTED
from efterhand_indicators.domain.watermarks import through_by_feed

ERASURE = "person.erased"


class ApplyEvents:
    """Applies batches; order, repeats and the way events are cut into batches do not matter."""

    def __init__(self, definitions: Definitions, secret: str) -> None:
        """`secret` keys the hashes by which erased persons are known."""
        self._definitions = definitions
        self._secret = secret

    def __call__(self, connection: Connection, records: Sequence[Record]) -> None:
        """Apply records of `case-events` in the caller's transaction.

        Raises:
            Unreadable: a record is no accepted event.
        """
        self.apply(connection, [Event.from_wire(record.value) for record in records])

    def apply(self, connection: Connection, events: Sequence[Event]) -> None:
        """Apply events in the caller's transaction."""
        erasures = [event for event in events if event.type == ERASURE]
        if erasures:
            context_store.take_context(connection)
            self._erase(connection, erasures)
        else:
            context_store.share_context(connection)
        others = [event for event in events if event.type != ERASURE]
        self._keep_watermarks(connection, [event for event in others if not event.person])
        self._keep_events(connection, [event for event in others if event.person])

    def _erase(self, connection: Connection, erasures: Sequence[Event]) -> None:
        """Delete persons. An erasure that is published again knows only the hash of whom it was about."""
        named = {event.person for event in erasures if event.person}
        hashes = {self._hash(person) for person in named} | {e.person_hash for e in erasures if e.person_hash}
        waiting = {person for person in person_store.persons_waiting(connection) if self._hash(person) in hashes}
        known = person_store.persons_with_hashes(connection, hashes)
        person_store.delete_persons(connection, named | waiting | set(known))
        person_store.remember_erased(connection, hashes)

    def _keep_watermarks(self, connection: Connection, events: Sequence[Event]) -> None:
        if events:
            context_store.lock_watermarks(connection)
            if person_store.insert_events(connection, events):
                context_store.set_through(connection, through_by_feed(context_store.read_watermarks(connection)))

    def _keep_events(self, connection: Connection, events: Sequence[Event]) -> None:
        if not events:
            return
        hashes = {person: self._hash(person) for person in {event.person for event in events}}
        gone = person_store.which_are_erased(connection, hashes.values())
        if gone:
            hashes = {person: own for person, own in hashes.items() if own not in gone}
            events = [event for event in events if event.person in hashes]
        person_store.add_persons(connection, hashes)
        progress = person_store.lock_persons(connection, hashes)
        changed = person_store.insert_events(connection, sorted(events, key=lambda event: (event.person, event.ref)))
        touched = {person: own for person, own in progress.items() if person in changed}
        context = context_store.read_context(connection)
        if context.catalogue == self._definitions.fingerprint:
            recompute(connection, touched, self._definitions, context.generation)
        else:
            # Another worker has adopted another catalogue: this one keeps the events, that one computes.
            stale = [replace(own, generation=NEVER_COMPUTED) for own in touched.values()]
            person_store.write_progress(connection, stale)

    def _hash(self, person: str) -> str:
        return person_hash(self._secret, person)
