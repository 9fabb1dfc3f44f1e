"""What is doubtful, and who has which case."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "followup"
BYTES = sa.Text(collation="C")


def upgrade() -> None:
    """Add the tables, and have everybody computed anew: so they are filled."""
    op.create_table(
        "doubt",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("id", BYTES, nullable=False),
        sa.Column("code", BYTES, nullable=False),
        sa.Column("about", BYTES, nullable=False),
        sa.Column("case_id", BYTES),
        sa.Column("unit", BYTES),
        sa.Column("events", JSONB, nullable=False),
        sa.Column("from_on", sa.Date),
        sa.Column("until_on", sa.Date),
        sa.Column("protected", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("person", "id", name="doubt_pkey"),
        schema=SCHEMA,
    )
    op.create_index("doubt_unit", "doubt", ["unit", "person", "id"], schema=SCHEMA)
    op.create_index("doubt_code", "doubt", ["code", "person", "id"], schema=SCHEMA)
    op.create_table(
        "person_case",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("case_id", BYTES, nullable=False),
        sa.Column("unit", BYTES, nullable=False),
        sa.Column("events", JSONB, nullable=False),
        sa.Column("protected", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("person", "case_id", name="person_case_pkey"),
        schema=SCHEMA,
    )
    op.create_index("person_case_case", "person_case", ["case_id"], schema=SCHEMA)
    op.execute("UPDATE followup.context SET generation = generation + 1")


def downgrade() -> None:
    """Drop them."""
    op.drop_table("person_case", schema=SCHEMA)
    op.drop_table("doubt", schema=SCHEMA)
