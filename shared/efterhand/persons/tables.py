"""The tables of a service that follows persons; each service adds the columns that are its own.

Pseudonyms and ids compare by their bytes in the database: collation C, set by the migration.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from alembic.operations import Operations
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import SchemaItem

from efterhand.access_log.tables import access_log_table
from efterhand.database import outbox_table, parked_table, position_table

_TEXT: Final = Text()
_BYTES: Final = Text(collation="C")


@dataclass(frozen=True)
class PersonTables:
    """The tables of one service.

    `event`: all events held, insert-only; person "" for what is about no person. `person`: one row a person, the lock
    that makes the person the unit of consistency, and how far it has been computed. `erased`: keyed hashes of erased
    persons, for whom nothing is kept again. `disposed_event`: keyed hashes of events that were disposed of and never
    are kept again. `context`: one row, what holds for all persons. `gate`: number of the advisory lock on that.
    `access_log`: who saw whom.
    """

    event: Table
    person: Table
    erased: Table
    disposed_event: Table
    context: Table
    revoked_token: Table
    outbox: Table
    position: Table
    parked: Table
    access_log: Table
    gate: int


def define_person_tables(
    metadata: MetaData,
    schema: str,
    *,
    gate: int,
    event: Sequence[SchemaItem] = (),
    person: Sequence[SchemaItem],
    context: Sequence[SchemaItem],
) -> PersonTables:
    """Define the tables of a service.

    Args:
        metadata: to which they are added.
        schema: the service's.
        gate: number of an advisory lock that nobody else takes.
        event: indexes that the service needs beside the common ones.
        person: columns and indexes of its own.
        context: columns of its own.
    """
    return PersonTables(
        event=_event_table(metadata, schema, _TEXT, *event),
        person=Table(
            "person",
            metadata,
            Column("person", Text, nullable=False),
            Column("personhash", Text, nullable=False),
            Column("generation", Integer, nullable=False),
            PrimaryKeyConstraint("person", name="person_pkey"),
            Index("person_personhash", "personhash", unique=True),
            Index("person_generation", "generation"),
            *person,
            schema=schema,
        ),
        erased=_erased_table(metadata, schema, _TEXT),
        disposed_event=_disposed_event_table(metadata, schema),
        context=Table(
            "context",
            metadata,
            Column("one", Boolean, nullable=False),
            Column("business_date", Date),
            Column("catalogue", Text),
            Column("generation", Integer, nullable=False),
            Column("watermarks", JSONB, nullable=False),
            PrimaryKeyConstraint("one", name="context_pkey"),
            CheckConstraint("one", name="context_one_row"),
            *context,
            schema=schema,
        ),
        revoked_token=_revoked_token_table(metadata, schema, _TEXT),
        outbox=outbox_table(metadata, schema),
        position=position_table(metadata, schema),
        parked=parked_table(metadata, schema),
        access_log=access_log_table(metadata, schema),
        gate=gate,
    )


def create_person_tables(op: Operations | ModuleType, schema: str) -> None:
    """Create, in a service's first migration, those of the tables that are the same in every service.

    Migrations that have been released never change: an alteration of these tables is a new migration in each service.
    """
    metadata = MetaData()
    for define in (_event_table, _erased_table, _revoked_token_table):
        define(metadata, schema, _BYTES)
    metadata.create_all(op.get_bind(), checkfirst=False)


def create_disposed_event_table(op: Operations | ModuleType, schema: str) -> None:
    """Create, in a migration, the table of events that were disposed of."""
    metadata = MetaData()
    _disposed_event_table(metadata, schema)
    metadata.create_all(op.get_bind(), checkfirst=False)


def drop_person_tables(op: Operations | ModuleType, schema: str) -> None:
    """Undo `create_person_tables`."""
    for name in ("revoked_token", "erased", "event"):
        op.drop_table(name, schema=schema)


def _event_table(metadata: MetaData, schema: str, text: Text, *own: SchemaItem) -> Table:
    return Table(
        "event",
        metadata,
        Column("person", text, nullable=False),
        Column("source", text, nullable=False),
        Column("id", text, nullable=False),
        Column("type", text, nullable=False),
        Column("time", DateTime(timezone=True), nullable=False),
        Column("received", DateTime(timezone=True), nullable=False),
        Column("data", JSONB, nullable=False),
        Column("hash", BigInteger, nullable=False),
        Column("bucket", SmallInteger, nullable=False),
        PrimaryKeyConstraint("person", "source", "id", name="event_pkey"),
        Index("event_digest", "bucket", postgresql_include=["hash"]),
        *own,
        schema=schema,
    )


def _erased_table(metadata: MetaData, schema: str, text: Text) -> Table:
    return Table(
        "erased",
        metadata,
        Column("personhash", text, nullable=False),
        Column("hash", BigInteger, nullable=False),
        Column("bucket", SmallInteger, nullable=False),
        PrimaryKeyConstraint("personhash", name="erased_pkey"),
        schema=schema,
    )


def _disposed_event_table(metadata: MetaData, schema: str) -> Table:
    return Table(
        "disposed_event",
        metadata,
        Column("identity", Uuid, nullable=False),
        PrimaryKeyConstraint("identity", name="disposed_event_pkey"),
        schema=schema,
    )


def _revoked_token_table(metadata: MetaData, schema: str, text: Text) -> Table:
    return Table(
        "revoked_token",
        metadata,
        Column("token_id", text, nullable=False),
        PrimaryKeyConstraint("token_id", name="revoked_token_pkey"),
        schema=schema,
    )
