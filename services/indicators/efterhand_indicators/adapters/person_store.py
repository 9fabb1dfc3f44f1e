"""Reads and writes what is kept of persons, many at a time; each statement takes all persons of a batch."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from efterhand.database import bulk_insert
from efterhand.timeline.digest import bucket_of, erasure_hash, event_hash
from efterhand.timeline.events import Event
from efterhand_indicators.adapters import tables
from efterhand_indicators.adapters.compiler import PERSONS, CompiledIndicator
from efterhand_indicators.domain.context import NEVER_COMPUTED, Progress

_TEXTS = ARRAY(TEXT)

OF_A_PERSON = (
    *(table.name for table in tables.stored.facts.values()),
    tables.stored.contribution.name,
    tables.event.name,
    tables.outbox.name,
    tables.parked.name,
    tables.person.name,
)
"""Every table that has rows about persons."""

DERIVED = (*(table.name for table in tables.stored.facts.values()), tables.stored.contribution.name)
"""Those of them that are computed from the events."""


def sorted_by_bytes(persons: Iterable[str]) -> list[str]:
    """Return persons in the order in which they are locked everywhere."""
    return sorted(persons, key=str.encode)


def add_persons(connection: Connection, hashes: Mapping[str, str]) -> None:
    """Give every person a row; those that have one keep it.

    Args:
        connection: inside a transaction.
        hashes: keyed hash of each person.
    """
    bulk_insert(
        connection,
        tables.person,
        [
            {"person": person, "personhash": hashes[person], "generation": NEVER_COMPUTED, "facts": {}}
            for person in sorted_by_bytes(hashes)
        ],
        on_conflict="ignore",
    )


def lock_persons(connection: Connection, persons: Collection[str]) -> dict[str, Progress]:
    """Lock the rows of those of the persons that have one, in the one fixed order, until the transaction ends."""
    rows = connection.execute(
        text(
            "SELECT person, personhash, generation, facts FROM indicators.person"
            " WHERE person = ANY(:persons) ORDER BY person FOR UPDATE"
        ).bindparams(bindparam("persons", sorted_by_bytes(persons), _TEXTS))
    )
    return {row.person: Progress(*row) for row in rows}


def write_progress(connection: Connection, rows: Sequence[Progress]) -> None:
    """Note how far persons have been computed."""
    bulk_insert(connection, tables.person, [vars(row) for row in rows], on_conflict="update")


def take_stale(connection: Connection, generation: int, limit: int, passed_over: Collection[str] = ()) -> list[str]:
    """Lock and return persons who must be computed anew, but for some that are passed over.

    Persons whom somebody else is computing now are left out; they are found again if that did not make them right.
    """
    rows = connection.execute(
        text(
            "SELECT person FROM indicators.person WHERE generation < :generation AND NOT person = ANY(:passed_over)"
            " LIMIT :limit FOR UPDATE SKIP LOCKED"
        ).bindparams(bindparam("passed_over", list(passed_over), _TEXTS), generation=generation, limit=limit)
    )
    return sorted_by_bytes(rows.scalars())


def count_stale(connection: Connection, generation: int) -> int:
    """Return how many persons must be computed anew."""
    count: int = connection.execute(
        text("SELECT count(*) FROM indicators.person WHERE generation < :generation"), {"generation": generation}
    ).scalar_one()
    return count


# --- events -------------------------------------------------------------------------------------------------------


def insert_events(connection: Connection, events: Sequence[Event]) -> set[str]:
    """Keep events that are not there yet; return the persons who got a new one."""
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
        returning=("person",),
    )
    return {person for (person,) in written}


def read_events(
    connection: Connection, persons: Collection[str], received_until: datetime | None = None
) -> dict[str, list[Event]]:
    """Return the events held of the persons, all or those received up to an instant."""
    # The JSON comes as text, because orjson reads it several times as fast as the driver does.
    rows = connection.execute(
        text(
            "SELECT person, source, id, type, time, received, data::text FROM indicators.event"
            " WHERE person = ANY(:persons) AND received <= coalesce(:until, 'infinity'::timestamptz)"
        ).bindparams(bindparam("persons", list(persons), _TEXTS), until=received_until)
    )
    held: dict[str, list[Event]] = defaultdict(list)
    for person, source, event_id, kind, time, received, data in rows.all():
        held[person].append(Event(person, source, event_id, kind, time, received, orjson.loads(data)))
    return held


def read_digest_rows(connection: Connection) -> list[tuple[int, int, int]]:
    """Return (bucket, count, sum of hashes) over the events held and the persons erased."""
    rows = connection.execute(
        text(
            "SELECT bucket, count(*), sum(hash) FROM indicators.event GROUP BY bucket"
            " UNION ALL SELECT bucket, count(*), sum(hash) FROM indicators.erased GROUP BY bucket"
        )
    )
    return [(row[0], row[1], int(row[2])) for row in rows]


# --- facts and contributions --------------------------------------------------------------------------------------


def replace_facts(
    connection: Connection, kind: str, persons: Collection[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Put these rows in the place of all that is stored of a kind of fact for some persons."""
    connection.execute(
        text(f"DELETE FROM indicators.fact_{kind} WHERE person = ANY(:persons)").bindparams(  # noqa: S608 - our own kind
            bindparam("persons", list(persons), _TEXTS)
        )
    )
    bulk_insert(connection, tables.stored.facts[kind], rows)


