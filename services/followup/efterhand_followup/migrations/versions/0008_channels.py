"""Channels by which staff hear of notices, and what has been delivered through them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SCHEMA = "followup"
BYTES = sa.Text(collation="C")


def upgrade() -> None:
    """Create the tables, and the index by which a channel's notices are found."""
    op.create_table(
        "channel",
        sa.Column("id", BYTES, nullable=False),
        sa.Column("kind", BYTES, nullable=False),
        sa.Column("audience", BYTES, nullable=False),
        sa.Column("unit", BYTES),
        sa.Column("staff", BYTES),
        sa.Column("target", BYTES, nullable=False),
        sa.Column("language", BYTES, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("address_hash", BYTES),
        sa.Column("made_by", BYTES, nullable=False),
        sa.Column("made_on", sa.Date, nullable=False),
        sa.Column("planned_through", sa.Date, nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="channel_pkey"),
        sa.CheckConstraint("kind IN ('email', 'webhook', 'chat', 'calendar')", name="channel_kind"),
        sa.CheckConstraint("audience IN ('worker', 'unit', 'manager', 'register')", name="channel_audience"),
        sa.CheckConstraint("(kind = 'calendar') = (address_hash IS NOT NULL)", name="channel_address_hash"),
        schema=SCHEMA,
    )
    same = ["kind", "audience", "unit", "staff", "target"]
    op.create_index("channel_same", "channel", same, unique=True, schema=SCHEMA, postgresql_nulls_not_distinct=True)
    op.create_index("channel_address", "channel", ["address_hash"], unique=True, schema=SCHEMA)
    op.create_table(
        "digest",
        sa.Column("id", BYTES, nullable=False),
        sa.Column("channel", BYTES, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("state", BYTES, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True)),
        sa.Column("reason", BYTES),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="digest_pkey"),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'failed', 'dropped')", name="digest_state"),
        sa.CheckConstraint("(state = 'waiting') = (settled_at IS NULL)", name="digest_settled_at"),
        schema=SCHEMA,
    )
    op.create_index("digest_channel", "digest", ["channel", "day"], schema=SCHEMA)
    waiting = sa.text("state = 'waiting'")
    op.create_index("digest_waiting", "digest", ["next_attempt_at"], schema=SCHEMA, postgresql_where=waiting)
    op.create_table(
        "delivery",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("channel", BYTES, nullable=False),
        sa.Column("notice_id", BYTES, nullable=False),
        sa.Column("check_id", BYTES),
        sa.Column("digest_id", BYTES, nullable=False),
        sa.PrimaryKeyConstraint("person", "channel", "notice_id", name="delivery_pkey"),
        schema=SCHEMA,
    )
    op.create_index("delivery_digest", "delivery", ["digest_id"], schema=SCHEMA)
    op.create_index("notice_recipient", "notice", ["recipient"], schema=SCHEMA, postgresql_where=sa.text("told"))


def downgrade() -> None:
    """Drop them."""
    op.drop_index("notice_recipient", "notice", schema=SCHEMA)
    for table in ("delivery", "digest", "channel"):
        op.drop_table(table, schema=SCHEMA)
