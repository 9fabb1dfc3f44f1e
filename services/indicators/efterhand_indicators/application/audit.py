"""Everything that is stored, held against what the events come to."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from efterhand.erasure import person_hash
from efterhand.persons.store import read_events, read_watermarks
from efterhand.persons.watermarks import through_by_feed
from efterhand_indicators.adapters import context_store, person_store, scratch, tables
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.domain.rows import derive_rows, fingerprint

PERSONS_AT_A_TIME = 500
LISTED = 1000
"""Differences that are listed; all are counted."""


def audit(engine: Engine, definitions: Definitions, secret: str) -> dict[str, Any]:
    """Recompute everything beside live traffic and list what is stored otherwise; nothing is changed.

    Persons who wait to be computed are passed over and counted as `pending`.

    Returns:
        checked: persons; pending; total: number of differences; differences: the first of them, each with the table,
        the row's key and whether the row is missing, should not be there, or holds something else.
    """
    checked, pending = 0, 0
    found: list[dict[str, str]] = []
    after = ""
    snapshot = engine.execution_options(isolation_level="REPEATABLE READ")
    with snapshot.begin() as connection:
        found += _watermarks(connection)
    while True:
        with snapshot.begin() as connection:
            persons = _next_persons(connection, after)
            if not persons:
                break
            after = persons[-1]
            ready = _computed(connection, definitions, persons)
            pending += len(persons) - len(ready)
            checked += len(ready)
            found += _differences(connection, definitions, ready, secret)
    return {"checked": checked, "pending": pending, "total": len(found), "differences": found[:LISTED]}


def _next_persons(connection: Connection, after: str) -> list[str]:
    """Return the persons that any table knows, in their order, some at a time."""
    parts = " UNION ".join(
        f"(SELECT DISTINCT person FROM indicators.{table.name} WHERE person > :after ORDER BY person LIMIT :limit)"  # noqa: S608
        for table in (*person_store.DERIVED, tables.kept.event, tables.kept.person)
    )
    rows = connection.execute(
        text(f"SELECT person FROM ({parts}) AS known ORDER BY person LIMIT :limit"),  # noqa: S608
        {"after": after, "limit": PERSONS_AT_A_TIME},
    )
    return list(rows.scalars())


def _computed(connection: Connection, definitions: Definitions, persons: list[str]) -> list[str]:
    """Return those of the persons who do not wait to be computed."""
    context = context_store.read_context(connection)
    if context.catalogue != definitions.fingerprint:
        return []
    rows = connection.execute(
        text(
            "SELECT person FROM indicators.person WHERE person = ANY(:persons) AND generation < :generation"
        ).bindparams(bindparam("persons", persons, ARRAY(TEXT)), generation=context.generation)
    )
    behind = set(rows.scalars())
    return [person for person in persons if person not in behind]


def _differences(
    connection: Connection, definitions: Definitions, persons: list[str], secret: str
) -> Iterator[dict[str, str]]:
    scratch.create_scratch(connection)
    scratch.fill_scratch(connection, persons, definitions.catalogue, definitions.indicators.values())
    for table in (*tables.stored.facts.values(), tables.stored.contribution):
        key = [column.name for column in table.primary_key]
        stored = f"SELECT * FROM indicators.{table.name} WHERE person = ANY(:persons)"  # noqa: S608 - our own tables
        right = f"SELECT * FROM pg_temp.{table.name}"  # noqa: S608
        superfluous, missing = (
            {
                "/".join(str(row[name]) for name in key)
                for row in connection.execute(
                    text(minus).bindparams(bindparam("persons", persons, ARRAY(TEXT)))
                ).mappings()
            }
            for minus in (f"{stored} EXCEPT ALL {right}", f"{right} EXCEPT ALL {stored}")
        )
        for row_id in sorted(superfluous | missing):
            yield _difference(table.name, row_id, stored=row_id in superfluous, right=row_id in missing)
    yield from _progress(connection, definitions, persons, secret)


def _difference(table: str, row_id: str, *, stored: bool, right: bool) -> dict[str, str]:
    """Name a row that is not as it should be: only which and how, nothing of what it holds."""
    what = "holds something else" if stored and right else "should not be there" if stored else "is missing"
    return {"table": table, "id": row_id, "what": what}


def _progress(
    connection: Connection, definitions: Definitions, persons: list[str], secret: str
) -> Iterator[dict[str, str]]:
    """Hold the persons' own rows against their events."""
    events = read_events(connection, tables.kept, persons)
    rows = connection.execute(
        text("SELECT person, personhash, facts FROM indicators.person WHERE person = ANY(:persons)").bindparams(
            bindparam("persons", persons, ARRAY(TEXT))
        )
    )
    stored: dict[str, tuple[str, dict[str, str]]] = {row.person: (row.personhash, row.facts) for row in rows}
    for person in persons:
        right = None
        if person in events:
            kinds = derive_rows(person, events[person], definitions.catalogue)
            right = (person_hash(secret, person), {kind: fingerprint(own) for kind, own in kinds.items()})
        held = stored.get(person)
        if held != right:
            yield _difference("person", person, stored=held is not None, right=right is not None)


def _watermarks(connection: Connection) -> Iterator[dict[str, str]]:
    stored = dict(context_store.read_context(connection).through)
    right = through_by_feed(read_watermarks(connection, tables.kept))
    for feed in sorted(stored.keys() | right.keys()):
        if stored.get(feed) != right.get(feed):
            yield _difference("context", f"watermarks/{feed}", stored=feed in stored, right=feed in right)
