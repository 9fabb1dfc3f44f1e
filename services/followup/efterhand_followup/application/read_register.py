"""The register owner's monthly list: whom to match, how many have been reported, and how many are left."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from io import StringIO
from typing import Any, Final

from sqlalchemy import Connection

from efterhand.catalogue import Catalogue
from efterhand.dates import add_months
from efterhand.timeline.notices import register_notice
from efterhand.web.paging import decode_cursor, encode_cursor, page
from efterhand.web.problem import bad_request
from efterhand.web.sight import Sight
from efterhand_followup.adapters.register_query import (
    RegisterFilter,
    count_month,
    count_months,
    has_earlier,
    select_month,
    select_register_notices,
)
from efterhand_followup.application.read_worklist import register_protocols
from efterhand_followup.application.reading import context_with_date, shown_protocols
from efterhand_followup.domain.standing import Row

MONTHS: Final = 24
"""So many months are on one page of the list of months."""

_FIRST_YEAR: Final = 1990

CSV_COLUMNS: Final = ("person", "month", "case", "protocol", "unit", "due", "state")


def read_months(connection: Connection, catalogue: Catalogue, sight: Sight, cursor: str | None) -> dict[str, Any]:
    """Return the months whose notice has come, the last one first, each with how much has been reported.

    Raises:
        Problem: 400 for a cursor of another list, 503 before there is a business date.
    """
    asked = _asked(connection, catalogue, sight)
    key = decode_cursor(cursor, (str,))
    before = asked.today.replace(day=1) if key is None else month_of(key[0], "wrong_cursor")
    since = add_months(before, -MONTHS)
    counts = count_months(connection, asked.wanted, since, before)
    notices = select_register_notices(connection, (register_notice(row["month"]).id for row in counts))
    items = [_month(row["month"], row, notices) for row in counts]
    following = encode_cursor([f"{since:%Y-%m}"]) if has_earlier(connection, asked.wanted, since) else None
    return {**page(items, following), "on": asked.today, **asked.computing}


def read_month(
    connection: Connection,
    catalogue: Catalogue,
    sight: Sight,
    month: date,
    *,
    left: bool,
    cursor: str | None,
    limit: int | None,
) -> dict[str, Any]:
    """Return the checks that look at one month, in the order of persons, with how much has been reported.

    Args:
        connection: that sees one state.
        catalogue: the installation's.
        sight: what of persons the reader sees.
        month: its first day.
        left: only those that still wait for the report.
        cursor: of the page before.
        limit: how many checks at most; None: all of them.

    Raises:
        Problem: 400 for a cursor of another list, 503 before there is a business date.
    """
    asked = _asked(connection, catalogue, sight)
    key = decode_cursor(cursor, (str, str))
    rows = select_month(
        connection,
        asked.wanted,
        month,
        left=left,
        after=None if key is None else (key[0], key[1]),
        limit=None if limit is None else limit + 1,
    )
    listed = rows[:limit]
    following = encode_cursor([listed[-1]["person"], listed[-1]["id"]]) if len(rows) > len(listed) else None
    counts = count_month(connection, asked.wanted, month)
    notices = select_register_notices(connection, [register_notice(month).id])
    return {
        **page([_item(row) for row in listed], following),
        "on": asked.today,
        **_month(month, counts, notices),
        **asked.computing,
    }


def month_of(text: str, code: str = "wrong_month") -> date:
    """Return the first day of a month that is written as `YYYY-MM`.

    Raises:
        Problem: 400 with the code, it is not one.
    """
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        month = None
    if month is None or f"{month:%Y-%m}" != text or not _FIRST_YEAR <= month.year < date.max.year:
        raise bad_request(code, "A month is written as YYYY-MM.")
    return month


def as_csv(body: Mapping[str, Any]) -> str:
    """Return the items of a month as lines of comma-separated values, with a head."""
    lines = StringIO(newline="")
    writer = csv.writer(lines)
    writer.writerow(CSV_COLUMNS)
    writer.writerows(
        [body["month"] if name == "month" else item[name] for name in CSV_COLUMNS] for item in body["items"]
    )
    return lines.getvalue()


@dataclass(frozen=True)
class _Asked:
    today: date
    wanted: RegisterFilter
    computing: Mapping[str, Any]


def _asked(connection: Connection, catalogue: Catalogue, sight: Sight) -> _Asked:
    context, today = context_with_date(connection)
    shown = shown_protocols(connection, catalogue, context)
    return _Asked(today, RegisterFilter(register_protocols(catalogue) & shown.protocols, sight), shown.told())


def _month(month: date, counts: Row, notices: Mapping[str, Row]) -> dict[str, Any]:
    """Return a month with its counts, and its notice where there is one."""
    about = register_notice(month)
    held = notices.get(about.id)
    return {
        "month": f"{month:%Y-%m}",
        "opens_on": about.moment,
        "notice": None
        if held is None
        else {name: held[name] for name in ("id", "status", "made_on", "send_on", "withdrawn_on")},
        "counts": {name: counts[name] for name in ("all", "reported", "left", "persons_left", "expired")},
    }


def _item(row: Row) -> dict[str, Any]:
    names = ("id", "person", "protocol", "unit", "due", "state")
    shown = {**{name: row[name] for name in names}, "case": row["case_id"]}
    return {**shown, "protected": True} if row["protected"] else shown
