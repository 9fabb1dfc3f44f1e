"""What is disposed of leaves the archive; hashes of its events stay, and what is published of it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from efterhand.database import Outgoing, bulk_insert, put_outbox
from efterhand_intake.adapters import tables
from efterhand_intake.adapters.archive import CASE_EVENTS

_TEXTS = ARRAY(TEXT)
_AGAIN = text("""
    WITH batch AS (
        SELECT id, person_hash, wire FROM intake.disposal WHERE id > :after ORDER BY id LIMIT :rows
    ), sent AS (
        INSERT INTO intake.outbox (topic, key, value)
        SELECT 'case-events', convert_to(person_hash, 'UTF8'), convert_to(wire, 'UTF8') FROM batch ORDER BY id
    )
    SELECT max(id) FROM batch
""")


class Held(NamedTuple):
    """An event in the archive."""

    person: str
    source: str
    id: str
    hash: int
    content: str
    """In hexadecimal."""
    wire: str


class Gone(NamedTuple):
    """A person who is disposed of, with what is published, and of each event the keyed hash and that of its content."""

    person: str
    person_hash: str
    wire: bytes
    events: Mapping[UUID, str]


def find_persons(connection: Connection, hints: Collection[tuple[int, int]]) -> set[str]:
    """Return the persons who have an event of one of these (bucket, hash): hardly others than those looked for."""
    found = connection.exec_driver_sql(
        "SELECT DISTINCT person FROM unnest(%b::smallint[], %b::bigint[]) AS asked(bucket, hash)"
        " JOIN intake.event USING (bucket, hash) WHERE person <> ''",
        ([bucket for bucket, _ in hints], [least for _, least in hints]),
    )
    return set(found.scalars())


def events_of(connection: Connection, persons: Collection[str]) -> list[Held]:
    """Return every event of some persons."""
    found = connection.exec_driver_sql(
        "SELECT person, source, id, hash, encode(content, 'hex'), wire FROM intake.event"
        " WHERE person = ANY(%b::text[])",
        (sorted(persons),),
    )
    return [Held(*row) for row in found]


def dispose(connection: Connection, gone: Sequence[Gone], before: date) -> None:
    """Take everything about persons away that is from before a day, and put what tells of it into the outbox.

    The caller holds the lock alone.

    Args:
        connection: in a transaction.
        gone: the persons; every event of theirs goes.
        before: refusals that were received last before that day go too.
    """
    if not gone:
        return
    persons = bindparam("persons", [each.person for each in gone], _TEXTS)
    for table in ("event", "access_log"):
        statement = f"DELETE FROM intake.{table} WHERE person = ANY(:persons)"  # noqa: S608 - names of our own tables
        connection.execute(text(statement).bindparams(persons))
    connection.execute(
        text(
            "DELETE FROM intake.refused WHERE person = ANY(:persons)"
            " AND (last_received AT TIME ZONE 'Europe/Stockholm')::date < :before"
        ).bindparams(persons, before=before)
    )
    identities = sorted((identity, content) for each in gone for identity, content in each.events.items())
    bulk_insert(
        connection,
        tables.disposed_event,
        [{"identity": identity, "content": bytes.fromhex(content)} for identity, content in identities],
    )
    connection.exec_driver_sql(
        "INSERT INTO intake.disposal (person_hash, wire) SELECT * FROM unnest(%b::text[], %b::text[])",
        ([each.person_hash for each in gone], [each.wire.decode() for each in gone]),
    )
    # Under the person's own key, so that it comes behind the person's events; and without a person in the row: an
    # erasure must not take it away, or what the person counted for would never be closed.
    put_outbox(connection, tables.outbox, [Outgoing(CASE_EVENTS, each.person.encode(), each.wire) for each in gone])


def contents(connection: Connection, identities: Collection[UUID]) -> dict[UUID, str]:
    """Return the fingerprint of the content of each of the events that was disposed of."""
    if not identities:
        return {}
    found = connection.exec_driver_sql(
        "SELECT identity, encode(content, 'hex') FROM intake.disposed_event WHERE identity = ANY(%b::uuid[])",
        (list(identities),),
    )
    return {row[0]: row[1] for row in found}


def publish_again(connection: Connection, after: int, rows: int) -> int | None:
    """Put the next disposals into the outbox; return the last one's id, None when none is left."""
    last: int | None = connection.execute(_AGAIN, {"after": after, "rows": rows}).scalar_one()
    return last


def count_events(connection: Connection) -> int:
    """Return how many events have been disposed of."""
    return connection.execute(select(func.count()).select_from(tables.disposed_event)).scalar_one()
