"""The log of who saw whom."""

from alembic import op

from efterhand.access_log.tables import create_access_log, drop_access_log

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = "followup"


def upgrade() -> None:
    """Create the table."""
    create_access_log(op, SCHEMA)


def downgrade() -> None:
    """Drop it."""
    drop_access_log(op, SCHEMA)
