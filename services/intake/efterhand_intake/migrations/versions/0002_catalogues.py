"""Every catalogue that was worked with."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "intake"
BYTES = sa.Text(collation="C")


def upgrade() -> None:
    """Create the table; the catalogue at hand is kept at the next start."""
    op.create_table(
        "catalogue",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("version", BYTES, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("files", JSONB, nullable=False),
        sa.Column("adopted_on", sa.Date, nullable=False),
        sa.Column("adopted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changes", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("id", name="catalogue_pkey"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("catalogue", schema=SCHEMA)
