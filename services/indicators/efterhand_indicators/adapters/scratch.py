"""Temporary tables of the stored tables' shape, filled from the events by the same rules and the same SELECTs."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, text

from efterhand.catalogue import Catalogue
from efterhand.database import bulk_insert
from efterhand.persons.store import read_events, sorted_by_bytes
from efterhand.timeline.events import Event
from efterhand_indicators.adapters import tables
from efterhand_indicators.adapters.compiler import CompiledIndicator
from efterhand_indicators.domain.rows import Row, derive_rows


def create_scratch(connection: Connection) -> None:
    """Create the temporary tables; they go with the caller's transaction."""
    for table in (*tables.temporary.facts.values(), tables.temporary.contribution):
        connection.execute(
            text(f"CREATE TEMPORARY TABLE {table.name} (LIKE indicators.{table.name} INCLUDING INDEXES) ON COMMIT DROP")
        )


def fill_scratch(
    connection: Connection,
    persons: Collection[str],
    catalogue: Catalogue,
    indicators: Iterable[CompiledIndicator],
    received_until: datetime | None = None,
) -> None:
    """Put into the temporary tables what persons' events, all or those received up to an instant, come to."""
    fill_scratch_with(connection, read_events(connection, tables.kept, persons, received_until), catalogue, indicators)


def fill_scratch_with(
    connection: Connection,
    events_of: Mapping[str, Iterable[Event]],
    catalogue: Catalogue,
    indicators: Iterable[CompiledIndicator],
) -> None:
    """Put into the temporary tables what these events of persons come to."""
    empty_scratch(connection)
    rows: dict[str, list[Row]] = {kind: [] for kind in tables.temporary.facts}
    for person, events in events_of.items():
        for kind, own in derive_rows(person, events, catalogue).items():
            rows[kind] += own
    for kind, table in tables.temporary.facts.items():
        bulk_insert(connection, table, rows[kind])
    # The indicators' statements join these tables; without statistics the planner takes them for nearly empty.
    connection.execute(text("ANALYZE " + ", ".join(f"pg_temp.{t.name}" for t in tables.temporary.facts.values())))
    for compiled in indicators:
        connection.exec_driver_sql(compiled.fill)


def empty_scratch(connection: Connection) -> None:
    """Empty the temporary tables."""
    names = [table.name for table in (*tables.temporary.facts.values(), tables.temporary.contribution)]
    connection.execute(text("TRUNCATE " + ", ".join(f"pg_temp.{name}" for name in names)))


def drop_scratch(connection: Connection) -> None:
    """Drop the temporary tables before the transaction does."""
    names = [table.name for table in (*tables.temporary.facts.values(), tables.temporary.contribution)]
    connection.execute(text("DROP TABLE " + ", ".join(f"pg_temp.{name}" for name in names)))


def received_later(connection: Connection, instant: datetime) -> list[str]:
    """Return the persons of whom something was received after an instant."""
    rows = connection.execute(
        text("SELECT DISTINCT person FROM indicators.event WHERE received > :instant AND person <> ''"),
        {"instant": instant},
    )
    return sorted_by_bytes(rows.scalars())
