"""Totals by month, sex and unit, from which figures of whole months are read."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = "indicators"
BYTES = sa.Text(collation="C")
COUNTS = ("things", "numerator", "denominator", "expected")


def upgrade() -> None:
    """Add them, empty; the catalogue is taken over again, and what is not there is filled by and by."""
    op.create_table(
        "total",
        *_columns(),
        sa.PrimaryKeyConstraint("indicator", "month", "sex", "unit", name="total_pkey"),
        schema=SCHEMA,
    )
    op.create_table(
        "total_change",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        *_columns(),
        sa.PrimaryKeyConstraint("id", name="total_change_pkey"),
        schema=SCHEMA,
    )
    op.create_index("total_change_indicator", "total_change", ["indicator", "month"], schema=SCHEMA)
    op.create_table(
        "unit_above",
        sa.Column("unit", BYTES, nullable=False),
        sa.Column("above", BYTES, nullable=False),
        sa.Column("from_month", sa.Integer, nullable=False),
        sa.Column("until_month", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("unit", "above", "from_month", name="unit_above_pkey"),
        schema=SCHEMA,
    )
    op.add_column("context", sa.Column("totals", JSONB, nullable=False, server_default="{}"), schema=SCHEMA)
    op.execute(sa.text("UPDATE indicators.context SET catalogue = NULL"))


def downgrade() -> None:
    """Take them away."""
    op.drop_column("context", "totals", schema=SCHEMA)
    for name in ("unit_above", "total_change", "total"):
        op.drop_table(name, schema=SCHEMA)


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("indicator", BYTES, nullable=False),
        sa.Column("sex", BYTES, nullable=False),
        sa.Column("unit", BYTES, nullable=False),
        sa.Column("month", sa.Integer, nullable=False),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("things", "numerator", "denominator", "expected")
        ),
        sa.Column("sum", sa.Numeric, nullable=False),
    ]
