"""Which protocols are computed by, and which of them everybody has been computed by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "followup"
COLUMNS = ("protocols", "definitions")


def upgrade() -> None:
    """Add the columns, empty; the catalogue is taken over again, and everybody computed anew by it."""
    for name in COLUMNS:
        op.add_column("context", sa.Column(name, JSONB, nullable=False, server_default="{}"), schema=SCHEMA)
    op.execute("UPDATE followup.context SET catalogue = NULL")


def downgrade() -> None:
    """Take them away; who is behind stays to be computed."""
    for name in COLUMNS:
        op.drop_column("context", name, schema=SCHEMA)
