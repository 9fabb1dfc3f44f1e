"""Into which group of the worklist a check falls on a day."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from efterhand.dates import window_start
from efterhand.timeline.checks import UNSETTLED, State

TRIED_WAITS_DAYS: Final = 14
"""So many days after the last attempt a check waits for what may come of it; then it is to be done again."""
DONE_LATELY_DAYS: Final = 30
"""So many days what is settled stays on the list."""

UNSETTLED_STATES: Final = tuple(state.value for state in State if state in UNSETTLED)
OPEN_STATES: Final = tuple(state for state in UNSETTLED_STATES if state != State.SCHEDULED)
"""States of what somebody may have to do something about."""

MISSED_STATES: Final = (State.MISSED.value, State.EXPIRED.value)
"""States of what was not done, or not answered, in time."""


class Missed(StrEnum):
    """Since when a check has to have been missed."""

    MONTH = "month"
    YEAR = "year"


class Late(StrEnum):
    """How long a check has been overdue."""

    WEEK = "week"
    MONTH = "month"
    LONGER = "longer"


class Group(StrEnum):
    """What a reader of the list has to do with a check."""

    OVERDUE = "overdue"
    TODO = "todo"
    WAITING = "waiting"
    DONE = "done"


OPEN_GROUPS: Final = (Group.OVERDUE, Group.TODO, Group.WAITING)


@dataclass(frozen=True, slots=True)
class Work:
    """What of a check decides its group. `asks_register`: the register answers it, and no person can."""

    state: str
    settled_on: date | None
    asks_register: bool
    tried_on: date | None
    postponed_until: date | None


def tried_since(today: date) -> date:
    """Return the first day on which an attempt makes a check wait today."""
    return today - timedelta(days=TRIED_WAITS_DAYS - 1)


def settled_since(today: date) -> date:
    """Return the first day on which a check was settled lately."""
    return today - timedelta(days=DONE_LATELY_DAYS - 1)


def group_of(work: Work, today: date) -> Group | None:
    """Return the group of a check, or None: it is not on the list.

    Scheduled checks, and those that were settled longer ago or by a register's report, which has no day, are not.
    """
    if work.state not in OPEN_STATES:
        lately = work.settled_on is not None and work.settled_on >= settled_since(today)
        return Group.DONE if lately else None
    tried = work.tried_on is not None and work.tried_on >= tried_since(today)
    postponed = work.postponed_until is not None and work.postponed_until > today
    if work.asks_register or tried or postponed:
        return Group.WAITING
    return Group.OVERDUE if work.state == State.OVERDUE else Group.TODO


def missed_since(missed: Missed, today: date) -> date:
    """Return the first day of the month, or of the twelve months, that end today."""
    return today.replace(day=1) if missed is Missed.MONTH else window_start(today, 12)


def late_between(late: Late, today: date) -> tuple[date, date]:
    """Return the first and the last due day of what is late by so much today: up to 7 days, up to 30, or more."""
    days = {Late.WEEK: (7, 1), Late.MONTH: (30, 8), Late.LONGER: (None, 31)}
    most, least = days[late]
    return date.min if most is None else today - timedelta(days=most), today - timedelta(days=least)
