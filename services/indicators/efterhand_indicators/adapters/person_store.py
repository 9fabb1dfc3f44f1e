"""Reads and writes what is kept of persons, many at a time; each statement takes all persons of a batch."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from efterhand.database import bulk_insert
from efterhand.persons.store import delete_rows
from efterhand_indicators.adapters import tables
from efterhand_indicators.adapters.compiler import PERSONS, CompiledIndicator

_TEXTS = ARRAY(TEXT)

DERIVED = (*tables.stored.facts.values(), tables.stored.contribution)
"""Every table that has rows about persons which are computed from the events."""

OF_A_PERSON = (
    *DERIVED,
    tables.kept.event,
    tables.kept.outbox,
    tables.kept.parked,
    tables.kept.access_log,
    tables.kept.person,
)
"""Every table that has rows about persons."""


def stale(generation: int) -> tuple[ColumnElement[bool], ...]:
    """Return when a person must be computed anew: of an older generation."""
    return (tables.kept.person.c.generation < generation,)


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


def replace_contributions(
    connection: Connection, compiled: CompiledIndicator, persons: Collection[str], *, with_totals: bool
) -> None:
    """Bring the contributions of some persons to one indicator in line with their facts, and its totals with them."""
    statement = compiled.totals.replace if compiled.totals is not None and with_totals else compiled.replace
    connection.exec_driver_sql(statement, {PERSONS: list(persons)})


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
                f"DELETE FROM indicators.{table.name} AS held WHERE NOT EXISTS"  # noqa: S608 - names of our own tables
                " (SELECT 1 FROM indicators.person WHERE person.person = held.person)"
            )
        )


def delete_persons(connection: Connection, persons: Collection[str]) -> None:
    """Delete every row about the persons in every table, and what waits to be sent about them."""
    delete_rows(connection, OF_A_PERSON, persons)
