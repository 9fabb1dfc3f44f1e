"""The notices of a day, in pages.

Those of the business date are read as stored, in the order of their ids. Those of another day come in three parts: what
stands for persons, evaluated in the order of persons and no further than the page; what was withdrawn up to that day,
from the log; and the lists that sum up, which only everybody's standing tells.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from efterhand.catalogue import Catalogue
from efterhand.persons.store import NOBODY
from efterhand.timeline.checks import person_of
from efterhand.web.paging import decode_cursor, encode_cursor, page, wrong_cursor
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

_OF_PERSONS: Final = "persons"
_WITHDRAWN: Final = "withdrawn"
_LISTS: Final = "lists"
_PARTS: Final = (_OF_PERSONS, _WITHDRAWN, _LISTS)
"""Of the notices of another day, in the order in which they come."""


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
    """Return a page of notices.

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
    if day != business_date:
        rows, next_cursor = _of_another_day(
            connection, catalogue, asked, (day, business_date), wanted, units, cursor, limit
        )
        return page([notice_as_json(row, log=log) for row in rows], next_cursor)
    after = decode_cursor(cursor, (str,))
    shown_now = shown_protocols(connection, catalogue, context)
    rows = _stored(connection, asked, wanted, units, after[0] if after else "", limit + 1, None, shown_now)
    shown = rows[:limit]
    following = encode_cursor([shown[-1]["id"]]) if len(rows) > limit else None
    return {**page([notice_as_json(row, log=log) for row in shown], following), **shown_now.told()}


def _of_another_day(
    connection: Connection,
    catalogue: Catalogue,
    asked: Asked,
    days: tuple[date, date],
    wanted: NoticeFilter,
    units: frozenset[str] | None,
    cursor: str | None,
    limit: int,
) -> tuple[list[Row], str | None]:
    """Return the rows of a page and the cursor of the next; a page may hold some more, for the whole of a person."""
    day, business_date = days
    part, after = decode_cursor(cursor, (str, str)) or (_OF_PERSONS, "")
    if part not in _PARTS:
        raise wrong_cursor()
    rows: list[Row] = []
    if part == _OF_PERSONS:
        if wanted.status != "withdrawn":
            for person, own in _evaluated(connection, catalogue, asked, day, business_date, wanted, after):
                if len(rows) >= limit:
                    return rows, encode_cursor([part, after])
                rows += [row for row in own if _wanted(row, wanted, units)]
                after = person
        part, after = _WITHDRAWN, ""
    if part == _WITHDRAWN:
        if wanted.status in (None, "withdrawn"):
            log = _stored(connection, asked, wanted, units, after, max(0, limit - len(rows)) + 1, day)
            if following := _add(rows, log, limit, part, after):
                return rows, following
        part, after = _LISTS, ""
    lists = _lists(connection, catalogue, asked, wanted, day)
    behind = [row for row in lists if row["id"] > after and _wanted(row, wanted, units)]
    return rows, _add(rows, behind, limit, part, after)


def _add(rows: list[Row], found: Sequence[Row], limit: int, part: str, after: str) -> str | None:
    """Add what there is room for on a page; return the cursor of the next one if something is left."""
    room = max(0, limit - len(rows))
    rows += found[:room]
    if len(found) <= room:
        return None
    return encode_cursor([part, found[room - 1]["id"] if room else after])


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
    connection: Connection,
    catalogue: Catalogue,
    asked: Asked,
    day: date,
    business_date: date,
    wanted: NoticeFilter,
    after: str,
) -> Iterator[tuple[str, list[Row]]]:
    """Yield each person behind another with the notices that stand for the person and are seen."""
    person = None if wanted.check is None else person_of(wanted.check)
    if person is not None and person <= after:
        return
    for standing, protected in standings_on(connection, catalogue, day, after=after, person=person):
        seen = {row["id"] for row in seen_by(asked.sight, standing, protected, business_date)}
        own = [{**notice_row(standing.person, each), "protected": protected} for each in standing.notices
               if each.check in seen]  # fmt: skip
        yield standing.person, own


def _lists(connection: Connection, catalogue: Catalogue, asked: Asked, wanted: NoticeFilter, day: date) -> list[Row]:
    """Return the notices that list what others come to, in the order of their ids."""
    if wanted.status not in (None, "open") or wanted.check is not None or wanted.summed_into is not None:
        return []
    sight = asked.sight
    lists: dict[str, bool] = {}
    for standing, protected in standings_on(connection, catalogue, day):
        if not protected or sight.protected != frozenset():
            for list_id in standing.lists:
                lists[list_id] = lists.get(list_id, True) and protected
    rows = ({**notice_row(NOBODY, summing_notice(each)), "protected": lists[each]} for each in sorted(lists))
    return [row for row in rows if _with_no_unit(sight).sees(row["unit"] or "", row["protected"])]


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
