"""Notices that sum up many persons' checks: open while there is somebody on their list.

They follow the persons' lists at a short distance, in a transaction of their own, so that persons of one unit never
wait for each other.
"""

from datetime import date

from sqlalchemy import Connection, select, text

from efterhand.database import bulk_insert, put_outbox
from efterhand.persons.store import NOBODY
from efterhand.timeline.notices import Notice, catch_up_notice, register_notice
from efterhand_followup.adapters import tables
from efterhand_followup.adapters.context_store import be_the_only_one_summing_up
from efterhand_followup.adapters.messages import notice_messages
from efterhand_followup.application.recompute import Recomputed
from efterhand_followup.domain.difference import notice_row
from efterhand_followup.domain.standing import Row


def sum_up(connection: Connection) -> Recomputed:
    """Bring the notices whose lists have changed in line with them; does not commit."""
    be_the_only_one_summing_up(connection)
    changed = connection.execute(
        text(
            'WITH taken AS (DELETE FROM followup.listing_changed RETURNING notice_id, "on", protected)'
            ' SELECT notice_id, min("on") AS first_on, max("on") AS last_on, bool_and(protected) AS protected'
            " FROM taken GROUP BY notice_id"
        )
    ).all()
    if not changed:
        return Recomputed()
    stored = _read(connection, [row.notice_id for row in changed])
    # Read after the changes were taken: what a list gains from now on leaves a change for the next time.
    lists = {
        row.notice_id: row.protected
        for row in connection.execute(
            text(
                "SELECT notice_id, bool_and(protected) AS protected FROM followup.listed"
                " WHERE notice_id = ANY(:ids) GROUP BY notice_id"
            ),
            {"ids": [row.notice_id for row in changed]},
        )
    }
    written, made, withdrawn = [], [], []
    for notice_id, first_on, last_on, only_protected in changed:
        before = stored.get(notice_id)
        row = _row(notice_id, before, lists.get(notice_id), first_on, last_on, only_protected)
        if row is None or row == before:
            continue
        written.append(row)
        was_told = before is not None and before["told"]
        passed = before is None and row["status"] == "withdrawn" and not row["protected"]
        if (row["told"] and not was_told) or passed:
            made.append(row)
        if (was_told and not row["told"]) or passed:
            withdrawn.append(row)
    bulk_insert(connection, tables.notice, written, on_conflict="update")
    put_outbox(connection, tables.outbox, [*notice_messages(made, "open"), *notice_messages(withdrawn, "withdrawn")])
    return Recomputed(0, len(made), len(withdrawn))


def _read(connection: Connection, ids: list[str]) -> dict[str, Row]:
    notice = tables.notice
    selected = select(notice).where(notice.c.person == NOBODY, notice.c.id.in_(ids))
    return {row["id"]: dict(row) for row in connection.execute(selected).mappings()}


def _row(
    notice_id: str, before: Row | None, protected: bool | None, first_on: date, last_on: date, only_protected: bool
) -> Row | None:
    """Return what the log should say of one notice; None: nothing, it was not open at the end of any day.

    Args:
        notice_id: of a catch-up or register notice.
        before: as stored.
        protected: whether everybody on its list has a protected identity; None: its list is empty.
        first_on: the first day of a change to its list.
        last_on: the last one.
        only_protected: whether only persons with a protected identity came and went.
    """
    row = notice_row(NOBODY, summing_notice(notice_id))
    row["made_on"] = before["made_on"] if before is not None else first_on
    if protected is not None:
        return {**row, "withdrawn_on": None, "protected": protected, "told": not protected}
    if before is None and first_on == last_on:
        return None
    was_protected = before["protected"] if before is not None else only_protected
    return {
        **row,
        "status": "withdrawn",
        "withdrawn_on": max(last_on, row["made_on"]),
        "protected": was_protected,
        "told": False,
    }


def summing_notice(notice_id: str) -> Notice:
    """Return the catch-up or register notice of an id."""
    kind, _, rest = notice_id.partition("/")
    return register_notice(date.fromisoformat(f"{rest}-01")) if kind == "register" else catch_up_notice(notice_id)
