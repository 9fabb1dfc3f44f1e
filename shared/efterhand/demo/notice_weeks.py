"""How many notices staff get a week, by role and unit: pure counting."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Final

ROLES: Final = ("worker", "unit", "manager", "register")
"""Whom notices are to, by the first part of `to`."""


@dataclass(frozen=True)
class WeekCount:
    """Notices to one role in one unit in one week of ISO 8601."""

    role: str
    unit: str | None
    """None: the notice is about no unit."""
    week: str
    """As `2017-W09`."""
    notices: int


@dataclass(frozen=True)
class Load:
    """What one role in one unit gets."""

    role: str
    unit: str | None
    notices: int
    a_week: Fraction
    """On average, weeks without any included."""
    most: int
    """In one week."""
    quiet_weeks: int
    """Weeks without any."""


def week_of(day: date) -> str:
    """Return a day's week of ISO 8601, as `2017-W09`."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def count_by_week(notices: Iterable[Mapping[str, Any]], first: date, last: date) -> list[WeekCount]:
    """Count notices by role, unit and week.

    Args:
        notices: as `GET /followup/v1/notices?log=true` gives them: `to`, `unit`, `status`, `send_on`, `withdrawn_on`.
            What is summed up is told by the notice that lists it, and what was withdrawn before the day on which it was
            to be sent was never told: neither counts.
        first: first day of sending that counts.
        last: the last one.
    """
    counted: Counter[tuple[str, str | None, str]] = Counter()
    for notice in notices:
        send_on = date.fromisoformat(notice["send_on"])
        withdrawn_on = notice.get("withdrawn_on")
        never_told = withdrawn_on is not None and date.fromisoformat(withdrawn_on) <= send_on
        if notice["status"] != "summed" and not never_told and first <= send_on <= last:
            counted[notice["to"].partition(":")[0], notice["unit"], week_of(send_on)] += 1
    ordered = sorted(counted.items(), key=lambda one: (ROLES.index(one[0][0]), one[0][1] or "", one[0][2]))
    return [WeekCount(*where, number) for where, number in ordered]


def loads(counts: Iterable[WeekCount], first: date, last: date) -> list[Load]:
    """Sum weeks up by role and unit.

    Args:
        counts: of `count_by_week`.
        first: first day that was counted.
        last: the last one.
    """
    weeks = (last.toordinal() + 6) // 7 - (first.toordinal() + 6) // 7 + 1
    by_place: dict[tuple[str, str | None], list[int]] = {}
    for each in counts:
        by_place.setdefault((each.role, each.unit), []).append(each.notices)
    return [
        Load(role, unit, sum(numbers), Fraction(sum(numbers), weeks), max(numbers), weeks - len(numbers))
        for (role, unit), numbers in by_place.items()
    ]
