"""The tables of the schema `intake`."""

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
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from efterhand.access_log.tables import access_log_table
from efterhand.database import outbox_table, parked_table, position_table

SCHEMA = "intake"
BYTES = Text(collation="C")
"""Ids compare by their bytes."""

metadata = MetaData()

outbox = outbox_table(metadata, SCHEMA)
position = position_table(metadata, SCHEMA)
parked = parked_table(metadata, SCHEMA)
access_log = access_log_table(metadata, SCHEMA)

event = Table(
    "event",
    metadata,
    Column("source", BYTES, nullable=False),
    Column("id", BYTES, nullable=False),
    Column("person", BYTES, nullable=False, comment="'' for a watermark and for an erasure"),
    Column("type", BYTES, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("received", DateTime(timezone=True), nullable=False),
    Column("content", LargeBinary, nullable=False, comment="keyed hash of what a repeat is compared by"),
    Column("bucket", SmallInteger, nullable=False),
    Column("hash", BigInteger, nullable=False),
    Column("wire", Text, nullable=False, comment="the event as published"),
    PrimaryKeyConstraint("source", "id", name="event_pkey"),
    Index("event_person", "person"),
    Index("event_digest", "bucket", "hash"),
    schema=SCHEMA,
)
"""The archive: every accepted event. The one truth, from which everything else can be rebuilt."""

erased_person = Table(
    "erased_person",
    metadata,
    Column("person_hash", BYTES, nullable=False),
    Column("source", BYTES, nullable=False),
    Column("id", BYTES, nullable=False),
    PrimaryKeyConstraint("person_hash", name="erased_person_pkey"),
    Index("erased_person_event", "source", "id", unique=True),
    schema=SCHEMA,
)
"""Whom nothing may be kept about, and the event that said so."""

disposed_event = Table(
    "disposed_event",
    metadata,
    Column("identity", Uuid, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("identity", name="disposed_event_pkey"),
    schema=SCHEMA,
)
"""Keyed hashes of the events that were disposed of, and of what a repeat is compared by: none of them is kept again."""

disposal = Table(
    "disposal",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("person_hash", BYTES, nullable=False),
    Column("wire", Text, nullable=False, comment="the disposal as published again"),
    PrimaryKeyConstraint("id", name="disposal_pkey"),
    schema=SCHEMA,
)
"""Every disposal of a person, to be published again: only hashes of whom and of what it was."""

refused = Table(
    "refused",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("sender", BYTES, nullable=False),
    Column("source", BYTES),
    Column("event_id", BYTES),
    Column("person", BYTES),
    Column("outcome", BYTES, nullable=False),
    Column("codes", ARRAY(Text), nullable=False),
    Column("field", Text),
    Column("message", Text, nullable=False),
    Column("body", Text),
    Column("is_whole", Boolean, nullable=False),
    Column("times", Integer, nullable=False),
    Column("first_received", DateTime(timezone=True), nullable=False),
    Column("last_received", DateTime(timezone=True), nullable=False),
    Column("closed", Boolean, nullable=False, server_default=false()),
    PrimaryKeyConstraint("id", name="refused_pkey"),
    Index("refused_fingerprint", "fingerprint", unique=True),
    Index("refused_open", "source", "event_id", postgresql_where=text("NOT closed")),
    Index("refused_person", "person"),
    schema=SCHEMA,
)

business_date = Table(
    "business_date",
    metadata,
    Column("the_one", Boolean, nullable=False),
    Column("date", Date, nullable=False),
    PrimaryKeyConstraint("the_one", name="business_date_pkey"),
    CheckConstraint("the_one", name="business_date_the_one"),
    schema=SCHEMA,
)
"""One row."""

kept = Table(
    "kept",
    metadata,
    Column("name", BYTES, nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("name", name="kept_pkey"),
    schema=SCHEMA,
)
"""What must be remembered over restarts: the catalogue's version, the topic's id, how far publishing again has come."""

heard = Table(
    "heard",
    metadata,
    Column("kind", BYTES, nullable=False),
    Column("name", BYTES, nullable=False),
    Column("last", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("kind", "name", name="heard_pkey"),
    schema=SCHEMA,
)
"""When a source or a feed last sent something."""

token = Table(
    "token",
    metadata,
    Column("id", BYTES, nullable=False),
    Column("role", BYTES, nullable=False),
    Column("source", BYTES),
    Column("unit", BYTES),
    Column("staff", BYTES),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("id", name="token_pkey"),
    schema=SCHEMA,
)
"""Tokens and sessions that were issued: never the token itself. The role and the unit are the first grant's."""

catalogue = Table(
    "catalogue",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("version", BYTES, nullable=False),
    Column("name", Text, nullable=False),
    Column("files", JSONB, nullable=False),
    Column("adopted_on", Date, nullable=False),
    Column("adopted_at", DateTime(timezone=True), nullable=False),
    Column("changes", JSONB, nullable=False),
    PrimaryKeyConstraint("id", name="catalogue_pkey"),
    schema=SCHEMA,
)
"""Every catalogue that was worked with, as it was written, and in words what changed from the one before."""

used_key = Table(
    "used_key",
    metadata,
    Column("id", BYTES, nullable=False),
    Column("used_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("id", name="used_key_pkey"),
    schema=SCHEMA,
)
"""One-time links that have been used."""
