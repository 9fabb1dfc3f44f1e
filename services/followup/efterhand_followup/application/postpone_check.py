"""Somebody puts a check off to a day: until then it waits. Its due date and its notices stay as they are."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection

from efterhand.web.problem import Problem
from efterhand_followup.adapters.act_store import set_postponement
from efterhand_followup.application.acting import Acting, day_said, done_before, keep, locked_check, must_be_open
from efterhand_followup.application.reading import context_with_date
from efterhand_followup.domain.acts import LONGEST_POSTPONEMENT, Act
from efterhand_followup.domain.standing import Row


def postpone_check(connection: Connection, acting: Acting, check_id: str, key: str, said: Mapping[str, Any]) -> Act:
    """Put a check off; it is no event, and nobody but this service hears of it.

    Args:
        connection: in a transaction.
        acting: who puts it off.
        check_id: `<protocol>:<person>:<subject>`.
        key: of the form.
        said: until, the day on which it is to be done again.

    Raises:
        Problem: 404, there is no such check (or it may not be seen); 422, the day is none, not ahead, or too far
            ahead; 409, the check is not open, or the key stands for something else.
    """
    check = locked_check(connection, acting, check_id)
    before = done_before(connection, acting, check, "postpone", key, said)
    if before is not None:
        return before
    must_be_open(check)
    _, today = context_with_date(connection)
    until = day_said(said, "until")
    _must_lie_within(until, today, latest_postponement(check, today))
    set_postponement(connection, check, until)
    return keep(connection, acting, check, kind="postpone", key=key, said=said, event=None)


def latest_postponement(check: Row, today: date) -> date:
    """Return the last day to which a check can be put off: before it gives up, and no further than a year."""
    furthest: date = today + LONGEST_POSTPONEMENT
    gives_up_on: date | None = check["gives_up_on"]
    return furthest if gives_up_on is None else min(furthest, gives_up_on - timedelta(days=1))


def _must_lie_within(until: date, today: date, latest: date) -> None:
    if today < until <= latest:
        return
    detail = f"A check can be put off to a day after {today}, and no later than {latest}."
    raise Problem(422, "wrong_value", "The check cannot be put off to that day", detail, {"field": "until"})
