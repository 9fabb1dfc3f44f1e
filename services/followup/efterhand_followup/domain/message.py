"""What a channel tells: counts and links, and nothing about a person."""

from dataclasses import dataclass
from datetime import date
from typing import Final

MISSED: Final = "missed"
OVERDUE: Final = "overdue"
TODO: Final = "todo"
CATCH_UP: Final = "catchup"
REGISTER: Final = "register"

ORDER: Final = (MISSED, OVERDUE, TODO, CATCH_UP, REGISTER)
"""What is told first."""

_GROUPS: Final = {"missed": MISSED, "overdue": OVERDUE}


@dataclass(frozen=True)
class Link:
    """One notice: an opaque id, which tells it from all others, and where it leads."""

    id: str
    address: str


@dataclass(frozen=True)
class Line:
    """Notices that are told together."""

    group: str
    """One of `ORDER`."""
    protocol: str | None
    """What the checks are; None for a list of many."""
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Message:
    """What one digest says."""

    id: str
    """Stays the same however often it is sent."""
    channel: str
    day: date
    lines: tuple[Line, ...]
    open: int
    """Notices of the channel that are open, those told before included."""
    list: str
    """Address of the list with what is to be done."""

    @property
    def new(self) -> int:
        """Notices that are told here for the first time."""
        return sum(len(line.links) for line in self.lines)


@dataclass(frozen=True)
class CalendarDay:
    """What a calendar says of one day."""

    day: date
    ahead: bool
    """Whether the day lies ahead: what is due then; else what was told on that day and is still open."""
    lines: tuple[Line, ...]


def group_of(notice_id: str, check_id: str | None, state: str | None) -> str:
    """Return under what a notice is told.

    Args:
        notice_id: its id.
        check_id: the check that it is about, if it is about one.
        state: of that check.
    """
    if check_id is None:
        return REGISTER if notice_id.startswith("register/") else CATCH_UP
    return _GROUPS.get(state or "", TODO)
