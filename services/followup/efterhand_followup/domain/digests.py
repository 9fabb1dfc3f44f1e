"""What a channel is told on which day, when it is tried again, and when no more. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice, takewhile
from typing import Final

from efterhand.dates import is_working_day

MOST_IN_A_DIGEST: Final = 200
"""Notices; what is more is told on the next working day."""
LONGEST_RETRY_SECONDS: Final = 3600


@dataclass(frozen=True, order=True)
class Untold:
    """An open notice that a channel has not been told of.

    Attributes:
        since: the day from which it may be told: it is made, and its day of sending has come.
        notice_id: its id.
        person: whom it is about; "" where it sums up many.
        check_id: which check, if it is about one.
    """

    since: date
    notice_id: str
    person: str
    check_id: str | None = None


def share_out(
    untold: Iterable[Untold], planned_through: date, through: date, most: int = MOST_IN_A_DIGEST
) -> dict[date, list[Untold]]:
    """Share notices out to the digests of the working days after one day, up to another.

    Each goes to the first working day on which it may be told; of one day the oldest first, and what is too much for
    one digest to the next. What has no day yet is left out, and shared out another time.

    Args:
        untold: in any order.
        planned_through: the last day that has had its digest.
        through: the last day that is to have one.
        most: how many a digest holds.
    """
    days = [planned_through + timedelta(days=n) for n in range(1, (through - planned_through).days + 1)]
    waiting = sorted(untold)
    shared: dict[date, list[Untold]] = {}
    for day in filter(is_working_day, days):
        told = list(islice(takewhile(lambda each: each.since <= day, waiting), most))  # noqa: B023
        if told:
            shared[day] = told
            waiting = waiting[len(told) :]
    return shared


def digest_id(channel: str, day: date) -> str:
    """Return the id of what a channel is told on a day: the same however often it is sent."""
    return f"{channel}-{day:%Y%m%d}"


def retry_after(attempts: int, first_seconds: int) -> timedelta:
    """Return how long to wait after so many attempts (from 1): twice as long each time, at most an hour."""
    return timedelta(seconds=min(first_seconds * 2 ** min(attempts - 1, 12), LONGEST_RETRY_SECONDS))


def gives_up(failing_since: datetime, now: datetime, days: int) -> bool:
    """Tell whether what has failed for so long is not tried any more."""
    return now - failing_since >= timedelta(days=days)
