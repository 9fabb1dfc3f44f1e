"""Everything that is stored, held against what the events come to."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from efterhand.catalogue.fingerprints import fingerprint_of_facts
from efterhand.dates import is_working_day
from efterhand.erasure import person_hash
from efterhand.persons.auditing import events_disposed_of, wrongly_counted_erasures, wrongly_counted_events
from efterhand.persons.disposing import count_disposed_of
from efterhand.persons.store import NOBODY, read_events, read_watermarks, which_are_erased
from efterhand.persons.watermarks import through_by_feed
from efterhand_indicators.adapters import closed_book, context_store, person_store, scratch, tables, total_store
from efterhand_indicators.adapters.tables import kept
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.domain.rows import derive_rows, fingerprint
from efterhand_indicators.domain.totals import units_above

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
        found += _context(connection, definitions)
        found += _working_days(connection)
        found += _closed_book(connection)
        found += [
            _difference("erased", each, stored=True, right=True) for each in wrongly_counted_erasures(connection, kept)
        ]
        found += _events(connection, [NOBODY])
        found += _totals(connection, definitions)
    while True:
        with snapshot.begin() as connection:
            persons = _next_persons(connection, after)
            if not persons:
                break
            after = persons[-1]
            ready = _computed(connection, definitions, persons)
            pending += len(persons) - len(ready)
            checked += len(ready)
            found += _events(connection, persons)
            found += _disposed_of(connection, persons, secret)
            found += _differences(connection, definitions, ready, secret)
    return {"checked": checked, "pending": pending, "total": len(found), "differences": found[:LISTED]}


def _next_persons(connection: Connection, after: str) -> list[str]:
    """Return the persons that any table knows, in their order, some at a time."""
    parts = " UNION ".join(
        f"(SELECT DISTINCT person FROM indicators.{table.name} WHERE person > :after ORDER BY person LIMIT :limit)"  # noqa: S608
        for table in (*person_store.DERIVED, kept.event, kept.person)
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
    events = read_events(connection, kept, persons)
    generation = context_store.read_context(connection).generation
    rows = connection.execute(
        text(
            "SELECT person, personhash, facts, generation FROM indicators.person WHERE person = ANY(:persons)"
        ).bindparams(bindparam("persons", persons, ARRAY(TEXT)))
    ).all()
    stored: dict[str, tuple[str, dict[str, str]]] = {row.person: (row.personhash, row.facts) for row in rows}
    # Who is said to be ahead of everybody would be passed over by the next change.
    ahead = {row.person for row in rows if row.generation > generation}
    erased = which_are_erased(connection, kept, [person_hash(secret, person) for person in persons])
    for person in persons:
        if person_hash(secret, person) in erased:
            yield {"table": "person", "id": person, "what": "something is kept of an erased person"}
        right = None
        if person in events:
            kinds = derive_rows(person, events[person], definitions.catalogue)
            right = (person_hash(secret, person), {kind: fingerprint(own) for kind, own in kinds.items()})
        held = stored.get(person)
        if held != right or person in ahead:
            yield _difference("person", person, stored=held is not None, right=right is not None)


def _events(connection: Connection, persons: list[str]) -> Iterator[dict[str, str]]:
    for source, event_id in wrongly_counted_events(connection, kept, persons):
        yield _difference("event", f"{source} {event_id}", stored=True, right=True)


def _totals(connection: Connection, definitions: Definitions) -> Iterator[dict[str, str]]:
    """Hold the totals that are read against the contributions, and the units' cells against the tree."""
    context = context_store.read_context(connection)
    if context.catalogue != definitions.fingerprint:
        return
    stored, right = total_store.read_units_above(connection), set(units_above(definitions.catalogue.units))
    for row in sorted(stored ^ right):
        yield _difference("unit_above", "/".join(map(str, row)), stored=row in stored, right=row in right)
    wanted = definitions.totals
    for name, each in sorted({**context.totals.kept, **context.totals.filled}.items()):
        if wanted.get(name) != each or context.totals.kept.get(name) != each:
            yield _difference("context", f"totals/{name}", stored=True, right=name in wanted)
    for name in total_store.indicators_with_totals(connection):
        if name not in wanted:
            yield _difference("total", name, stored=True, right=False)
    for name in sorted(context.totals.filled.keys() & wanted.keys()):
        for cell, is_stored, is_right in total_store.wrong_totals(connection, definitions.indicators[name]):
            yield _difference("total", "/".join((name, *cell)), stored=is_stored, right=is_right)


def _disposed_of(connection: Connection, persons: list[str], secret: str) -> Iterator[dict[str, str]]:
    for source, event_id in events_disposed_of(connection, kept, persons, secret):
        yield {"table": "event", "id": f"{source} {event_id}", "what": "is kept and was disposed of"}


def _closed_book(connection: Connection) -> Iterator[dict[str, str]]:
    """Hold the book against its control totals: it cannot be computed again."""
    for name in closed_book.unbalanced(connection):
        for table in ("closed_book", "closing"):
            yield {"table": table, "id": name, "what": "the book is not what the control totals say"}
    for before in closed_book.unsealed(connection):
        for table in ("horizon", "closing"):
            yield {"table": table, "id": before.isoformat(), "what": "is not what was sealed"}
    if closed_book.count_events(connection) != count_disposed_of(connection, kept):
        for table in ("horizon", "disposed_event"):
            yield {"table": table, "id": "", "what": "another number of events was disposed of"}


def _working_days(connection: Connection) -> Iterator[dict[str, str]]:
    """Hold the table of working days, which a migration has filled, against the calendar."""
    stored = {row.day: row.number for row in connection.execute(select(tables.working_day))}
    if not stored:
        yield {"table": "working_day", "id": "", "what": "is empty"}
        return
    first = min(stored)
    days = (first + timedelta(days=number) for number in range((max(stored) - first).days + 1))
    right = {day: number for number, day in enumerate((day for day in days if is_working_day(day)), start=1)}
    for day in sorted(stored.keys() | right.keys()):
        if stored.get(day) != right.get(day):
            yield _difference("working_day", day.isoformat(), stored=day in stored, right=day in right)


def _context(connection: Connection, definitions: Definitions) -> Iterator[dict[str, str]]:
    context = context_store.read_context(connection)
    if context.catalogue == definitions.fingerprint:
        plan, hashes = context.plan, definitions.hashes()
        wanted = (definitions.rules, fingerprint_of_facts(definitions.catalogue), hashes)
        begun = max([plan.everything, *plan.since.values()])
        if (plan.rules, plan.facts, dict(plan.definitions)) != wanted or begun > context.generation:
            yield _difference("context", "plan", stored=True, right=True)
        # One that is not there yet is still being computed; what is shown must be what holds.
        for name in sorted(name for name, each in context.definitions.items() if hashes.get(name) != each):
            yield _difference("context", f"definitions/{name}", stored=True, right=name in hashes)
    stored = dict(context.through)
    right = through_by_feed(read_watermarks(connection, kept))
    for feed in sorted(stored.keys() | right.keys()):
        if stored.get(feed) != right.get(feed):
            yield _difference("context", f"watermarks/{feed}", stored=feed in stored, right=feed in right)
