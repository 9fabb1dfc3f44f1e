"""Events of persons, their facts, what they contribute to each indicator."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from efterhand.database import create_common_tables, drop_common_tables
from efterhand.persons.tables import create_person_tables, drop_person_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "indicators"

# Ids and pseudonyms compare by their bytes: the order of the rules, and one that every server agrees on.
BYTES = sa.Text(collation="C")


def upgrade() -> None:
    """Create everything."""
    create_common_tables(op, SCHEMA)
    create_person_tables(op, SCHEMA)
    op.create_index("event_received", "event", ["received"], schema=SCHEMA)
    op.create_table(
        "person",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("personhash", BYTES, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("facts", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("person", name="person_pkey"),
        schema=SCHEMA,
    )
    op.create_index("person_personhash", "person", ["personhash"], unique=True, schema=SCHEMA)
    op.create_index("person_generation", "person", ["generation"], schema=SCHEMA)
    _create_facts()
    op.create_table(
        "contribution",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("indicator", BYTES, nullable=False),
        sa.Column("definition", BYTES, nullable=False),
        sa.Column("protocol", BYTES, nullable=False),
        sa.Column("subject", BYTES, nullable=False),
        sa.Column("first_day", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("sex", BYTES),
        sa.Column("unit", BYTES),
        sa.Column("target_group", BYTES),
        sa.Column("age_band", BYTES),
        sa.Column("closure_reason", BYTES),
        sa.Column("numerator", sa.Integer, nullable=False),
        sa.Column("denominator", sa.Integer),
        sa.Column("expected", sa.Integer),
        sa.Column("sum", sa.Numeric),
        sa.PrimaryKeyConstraint("person", "indicator", "protocol", "subject", "first_day", name="contribution_pkey"),
        sa.CheckConstraint("first_day <= last_day", name="contribution_days"),
        schema=SCHEMA,
    )
    op.create_index("contribution_window", "contribution", ["indicator", "first_day", "last_day"], schema=SCHEMA)
    context = op.create_table(
        "context",
        sa.Column("one", sa.Boolean, nullable=False),
        sa.Column("business_date", sa.Date),
        sa.Column("catalogue", BYTES),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("definitions", JSONB, nullable=False),
        sa.Column("watermarks", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("one", name="context_pkey"),
        sa.CheckConstraint("one", name="context_one_row"),
        schema=SCHEMA,
    )
    op.bulk_insert(context, [{"one": True, "generation": 1, "definitions": {}, "watermarks": {}}])


def _create_facts() -> None:
    op.create_table(
        "fact_person",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("sex", BYTES),
        sa.Column("birth_year", sa.Integer),
        sa.PrimaryKeyConstraint("person", name="fact_person_pkey"),
        schema=SCHEMA,
    )
    op.create_table(
        "fact_case",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("case_id", BYTES, nullable=False),
        sa.Column("enrolled_on", sa.Date),
        sa.Column("closed_on", sa.Date),
        sa.Column("reason", BYTES),
        sa.PrimaryKeyConstraint("person", "case_id", name="fact_case_pkey"),
        schema=SCHEMA,
    )
    op.create_table(
        "fact_stay",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("case_id", BYTES, nullable=False),
        sa.Column("from_on", sa.Date, nullable=False),
        sa.Column("until_on", sa.Date),
        sa.Column("open_until", sa.Date),
        sa.Column("unit", BYTES),
        sa.Column("target_group", BYTES),
        sa.PrimaryKeyConstraint("person", "case_id", "from_on", name="fact_stay_pkey"),
        schema=SCHEMA,
    )
    op.create_table(
        "fact_assistance",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("receives", sa.Boolean),
        sa.PrimaryKeyConstraint("person", "month", name="fact_assistance_pkey"),
        schema=SCHEMA,
    )
    op.create_table(
        "fact_check",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("protocol", BYTES, nullable=False),
        sa.Column("subject", BYTES, nullable=False),
        sa.Column("case_id", BYTES),
        sa.Column("anchor_on", sa.Date),
        sa.Column("due", sa.Date),
        sa.Column("verdict", BYTES),
        sa.Column("response", BYTES),
        sa.Column("occupation", BYTES),
        sa.Column("same_field", sa.Boolean),
        sa.PrimaryKeyConstraint("person", "protocol", "subject", name="fact_check_pkey"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    """Drop everything."""
    for name in (
        "context",
        "contribution",
        "fact_check",
        "fact_assistance",
        "fact_stay",
        "fact_case",
        "fact_person",
        "person",
    ):
        op.drop_table(name, schema=SCHEMA)
    drop_person_tables(op, SCHEMA)
    drop_common_tables(op, SCHEMA)
