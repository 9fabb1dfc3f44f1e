"""The register owner's lists in SQL: the checks that look at a month, and how many have been reported."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, tuple_

from efterhand.dates import add_months
from efterhand.persons.store import NOBODY
from efterhand.web.sight import Sight
from efterhand_followup.adapters.seen_rows import seen_with
from efterhand_followup.adapters.tables import check, notice
from efterhand_followup.domain.standing import Row
from efterhand_followup.domain.worklist import UNSETTLED_STATES


@dataclass(frozen=True)
class RegisterFilter:
    """Which checks are looked at: those of some protocols about whoever a reader sees."""

    protocols: Collection[str]
    sight: Sight


def count_months(connection: Connection, wanted: RegisterFilter, since: date, before: date) -> list[Row]:
    """Return the counts of each month with a check that is due from one day until before another, the last first."""
    month = func.date_trunc("month", check.c.due)
    return [
        {**row, "month": row["month"].date()}
        for row in connection.execute(
            select(month.label("month"), *_counts())
            .where(*_conditions(wanted), check.c.due >= since, check.c.due < before)
            .group_by(month)
            .order_by(month.desc())
        ).mappings()
    ]


def has_earlier(connection: Connection, wanted: RegisterFilter, before: date) -> bool:
    """Tell whether there is a check that is due before a day."""
    earlier = select(check.c.id).where(*_conditions(wanted), check.c.due < before).order_by(check.c.due).limit(1)
    return connection.execute(earlier).first() is not None


def count_month(connection: Connection, wanted: RegisterFilter, month: date) -> Row:
    """Return the counts of a month, given by its first day."""
    counted = select(*_counts()).where(*_conditions(wanted), *_in(month))
    return dict(connection.execute(counted).mappings().one())


def select_month(
    connection: Connection,
    wanted: RegisterFilter,
    month: date,
    *,
    left: bool,
    after: tuple[str, str] | None,
    limit: int | None,
) -> list[Row]:
    """Return the checks of a month in the order of persons.

    Args:
        connection: to read with.
        wanted: which checks.
        month: its first day.
        left: only those that still wait for the report.
        after: person and id of the last one before.
        limit: how many at most; None: all.
    """
    conditions = [*_conditions(wanted), *_in(month)]
    if left:
        conditions.append(check.c.state.in_(UNSETTLED_STATES))
    if after is not None:
        conditions.append(tuple_(check.c.person, check.c.id) > tuple_(*after))
    rows = connection.execute(
        select(check).where(*conditions).order_by(check.c.person, check.c.id).limit(limit)
    ).mappings()
    return [dict(row) for row in rows]


def select_register_notices(connection: Connection, ids: Iterable[str]) -> dict[str, Row]:
    """Return the notices about months, by id."""
    found = select(notice).where(notice.c.person == NOBODY, notice.c.id.in_(list(ids)))
    return {row["id"]: dict(row) for row in connection.execute(found).mappings()}


def _counts() -> list[ColumnElement[Any]]:
    left = check.c.state.in_(UNSETTLED_STATES)
    return [
        func.count().label("all"),
        func.count().filter(check.c.state == "answered").label("reported"),
        func.count().filter(left).label("left"),
        func.count(check.c.person.distinct()).filter(left).label("persons_left"),
        func.count().filter(check.c.state == "expired").label("expired"),
    ]


def _in(month: date) -> list[ColumnElement[bool]]:
    return [check.c.due >= month, check.c.due < add_months(month, 1)]


def _conditions(wanted: RegisterFilter) -> list[ColumnElement[bool]]:
    seen = seen_with(wanted.sight, check.c.unit, check.c.protected)
    return [check.c.protocol.in_(sorted(wanted.protocols)), *seen]
