"""Which events were disposed of."""

from alembic import op

from efterhand.persons.tables import create_disposed_event_table

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = "followup"


def upgrade() -> None:
    """Create the table."""
    create_disposed_event_table(op, SCHEMA)


def downgrade() -> None:
    """Drop it."""
    op.drop_table("disposed_event", schema=SCHEMA)
