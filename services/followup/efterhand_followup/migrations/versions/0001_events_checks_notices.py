"""Events of persons, their checks and notices."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from efterhand.database import create_common_tables, drop_common_tables
from efterhand.persons.tables import create_person_tables, drop_person_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "followup"

# Ids and pseudonyms compare by their bytes: the order of the rules, and one that every server agrees on.
BYTES = sa.Text(collation="C")


def upgrade() -> None:
    """Create everything."""
    create_common_tables(op, SCHEMA)
    create_person_tables(op, SCHEMA)
    op.create_table(
        "person",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("personhash", BYTES, nullable=False),
        sa.Column("computed_on", sa.Date),
        sa.Column("next_change_on", sa.Date),
        sa.Column("dirty", sa.Boolean, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("person", name="person_pkey"),
        schema=SCHEMA,
    )
    op.create_index("person_personhash", "person", ["personhash"], unique=True, schema=SCHEMA)
    op.create_index("person_dirty", "person", ["person"], schema=SCHEMA, postgresql_where=sa.text("dirty"))
    op.create_index("person_next_change", "person", ["next_change_on"], schema=SCHEMA)
    op.create_index("person_generation", "person", ["generation"], schema=SCHEMA)
    op.create_table(
        "check",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("id", BYTES, nullable=False),
        sa.Column("protocol", BYTES, nullable=False),
        sa.Column("subject", BYTES, nullable=False),
        sa.Column("case_id", BYTES, nullable=False),
        sa.Column("anchor_on", sa.Date, nullable=False),
        sa.Column("due", sa.Date, nullable=False),
        sa.Column("outcome", BYTES),
        sa.Column("outcome_on", sa.Date),
        sa.Column("gives_up_on", sa.Date),
        sa.Column("gives_up_as", BYTES),
        sa.Column("first_received", sa.Date, nullable=False),
        sa.Column("unit", BYTES, nullable=False),
        sa.Column("worker", BYTES),
        sa.Column("state", BYTES, nullable=False),
        sa.Column("late", sa.Boolean, nullable=False),
        sa.Column("flag", BYTES),
        sa.Column("settled_on", sa.Date),
        sa.Column("response", BYTES),
        sa.Column("occupation", BYTES),
        sa.Column("same_field", sa.Boolean),
        sa.Column("protected", sa.Boolean, nullable=False),
        sa.Column("because", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("person", "id", name="check_pkey"),
        schema=SCHEMA,
    )
    op.create_index("check_due", "check", ["due", "id"], schema=SCHEMA)
    op.create_index("check_unit", "check", ["unit", "state", "due", "id"], schema=SCHEMA)
    op.create_index("check_case", "check", ["case_id"], schema=SCHEMA)
    op.create_index("check_gives_up", "check", ["protocol", "gives_up_on"], schema=SCHEMA)
    op.create_table(
        "notice",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("id", BYTES, nullable=False),
        sa.Column("check_id", BYTES),
        sa.Column("protocol", BYTES),
        sa.Column("step", BYTES),
        sa.Column("moment", sa.Date, nullable=False),
        sa.Column("send_on", sa.Date, nullable=False),
        sa.Column("unit", BYTES),
        sa.Column("recipient", BYTES, nullable=False),
        sa.Column("status", BYTES, nullable=False),
        sa.Column("summed_into", BYTES),
        sa.Column("made_on", sa.Date),
        sa.Column("withdrawn_on", sa.Date),
        sa.Column("protected", sa.Boolean, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("person", "id", name="notice_pkey"),
        sa.CheckConstraint("status IN ('open', 'summed', 'withdrawn')", name="notice_status"),
        sa.CheckConstraint("status = 'summed' OR made_on IS NOT NULL", name="notice_made_on"),
        sa.CheckConstraint("(status = 'withdrawn') = (withdrawn_on IS NOT NULL)", name="notice_withdrawn_on"),
        schema=SCHEMA,
    )
    op.create_index("notice_standing", "notice", ["status", "id"], schema=SCHEMA)
    op.create_index("notice_unit", "notice", ["unit", "status", "id"], schema=SCHEMA)
    op.create_table(
        "listed",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("notice_id", BYTES, nullable=False),
        sa.Column("protected", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("person", "notice_id", name="listed_pkey"),
        schema=SCHEMA,
    )
    op.create_index("listed_notice", "listed", ["notice_id"], schema=SCHEMA)
    op.create_table(
        "listing_changed",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("notice_id", BYTES, nullable=False),
        sa.Column("on", sa.Date, nullable=False),
        sa.Column("protected", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="listing_changed_pkey"),
        schema=SCHEMA,
    )
    op.create_table(
        "context",
        sa.Column("one", sa.Boolean, nullable=False),
        sa.Column("business_date", sa.Date),
        sa.Column("started_on", sa.Date),
        sa.Column("catalogue", BYTES),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("watermarks", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("one", name="context_pkey"),
        sa.CheckConstraint("one", name="context_one_row"),
        schema=SCHEMA,
    )
    op.execute("INSERT INTO followup.context (one, generation, watermarks) VALUES (true, 0, '{}')")


def downgrade() -> None:
    """Drop everything."""
    for name in ("context", "listing_changed", "listed", "notice", "check", "person"):
        op.drop_table(name, schema=SCHEMA)
    drop_person_tables(op, SCHEMA)
    drop_common_tables(op, SCHEMA)
