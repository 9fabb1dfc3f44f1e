"""What indicators has of its own in the row of context."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, select, update

from efterhand.persons import context
from efterhand_indicators.adapters import tables
from efterhand_indicators.domain.context import Context
from efterhand_indicators.domain.plan import Plan
from efterhand_indicators.domain.totals import Totals


def read_context(connection: Connection) -> Context:
    """Return the context as committed."""

    def made_of(plan: Mapping[str, Any], totals: Mapping[str, Any], **columns: Any) -> Context:
        return Context(plan=Plan.from_json(plan), totals=Totals.from_json(totals), **columns)

    return context.read_context(connection, tables.kept, made_of)


def move_business_date(connection: Connection, day: date) -> bool:
    """Set the business date, forward only; return whether it moved."""
    return context.move_business_date(connection, tables.kept, day)


def set_definitions(connection: Connection, definitions: Mapping[str, str]) -> None:
    """Note the definitions that everybody has been computed by."""
    connection.execute(update(tables.kept.context).values(definitions=dict(definitions)))


def set_plan(connection: Connection, plan: Plan) -> None:
    """Note by what everything is to be computed."""
    connection.execute(update(tables.kept.context).values(plan=plan.as_json()))


def set_totals(connection: Connection, totals: Totals) -> None:
    """Note which indicators have totals."""
    connection.execute(update(tables.kept.context).values(totals=totals.as_json()))


def lock_watermarks(connection: Connection) -> None:
    """Let nobody else add watermarks until the transaction ends."""
    connection.execute(select(tables.kept.context.c.one).with_for_update())
