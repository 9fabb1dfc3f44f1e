"""Calendar arithmetic: months that clamp, working days, windows, bands."""

from datetime import UTC, date, datetime

import pytest

from efterhand.clock import end_of_day, local_date
from efterhand.dates import add_days, add_months, add_working_days, age_band, is_working_day, window_start


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2017, 8, 31), 6, date(2018, 2, 28)),
        (date(2015, 8, 31), 6, date(2016, 2, 29)),
        (date(2016, 2, 29), 12, date(2017, 2, 28)),
        (date(2017, 5, 31), 7, date(2017, 12, 31)),
        (date(2017, 3, 31), -1, date(2017, 2, 28)),
        (date(2017, 1, 15), -13, date(2015, 12, 15)),
    ],
)
def test_months_are_added_by_the_calendar_and_clamp(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


def test_the_start_day_is_day_zero() -> None:
    assert add_days(date(2017, 1, 1), 90) == date(2017, 4, 1)


@pytest.mark.parametrize(
    ("end", "start"),
    [
        (date(2025, 2, 28), date(2024, 3, 1)),
        (date(2024, 2, 29), date(2023, 3, 1)),
        (date(2017, 12, 31), date(2017, 1, 1)),
        (date(2017, 6, 15), date(2016, 6, 16)),
        (date(2024, 2, 28), date(2023, 3, 1)),
    ],
)
def test_a_window_that_ends_with_a_month_begins_with_one(end: date, start: date) -> None:
    assert window_start(end, 12) == start


@pytest.mark.parametrize(
    "day",
    [
        date(2017, 1, 6),
        date(2017, 4, 14),
        date(2017, 4, 17),
        date(2017, 5, 25),
        date(2017, 6, 6),
        date(2017, 6, 23),  # midsummer eve
        date(2016, 6, 24),  # midsummer eve
        date(2018, 12, 24),
        date(2018, 12, 31),
        date(2017, 11, 4),
        date(2017, 6, 17),
    ],
)
def test_nobody_works_on_holidays_eves_and_weekends(day: date) -> None:
    assert not is_working_day(day)


@pytest.mark.parametrize("day", [date(2017, 1, 5), date(2017, 4, 13), date(2017, 6, 5), date(2018, 12, 27)])
def test_days_before_holidays_are_working_days(day: date) -> None:
    assert is_working_day(day)


def test_working_days_are_counted_after_the_start_day() -> None:
    assert add_working_days(date(2017, 6, 20), 5) == date(2017, 6, 28)


@pytest.mark.parametrize(
    ("age", "band"),
    [(12, None), (13, "13-15"), (15, "13-15"), (16, "16-19"), (29, "25-29"), (54, "30-54"), (55, "55+")],
)
def test_an_age_lies_in_its_band(age: int, band: str | None) -> None:
    assert age_band(age) == band


def test_a_stockholm_day_ends_before_midnight_utc() -> None:
    assert end_of_day(date(2017, 7, 1)) == datetime(2017, 7, 1, 21, 59, 59, 999999, tzinfo=UTC)
    assert local_date(datetime(2017, 7, 1, 22, 0, tzinfo=UTC)) == date(2017, 7, 2)
