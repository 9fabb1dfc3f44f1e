"""The tables of the schema `followup`.

Every large table has the person first in its key. Pseudonyms, ids and units compare by their bytes in the database
(collation C, set by the migration).
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from efterhand.database import outbox_table, parked_table, position_table

SCHEMA: Final = "followup"

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
    schema=SCHEMA,
)
"""All events held, insert-only; person "" for what is about no person."""

person: Final = Table(
    "person",
    metadata,
    Column("person", Text, nullable=False),
    Column("personhash", Text, nullable=False),
    Column("computed_on", Date),
    Column("next_change_on", Date),
    Column("dirty", Boolean, nullable=False),
    Column("generation", Integer, nullable=False),
    PrimaryKeyConstraint("person", name="person_pkey"),
    Index("person_personhash", "personhash", unique=True),
    Index("person_dirty", "person", postgresql_where="dirty"),
    Index("person_next_change", "next_change_on"),
    Index("person_generation", "generation"),
    schema=SCHEMA,
)
"""One row a person: the lock that makes the person the unit of consistency, and how far it has been computed."""

check: Final = Table(
    "check",
    metadata,
    Column("person", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("protocol", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("anchor_on", Date, nullable=False),
    Column("due", Date, nullable=False),
    Column("outcome", Text),
    Column("outcome_on", Date),
    Column("gives_up_on", Date),
    Column("gives_up_as", Text),
    Column("first_received", Date, nullable=False),
    Column("unit", Text, nullable=False),
    Column("worker", Text),
    Column("state", Text, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("flag", Text),
    Column("settled_on", Date),
    Column("response", Text),
    Column("occupation", Text),
    Column("same_field", Boolean),
    Column("protected", Boolean, nullable=False),
    Column("because", JSONB, nullable=False),
    PrimaryKeyConstraint("person", "id", name="check_pkey"),
    Index("check_due", "due", "id"),
    Index("check_unit", "unit", "state", "due", "id"),
    Index("check_case", "case_id"),
    Index("check_gives_up", "protocol", "gives_up_on"),
    schema=SCHEMA,
)
"""One row for each check that exists on the person's `computed_on`, with unit, worker and state of that day."""

notice: Final = Table(
    "notice",
    metadata,
    Column("person", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("check_id", Text),
    Column("protocol", Text),
    Column("step", Text),
    Column("moment", Date, nullable=False),
    Column("send_on", Date, nullable=False),
    Column("unit", Text),
    Column("recipient", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("summed_into", Text),
    Column("made_on", Date),
    Column("withdrawn_on", Date),
    Column("protected", Boolean, nullable=False),
    Column("told", Boolean, nullable=False),
    PrimaryKeyConstraint("person", "id", name="notice_pkey"),
    CheckConstraint("status IN ('open', 'summed', 'withdrawn')", name="notice_status"),
    CheckConstraint("status = 'summed' OR made_on IS NOT NULL", name="notice_made_on"),
    CheckConstraint("(status = 'withdrawn') = (withdrawn_on IS NOT NULL)", name="notice_withdrawn_on"),
    Index("notice_standing", "status", "id"),
    Index("notice_unit", "unit", "status", "id"),
    schema=SCHEMA,
)
"""The log of notices: made once, later withdrawn; a step that is only summed up has no `made_on`.

Person "" for those that sum up many persons' checks. `told`: the topic holds it as made and not as withdrawn.
"""

listed: Final = Table(
    "listed",
    metadata,
    Column("person", Text, nullable=False),
    Column("notice_id", Text, nullable=False),
    Column("protected", Boolean, nullable=False),
    PrimaryKeyConstraint("person", "notice_id", name="listed_pkey"),
    Index("listed_notice", "notice_id"),
    schema=SCHEMA,
)
"""Which persons a catch-up or register notice has on its list; it is open while there is one."""

listing_changed: Final = Table(
    "listing_changed",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("notice_id", Text, nullable=False),
    Column("on", Date, nullable=False),
    Column("protected", Boolean, nullable=False),
    PrimaryKeyConstraint("id", name="listing_changed_pkey"),
    schema=SCHEMA,
)
"""Lists that gained or lost somebody on a day, until the notices that sum up have been brought in line with it."""

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
    Column("started_on", Date),
    Column("catalogue", Text),
    Column("generation", Integer, nullable=False),
    Column("watermarks", JSONB, nullable=False),
    PrimaryKeyConstraint("one", name="context_pkey"),
    CheckConstraint("one", name="context_one_row"),
    schema=SCHEMA,
)
"""What holds for all persons: the business date, the catalogue, how far each feed is known."""

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
