"""What followup has of its own in the row of context."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from sqlalchemy import Connection, func, select, update

from efterhand.persons import context
from efterhand_followup.adapters import tables
from efterhand_followup.domain.context import Context

_SUMMING_UP: Final = tables.kept.gate + 1


def be_the_only_one_summing_up(connection: Connection) -> None:
    """Let nobody else write the notices that sum up, until the transaction ends."""
    connection.execute(select(func.pg_advisory_xact_lock(_SUMMING_UP)))


def read_context(connection: Connection) -> Context:
    """Return the context as committed."""
    return context.read_context(connection, tables.kept, Context)


def set_protocols(connection: Connection, protocols: Mapping[str, str]) -> None:
    """Note by which protocols everything is to be computed."""
    connection.execute(update(tables.kept.context).values(protocols=dict(protocols)))


def set_definitions(connection: Connection, definitions: Mapping[str, str]) -> None:
    """Note the protocols that everybody has been computed by."""
    connection.execute(update(tables.kept.context).values(definitions=dict(definitions)))


def move_business_date(connection: Connection, day: date) -> bool:
    """Set the business date, forward only, and by the first one the service's first day; return whether it moved."""
    row = tables.kept.context
    moved = context.move_business_date(connection, tables.kept, day)
    if moved:
        connection.execute(update(row).where(row.c.started_on.is_(None)).values(started_on=day))
    return moved
