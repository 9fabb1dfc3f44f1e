"""Every kind of fact, what catalogues derive, working days, and contributions with evidence and further dimensions."""

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from efterhand.dates import is_working_day

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "indicators"

# Ids and pseudonyms compare by their bytes: the order of the rules, and one that every server agrees on.
BYTES = sa.Text(collation="C")

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 12, 31)
"""Between which days working days can be counted: no event is dated earlier."""

NEW_COLUMNS: dict[str, dict[str, Any]] = {
    "fact_case": {
        "education": BYTES,
        "reached_by": BYTES,
        "born_abroad": sa.Boolean,
        "on_assistance": sa.Boolean,
        "assistance_since": sa.Date,
    },
    "fact_check": {"measure_kind": BYTES, "provider": BYTES, "reason": BYTES},
}


def upgrade() -> None:
    """Create what is new, and leave everybody to be computed anew."""
    for table, columns in NEW_COLUMNS.items():
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind), schema=SCHEMA)
    _create_facts()
    _create_derived_facts()
    _create_working_days()
    op.drop_table("contribution", schema=SCHEMA)
    _create_contribution(
        sa.Column("evidence", sa.Boolean, nullable=False),
        more=(sa.Column("more", sa.ARRAY(BYTES)), sa.Column("after_day", sa.Date)),
        counted_always=False,
    )
    _compute_everybody_anew()


def downgrade() -> None:
    """Take away what is new, and leave everybody to be computed anew."""
    op.drop_table("contribution", schema=SCHEMA)
    _create_contribution()
    for name in (
        "working_day",
        "fact_reached",
        "fact_merged",
        "fact_consent",
        "fact_guidance",
        "fact_plan",
        "fact_offer",
        "fact_measure",
    ):
        op.drop_table(name, schema=SCHEMA)
    for table, columns in NEW_COLUMNS.items():
        for name in columns:
            op.drop_column(table, name, schema=SCHEMA)
    _compute_everybody_anew()


def _compute_everybody_anew() -> None:
    """Begin a generation, and show no figure before everybody has been computed by it."""
    op.execute(sa.text("UPDATE indicators.context SET generation = generation + 1, definitions = '{}'"))


def _create_contribution(
    *evidence: sa.Column[bool], more: tuple[sa.Column[object], ...] = (), counted_always: bool = True
) -> None:
    key = ["person", "indicator", *(column.name for column in evidence), "protocol", "subject", "first_day"]
    op.create_table(
        "contribution",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("indicator", BYTES, nullable=False),
        sa.Column("definition", BYTES, nullable=False),
        *evidence,
        sa.Column("protocol", BYTES, nullable=False),
        sa.Column("subject", BYTES, nullable=False),
        sa.Column("first_day", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("sex", BYTES),
        sa.Column("unit", BYTES),
        sa.Column("target_group", BYTES),
        sa.Column("age_band", BYTES),
        sa.Column("closure_reason", BYTES),
        *more,
        sa.Column("numerator", sa.Integer, nullable=not counted_always),
        sa.Column("denominator", sa.Integer),
        sa.Column("expected", sa.Integer),
        sa.Column("sum", sa.Numeric),
        sa.PrimaryKeyConstraint(*key, name="contribution_pkey"),
        sa.CheckConstraint("first_day <= last_day", name="contribution_days"),
        schema=SCHEMA,
    )
    op.create_index("contribution_window", "contribution", ["indicator", "first_day", "last_day"], schema=SCHEMA)


def _create_facts() -> None:
    op.create_table(
        "fact_measure",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("measure_id", BYTES, nullable=False),
        sa.Column("case_id", BYTES),
        sa.Column("kind", BYTES),
        sa.Column("provider", BYTES),
        sa.Column("funder", BYTES),
        sa.Column("started_on", sa.Date),
        sa.Column("ended_on", sa.Date),
        sa.Column("last_on", sa.Date),
        sa.Column("result", BYTES),
        sa.Column("reason", BYTES),
        sa.PrimaryKeyConstraint("person", "measure_id", name="fact_measure_pkey"),
        schema=SCHEMA,
    )
    op.create_table(
        "fact_offer",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("case_id", BYTES, nullable=False),
        sa.Column("made_on", sa.Date, nullable=False),
        sa.Column("kind", BYTES, nullable=False),
        sa.Column("nth", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("person", "case_id", "made_on", "kind", "nth", name="fact_offer_pkey"),
        schema=SCHEMA,
    )
    for name, day in (("plan", "set_on"), ("guidance", "held_on")):
        op.create_table(
            f"fact_{name}",
            sa.Column("person", BYTES, nullable=False),
            sa.Column("case_id", BYTES, nullable=False),
            sa.Column(day, sa.Date, nullable=False),
            sa.Column("nth", sa.Integer, nullable=False),
            sa.PrimaryKeyConstraint("person", "case_id", day, "nth", name=f"fact_{name}_pkey"),
            schema=SCHEMA,
        )
    op.create_table(
        "fact_consent",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("changed_on", sa.Date, nullable=False),
        sa.Column("contact", sa.Boolean),
        sa.PrimaryKeyConstraint("person", "changed_on", name="fact_consent_pkey"),
        schema=SCHEMA,
    )


def _create_derived_facts() -> None:
    op.create_table(
        "fact_merged",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("name", BYTES, nullable=False),
        sa.Column("per", BYTES, nullable=False, server_default=""),
        sa.Column("began_on", sa.Date, nullable=False),
        sa.Column("ended_on", sa.Date),
        sa.PrimaryKeyConstraint("person", "name", "per", "began_on", name="fact_merged_pkey"),
        schema=SCHEMA,
    )
    op.create_table(
        "fact_reached",
        sa.Column("person", BYTES, nullable=False),
        sa.Column("name", BYTES, nullable=False),
        sa.Column("per", BYTES, nullable=False, server_default=""),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("reached_on", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("person", "name", "per", "total", name="fact_reached_pkey"),
        schema=SCHEMA,
    )


def _create_working_days() -> None:
    table = op.create_table(
        "working_day",
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("day", name="working_day_pkey"),
        schema=SCHEMA,
    )
    days = (FIRST_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1))
    working = [day for day in days if is_working_day(day)]
    op.execute(
        sa.insert(table).from_select(
            ["day", "number"],
            sa.select(
                sa.func.unnest(sa.bindparam("days", working, type_=sa.ARRAY(sa.Date))).column_valued("day"),
                sa.text("row_number() OVER ()"),
            ),
        )
    )
    op.create_index("working_day_number", "working_day", ["number"], unique=True, schema=SCHEMA)
