"""Calendar arithmetic of the domain: months that clamp, working days, windows, ages. Pure functions on dates."""

import calendar
from datetime import date, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays

STOCKHOLM: Final = ZoneInfo("Europe/Stockholm")

AGE_BANDS: Final[tuple[tuple[str, int, int | None], ...]] = (
    ("13-15", 13, 15),
    ("16-19", 16, 19),
    ("20-24", 20, 24),
    ("25-29", 25, 29),
    ("30-54", 30, 54),
    ("55+", 55, None),
)
"""Name, first and last age (years) of every band; no last age means: and older."""


def add_months(day: date, months: int) -> date:
    """Return the same day of the month, `months` later (or earlier); a day that month lacks becomes its last day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def add_days(day: date, days: int) -> date:
    """Return the day `days` later; the start day is day 0."""
    return day + timedelta(days=days)


@cache
def _free_days(year: int) -> frozenset[date]:
    """Public holidays by lag (1989:253) and the three eves on which nobody at a municipality works."""
    public = holidays.country_holidays("SE", years=year, include_sundays=False)
    midsummer_eve = next(date(year, 6, d) for d in range(19, 26) if date(year, 6, d).weekday() == calendar.FRIDAY)
    return frozenset(public) | {midsummer_eve, date(year, 12, 24), date(year, 12, 31)}


def is_working_day(day: date) -> bool:
    """Tell whether staff are at work: no Saturday, Sunday, public holiday, midsummer, Christmas or New Year's eve."""
    return day.weekday() < calendar.SATURDAY and day not in _free_days(day.year)


def next_working_day(day: date) -> date:
    """Return the first working day on or after `day`."""
    while not is_working_day(day):
        day += timedelta(days=1)
    return day


def add_working_days(day: date, days: int) -> date:
    """Return the `days`-th working day after `day` (before it, when negative); `day` itself is not counted."""
    step = timedelta(days=1 if days > 0 else -1)
    for _ in range(abs(days)):
        day += step
        while not is_working_day(day):
            day += step
    return day


def last_day_of_month(day: date) -> date:
    """Return the last day of the month that `day` lies in."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def window_start(end: date, months: int) -> date:
    """Return the first day of the window of `months` months that ends on `end`, both included.

    A window that ends on the last day of a month begins on the first day of one, so that twelve months are twelve
    whole months also around 29 February.
    """
    before = add_months(end, -months)
    if end == last_day_of_month(end):
        before = last_day_of_month(before)
    return before + timedelta(days=1)


def age_on(birth_year: int, day: date) -> int:
    """Return the age in years on a day: only the year of birth is known."""
    return day.year - birth_year


def age_band(age: int | None) -> str | None:
    """Return the name of the band an age lies in, or None when it is unknown or under the lowest band."""
    if age is None:
        return None
    return next((name for name, first, last in AGE_BANDS if age >= first and (last is None or age <= last)), None)
