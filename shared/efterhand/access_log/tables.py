"""The table of the log, the same in every service, and how old lines go."""

from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Final

from alembic.operations import Operations
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Identity,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    delete,
    func,
)

ACCESS_LOG: Final = "access_log"
_TEXT: Final = Text()
_BYTES: Final = Text(collation="C")


def access_log_table(metadata: MetaData, schema: str, text: Text = _TEXT) -> Table:
    """Return the table: a line for each person that an answer showed to somebody.

    `at` is the time of the clock on the wall, also where the business date is moved by hand. `kind` is what was read.
    """
    return Table(
        ACCESS_LOG,
        metadata,
        Column("id", BigInteger, Identity(always=True), nullable=False),
        Column("at", DateTime(timezone=True), server_default=func.now(), nullable=False),
        Column("kind", text, nullable=False),
        Column("token_id", text, nullable=False),
        Column("staff", text),
        Column("role", text, nullable=False),
        Column("person", text),
        Column("case_id", text),
        Column("unit", text),
        Column("reason", text),
        PrimaryKeyConstraint("id", name="access_log_pkey"),
        Index("access_log_at", "at"),
        Index("access_log_person", "person", "id"),
        Index("access_log_case", "case_id", "id"),
        Index("access_log_staff", "staff", "id"),
        schema=schema,
    )


def create_access_log(op: Operations | ModuleType, schema: str) -> None:
    """Create the table in a migration, as it was when the log began.

    Migrations that have been released never change: an alteration of the table is a new migration in each service.
    """
    metadata = MetaData()
    access_log_table(metadata, schema, _BYTES)
    metadata.create_all(op.get_bind(), checkfirst=False)


def drop_access_log(op: Operations | ModuleType, schema: str) -> None:
    """Undo `create_access_log`."""
    op.drop_table(ACCESS_LOG, schema=schema)


def forget_before(connection: Connection, table: Table, days: int) -> int:
    """Delete the lines that are older than so many days; return how many that were."""
    horizon = datetime.now(UTC) - timedelta(days=days)
    return connection.execute(delete(table).where(table.c.at < horizon)).rowcount
