"""Reads and writes the one row of context, and guards it against changing in the middle of a computation.

The guard is an advisory lock and not a row lock: it queues fairly, so that a stream of batches cannot keep a new date
or a rebuild waiting, and it leaves no dead rows.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeVar

from sqlalchemy import Connection, func, or_, select, update

from efterhand.persons.tables import PersonTables

Context = TypeVar("Context")
"""A service's dataclass of the row: a field for each column, the watermarks as dates by feed in the field `through`."""


def share_context(connection: Connection, tables: PersonTables) -> None:
    """Let nobody change the context, or what holds for all persons, until the transaction ends."""
    connection.execute(select(func.pg_advisory_xact_lock_shared(tables.gate)))


def take_context(connection: Connection, tables: PersonTables) -> None:
    """Be the only one at work until the transaction ends; taken before anything else is locked."""
    connection.execute(select(func.pg_advisory_xact_lock(tables.gate)))


def read_context(connection: Connection, tables: PersonTables, context: Callable[..., Context]) -> Context:
    """Return the context as committed, made by the service's own class."""
    columns = {name: each for name, each in tables.context.c.items() if name not in ("one", "watermarks")}
    row = connection.execute(select(*columns.values(), tables.context.c.watermarks)).mappings().one()
    through = {feed: date.fromisoformat(day) for feed, day in row["watermarks"].items()}
    return context(**{name: row[name] for name in columns}, through=through)


def move_business_date(connection: Connection, tables: PersonTables, day: date) -> bool:
    """Set the business date, forward only; return whether it moved."""
    business_date = tables.context.c.business_date
    moved = connection.execute(
        update(tables.context).where(or_(business_date.is_(None), business_date < day)).values(business_date=day)
    )
    return moved.rowcount == 1


def begin_generation(connection: Connection, tables: PersonTables) -> int:
    """Make everything to be computed anew; return the number of the generation that begins."""
    generation = tables.context.c.generation
    begun: int = connection.execute(
        update(tables.context).values(generation=generation + 1).returning(generation)
    ).scalar_one()
    return begun


def set_catalogue(connection: Connection, tables: PersonTables, fingerprint: str) -> None:
    """Note by which catalogue everything is to be computed."""
    connection.execute(update(tables.context).values(catalogue=fingerprint))


def set_through(connection: Connection, tables: PersonTables, through: Mapping[str, date]) -> None:
    """Note how far each feed is known."""
    days = {feed: day.isoformat() for feed, day in sorted(through.items())}
    connection.execute(update(tables.context).values(watermarks=days))
