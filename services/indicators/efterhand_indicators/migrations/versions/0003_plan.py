"""What of everything has to be computed anew, and for whom."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "indicators"


def upgrade() -> None:
    """Add an empty plan; the catalogue is taken over again, and everybody computed from scratch by it."""
    op.add_column("context", sa.Column("plan", JSONB, nullable=False, server_default="{}"), schema=SCHEMA)
    op.execute(sa.text("UPDATE indicators.context SET catalogue = NULL"))


def downgrade() -> None:
    """Take it away; who is behind stays to be computed."""
    op.drop_column("context", "plan", schema=SCHEMA)
