"""The archive in PostgreSQL, and what goes out from it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import Connection, text

from efterhand_intake.domain.candidates import Identity

CASE_EVENTS: Final = "case-events"


class NoDateYet(RuntimeError):
    """Nothing can be received before intake has a business date."""


class Archived(NamedTuple):
    """A row of the archive."""

    source: str
    id: str
    person: str
    type: str
    time: datetime
    received: datetime
    content: str
    """In hexadecimal."""
    bucket: int
    hash: int
    wire: str
    person_hash: str | None = None
    identity: str | None = None
    """By which it is known whether the event was disposed of."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """The erasure of a person: its row, whom it is about, and what is published now, while the person is known."""

    row: Archived
    person: str
    person_hash: str
    wire: bytes
    mention: str
    """Regular expression that finds the pseudonym in a text."""


_AGAIN = text("""
    WITH batch AS (
        SELECT source, id, person, wire FROM intake.event
        WHERE (source, id) > (:source, :id) ORDER BY source, id LIMIT :rows
    ), sent AS (
        INSERT INTO intake.outbox (topic, key, value, person)
        SELECT 'case-events', convert_to(coalesce(person_hash, person), 'UTF8'), convert_to(wire, 'UTF8'),
            nullif(person, '')
        FROM batch LEFT JOIN intake.erased_person USING (source, id)
        ORDER BY source, id
    )
    SELECT source, id FROM batch ORDER BY source DESC, id DESC LIMIT 1
""")


def lock(connection: Connection, *, alone: bool) -> None:
    """Hold off erasures and new dates, or (`alone`) every writer, until the transaction ends."""
    connection.exec_driver_sql("SELECT intake.lock_writers(%s)", (alone,))


def begin(connection: Connection, *, alone: bool, person_hashes: Collection[str]) -> tuple[date, frozenset[str]]:
    """Do what `lock` does; return the business date, and which of the persons have been erased.

    Raises:
        NoDateYet: intake has never been started.
    """
    row = connection.exec_driver_sql(
        "SELECT * FROM intake.begin_writing(%s, %b::text[])", (alone, list(person_hashes))
    ).one()
    if row[0] is None:
        raise NoDateYet
    return row[0], frozenset(row[1])


def add(connection: Connection, rows: Sequence[Archived]) -> set[Identity]:
    """Keep events and put them into the outbox; return the identities of those whose place was taken.

    What was refused under the same identity is closed: the event has been repaired, or the catalogue allows it now.
    An event that was disposed of has its place taken too. Rows are sorted by their identity, no identity twice: writers
    of the same events then never wait in a circle.
    """
    if not rows:
        return set()
    found = connection.exec_driver_sql("SELECT source, id FROM intake.add_events(%s::json)", (_given(rows),))
    return {(row[0], row[1]) for row in found}


def take(connection: Connection, day: date, rows: Sequence[Archived]) -> set[Identity]:
    """Do what `add` does, and return what it does, but in one statement that is a transaction of its own.

    Nothing is kept when the business date is not `day`, and nothing about erased persons; these are returned too.
    """
    if not rows:
        return set()
    found = connection.exec_driver_sql(
        "SELECT missing_source, missing_id FROM intake.take_events(%s, %s::json)", (day, _given(rows))
    )
    return {(row[0], row[1]) for row in found}


def _given(rows: Sequence[Archived]) -> str:
    # One text instead of ten arrays: the driver takes a microsecond for each element of an array.
    return orjson.dumps([row._asdict() for row in rows]).decode()


def contents(connection: Connection, identities: Collection[Identity]) -> dict[Identity, str]:
    """Return the fingerprint of the content of each of the events that is kept."""
    if not identities:
        return {}
    found = connection.exec_driver_sql(
        "SELECT source, id, encode(content, 'hex') FROM unnest(%b::text[], %b::text[]) AS asked(source, id) "
        "JOIN intake.event USING (source, id)",
        ([source for source, _ in identities], [event_id for _, event_id in identities]),
    )
    return {(row[0], row[1]): row[2] for row in found}


def erase(connection: Connection, erasure: Erasure) -> bool:
    """Take everything about a person away and keep that it was done; False when the event's identity is taken.

    The caller holds the lock alone.
    """
    parameters: dict[str, Any] = {
        **erasure.row._asdict(),
        "erased": erasure.person,
        "person_hash": erasure.person_hash,
        "mention": erasure.mention,
        "sent": erasure.wire,
    }
    added = connection.execute(
        text("""
            INSERT INTO intake.event (source, id, person, type, "time", received, content, bucket, hash, wire)
            VALUES (:source, :id, :person, :type, :time, :received, decode(:content, 'hex'), :bucket, :hash, :wire)
            ON CONFLICT DO NOTHING RETURNING id
        """),
        parameters,
    )
    if added.one_or_none() is None:
        return False
    for statement in (
        "INSERT INTO intake.erased_person (person_hash, source, id) VALUES (:person_hash, :source, :id)",
        "DELETE FROM intake.event WHERE person = :erased",
        "DELETE FROM intake.outbox WHERE person = :erased",
        "DELETE FROM intake.parked WHERE person = :erased"
        " OR encode(value, 'escape') ~ :mention OR encode(key, 'escape') ~ :mention OR reason ~ :mention",
        "DELETE FROM intake.refused WHERE person = :erased OR body ~ :mention OR event_id ~ :mention"
        " OR message ~ :mention OR field ~ :mention",
        # Behind the refusals, whose rows a reader has locked until its lines are there.
        "DELETE FROM intake.access_log WHERE person = :erased",
        # Without a person in the row: this is what makes everybody else forget, and nothing takes it away.
        "INSERT INTO intake.outbox (topic, key, value) VALUES ('case-events', convert_to(:erased, 'UTF8'), :sent)",
    ):
        connection.execute(text(statement), parameters)
    return True


def publish_again(connection: Connection, after: Identity, rows: int) -> Identity | None:
    """Put the next events of the archive into the outbox; return the last one's identity, None when none is left."""
    last = connection.execute(_AGAIN, {"source": after[0], "id": after[1], "rows": rows}).one_or_none()
    return None if last is None else (last.source, last.id)


def digest_rows(connection: Connection) -> list[tuple[int, int, int]]:
    """Return bucket, number of events and sum of their hashes."""
    found = connection.exec_driver_sql("SELECT bucket, count(*), sum(hash) FROM intake.event GROUP BY bucket")
    return [(row[0], row[1], int(row[2])) for row in found]


def heard(connection: Connection) -> dict[tuple[str, str], datetime]:
    """Return when each source and feed, as (kind, name), was last heard."""
    return {(row[0], row[1]): row[2] for row in connection.exec_driver_sql("SELECT kind, name, last FROM intake.heard")}


def keep_heard(connection: Connection, seen: Mapping[tuple[str, str], datetime]) -> None:
    """Keep when sources and feeds were last heard."""
    ordered = sorted(seen.items())
    connection.exec_driver_sql(
        "INSERT INTO intake.heard (kind, name, last) SELECT * FROM unnest(%b::text[], %b::text[], %b::timestamptz[]) "
        "ON CONFLICT (kind, name) DO UPDATE SET last = greatest(heard.last, excluded.last)",
        ([kind for (kind, _), _ in ordered], [name for (_, name), _ in ordered], [last for _, last in ordered]),
    )
