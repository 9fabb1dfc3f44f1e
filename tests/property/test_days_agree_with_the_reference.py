"""The product's calendar against the reference's, day by day."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efterhand import dates
from efterhand.timeline.events import parse_instant
from tests.reference import days

DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31))


@pytest.mark.parametrize("year", range(1990, 2061))
def test_every_day_is_a_working_day_in_both_or_in_neither(year: int) -> None:
    day = date(year, 1, 1)
    while day.year == year:
        assert dates.is_working_day(day) == days.is_working_day(day), day
        day += timedelta(days=1)


@given(DAYS, st.integers(-40, 40))
def test_months_are_added_alike(day: date, months: int) -> None:
    assert dates.add_months(day, months) == days.plus_months(day, months)


@given(DAYS, st.integers(0, 12))
def test_working_days_are_added_alike(day: date, working_days: int) -> None:
    assert dates.add_working_days(day, working_days) == days.plus_working_days(day, working_days)
    assert dates.next_working_day(day) == days.send_on(day)


@given(DAYS | st.dates(date(2016, 2, 25), date(2017, 3, 5)) | st.dates(date(2024, 2, 25), date(2025, 3, 5)))
def test_windows_begin_alike(end: date) -> None:
    assert dates.window_start(end, 12) == days.window(end)[0]


@given(st.integers(0, 110))
def test_ages_lie_in_the_same_band(years: int) -> None:
    assert dates.age_band(years) == days.band(years)


@pytest.mark.parametrize(
    "text",
    [
        "2017-03-01T09:12:00+01:00",
        "2017-03-01T09:12:00Z",
        "2017-03-01T23:59:59.9999999+00:00",
        "2017-03-01T00:00:00.5-11:30",
        "2016-12-31T23:30:00.000001Z",
    ],
)
def test_instants_are_read_alike(text: str) -> None:
    assert parse_instant(text) == days.instant_of(text)
