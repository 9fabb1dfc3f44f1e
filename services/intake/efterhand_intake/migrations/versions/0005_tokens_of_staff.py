"""Whose a token is, and for which unit."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = "intake"
BYTES = sa.Text(collation="C")


def upgrade() -> None:
    """Add the columns; the tokens there are belong to no member of staff."""
    op.add_column("token", sa.Column("unit", BYTES), schema=SCHEMA)
    op.add_column("token", sa.Column("staff", BYTES), schema=SCHEMA)


def downgrade() -> None:
    """Take them away."""
    op.drop_column("token", "staff", schema=SCHEMA)
    op.drop_column("token", "unit", schema=SCHEMA)
