"""Days and instants of Stockholm: what day it is there, and when a day ends."""

from datetime import UTC, date, datetime, time

from efterhand.dates import STOCKHOLM


def today_in_stockholm() -> date:
    """Return the calendar day in Stockholm now."""
    return datetime.now(STOCKHOLM).date()


def end_of_day(day: date) -> datetime:
    """Return the last microsecond of a Stockholm day, as an instant in UTC."""
    return datetime.combine(day, time.max, STOCKHOLM).astimezone(UTC)


def local_date(instant: datetime) -> date:
    """Return the Stockholm day that an instant (with an offset) lies in."""
    return instant.astimezone(STOCKHOLM).date()
