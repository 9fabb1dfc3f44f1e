"""The log, searched: by person, case, staff and day, the newest line first."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, select

from efterhand.access_log.lines import Seen
from efterhand.dates import STOCKHOLM
from efterhand.web.paging import decode_cursor, encode_cursor, page
from efterhand.web.sight import Sight


@dataclass(frozen=True)
class AccessFilter:
    """What the lines must have; None: anything. A day is one in Stockholm."""

    person: str | None = None
    case: str | None = None
    staff: str | None = None
    token: str | None = None
    day: date | None = None
    kind: str | None = None


def read_access_log(
    connection: Connection,
    table: Table,
    wanted: AccessFilter,
    sight: Sight,
    which_are_protected: Callable[[Collection[str]], Collection[str]],
    cursor: str | None,
    limit: int,
) -> tuple[dict[str, Any], list[Seen]]:
    """Return a page of the log, and whom it shows: that is a line of the log too.

    Args:
        connection: to read from.
        table: the service's log.
        wanted: which lines.
        sight: what the reader sees; lines about persons with a protected identity are left out for others.
        which_are_protected: tells of persons who has a protected identity now.
        cursor: of the page before.
        limit: lines on this page.

    Raises:
        Problem: 400 for a cursor of another list.
    """
    before = decode_cursor(cursor, (int,))
    conditions = _conditions(table, wanted)
    if sight.units is not None:
        conditions.append(table.c.unit.in_(sorted(sight.units)))
    if before is not None:
        conditions.append(table.c.id < before[0])
    rows = connection.execute(select(table).where(*conditions).order_by(table.c.id.desc()).limit(limit + 1)).all()
    listed = rows[:limit]
    hidden = set(which_are_protected({row.person for row in listed if row.person is not None}))
    shown = [row for row in listed if sight.sees(row.unit, row.person in hidden)]
    following = encode_cursor([listed[-1].id]) if len(rows) > limit else None
    seen = [Seen(row.person, row.case_id, row.unit) for row in shown if row.person is not None]
    return page([_as_json(row) for row in shown], following), seen


def _conditions(table: Table, wanted: AccessFilter) -> list[ColumnElement[bool]]:
    columns = {"person": "person", "case_id": "case", "staff": "staff", "token_id": "token", "kind": "kind"}
    asked = {column: getattr(wanted, name) for column, name in columns.items()}
    conditions = [table.c[column] == value for column, value in asked.items() if value is not None]
    if wanted.day is not None:
        begin, end = (
            datetime.combine(wanted.day + timedelta(days=days), datetime.min.time(), STOCKHOLM) for days in (0, 1)
        )
        conditions += [table.c.at >= begin, table.c.at < end]
    return conditions


def _as_json(row: Row[Any]) -> dict[str, Any]:
    return {
        "at": row.at,
        "kind": row.kind,
        "staff": row.staff,
        "token": row.token_id,
        "role": row.role,
        "person": row.person,
        "case": row.case_id,
        "unit": row.unit,
        "reason": row.reason,
    }
