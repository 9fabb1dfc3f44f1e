"""Notices a week, by role and unit."""

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from efterhand.demo.notice_weeks import Load, WeekCount, count_by_week, loads, week_of

FIRST, LAST = date(2017, 1, 2), date(2017, 1, 29)


def notice(send_on: str, to: str = "worker:w1", unit: str | None = "kista", **more: Any) -> dict[str, Any]:
    return {"send_on": send_on, "to": to, "unit": unit, "status": "open", "withdrawn_on": None, **more}


def test_notices_are_counted_by_role_unit_and_week() -> None:
    told = [
        notice("2017-01-02"),
        notice("2017-01-08", "worker:w2"),
        notice("2017-01-09"),
        notice("2017-01-09", unit="farsta"),
        notice("2017-01-10", "manager:kista"),
        notice("2017-01-11", "unit:kista"),
        notice("2017-01-12", "register", None),
        notice("2017-01-13", status="withdrawn", withdrawn_on="2017-01-16"),
    ]
    assert count_by_week(told, FIRST, LAST) == [
        WeekCount("worker", "farsta", "2017-W02", 1),
        WeekCount("worker", "kista", "2017-W01", 2),
        WeekCount("worker", "kista", "2017-W02", 2),
        WeekCount("unit", "kista", "2017-W02", 1),
        WeekCount("manager", "kista", "2017-W02", 1),
        WeekCount("register", None, "2017-W02", 1),
    ]


def test_what_nobody_was_told_is_not_counted() -> None:
    never = [
        notice("2017-01-09", status="summed"),
        notice("2017-01-09", status="withdrawn", withdrawn_on="2017-01-09"),
        notice("2017-01-09", status="withdrawn", withdrawn_on="2017-01-08"),
        notice("2017-01-01"),
        notice("2017-01-30"),
    ]
    assert count_by_week(never, FIRST, LAST) == []


def test_a_load_is_the_mean_the_most_and_the_weeks_without_any() -> None:
    counts = [WeekCount("worker", "kista", "2017-W01", 2), WeekCount("worker", "kista", "2017-W03", 5)]
    assert loads(counts, FIRST, LAST) == [Load("worker", "kista", 7, Fraction(7, 4), 5, 2)]


def test_a_week_that_is_counted_in_part_is_a_week() -> None:
    (load,) = loads([WeekCount("worker", "kista", "2017-W01", 2)], date(2017, 1, 8), date(2017, 1, 9))
    assert load.a_week == 1


def test_weeks_at_the_turn_of_the_year_are_those_of_iso_8601() -> None:
    days = [date(2017, 1, 1), date(2017, 1, 2), date(2018, 12, 31)]
    assert [week_of(day) for day in days] == ["2016-W52", "2017-W01", "2019-W01"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.dates(FIRST, LAST), st.sampled_from(["worker:w1", "manager:kista", "register"]))))
def test_no_notice_is_counted_twice_or_lost(told: list[tuple[date, str]]) -> None:
    counts = count_by_week([notice(day.isoformat(), to) for day, to in told], FIRST, LAST)
    assert sum(each.notices for each in counts) == len(told)
    assert sum(each.notices for each in loads(counts, FIRST, LAST)) == len(told)
    for each in loads(counts, FIRST, LAST):
        assert each.quiet_weeks + sum(one.role == each.role for one in counts) == 4
    assert timedelta(days=27) == LAST - FIRST
