"""Into which group of the worklist a check falls on a day."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from efterhand.timeline.checks import UNSETTLED, State

TRIED_WAITS_DAYS: Final = 14
"""So many days after the last attempt a check waits for what may come of it; then it is to be done again."""
DONE_LATELY_DAYS: Final = 30
"""So many days what is settled stays on the list."""

OPEN_STATES: Final = tuple(state.value for state in State if state in UNSETTLED and state is not State.SCHEDULED)
"""States of what somebody may have to do something about."""


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
