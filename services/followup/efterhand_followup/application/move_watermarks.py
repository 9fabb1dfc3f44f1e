"""A feed says how far it has reported: what was waiting for that is found and computed anew."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection

from efterhand.catalogue import Catalogue
from efterhand.persons.context import set_through
from efterhand.persons.keeping import keep_watermarks
from efterhand.timeline.events import Event
from efterhand_followup.adapters.context_store import read_context
from efterhand_followup.adapters.person_store import mark_by_giving_up
from efterhand_followup.adapters.tables import kept
from efterhand_followup.domain.context import Context


def move_watermarks(
    connection: Connection, arrived: Sequence[Event], context: Context, catalogue: Catalogue
) -> Context:
    """Keep watermarks, and mark the persons with a check that gives up between what was known and what is known now.

    Args:
        connection: in a transaction that has taken the context.
        arrived: events of type source.reported_through.
        context: before.
        catalogue: says which protocols read which feed.

    Returns:
        The context after.
    """
    through = keep_watermarks(connection, kept, arrived)
    if through == context.through:
        return context
    set_through(connection, kept, through)
    since = min(event.received_on for event in arrived)
    for feed in sorted(through):
        before, after = context.through.get(feed, date.max), through[feed]
        if before == after:
            continue
        protocols: list[str] | None = None
        if context.catalogue == catalogue.version:
            # By another catalogue the feed may be read by protocols that this one does not know.
            protocols = [protocol.id for protocol in catalogue.protocols.values() if protocol.feed == feed]
        mark_by_giving_up(connection, protocols, min(before, after), max(before, after), since)
    return read_context(connection)
