"""Why checks were missed, and the indexes by which a unit's are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SCHEMA = "followup"
COUNTED = ("unit", "settled_on", "protocol", "worker", "missed_why", "protected")
OPEN = sa.text("state IN ('upcoming', 'due', 'overdue')")
OPEN_COUNTED = ("unit", "worker", "state", "protocol", "tried_on", "postponed_until", "protected")
MISSED = sa.text("state IN ('missed', 'expired')")


def upgrade() -> None:
    """Add the column and the indexes, and have those computed anew who missed something."""
    op.add_column("check", sa.Column("missed_why", sa.Text(collation="C")), schema=SCHEMA)
    op.create_index("check_missed", "check", list(COUNTED), schema=SCHEMA, postgresql_where=MISSED)
    op.drop_index("check_open_count", "check", schema=SCHEMA)
    counted = [*OPEN_COUNTED, "due", "gives_up_on"]
    op.create_index("check_open_count", "check", counted, schema=SCHEMA, postgresql_where=OPEN)
    op.execute(
        "UPDATE followup.person SET dirty = true WHERE person IN"
        " (SELECT person FROM followup.check WHERE state IN ('missed', 'expired'))"
    )


def downgrade() -> None:
    """Drop them, and count without days again."""
    op.drop_index("check_open_count", "check", schema=SCHEMA)
    op.create_index("check_open_count", "check", list(OPEN_COUNTED), schema=SCHEMA, postgresql_where=OPEN)
    op.drop_index("check_missed", "check", schema=SCHEMA)
    op.drop_column("check", "missed_why", schema=SCHEMA)
