"""A batch of records of the topic of events becomes events held, and what follows from them."""

from collections.abc import Sequence

from sqlalchemy import Connection

from efterhand.catalogue import Catalogue
from efterhand.messaging.records import Record
from efterhand.persons.context import share_context, take_context
from efterhand.persons.keeping import Batch, keep_events, read_batches
from efterhand.persons.store import read_events
from efterhand.timeline.facts import derive_facts
from efterhand_followup.adapters.context_store import read_context
from efterhand_followup.adapters.tables import kept
from efterhand_followup.application.dispose import dispose
from efterhand_followup.application.erase import erase
from efterhand_followup.application.move_watermarks import move_watermarks
from efterhand_followup.application.recompute import Recomputed, put_off, recompute
from efterhand_followup.domain.context import Progress


def apply_events(connection: Connection, records: Sequence[Record], catalogue: Catalogue, secret: str) -> Recomputed:
    """Apply records in the caller's transaction: order, repeats and how they are cut into batches do not matter.

    Args:
        connection: in a transaction.
        records: of the topic `case-events`.
        catalogue: by which to compute.
        secret: keys the hashes of persons.

    Raises:
        Unreadable: a record holds no accepted event; nothing has been written then that the caller may keep.
    """
    done = [_apply(connection, batch, catalogue, secret) for batch in read_batches(records)]
    return Recomputed(*(sum(getattr(each, name) for each in done) for name in ("persons", "made", "withdrawn")))


def _apply(connection: Connection, batch: Batch, catalogue: Catalogue, secret: str) -> Recomputed:
    if batch.erasures or batch.watermarks or batch.disposals:
        take_context(connection, kept)
    else:
        share_context(connection, kept)
    context = read_context(connection)
    if batch.disposals:
        return dispose(connection, batch.disposals, context, catalogue, secret)
    if batch.erasures:
        erase(connection, batch.erasures, secret, context.business_date)
    if batch.watermarks:
        context = move_watermarks(connection, batch.watermarks, context, catalogue)
    locked, since = keep_events(connection, kept, batch.about_persons, secret, Progress)
    if context.business_date is None:
        # What cannot be understood has to be found now, by its record, and not when the first date comes.
        for held in read_events(connection, kept, since).values():
            derive_facts(held)
        return Recomputed()
    if context.catalogue != catalogue.version:
        # Another process has adopted another catalogue: what comes is kept, and computed by that one.
        put_off(connection, locked, since)
        return Recomputed()
    return recompute(connection, list(since), context, catalogue, since, locked)
