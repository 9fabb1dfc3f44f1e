"""A batch of records of the topic of events becomes events held, and what follows from them."""

from collections.abc import Sequence

from sqlalchemy import Connection

from efterhand.catalogue import Catalogue
from efterhand.erasure import person_hash
from efterhand.messaging.records import Record
from efterhand.timeline.events import Event, Unreadable
from efterhand.timeline.facts import derive_facts
from efterhand_followup.adapters.context_store import read_context, share_context, take_context
from efterhand_followup.adapters.person_store import (
    add_persons,
    insert_events,
    lock_persons,
    read_events,
    which_are_erased,
)
from efterhand_followup.application.erase import ERASURE_TYPE, erase
from efterhand_followup.application.move_watermarks import move_watermarks
from efterhand_followup.application.recompute import Recomputed, recompute
from efterhand_followup.domain.context import Context
from efterhand_followup.domain.watermarks import WATERMARK_TYPE, Watermark


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
    events = [Event.from_wire(record.value) for record in records]
    erasures = [event for event in events if event.type == ERASURE_TYPE]
    watermarks = [event for event in events if event.type == WATERMARK_TYPE]
    about_persons = [event for event in events if event.type not in (ERASURE_TYPE, WATERMARK_TYPE)]
    if erasures or watermarks:
        take_context(connection)
    else:
        share_context(connection)
    context = read_context(connection)
    if erasures:
        erase(connection, erasures, secret, context.business_date)
    if watermarks:
        context = move_watermarks(connection, [_as_watermark(event) for event in watermarks], context, catalogue)
    return _apply_to_persons(connection, about_persons, context, catalogue, secret)


def _apply_to_persons(
    connection: Connection, events: Sequence[Event], context: Context, catalogue: Catalogue, secret: str
) -> Recomputed:
    if not all(event.person for event in events):
        raise Unreadable("an event about a person without the person")
    hashes = {event.person: person_hash(secret, event.person) for event in events}
    gone = which_are_erased(connection, hashes.values())
    hashes = {person: each for person, each in hashes.items() if each not in gone}
    locked = lock_persons(connection, hashes)
    if len(locked) < len(hashes):
        add_persons(connection, {person: each for person, each in hashes.items() if person not in locked})
        locked = lock_persons(connection, hashes)
    since = insert_events(connection, [event for event in events if event.person in hashes])
    if context.business_date is None:
        # What cannot be understood has to be found now, by its record, and not when the first date comes.
        for held in read_events(connection, since).values():
            derive_facts(held)
        return Recomputed()
    return recompute(connection, list(since), context, catalogue, since, locked)


def _as_watermark(event: Event) -> tuple[Event, Watermark]:
    try:
        return event, Watermark.from_event(event)
    except (KeyError, ValueError, TypeError) as error:
        raise Unreadable(f"not a watermark: {type(error).__name__}") from None
