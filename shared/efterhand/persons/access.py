"""Keeps in the log who saw whom, and nothing of persons who have been erased."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, any_, select

from efterhand.database import bulk_insert
from efterhand.persons.context import share_context
from efterhand.persons.store import texts
from efterhand.persons.tables import PersonTables


def keep_access(connection: Connection, tables: PersonTables, lines: Sequence[Mapping[str, Any]]) -> None:
    """Keep lines of the log, but for persons who were erased while the answer was being read.

    Args:
        connection: in a transaction of its own with READ COMMITTED, before the answer goes out: where the lines cannot
            be kept nothing is shown.
        tables: the service's.
        lines: as `efterhand.access_log.lines_of` makes them.
    """
    # An erasure is alone: it is either done, and the person not found, or has still to come, and takes the lines along.
    share_context(connection, tables)
    person = tables.person.c.person
    named = {line["person"] for line in lines}
    known = set(connection.execute(select(person).where(person == any_(texts(named)))).scalars())
    bulk_insert(connection, tables.access_log, [line for line in lines if line["person"] in known])
