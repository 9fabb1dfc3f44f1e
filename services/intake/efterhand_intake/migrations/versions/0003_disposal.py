"""What was disposed of: never kept again, and published again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "intake"
BYTES = sa.Text(collation="C")

# As before, but for events that were disposed of: they are among what it did not add.
ADD_EVENTS = """
    CREATE OR REPLACE FUNCTION intake.add_events(events json) RETURNS TABLE (source text, id text)
    LANGUAGE sql AS $$
        WITH given AS MATERIALIZED (
            SELECT * FROM json_to_recordset(events) AS each (
                source text, id text, person text, type text, "time" timestamptz, received timestamptz, content text,
                bucket smallint, hash bigint, wire text, person_hash text, identity uuid
            )
        ), added AS (
            INSERT INTO intake.event (source, id, person, type, "time", received, content, bucket, hash, wire)
            SELECT source, id, person, type, "time", received, decode(content, 'hex'), bucket, hash, wire
            FROM given
            WHERE NOT EXISTS (SELECT FROM intake.erased_person e WHERE e.person_hash = given.person_hash)
                AND NOT EXISTS (SELECT FROM intake.disposed_event d WHERE d.identity = given.identity)
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
ADD_EVENTS_BEFORE = ADD_EVENTS.replace(", identity uuid", "").replace(
    "AND NOT EXISTS (SELECT FROM intake.disposed_event d WHERE d.identity = given.identity)", ""
)


def upgrade() -> None:
    """Create the tables; a person can be found by one of the hashes that the digest adds up."""
    op.create_table(
        "disposed_event",
        sa.Column("identity", sa.Uuid, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("identity", name="disposed_event_pkey"),
        schema=SCHEMA,
    )
    op.create_table(
        "disposal",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("person_hash", BYTES, nullable=False),
        sa.Column("wire", sa.Text, nullable=False, comment="the disposal as published again"),
        sa.PrimaryKeyConstraint("id", name="disposal_pkey"),
        schema=SCHEMA,
    )
    op.drop_index("event_digest", "event", schema=SCHEMA)
    op.create_index("event_digest", "event", ["bucket", "hash"], schema=SCHEMA)
    op.execute(ADD_EVENTS)


def downgrade() -> None:
    """Drop them: what was disposed of would be taken again."""
    op.execute(ADD_EVENTS_BEFORE)
    op.drop_index("event_digest", "event", schema=SCHEMA)
    op.create_index("event_digest", "event", ["bucket"], schema=SCHEMA, postgresql_include=["hash"])
    op.drop_table("disposal", schema=SCHEMA)
    op.drop_table("disposed_event", schema=SCHEMA)
