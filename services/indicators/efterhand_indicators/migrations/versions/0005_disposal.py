"""Which events were disposed of, and the closed book of what they counted for."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from efterhand.persons.tables import create_disposed_event_table

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = "indicators"
TEXT = sa.Text(collation="C")
DIMENSIONS = ("sex", "unit", "target_group", "age_band", "closure_reason")
CONTROLLED = ("things", "numerator", "denominator", "expected")


def upgrade() -> None:
    """Create the tables, empty."""
    create_disposed_event_table(op, SCHEMA)
    op.create_table(
        "closed_book",
        sa.Column("indicator", TEXT, nullable=False),
        sa.Column("definition", TEXT, nullable=False),
        sa.Column("month", sa.Date, nullable=False),
        *(sa.Column(name, TEXT) for name in DIMENSIONS),
        sa.Column("more", ARRAY(TEXT)),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in CONTROLLED),
        sa.Column("sum", sa.Numeric, nullable=False),
        schema=SCHEMA,
    )
    op.create_index(
        "closed_book_row",
        "closed_book",
        ["indicator", "definition", "month", *DIMENSIONS, "more"],
        unique=True,
        schema=SCHEMA,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "closing",
        sa.Column("indicator", TEXT, nullable=False),
        sa.Column("definition", TEXT, nullable=False),
        sa.Column("before", sa.Date, nullable=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in CONTROLLED),
        sa.Column("sum", sa.Numeric, nullable=False),
        sa.Column("hash", sa.Numeric, nullable=False),
        sa.PrimaryKeyConstraint("indicator", "definition", "before", name="closing_pkey"),
        schema=SCHEMA,
    )
    op.create_table(
        "horizon",
        sa.Column("before", sa.Date, nullable=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.Column("missing", sa.BigInteger, nullable=False),
        sa.Column("received_until", sa.Date, nullable=False),
        sa.Column("seal", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("before", name="horizon_pkey"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    """Drop them: what was closed cannot be computed again."""
    for name in ("horizon", "closing", "closed_book", "disposed_event"):
        op.drop_table(name, schema=SCHEMA)
