"""What has been tried, what staff did with checks, and the indexes of the worklist."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = "followup"
BYTES = sa.Text(collation="C")
FILTERED = (
    *("case_id", "person", "unit", "worker"),
    *("state", "protocol", "tried_on", "postponed_until", "protected"),
)
OPEN = sa.text("state IN ('upcoming', 'due', 'overdue')")


def upgrade() -> None:
    """Add the columns, tables and indexes, and have those computed anew for whom something has been tried."""
    op.add_column("check", sa.Column("attempts", JSONB, nullable=False, server_default="[]"), schema=SCHEMA)
    op.add_column("check", sa.Column("tried_on", sa.Date), schema=SCHEMA)
    op.add_column("check", sa.Column("postponed_until", sa.Date), schema=SCHEMA)
    op.create_index(
        "check_open_due", "check", ["due", "id"], schema=SCHEMA, postgresql_include=FILTERED, postgresql_where=OPEN
    )
    op.create_index("check_open_case", "check", ["case_id"], schema=SCHEMA, postgresql_where=OPEN)
    op.create_index("check_open_count", "check", ["unit", *FILTERED[3:]], schema=SCHEMA, postgresql_where=OPEN)
    op.create_index("check_settled", "check", ["settled_on", "due", "id"], schema=SCHEMA, postgresql_include=FILTERED)
    op.create_table(
        "act",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("check_id", BYTES, nullable=False),
        sa.Column("key", BYTES, nullable=False),
        sa.Column("kind", BYTES, nullable=False),
        sa.Column("made_by", BYTES, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_on", sa.Date, nullable=False),
        sa.Column("said", JSONB, nullable=False),
        sa.Column("event", JSONB),
        sa.Column("event_id", BYTES),
        sa.Column("undoes", BYTES),
        sa.Column("accepted", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("person", "check_id", "key", name="act_pkey"),
        sa.CheckConstraint("kind IN ('answer', 'attempt', 'postpone', 'undo')", name="act_kind"),
        sa.CheckConstraint("(kind = 'undo') = (undoes IS NOT NULL)", name="act_undoes"),
        schema=SCHEMA,
    )
    op.create_index("act_key", "act", ["key"], schema=SCHEMA)
    op.create_table(
        "postponement",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("check_id", BYTES, nullable=False),
        sa.Column("until_on", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("person", "check_id", name="postponement_pkey"),
        schema=SCHEMA,
    )
    op.create_table(
        "reference",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("check_id", BYTES, nullable=False),
        sa.Column("ref", BYTES, nullable=False),
        sa.PrimaryKeyConstraint("person", "check_id", name="reference_pkey"),
        schema=SCHEMA,
    )
    op.create_index("reference_ref", "reference", ["ref"], unique=True, schema=SCHEMA)
    op.create_table(
        "saved_view",
        sa.Column("owner", BYTES, nullable=False),
        sa.Column("name", BYTES, nullable=False),
        sa.Column("query", BYTES, nullable=False),
        sa.PrimaryKeyConstraint("owner", "name", name="saved_view_pkey"),
        schema=SCHEMA,
    )
    op.execute(
        "UPDATE followup.person SET dirty = true WHERE person IN"
        " (SELECT person FROM followup.event WHERE type = 'followup.attempted')"
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("saved_view", "reference", "postponement", "act"):
        op.drop_table(table, schema=SCHEMA)
    for index in ("check_settled", "check_open_count", "check_open_case", "check_open_due"):
        op.drop_index(index, "check", schema=SCHEMA)
    for column in ("postponed_until", "tried_on", "attempts"):
        op.drop_column("check", column, schema=SCHEMA)
