"""The archive, what was refused, the business date, tokens."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from efterhand.database import create_common_tables, drop_common_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "intake"
BYTES = sa.Text(collation="C")
INSTANT = sa.DateTime(timezone=True)

# An erasure and a new date are alone; every other writer holds the lock with others.
LOCK_WRITERS = """
    CREATE FUNCTION intake.lock_writers(alone boolean) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        IF alone THEN
            PERFORM pg_advisory_xact_lock(hashtext('efterhand intake writers'));
        ELSE
            PERFORM pg_advisory_xact_lock_shared(hashtext('efterhand intake writers'));
        END IF;
    END $$
"""
# A function, because its second statement sees what was committed while the first one waited.
BEGIN_WRITING = """
    CREATE FUNCTION intake.begin_writing(alone boolean, hashes text[], OUT today date, OUT erased text[])
    LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM intake.lock_writers(alone);
        today := (SELECT date FROM intake.business_date);
        erased := ARRAY(SELECT person_hash FROM intake.erased_person WHERE person_hash = ANY(hashes));
    END $$
"""

# Returns what it did not add: events whose identity is taken, and those about erased persons.
ADD_EVENTS = """
    CREATE FUNCTION intake.add_events(events json) RETURNS TABLE (source text, id text) LANGUAGE sql AS $$
        WITH given AS MATERIALIZED (
            SELECT * FROM json_to_recordset(events) AS each (
                source text, id text, person text, type text, "time" timestamptz, received timestamptz, content text,
                bucket smallint, hash bigint, wire text, person_hash text
            )
        ), added AS (
            INSERT INTO intake.event (source, id, person, type, "time", received, content, bucket, hash, wire)
            SELECT source, id, person, type, "time", received, decode(content, 'hex'), bucket, hash, wire
            FROM given
            WHERE NOT EXISTS (SELECT FROM intake.erased_person e WHERE e.person_hash = given.person_hash)
            ON CONFLICT DO NOTHING
            RETURNING source, id, person, wire
        ), sent AS (
            INSERT INTO intake.outbox (topic, key, value, person)
            SELECT 'case-events', convert_to(person, 'UTF8'), convert_to(wire, 'UTF8'), nullif(person, '') FROM added
        ), repaired AS (
            UPDATE intake.refused SET closed = true FROM added
            WHERE refused.source = added.source AND refused.event_id = added.id
                AND NOT refused.closed AND refused.outcome = 'refused'
        )
        SELECT source, id FROM given
        WHERE NOT EXISTS (SELECT FROM added WHERE added.source = given.source AND added.id = given.id)
    $$
"""
# One statement and one commit for events that nothing speaks against, judged on the business date `day`.
TAKE_EVENTS = """
    CREATE FUNCTION intake.take_events(day date, events json) RETURNS TABLE (missing_source text, missing_id text)
    LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM intake.lock_writers(false);
        IF day = (SELECT date FROM intake.business_date) THEN
            RETURN QUERY SELECT * FROM intake.add_events(events);
        ELSE
            RETURN QUERY SELECT * FROM json_to_recordset(events) AS each (source text, id text);
        END IF;
    END $$
"""


def upgrade() -> None:
    """Create everything."""
    create_common_tables(op, SCHEMA)
    op.create_table(
        "event",
        sa.Column("source", BYTES, nullable=False),
        sa.Column("id", BYTES, nullable=False),
        sa.Column("person", BYTES, nullable=False, comment="'' for a watermark and for an erasure"),
        sa.Column("type", BYTES, nullable=False),
        sa.Column("time", INSTANT, nullable=False),
        sa.Column("received", INSTANT, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False, comment="keyed hash of what a repeat is compared by"),
        sa.Column("bucket", sa.SmallInteger, nullable=False),
        sa.Column("hash", sa.BigInteger, nullable=False),
        sa.Column("wire", sa.Text, nullable=False, comment="the event as published"),
        sa.PrimaryKeyConstraint("source", "id", name="event_pkey"),
        schema=SCHEMA,
    )
    op.create_index("event_person", "event", ["person"], schema=SCHEMA)
    op.create_index("event_digest", "event", ["bucket"], schema=SCHEMA, postgresql_include=["hash"])
    op.create_table(
        "erased_person",
        sa.Column("person_hash", BYTES, nullable=False),
        sa.Column("source", BYTES, nullable=False),
        sa.Column("id", BYTES, nullable=False),
        sa.PrimaryKeyConstraint("person_hash", name="erased_person_pkey"),
        schema=SCHEMA,
    )
    op.create_index("erased_person_event", "erased_person", ["source", "id"], unique=True, schema=SCHEMA)
    op.create_table(
        "refused",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("sender", BYTES, nullable=False),
        sa.Column("source", BYTES),
        sa.Column("event_id", BYTES),
        sa.Column("person", BYTES),
        sa.Column("outcome", BYTES, nullable=False),
        sa.Column("codes", ARRAY(sa.Text), nullable=False),
        sa.Column("field", sa.Text),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("body", sa.Text),
        sa.Column("is_whole", sa.Boolean, nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("first_received", INSTANT, nullable=False),
        sa.Column("last_received", INSTANT, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("id", name="refused_pkey"),
        schema=SCHEMA,
    )
    op.create_index("refused_fingerprint", "refused", ["fingerprint"], unique=True, schema=SCHEMA)
    op.create_index(
        "refused_open", "refused", ["source", "event_id"], schema=SCHEMA, postgresql_where=sa.text("NOT closed")
    )
    op.create_index("refused_person", "refused", ["person"], schema=SCHEMA)
    op.create_table(
        "business_date",
        sa.Column("the_one", sa.Boolean, nullable=False),
        sa.Column("date", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("the_one", name="business_date_pkey"),
        sa.CheckConstraint("the_one", name="business_date_the_one"),
        schema=SCHEMA,
    )
    op.create_table(
        "kept",
        sa.Column("name", BYTES, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="kept_pkey"),
        schema=SCHEMA,
    )
    op.create_table(
        "heard",
        sa.Column("kind", BYTES, nullable=False),
        sa.Column("name", BYTES, nullable=False),
        sa.Column("last", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name="heard_pkey"),
        schema=SCHEMA,
    )
    op.create_table(
        "token",
        sa.Column("id", BYTES, nullable=False),
        sa.Column("role", BYTES, nullable=False),
        sa.Column("source", BYTES),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="token_pkey"),
        schema=SCHEMA,
    )
    op.create_table(
        "used_key",
        sa.Column("id", BYTES, nullable=False),
        sa.Column("used_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="used_key_pkey"),
        schema=SCHEMA,
    )
    op.execute(LOCK_WRITERS)
    op.execute(BEGIN_WRITING)
    op.execute(ADD_EVENTS)
    op.execute(TAKE_EVENTS)


def downgrade() -> None:
    """Take everything away."""
    op.execute("DROP FUNCTION intake.take_events")
    op.execute("DROP FUNCTION intake.add_events")
    op.execute("DROP FUNCTION intake.begin_writing")
    op.execute("DROP FUNCTION intake.lock_writers")
    for name in ("used_key", "token", "heard", "kept", "business_date", "refused", "erased_person", "event"):
        op.drop_table(name, schema=SCHEMA)
    drop_common_tables(op, SCHEMA)
