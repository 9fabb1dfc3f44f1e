"""The tables that every service has beside its own: what goes out, how far it has read, what was parked."""

from types import ModuleType

from alembic.operations import Operations
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
)

OUTBOX = "outbox"
POSITION = "position"
PARKED = "parked"


def outbox_table(metadata: MetaData, schema: str) -> Table:
    """Return the table of records still to be published; a published row is deleted."""
    return Table(
        OUTBOX,
        metadata,
        Column("id", BigInteger, Identity(always=True), nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", LargeBinary),
        Column("value", LargeBinary),
        Column("person", Text),
        Column("created_at", DateTime(timezone=True), server_default=func.now(), nullable=False),
        PrimaryKeyConstraint("id", name="outbox_pkey"),
        Index("outbox_person", "person"),
        schema=schema,
    )


def position_table(metadata: MetaData, schema: str) -> Table:
    """Return the table of the next offset to be read from each partition, and of the topic's id in Kafka."""
    return Table(
        POSITION,
        metadata,
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("topic_id", Text, nullable=False),
        Column("next_offset", BigInteger, nullable=False),
        PrimaryKeyConstraint("topic", "partition", name="position_pkey"),
        schema=schema,
    )


def parked_table(metadata: MetaData, schema: str) -> Table:
    """Return the table of records that were put aside with their reason.

    What came in has topic id, partition and offset; what could not be sent has none of them. `person` is there to be
    found by an erasure.
    """
    return Table(
        PARKED,
        metadata,
        Column("id", BigInteger, Identity(always=True), nullable=False),
        Column("topic", Text, nullable=False),
        Column("topic_id", Text),
        Column("partition", Integer),
        Column("offset", BigInteger),
        Column("key", LargeBinary),
        Column("value", LargeBinary),
        Column("person", Text),
        Column("reason", Text, nullable=False),
        Column("parked_at", DateTime(timezone=True), server_default=func.now(), nullable=False),
        PrimaryKeyConstraint("id", name="parked_pkey"),
        Index("parked_record", "topic", "topic_id", "partition", "offset", unique=True),
        Index("parked_person", "person"),
        schema=schema,
    )


def create_common_tables(op: Operations | ModuleType, schema: str) -> None:
    """Create the three tables in a service's first migration, as they were in version 1 of all services.

    Migrations that have been released never change: an alteration of these tables is a new migration in each service.
    """
    metadata = MetaData()
    for define in (outbox_table, position_table, parked_table):
        define(metadata, schema)
    metadata.create_all(op.get_bind(), checkfirst=False)


def drop_common_tables(op: Operations | ModuleType, schema: str) -> None:
    """Undo `create_common_tables`."""
    for name in (PARKED, POSITION, OUTBOX):
        op.drop_table(name, schema=schema)
