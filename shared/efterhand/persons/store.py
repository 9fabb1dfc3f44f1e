"""Reads and writes what is kept of persons, many at a time; each statement takes all persons of a batch."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, TypeVar

import orjson
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Table,
    all_,
    any_,
    bindparam,
    cast,
    delete,
    func,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from efterhand.database import bulk_insert
from efterhand.persons.tables import PersonTables
from efterhand.persons.watermarks import WATERMARK_TYPE, Watermark
from efterhand.timeline.digest import bucket_of, digest_of, erasure_hash, event_hash
from efterhand.timeline.events import Event

Progress = TypeVar("Progress")
"""A service's dataclass of a row of the table `person`: a field for each column, and a default for each but `person`
and `personhash`, which holds for a person nothing has been computed for."""

NOBODY: Final = ""
"""Stands for the person in what is about no single one."""

_TEXTS = ARRAY(TEXT)


def texts(values: Iterable[str]) -> BindParameter[Sequence[str]]:
    """Return one parameter for many texts, so that a statement stays the same however many there are."""
    return bindparam(None, list(values), _TEXTS, unique=True)


def sorted_by_bytes(persons: Iterable[str]) -> list[str]:
    """Return persons in the order in which they are locked everywhere."""
    return sorted(persons, key=str.encode)


# --- the persons' own rows ----------------------------------------------------------------------------------------


def add_persons(
    connection: Connection, tables: PersonTables, hashes: dict[str, str], progress: Callable[[str, str], Progress]
) -> None:
    """Give every person a row; those that have one keep it.

    Args:
        connection: inside a transaction.
        tables: the service's.
        hashes: keyed hash of each person.
        progress: makes the row of a person nothing has been computed for.
    """
    known = set(connection.execute(select(tables.person.c.person).where(_is_one_of(tables.person, hashes))).scalars())
    new = [vars(progress(person, hashes[person])) for person in sorted_by_bytes(hashes.keys() - known)]
    bulk_insert(connection, tables.person, new, on_conflict="ignore")


def lock_persons(
    connection: Connection, tables: PersonTables, persons: Collection[str], progress: Callable[..., Progress]
) -> dict[str, Progress]:
    """Lock the rows of those of the persons that have one, in the one fixed order, until the transaction ends."""
    rows = connection.execute(
        select(tables.person)
        .where(_is_one_of(tables.person, persons))
        .order_by(tables.person.c.person)
        .with_for_update()
    )
    return {row["person"]: progress(**row) for row in rows.mappings()}


def write_progress(connection: Connection, tables: PersonTables, rows: Sequence[object]) -> None:
    """Note how far persons have been computed."""
    bulk_insert(connection, tables.person, [vars(row) for row in rows], on_conflict="update")


def take_stale(
    connection: Connection,
    tables: PersonTables,
    stale: Sequence[ColumnElement[bool]],
    limit: int,
    leave_out: Collection[str] = (),
) -> list[str]:
    """Lock and return persons who must be computed anew, in the order of locking.

    Persons whom somebody else is computing now are left out; they are found again if that did not make them right.

    Args:
        connection: inside a transaction.
        tables: the service's.
        stale: the conditions of which one is enough, each looked for by its own index.
        limit: persons at most.
        leave_out: persons who are passed over.
    """
    person = tables.person.c.person
    taken: set[str] = set()
    for condition in stale:
        if len(taken) < limit:
            rows = connection.execute(
                select(person)
                .where(condition, person != all_(texts([*leave_out, *taken])))
                .limit(limit - len(taken))
                .with_for_update(skip_locked=True)
            )
            taken.update(rows.scalars())
    return sorted_by_bytes(taken)


def count_stale(connection: Connection, tables: PersonTables, stale: Sequence[ColumnElement[bool]]) -> int:
    """Return how many persons must be computed anew: at least one of the conditions holds."""
    return connection.execute(select(func.count()).select_from(tables.person).where(or_(*stale))).scalar_one()


def delete_rows(connection: Connection, of: Iterable[Table], persons: Collection[str]) -> None:
    """Delete every row about the persons in some tables."""
    chosen = sorted_by_bytes(persons)
    for table in of:
        connection.execute(delete(table).where(_is_one_of(table, chosen)))


def _is_one_of(table: Table, persons: Iterable[str]) -> ColumnElement[bool]:
    return table.c.person == any_(texts(persons))


# --- events -------------------------------------------------------------------------------------------------------


def insert_events(connection: Connection, tables: PersonTables, events: Sequence[Event]) -> dict[str, date]:
    """Keep events that are not there yet.

    Returns:
        Each person with a new event, and the earliest day of receipt of a new one.
    """
    buckets = {event.person: bucket_of(event.person) for event in events}
    written = bulk_insert(
        connection,
        tables.event,
        [
            {
                "person": event.person,
                "source": event.source,
                "id": event.id,
                "type": event.type,
                "time": event.time,
                "received": event.received,
                "data": dict(event.data),
                "hash": event_hash(event.source, event.id),
                "bucket": buckets[event.person],
            }
            for event in events
        ],
        on_conflict="ignore",
        returning=("person", "source", "id"),
    )
    days = {(event.person, event.source, event.id): event.received_on for event in events}
    since: dict[str, date] = {}
    for row in written:
        received_on = days[row.person, row.source, row.id]
        since[row.person] = min(received_on, since.get(row.person, received_on))
    return since


def read_events(
    connection: Connection, tables: PersonTables, persons: Collection[str], received_until: datetime | None = None
) -> dict[str, list[Event]]:
    """Return the events held of the persons, all or those received up to an instant."""
    event = tables.event.c
    # The JSON comes as text, because orjson reads it several times as fast as the driver does.
    selected = select(
        event.person, event.source, event.id, event.type, event.time, event.received, cast(event.data, TEXT)
    ).where(_is_one_of(tables.event, persons))
    if received_until is not None:
        selected = selected.where(event.received <= received_until)
    held: dict[str, list[Event]] = defaultdict(list)
    for person, source, event_id, kind, time, received, data in connection.execute(selected).all():
        held[person].append(Event(person, source, event_id, kind, time, received, orjson.loads(data)))
    return held


def read_watermarks(connection: Connection, tables: PersonTables) -> tuple[Watermark, ...]:
    """Return every watermark ever received."""
    event = tables.event.c
    rows = connection.execute(
        select(event.source, event.id, event.time, event.received, cast(event.data, TEXT)).where(
            event.person == NOBODY, event.type == WATERMARK_TYPE
        )
    )
    return tuple(_watermark(*row) for row in rows.all())


@lru_cache(maxsize=16384)
def _watermark(source: str, event_id: str, time: datetime, received: datetime, data: str) -> Watermark:
    # What has been said never changes, and every batch needs it all.
    return Watermark.from_event(Event(NOBODY, source, event_id, WATERMARK_TYPE, time, received, orjson.loads(data)))


def read_digest(connection: Connection, tables: PersonTables) -> dict[str, Any]:
    """Return the digest of the events held and the persons erased; see `efterhand.timeline.digest`."""
    each = (
        select(table.c.bucket, func.count(), func.sum(table.c.hash)).group_by(table.c.bucket)
        for table in (tables.event, tables.erased)
    )
    rows = connection.execute(union_all(*each))
    return digest_of((bucket, count, int(total)) for bucket, count, total in rows)


# --- erasure ------------------------------------------------------------------------------------------------------


def which_are_erased(connection: Connection, tables: PersonTables, hashes: Collection[str]) -> set[str]:
    """Return those of the keyed hashes that belong to erased persons."""
    personhash = tables.erased.c.personhash
    return set(connection.execute(select(personhash).where(personhash == any_(texts(hashes)))).scalars())


def remember_erased(connection: Connection, tables: PersonTables, hashes: Collection[str]) -> None:
    """Keep the hashes of persons of whom nothing else is kept."""
    bulk_insert(
        connection,
        tables.erased,
        [
            {"personhash": each, "hash": erasure_hash(each), "bucket": bucket_of(each)}
            for each in sorted_by_bytes(hashes)
        ],
        on_conflict="ignore",
    )


def persons_with_hashes(connection: Connection, tables: PersonTables, hashes: Collection[str]) -> list[str]:
    """Return the persons that are known by keyed hashes."""
    known = select(tables.person.c.person).where(tables.person.c.personhash == any_(texts(hashes)))
    return list(connection.execute(known).scalars())


def persons_waiting(connection: Connection, tables: PersonTables) -> list[str]:
    """Return the persons of records that were put aside or wait to be sent: they may have no row of their own."""
    waiting = [select(table.c.person).where(table.c.person.is_not(None)) for table in (tables.parked, tables.outbox)]
    return list(connection.execute(union(*waiting)).scalars())