def replace_contributions(connection: Connection, compiled: CompiledIndicator, persons: Collection[str]) -> None:
    """Bring the contributions of some persons to one indicator in line with their facts."""
    connection.exec_driver_sql(compiled.replace, {PERSONS: list(persons)})


def drop_contributions_to_others(connection: Connection, indicators: Collection[str], persons: Collection[str]) -> None:
    """Delete what some persons contribute to other indicators than these: the catalogue has them no more."""
    connection.execute(
        text(
            "DELETE FROM indicators.contribution WHERE person = ANY(:persons) AND NOT indicator = ANY(:indicators)"
        ).bindparams(bindparam("persons", list(persons), _TEXTS), bindparam("indicators", list(indicators), _TEXTS))
    )


def delete_rows_of_nobody(connection: Connection) -> None:
    """Delete what is derived for persons who are not there."""
    for table in DERIVED:
        connection.execute(
            text(
                f"DELETE FROM indicators.{table} AS held WHERE NOT EXISTS"  # noqa: S608 - names of our own tables
                " (SELECT 1 FROM indicators.person WHERE person.person = held.person)"
            )
        )


# --- erasure ------------------------------------------------------------------------------------------------------


def which_are_erased(connection: Connection, hashes: Collection[str]) -> set[str]:
    """Return those of the keyed hashes that belong to erased persons."""
    rows = connection.execute(
        text("SELECT personhash FROM indicators.erased WHERE personhash = ANY(:hashes)").bindparams(
            bindparam("hashes", list(hashes), _TEXTS)
        )
    )
    return set(rows.scalars())


def persons_with_hashes(connection: Connection, hashes: Collection[str]) -> list[str]:
    """Return the persons that are known by keyed hashes."""
    rows = connection.execute(
        text("SELECT person FROM indicators.person WHERE personhash = ANY(:hashes)").bindparams(
            bindparam("hashes", list(hashes), _TEXTS)
        )
    )
    return list(rows.scalars())


def persons_waiting(connection: Connection) -> list[str]:
    """Return the persons of records that were put aside or wait to be sent: they may have no row of their own."""
    rows = connection.execute(
        text(
            "SELECT person FROM indicators.parked WHERE person IS NOT NULL"
            " UNION SELECT person FROM indicators.outbox WHERE person IS NOT NULL"
        )
    )
    return list(rows.scalars())


def remember_erased(connection: Connection, hashes: Collection[str]) -> None:
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


def delete_persons(connection: Connection, persons: Collection[str]) -> None:
    """Delete every row about the persons in every table, and what waits to be sent about them."""
    chosen = bindparam("persons", sorted_by_bytes(persons), _TEXTS)
    for table in OF_A_PERSON:
        connection.execute(
            text(f"DELETE FROM indicators.{table} WHERE person = ANY(:persons)").bindparams(chosen)  # noqa: S608
        )
