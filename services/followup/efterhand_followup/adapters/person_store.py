"""Reads and writes what is kept of persons, many at a time; each statement takes all persons of a batch."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, DATE, TEXT

from efterhand.database import bulk_insert
from efterhand.timeline.digest import bucket_of, erasure_hash, event_hash
from efterhand.timeline.events import Event
from efterhand_followup.adapters import tables
from efterhand_followup.domain.context import Progress
from efterhand_followup.domain.difference import Difference
from efterhand_followup.domain.standing import Row

_TEXTS = ARRAY(TEXT)


def lock_persons(connection: Connection, persons: Collection[str]) -> dict[str, Progress]:
    """Lock the rows of those of the persons that have one, in the one fixed order, until the transaction ends."""
    rows = connection.execute(
        text(
            "SELECT person, personhash, computed_on, next_change_on, dirty, generation FROM followup.person"
            " WHERE person = ANY(:persons) ORDER BY person FOR UPDATE"
        ).bindparams(bindparam("persons", sorted_by_bytes(persons), _TEXTS))
    )
    return {row.person: Progress(*row) for row in rows}


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
            {"person": person, "personhash": hashes[person], "dirty": True, "generation": 0}
            for person in sorted_by_bytes(hashes)
        ],
        on_conflict="ignore",
    )


def sorted_by_bytes(persons: Iterable[str]) -> list[str]:
    """Return persons in the order in which they are locked everywhere."""
    return sorted(persons, key=str.encode)


def insert_events(connection: Connection, events: Sequence[Event]) -> dict[str, date]:
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


def read_events(connection: Connection, persons: Collection[str]) -> dict[str, list[Event]]:
    """Return all events held of the persons."""
    # The JSON comes as text, because orjson reads it several times as fast as the driver does.
    rows = connection.execute(
        text(
            "SELECT person, source, id, type, time, received, data::text FROM followup.event"
            " WHERE person = ANY(:persons)"
        ).bindparams(bindparam("persons", list(persons), _TEXTS))
    )
    held: dict[str, list[Event]] = defaultdict(list)
    for person, source, event_id, kind, time, received, data in rows:
        held[person].append(Event(person, source, event_id, kind, time, received, orjson.loads(data)))
    return held


def read_checks(connection: Connection, persons: Collection[str]) -> dict[str, dict[str, Row]]:
    """Return the stored checks of the persons: person → id → row."""
    return _by_id(connection, tables.check, "id", persons)


def read_notices(connection: Connection, persons: Collection[str]) -> dict[str, dict[str, Row]]:
    """Return the stored notices of the persons: person → id → row."""
    return _by_id(connection, tables.notice, "id", persons)


def read_listed(connection: Connection, persons: Collection[str]) -> dict[str, dict[str, Row]]:
    """Return the lists that the persons stand on: person → notice id → row."""
    return _by_id(connection, tables.listed, "notice_id", persons)


def _by_id(connection: Connection, table: Any, key: str, persons: Collection[str]) -> dict[str, dict[str, Row]]:
    found: dict[str, dict[str, Row]] = defaultdict(dict)
    if persons:
        selected = table.select().where(table.c.person == bindparam("persons", list(persons), _TEXTS).any_())
        for row in connection.execute(selected).mappings():
            found[row["person"]][row[key]] = dict(row)
    return found


def write_progress(connection: Connection, rows: Sequence[Progress]) -> None:
    """Note how far persons have been computed."""
    bulk_insert(connection, tables.person, [vars(row) for row in rows], on_conflict="update")


def write_difference(connection: Connection, difference: Difference) -> None:
    """Write the rows of a difference; what it tells is written by the outbox."""
    _delete(connection, "check", "id", difference.checks_gone)
    _delete(connection, "notice", "id", difference.notices_gone)
    _delete(connection, "listed", "notice_id", difference.listed_gone)
    bulk_insert(connection, tables.check, difference.checks, on_conflict="update")
    bulk_insert(connection, tables.notice, difference.notices, on_conflict="update")
    bulk_insert(connection, tables.listed, difference.listed, on_conflict="update")
    changed = sorted(set(difference.listings_changed))
    rows = [{"notice_id": notice, "on": day, "protected": protected} for notice, day, protected in changed]
    bulk_insert(connection, tables.listing_changed, rows)


def _delete(connection: Connection, table: str, key: str, rows: Sequence[tuple[str, str]]) -> None:
    if rows:
        connection.execute(
            text(
                f'DELETE FROM followup."{table}" AS held USING unnest(:persons, :ids) AS gone(person, id)'  # noqa: S608
                f" WHERE held.person = gone.person AND held.{key} = gone.id"
            ).bindparams(
                bindparam("persons", [person for person, _ in rows], _TEXTS),
                bindparam("ids", [each for _, each in rows], _TEXTS),
            )
        )


def take_stale(
    connection: Connection, business_date: date, generation: int, limit: int, leave_out: Collection[str] = ()
) -> list[str]:
    """Lock and return persons who must be computed anew: dirty, with a change up to the date, or of an old generation.

    Persons whom somebody else is computing now are left out; they are found again if that did not make them right.
    """
    taken: set[str] = set()
    for condition in ("dirty", "next_change_on <= :day", "generation < :generation"):
        if len(taken) < limit:
            rows = connection.execute(
                text(
                    f"SELECT person FROM followup.person WHERE {condition} AND person <> ALL(:leave_out)"  # noqa: S608
                    " LIMIT :limit FOR UPDATE SKIP LOCKED"
                ).bindparams(bindparam("leave_out", [*leave_out, *taken], _TEXTS)),
                {"day": business_date, "generation": generation, "limit": limit - len(taken)},
            )
            taken.update(rows.scalars())
    return sorted_by_bytes(taken)


def count_stale(connection: Connection, business_date: date | None, generation: int) -> int:
    """Return how many persons must be computed anew."""
    count: int = connection.execute(
        text(
            "SELECT count(*) FROM followup.person"
            " WHERE dirty OR next_change_on <= CAST(:day AS date) OR generation < :generation"
        ),
        {"day": business_date, "generation": generation},
    ).scalar_one()
    return count


def mark_by_giving_up(
    connection: Connection, protocols: Collection[str], after: date, until: date, since: date
) -> None:
    """Make persons dirty whose checks of some protocols give up after one day and not after another.

    Their notices are looked at anew from the day `since` on.
    """
    connection.execute(
        text(
            "UPDATE followup.person SET dirty = true,"
            " computed_on = CASE WHEN computed_on >= :since THEN :since - 1 ELSE computed_on END"
            " WHERE person IN (SELECT person FROM followup.check"
            " WHERE protocol = ANY(:protocols) AND gives_up_on > :after AND gives_up_on <= :until)"
        ).bindparams(
            bindparam("protocols", list(protocols), _TEXTS),
            bindparam("after", after, DATE),
            bindparam("until", until, DATE),
            bindparam("since", since, DATE),
        )
    )


def which_are_erased(connection: Connection, hashes: Collection[str]) -> set[str]:
    """Return those of the keyed hashes that belong to erased persons."""
    rows = connection.execute(
        text("SELECT personhash FROM followup.erased WHERE personhash = ANY(:hashes)").bindparams(
            bindparam("hashes", list(hashes), _TEXTS)
        )
    )
    return set(rows.scalars())


def persons_with_hashes(connection: Connection, hashes: Collection[str]) -> list[str]:
    """Return the persons, in the order of locking, that are known by keyed hashes."""
    rows = connection.execute(
        text("SELECT person FROM followup.person WHERE personhash = ANY(:hashes) ORDER BY person").bindparams(
            bindparam("hashes", list(hashes), _TEXTS)
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


def delete_persons(connection: Connection, persons: Collection[str], list_changes_on: date | None) -> None:
    """Delete every row about the persons in every table, and what waits to be sent about them."""
    chosen = bindparam("persons", sorted_by_bytes(persons), _TEXTS)
    if list_changes_on is not None:
        connection.execute(
            text(
                'INSERT INTO followup.listing_changed (notice_id, "on", protected)'
                " SELECT notice_id, CAST(:day AS date), protected FROM followup.listed WHERE person = ANY(:persons)"
            ).bindparams(chosen, day=list_changes_on)
        )
    for table in ("listed", "notice", "check", "event", "outbox", "parked", "person"):
        connection.execute(text(f'DELETE FROM followup."{table}" WHERE person = ANY(:persons)').bindparams(chosen))  # noqa: S608


def persons_waiting_for_hash(connection: Connection) -> list[str]:
    """Return the persons of records that were put aside or wait to be sent: they may have no row of their own."""
    rows = connection.execute(
        text(
            "SELECT person FROM followup.parked WHERE person IS NOT NULL"
            " UNION SELECT person FROM followup.outbox WHERE person IS NOT NULL"
        )
    )
    return list(rows.scalars())
