"""A batch of accepted events: kept, and everything that depends on them brought in line."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from efterhand.messaging.records import Record
from efterhand.persons.context import set_through, share_context, take_context
from efterhand.persons.keeping import Batch, keep_erasures, keep_events, keep_watermarks, read_batches
from efterhand.persons.store import write_progress
from efterhand.timeline.events import Event
from efterhand_indicators.adapters import context_store
from efterhand_indicators.adapters.tables import kept
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.application.dispose import dispose
from efterhand_indicators.application.erase import erase
from efterhand_indicators.application.recompute import recompute
from efterhand_indicators.domain.context import NEVER_COMPUTED, Progress


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
        for batch in read_batches(records):
            self._apply(connection, batch)

    def _apply(self, connection: Connection, batch: Batch) -> None:
        if batch.disposals:
            take_context(connection, kept)
            dispose(connection, batch.disposals, self._definitions, self._secret)
            return
        if batch.erasures:
            take_context(connection, kept)
            erase(connection, keep_erasures(connection, kept, batch.erasures, self._secret), self._definitions)
        else:
            share_context(connection, kept)
        if batch.watermarks:
            self._keep_watermarks(connection, batch.watermarks)
        if batch.about_persons:
            self._keep_events(connection, batch.about_persons)

    def _keep_watermarks(self, connection: Connection, events: Sequence[Event]) -> None:
        # Only here: nothing that is computed of persons depends on them, and batches need not wait for each other.
        context_store.lock_watermarks(connection)
        through = keep_watermarks(connection, kept, events)
        if through != context_store.read_context(connection).through:
            set_through(connection, kept, through)

    def _keep_events(self, connection: Connection, events: Sequence[Event]) -> None:
        locked, since = keep_events(connection, kept, events, self._secret, Progress)
        touched = {person: own for person, own in locked.items() if person in since}
        context = context_store.read_context(connection)
        if context.catalogue == self._definitions.fingerprint:
            recompute(connection, touched, self._definitions, context)
        else:
            # Another worker has adopted another catalogue: this one keeps the events, that one computes.
            stale = [replace(own, generation=NEVER_COMPUTED) for own in touched.values()]
            write_progress(connection, kept, stale)
