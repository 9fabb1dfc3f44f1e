"""The tables of the schema `indicators`.

Every large table has the person first in its key. Pseudonyms, ids and units compare by their bytes in the database
(collation C, set by the migration). Tables of facts have the columns of the catalogue's kinds of facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from efterhand.catalogue.factkinds import FactKind, fact_kinds
from efterhand.persons.tables import define_person_tables

SCHEMA: Final = "indicators"
TEMPORARY: Final = "pg_temp"

metadata: Final = MetaData()

kept: Final = define_person_tables(
    metadata,
    SCHEMA,
    gate=0x69_6E_64_69_63,
    event=(Index("event_received", "received"),),
    person=(Column("facts", JSONB, nullable=False),),
    context=(
        Column("definitions", JSONB, nullable=False),
        Column("plan", JSONB, nullable=False, server_default="{}"),
        Column("totals", JSONB, nullable=False, server_default="{}"),
    ),
)
"""What every service has that follows persons."""

outbox: Final = kept.outbox
position: Final = kept.position
parked: Final = kept.parked

DIMENSIONS: Final = ("sex", "unit", "target_group", "age_band", "closure_reason")
SUMS: Final = ("numerator", "denominator", "expected", "sum")
ADDED: Final = ("things", *SUMS)
"""What is added up over things: how many they are, and their sums."""

MERGED: Final = "merged"
REACHED: Final = "reached"
"""The tables of what catalogues derive, whatever they call it: spans that are merged, numbers that are reached."""

_SQL_TYPES: Final[dict[str, Any]] = {"text": Text, "int": Integer, "bool": Boolean, "date": Date}


@dataclass(frozen=True)
class Tables:
    """Where facts and contributions are: the service's own, or temporary ones of the same shape.

    `facts` has a table for each kind of fact that is kept, and MERGED and REACHED. Working days are the same for both.
    """

    facts: Mapping[str, Table]
    contribution: Table
    working_day: Table


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


def _derived_table(name: str, key: str, into: MetaData, schema: str, *columns: Column[Any]) -> Table:
    """Describe a table of facts that catalogues derive: `name` is the kind's, by `per` its rows are taken apart."""
    return Table(
        f"fact_{name}",
        into,
        Column("person", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("per", Text, nullable=False, server_default=""),
        *columns,
        PrimaryKeyConstraint("person", "name", "per", key, name=f"fact_{name}_pkey"),
        schema=schema,
    )


def _contribution_table(into: MetaData, schema: str) -> Table:
    return Table(
        "contribution",
        into,
        Column("person", Text, nullable=False),
        Column("indicator", Text, nullable=False),
        Column("definition", Text, nullable=False),
        Column("evidence", Boolean, nullable=False),
        Column("protocol", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("first_day", Date, nullable=False),
        Column("last_day", Date, nullable=False),
        *(Column(name, Text) for name in DIMENSIONS),
        Column("more", ARRAY(Text)),
        Column("after_day", Date),
        Column("numerator", Integer),
        Column("denominator", Integer),
        Column("expected", Integer),
        Column("sum", Numeric),
        PrimaryKeyConstraint(
            "person", "indicator", "evidence", "protocol", "subject", "first_day", name="contribution_pkey"
        ),
        Index("contribution_window", "indicator", "first_day", "last_day"),
        CheckConstraint("first_day <= last_day", name="contribution_days"),
        schema=schema,
    )


def make_tables(into: MetaData, schema: str) -> Tables:
    """Describe the tables of facts and contributions in a schema."""
    facts = {name: _fact_table(kind, into, schema) for name, kind in fact_kinds().items() if kind.has_table}
    facts[MERGED] = _derived_table(
        MERGED, "began_on", into, schema, Column("began_on", Date, nullable=False), Column("ended_on", Date)
    )
    facts[REACHED] = _derived_table(
        REACHED,
        "total",
        into,
        schema,
        Column("total", Integer, nullable=False),
        Column("reached_on", Date, nullable=False),
    )
    return Tables(facts, _contribution_table(into, schema), working_day)


working_day: Final = Table(
    "working_day",
    metadata,
    Column("day", Date, nullable=False),
    Column("number", Integer, nullable=False),
    PrimaryKeyConstraint("day", name="working_day_pkey"),
    Index("working_day_number", "number", unique=True),
    schema=SCHEMA,
)
"""Every working day, with its number in order: so many working days later is so much added to it."""

stored: Final = make_tables(metadata, SCHEMA)
"""Facts and contributions of everybody.

A contribution is one counted thing: of a measuring day (`first_day` = `last_day`), or of a stretch of days in which
unit, target group and age band stay the same (without an end: to 9999-12-31). `protocol` is that of a counted check,
else ''; `subject` the rest of the thing's key. Its unit is the case's own, not rolled up. `more` holds the part of a
split and the indicator's further dimensions, in their order. With `after_day` it counts only in windows that begin
after that day: another one of the person came before it. Rows of `evidence` are no counted things: they say from which
day to which something speaks for one (or, with neither protocol nor subject, for the person).
"""

temporary: Final = make_tables(MetaData(), TEMPORARY)
"""The same, for what is computed to be compared or read and then thrown away."""

_ADDED: Final[dict[str, Any]] = {name: Numeric if name == "sum" else BigInteger for name in ADDED}


def _total_columns() -> list[Column[Any]]:
    return [
        Column("indicator", Text, nullable=False),
        Column("sex", Text, nullable=False),
        Column("unit", Text, nullable=False),
        Column("month", Integer, nullable=False),
        *(Column(name, kind, nullable=False) for name, kind in _ADDED.items()),
    ]


total: Final = Table(
    "total",
    metadata,
    *_total_columns(),
    PrimaryKeyConstraint("indicator", "month", "sex", "unit", name="total_pkey"),
    schema=SCHEMA,
)
"""What the contributions to an indicator come to by month, sex and unit; '' where one is not known.

What a month's row means depends on the indicator, see `adapters.compiling.totals`. The row may also be 0 throughout.
"""

total_change: Final = Table(
    "total_change",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    *_total_columns(),
    PrimaryKeyConstraint("id", name="total_change_pkey"),
    Index("total_change_indicator", "indicator", "month"),
    schema=SCHEMA,
)
"""What has come to totals, or left them, since they were last written: so that nobody waits for anybody's totals."""

unit_above: Final = Table(
    "unit_above",
    metadata,
    Column("unit", Text, nullable=False),
    Column("above", Text, nullable=False),
    Column("from_month", Integer, nullable=False),
    Column("until_month", Integer, nullable=False),
    PrimaryKeyConstraint("unit", "above", "from_month", name="unit_above_pkey"),
    schema=SCHEMA,
)
"""In whose cells a unit counts, in the windows that end with which months; '' stands for all units."""

closed_book: Final = Table(
    "closed_book",
    metadata,
    Column("indicator", Text, nullable=False),
    Column("definition", Text, nullable=False),
    Column("month", Date, nullable=False),
    *(Column(name, Text) for name in DIMENSIONS),
    Column("more", ARRAY(Text)),
    *(Column(name, kind, nullable=False) for name, kind in _ADDED.items()),
    Index(
        "closed_book_row",
        "indicator",
        "definition",
        "month",
        *DIMENSIONS,
        "more",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
    schema=SCHEMA,
)
"""What persons counted for who were disposed of, by the first day of the month of the measuring day.

The columns are those of contributions, added up. Only what can be added is here; see `domain.closed_book`.
"""

closing: Final = Table(
    "closing",
    metadata,
    Column("indicator", Text, nullable=False),
    Column("definition", Text, nullable=False),
    Column("before", Date, nullable=False),
    Column("events", BigInteger, nullable=False),
    *(Column(name, kind, nullable=False) for name, kind in _ADDED.items()),
    Column("hash", Numeric, nullable=False),
    PrimaryKeyConstraint("indicator", "definition", "before", name="closing_pkey"),
    schema=SCHEMA,
)
"""Of how many events that were disposed of up to a horizon an indicator was closed by a definition, and control totals
of all that was booked then; `hash` is the sum over the things of the hash of where each is booked.
"""

horizon: Final = Table(
    "horizon",
    metadata,
    Column("before", Date, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("missing", BigInteger, nullable=False),
    Column("received_until", Date, nullable=False),
    Column("seal", Text, nullable=False),
    PrimaryKeyConstraint("before", name="horizon_pkey"),
    schema=SCHEMA,
)
"""Up to which days persons were disposed of: how many events, how many of them were missing here, and the latest day on
which one of them was received. `seal` is a hash of that and of the closings with the same horizon.
"""
