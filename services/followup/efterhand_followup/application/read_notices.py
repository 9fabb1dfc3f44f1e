"""The notices of a day, in pages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from efterhand.catalogue import Catalogue
from efterhand.persons.store import NOBODY
from efterhand.web.paging import decode_cursor, encode_cursor, page
from efterhand.web.sight import Sight
from efterhand_followup.adapters.seen_rows import seen_with
from efterhand_followup.adapters.tables import check, notice
from efterhand_followup.application.reading import (
    Asked,
    Shown,
    context_with_date,
    seen_by,
    shown_protocols,
    standings_on,
    units_below,
)
from efterhand_followup.application.sum_up import summing_notice
from efterhand_followup.domain.difference import notice_row
from efterhand_followup.domain.standing import Row

Status = Literal["open", "withdrawn", "summed"]
STATUSES: Final[tuple[Status, ...]] = ("open", "withdrawn", "summed")


@dataclass(frozen=True)
class NoticeFilter:
    """What the notices must have; None: anything. A unit stands for those under it too.

    `summed_into` finds what a catch-up notice lists.
    """

    status: Status | None = None
    unit: str | None = None
    check: str | None = None
    summed_into: str | None = None


def read_notices(
    connection: Connection,
    catalogue: Catalogue,
    asked: Asked,
    wanted: NoticeFilter,
    cursor: str | None,
    limit: int,
    *,
    log: bool = False,
) -> dict[str, Any]:
    """Return a page of notices, in the order of their ids.

    Open and summed ones are those of the day that is asked for; withdrawn ones are from the log, up to that day. On the
    business date those of protocols that not everybody has been computed by are left out, and said to be.

    With `log` each also says when it was made and withdrawn, which depends on when things were known, as nothing else
    does.

    Raises:
        Problem: 400 for a cursor of another list, 503 before there is a business date.
    """
    context, business_date = context_with_date(connection)
    day = asked.on or business_date
    units = None if wanted.unit is None else units_below(catalogue, wanted.unit, day)
    after = decode_cursor(cursor, (str,))
    begin_after: str = after[0] if after else ""
    told: dict[str, Any] = {}
    if day == business_date:
        shown_now = shown_protocols(connection, catalogue, context)
        told = shown_now.told()
        rows = _stored(connection, asked, wanted, units, begin_after, limit + 1, None, shown_now)
    else:
        rows = []
        if wanted.status != "withdrawn":
            standing = _evaluated(connection, catalogue, asked, day, business_date)
            rows += [row for row in standing if _wanted(row, wanted, units)]
        if wanted.status in (None, "withdrawn"):
            rows += _stored(connection, asked, wanted, units, begin_after, limit + 1, day)
        rows = sorted((row for row in rows if row["id"] > begin_after), key=lambda row: row["id"])[: limit + 1]
    shown = rows[:limit]
    following = encode_cursor([shown[-1]["id"]]) if len(rows) > limit else None
    return {**page([notice_as_json(row, log=log) for row in shown], following), **told}


def _stored(
    connection: Connection,
    asked: Asked,
    wanted: NoticeFilter,
    units: frozenset[str] | None,
    begin_after: str,
    limit: int,
    withdrawn_until: date | None,
    shown: Shown | None = None,
) -> list[Row]:
    column = notice.c
    conditions: list[ColumnElement[bool]] = [column.id > begin_after]
    if shown is not None:
        # What was withdrawn stays told; a list is about many protocols and follows them.
        ready = column.protocol.in_(sorted(shown.protocols)) | column.protocol.is_(None)
        conditions.append(ready | (column.status == "withdrawn"))
    conditions += _seen(asked.sight, wanted.status if withdrawn_until is None else "withdrawn")
    if withdrawn_until is not None:
        conditions += [column.status == "withdrawn", column.withdrawn_on <= withdrawn_until]
    elif wanted.status is not None:
        conditions.append(column.status == wanted.status)
    if units is not None:
        conditions.append(column.unit.in_(sorted(units)))
    if wanted.check is not None:
        conditions.append(column.check_id == wanted.check)
    if wanted.summed_into is not None:
        conditions.append(column.summed_into == wanted.summed_into)
    selected = select(notice).where(*conditions).order_by(column.id).limit(limit)
    return [dict(row) for row in connection.execute(selected).mappings()]


def _seen(sight: Sight, status: Status | None) -> list[ColumnElement[bool]]:
    """Return the conditions on notices that a reader sees.

    What is about a check is seen by the unit that has its case today, what is about no unit by everybody.
    """
    unit: ColumnElement[Any] = notice.c.unit
    if status not in ("open", "summed"):
        # Those that stand follow the case; one that was withdrawn says who was told.
        own = select(check.c.unit).where(check.c.person == notice.c.person, check.c.id == notice.c.check_id)
        unit = func.coalesce(own.scalar_subquery(), notice.c.unit)
    seen = seen_with(sight, unit, notice.c.protected)
    if sight.units is None:
        return seen
    openly = [] if sight.protected is None else [~notice.c.protected]
    return [or_(and_(*seen), and_(notice.c.unit.is_(None), *openly))]


def _with_no_unit(sight: Sight) -> Sight:
    """Return what is seen by somebody who also sees what is about no unit, called ""."""
    return sight if sight.units is None else replace(sight, units=sight.units | {""})


def _evaluated(
    connection: Connection, catalogue: Catalogue, asked: Asked, day: date, business_date: date
) -> Iterable[Row]:
    sight = asked.sight
    lists: dict[str, bool] = {}
    for standing, protected in standings_on(connection, catalogue, day):
        if not protected or sight.protected != frozenset():
            for list_id in standing.lists:
                lists[list_id] = lists.get(list_id, True) and protected
        seen = {row["id"] for row in seen_by(sight, standing, protected, business_date)}
        for each in standing.notices:
            if each.check in seen:
                yield {**notice_row(standing.person, each), "protected": protected}
    for list_id, protected in lists.items():
        row = notice_row(NOBODY, summing_notice(list_id))
        if _with_no_unit(sight).sees(row["unit"] or "", protected):
            yield {**row, "protected": protected}


def _wanted(row: Row, wanted: NoticeFilter, units: frozenset[str] | None) -> bool:
    return (
        (wanted.status is None or row["status"] == wanted.status)
        and (units is None or row["unit"] in units)
        and (wanted.check is None or row["check_id"] == wanted.check)
        and (wanted.summed_into is None or row["summed_into"] == wanted.summed_into)
    )


def notice_as_json(row: Mapping[str, Any], *, log: bool = False) -> dict[str, Any]:
    """Return a notice as others see it; `protected` is only there when it is true.

    When it was made and withdrawn is told with `log`, and known only of what stands in the log, not of another day's.
    """
    shown = {
        "id": row["id"],
        "check": row["check_id"],
        "step": row["step"],
        "moment": row["moment"],
        "send_on": row["send_on"],
        "unit": row["unit"],
        "to": row["recipient"],
        "status": row["status"],
    }
    if log:
        shown |= {"made_on": row.get("made_on"), "withdrawn_on": row.get("withdrawn_on")}
    return {**shown, "protected": True} if row["protected"] else shown
