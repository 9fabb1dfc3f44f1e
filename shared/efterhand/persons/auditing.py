"""What an audit can tell of the tables that every service has which follows persons."""

from collections.abc import Collection, Iterator

from sqlalchemy import Connection, any_, select

from efterhand.disposal import event_identity
from efterhand.persons.disposing import which_are_disposed_of
from efterhand.persons.store import texts
from efterhand.persons.tables import PersonTables
from efterhand.timeline.digest import bucket_of, erasure_hash, event_hash


def wrongly_counted_events(
    connection: Connection, tables: PersonTables, persons: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Give source and id of the events that the digest counts otherwise than it should."""
    event = tables.event.c
    rows = connection.execute(
        select(event.person, event.source, event.id, event.hash, event.bucket)
        .where(event.person == any_(texts(persons)))
        .order_by(event.person, event.source, event.id)
    )
    for person, source, event_id, held, bucket in rows:
        if (held, bucket) != (event_hash(source, event_id), bucket_of(person)):
            yield source, event_id


def wrongly_counted_erasures(connection: Connection, tables: PersonTables) -> Iterator[str]:
    """Give the hashes of the erased persons that the digest counts otherwise than it should."""
    for personhash, held, bucket in connection.execute(
        select(tables.erased.c.personhash, tables.erased.c.hash, tables.erased.c.bucket).order_by(
            tables.erased.c.personhash
        )
    ):
        if (held, bucket) != (erasure_hash(personhash), bucket_of(personhash)):
            yield personhash


def events_disposed_of(
    connection: Connection, tables: PersonTables, persons: Collection[str], secret: str
) -> Iterator[tuple[str, str]]:
    """Give source and id of the events that are held though they were disposed of."""
    event = tables.event.c
    rows = connection.execute(
        select(event.source, event.id).where(event.person == any_(texts(persons))).order_by(event.source, event.id)
    )
    identities = {event_identity(secret, source, event_id): (source, event_id) for source, event_id in rows}
    gone = which_are_disposed_of(connection, tables, identities)
    yield from (ref for identity, ref in identities.items() if identity in gone)
