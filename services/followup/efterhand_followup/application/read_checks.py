"""The checks of a day, filtered, in pages; and how many there are by unit and state."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, func, select, tuple_

from efterhand.catalogue import Catalogue
from efterhand.timeline.checks import UNSETTLED, State, person_of
from efterhand.web.paging import decode_cursor, encode_cursor, page, wrong_cursor
from efterhand.web.sight import Sight
from efterhand_followup.adapters.seen_rows import seen_with
from efterhand_followup.adapters.tables import check
from efterhand_followup.application.reading import (
    Asked,
    Shown,
    context_with_date,
    seen_by,
    shown_protocols,
    standings_on,
    units_below,
)
from efterhand_followup.domain.standing import Row

WORKING_STATES: Final = tuple(state.value for state in State if state in UNSETTLED)


@dataclass(frozen=True)
class CheckFilter:
    """What the checks must have; None: anything. A unit stands for those under it too."""

    person: str | None = None
    case: str | None = None
    unit: str | None = None
    protocols: tuple[str, ...] = ()
    states: tuple[str, ...] = ()


def read_checks(
    connection: Connection, catalogue: Catalogue, asked: Asked, wanted: CheckFilter, cursor: str | None, limit: int
) -> dict[str, Any]:
    """Return a page of checks.

    On the business date they are read as stored, the earliest due first; for another day they are evaluated, in the
    order of persons.

    Protocols that not everybody has been computed by are left out on the business date, and said to be.

    Raises:
        Problem: 400 for a cursor of another list, 503 before there is a business date, or for a protocol that not
            everybody has been computed by.
    """
    context, business_date = context_with_date(connection)
    day = asked.on or business_date
    units = None if wanted.unit is None else units_below(catalogue, wanted.unit, day)
    if day == business_date:
        shown = shown_protocols(connection, catalogue, context)
        shown.require(wanted.protocols)
        return {**_stored(connection, shown, asked, wanted, units, cursor, limit), **shown.told()}
    return _evaluated(connection, catalogue, asked, (day, business_date), wanted, units, cursor, limit)


def read_check(connection: Connection, check_id: str, sight: Sight) -> Row | None:
    """Return the stored row of a check that may be seen, or None."""
    of_id = select(check).where(check.c.person == person_of(check_id), check.c.id == check_id)
    row = connection.execute(of_id).mappings().first()
    return dict(row) if row is not None and sight.sees(row["unit"], row["protected"]) else None


def _stored(
    connection: Connection,
    shown: Shown,
    asked: Asked,
    wanted: CheckFilter,
    units: frozenset[str] | None,
    cursor: str | None,
    limit: int,
) -> dict[str, Any]:
    column = check.c
    conditions: list[ColumnElement[bool]] = [column.protocol.in_(sorted(shown.protocols))]
    conditions += seen_with(asked.sight, column.unit, column.protected)
    for chosen, value in ((column.person, wanted.person), (column.case_id, wanted.case)):
        if value is not None:
            conditions.append(chosen == value)
    if wanted.protocols:
        conditions.append(column.protocol.in_(wanted.protocols))
    if units is not None:
        conditions.append(column.unit.in_(sorted(units)))
    if wanted.states:
        conditions.append(column.state.in_(wanted.states))
    after = decode_cursor(cursor, (str, str))
    if after is not None:
        conditions.append(tuple_(column.due, column.id) > tuple_(_as_day(after[0]), after[1]))
    selected = select(check).where(*conditions).order_by(column.due, column.id).limit(limit + 1)
    rows = [dict(row) for row in connection.execute(selected).mappings()]
    listed = rows[:limit]
    following = encode_cursor([listed[-1]["due"].isoformat(), listed[-1]["id"]]) if len(rows) > limit else None
    return page([check_as_json(row, row["protected"]) for row in listed], following)


def _evaluated(
    connection: Connection,
    catalogue: Catalogue,
    asked: Asked,
    days: tuple[date, date],
    wanted: CheckFilter,
    units: frozenset[str] | None,
    cursor: str | None,
    limit: int,
) -> dict[str, Any]:
    day, business_date = days
    after = decode_cursor(cursor, (str,))
    items: list[dict[str, Any]] = []
    begin_after = after[0] if after else ""
    person_before = begin_after
    for standing, protected in standings_on(
        connection, catalogue, day, after=begin_after, person=None if after else wanted.person
    ):
        if wanted.person is not None and standing.person != wanted.person:
            continue
        if len(items) >= limit:
            # Whole persons only: so the cursor needs nothing but the last of them.
            return page(items, encode_cursor([person_before]))
        person_before = standing.person
        rows = seen_by(asked.sight, standing, protected, business_date)
        items += [check_as_json(row, protected) for row in rows if _wanted(row, wanted, units)]
    return page(items)


def _wanted(row: Row, wanted: CheckFilter, units: frozenset[str] | None) -> bool:
    return (
        (wanted.case is None or row["case_id"] == wanted.case)
        and (not wanted.protocols or row["protocol"] in wanted.protocols)
        and (not wanted.states or row["state"] in wanted.states)
        and (units is None or row["unit"] in units)
    )


def check_as_json(row: Mapping[str, Any], protected: bool) -> dict[str, Any]:
    """Return a check as others see it; `protected` is only there when it is true."""
    names = ("id", "protocol", "subject", "person", "unit", "anchor_on", "due", "state", "late", "flag", "settled_on")
    shown = {**{name: row[name] for name in (*names, "because")}, "case": row["case_id"]}
    return {**shown, "protected": True} if protected else shown


def due_summary(connection: Connection, catalogue: Catalogue, asked: Asked) -> dict[str, Any]:
    """Return how many unsettled checks there are by unit and state; every unit by itself, without those under it.

    `this_week` counts those that are not overdue and are due up to the Sunday of the week that the day lies in;
    `answerable` those among the overdue and this week's whose protocol takes an answer.

    Raises:
        Problem: 503 before there is a business date.
    """
    context, business_date = context_with_date(connection)
    day = asked.on or business_date
    shown = shown_protocols(connection, catalogue, context) if day == business_date else None
    sunday = day + timedelta(days=6 - day.weekday())
    units: dict[str, Counter[str]] = {}
    days = day, sunday, business_date
    for unit, state, protocol, this_week, count in _unsettled(connection, catalogue, asked, days, shown):
        counts = units.setdefault(unit, Counter())
        counts[state] += count
        counts["this_week"] += count if this_week else 0
        if (this_week or state == State.OVERDUE) and catalogue.protocols[protocol].takes_answers:
            counts["answerable"] += count
    names = (*WORKING_STATES, "this_week", "answerable")
    whole = sum(units.values(), Counter())
    return {
        "on": day,
        "week": {"from": day, "to": sunday},
        "items": [{"unit": unit, **{name: units[unit][name] for name in names}} for unit in sorted(units)],
        "all": {name: whole[name] for name in names},
        **({} if shown is None else shown.told()),
    }


def _unsettled(
    connection: Connection, catalogue: Catalogue, asked: Asked, days: tuple[date, date, date], shown: Shown | None
) -> Iterator[tuple[str, str, str, bool, int]]:
    """Yield (unit, state, protocol, due this week and not overdue, number of checks).

    Args:
        connection: that sees one state throughout.
        catalogue: the installation's.
        asked: by whom.
        days: the one that is asked for, the Sunday of the week that it lies in, and the business date.
        shown: on the business date, whose checks are read as stored.
    """
    day, sunday, business_date = days
    if shown is not None:
        this_week = and_(check.c.due <= sunday, check.c.state != State.OVERDUE.value)
        grouping = (check.c.unit, check.c.state, check.c.protocol, this_week)
        seen = seen_with(asked.sight, check.c.unit, check.c.protected)
        rows = connection.execute(
            select(*grouping, func.count())
            .where(check.c.state.in_(WORKING_STATES), check.c.protocol.in_(sorted(shown.protocols)), *seen)
            .group_by(*grouping)
        )
        yield from (tuple(row) for row in rows)
        return
    for standing, protected in standings_on(connection, catalogue, day):
        for row in seen_by(asked.sight, standing, protected, business_date):
            if row["state"] in WORKING_STATES:
                due_this_week = row["due"] <= sunday and row["state"] != State.OVERDUE
                yield row["unit"], row["state"], row["protocol"], due_this_week, 1


def _as_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise wrong_cursor() from None
