"""The tables of the schema `indicators`.

Every large table has the person first in its key. Pseudonyms, ids and units compare by their bytes in the database
(collation C, set by the migration). Tables of facts have the columns of the catalogue's kinds of facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

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
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from efterhand.catalogue.factkinds import FactKind, fact_kinds
from efterhand.database import outbox_table, parked_table, position_table

SCHEMA: Final = "indicators"
TEMPORARY: Final = "pg_temp"

metadata: Final = MetaData()

event: Final = Table(
    "event",
    metadata,
    Column("person", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("received", DateTime(timezone=True), nullable=False),
    Column("data", JSONB, nullable=False),
    Column("hash", BigInteger, nullable=False),
    Column("bucket", SmallInteger, nullable=False),
    PrimaryKeyConstraint("person", "source", "id", name="event_pkey"),
    Index("event_digest", "bucket", postgresql_include=["hash"]),
    Index("event_received", "received"),
    schema=SCHEMA,
)
"""All events held, insert-only; person "" for what is about no person."""

person: Final = Table(
    "person",
    metadata,
    Column("person", Text, nullable=False),
    Column("personhash", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("facts", JSONB, nullable=False),
    PrimaryKeyConstraint("person", name="person_pkey"),
    Index("person_personhash", "personhash", unique=True),
    Index("person_generation", "generation"),
    schema=SCHEMA,
)
"""One row a person: the lock that makes the person the unit of consistency, and how far it has been computed."""

DIMENSIONS: Final = ("sex", "unit", "target_group", "age_band", "closure_reason")
SUMS: Final = ("numerator", "denominator", "expected", "sum")
_SQL_TYPES: Final[dict[str, Any]] = {"text": Text, "int": Integer, "bool": Boolean, "date": Date}


@dataclass(frozen=True)
class Tables:
    """Where facts and contributions are: the service's own, or temporary ones of the same shape."""

    facts: Mapping[str, Table]
    contribution: Table


def _fact_table(kind: FactKind, into: MetaData, schema: str) -> Table:
    key = ("person", *kind.key)
    columns = [
        Column(name, _SQL_TYPES[declared.name], nullable=name not in key) for name, declared in kind.columns.items()
    ]
    return Table(
        f"fact_{kind.name}",
        into,
        Column("person", Text, nullable=False),
        *columns,
        PrimaryKeyConstraint(*key, name=f"fact_{kind.name}_pkey"),
        schema=schema,
    )


def _contribution_table(into: MetaData, schema: str) -> Table:
    return Table(
        "contribution",
        into,
        Column("person", Text, nullable=False),
        Column("indicator", Text, nullable=False),
        Column("definition", Text, nullable=False),
        Column("protocol", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("first_day", Date, nullable=False),
        Column("last_day", Date, nullable=False),
        *(Column(name, Text) for name in DIMENSIONS),
        Column("numerator", Integer, nullable=False),
        Column("denominator", Integer),
        Column("expected", Integer),
        Column("sum", Numeric),
        PrimaryKeyConstraint("person", "indicator", "protocol", "subject", "first_day", name="contribution_pkey"),
        Index("contribution_window", "indicator", "first_day", "last_day"),
        CheckConstraint("first_day <= last_day", name="contribution_days"),
        schema=schema,
    )


def make_tables(into: MetaData, schema: str) -> Tables:
    """Describe the tables of facts and contributions in a schema."""
    facts = {name: _fact_table(kind, into, schema) for name, kind in fact_kinds().items() if kind.has_table}
    return Tables(facts, _contribution_table(into, schema))


stored: Final = make_tables(metadata, SCHEMA)
"""Facts and contributions of everybody.

A contribution is one counted thing: of a measuring day (`first_day` = `last_day`), or of a stretch of days in which
unit, target group and age band stay the same (without an end: to 9999-12-31). `protocol` is that of a counted check,
else ''. Its unit is the case's own, not rolled up.
"""

temporary: Final = make_tables(MetaData(), TEMPORARY)
"""The same, for what is computed to be compared or read and then thrown away."""

erased: Final = Table(
    "erased",
    metadata,
    Column("personhash", Text, nullable=False),
    Column("hash", BigInteger, nullable=False),
    Column("bucket", SmallInteger, nullable=False),
    PrimaryKeyConstraint("personhash", name="erased_pkey"),
    schema=SCHEMA,
)
"""Keyed hashes of erased persons: nothing is kept for them again."""

context: Final = Table(
    "context",
    metadata,
    Column("one", Boolean, nullable=False),
    Column("business_date", Date),
    Column("catalogue", Text),
    Column("generation", Integer, nullable=False),
    Column("definitions", JSONB, nullable=False),
    Column("watermarks", JSONB, nullable=False),
    PrimaryKeyConstraint("one", name="context_pkey"),
    CheckConstraint("one", name="context_one_row"),
    schema=SCHEMA,
)
"""What holds for all persons: the business date, the definitions, how far each feed is known."""

revoked_token: Final = Table(
    "revoked_token",
    metadata,
    Column("token_id", Text, nullable=False),
    PrimaryKeyConstraint("token_id", name="revoked_token_pkey"),
    schema=SCHEMA,
)

outbox: Final = outbox_table(metadata, SCHEMA)
position: Final = position_table(metadata, SCHEMA)
parked: Final = parked_table(metadata, SCHEMA)
