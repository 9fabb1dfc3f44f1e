"""Who may be disposed of, up to when, and which figures can be told afterwards."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from efterhand.catalogue.model import Indicator
from efterhand.contracts import event_types
from efterhand.disposal import WrongHorizon, as_hex, check_horizon, event_identity, from_hex, latest_horizon
from efterhand.figures.cells import Sums, Window
from efterhand.timeline.checks import derive_checks
from efterhand.timeline.disposal import DAYS, MONTHS, last_day_of, may_be_disposed_of
from efterhand.timeline.facts import derive_facts
from efterhand_indicators.domain.closed_book import (
    BookRow,
    Disposed,
    Horizon,
    added,
    book_cells,
    check_answerable,
    check_known,
    is_booked,
)
from tests.property.product import catalogue, on_the_wire
from tests.services.followup_town import closed, enrolled, event

TODAY = date(2026, 11, 28)
BEFORE = date(2019, 1, 1)
HORIZON = Horizon(BEFORE, events=10, missing=0, received_until=date(2019, 5, 1))


def share() -> Indicator:
    return catalogue().indicators["closed_to_livelihood"]


def may_go(*sent: dict[str, Any], last_counted: date | None = None, before: date = BEFORE) -> bool:
    events = [on_the_wire(each) for each in sent]
    facts = derive_facts(events)
    return may_be_disposed_of(events, facts, derive_checks(facts, catalogue()), last_counted, before)


def old_case() -> list[dict[str, Any]]:
    return [enrolled("p1", date(2016, 3, 1)), closed("p1", date(2017, 1, 31))]


# --- up to when ---------------------------------------------------------------------------------------------------


def test_the_latest_horizon_is_the_first_of_the_month_so_many_years_back() -> None:
    assert latest_horizon(5, TODAY) == date(2021, 11, 1)
    assert latest_horizon(5, date(2024, 2, 29)) == date(2019, 2, 1)
    check_horizon(date(2021, 11, 1), 5, TODAY)


@pytest.mark.parametrize("before", [date(2021, 11, 2), date(2021, 12, 1), date(2026, 11, 1), date(2019, 1, 31)])
def test_another_horizon_is_refused(before: date) -> None:
    with pytest.raises(WrongHorizon):
        check_horizon(before, 5, TODAY)


def test_an_events_hash_needs_the_secret_and_tells_source_and_id_apart() -> None:
    one = event_identity("a", "/s", "1")
    assert one == event_identity("a", "/s", "1")
    assert (
        len({one, event_identity("b", "/s", "1"), event_identity("a", "/s1", ""), event_identity("a", "/s", "2")}) == 4
    )


@pytest.mark.parametrize("number", [0, 1, -1, 2**63 - 1, -(2**63)])
def test_a_hash_is_written_in_sixteen_digits_and_read_back(number: int) -> None:
    assert len(as_hex(number)) == 16
    assert from_hex(as_hex(number)) == number


# --- who ----------------------------------------------------------------------------------------------------------


def test_every_field_of_a_contract_that_holds_a_day_or_month_is_looked_at() -> None:
    fields = {
        (name, "month" if "business-month" in str(field) else "day")
        for contract in event_types().values()
        for name, field in contract.properties.items()
        if field.get("format") == "date" or "business-month" in str(field)
    }
    assert {name for name, kind in fields if kind == "day"} == set(DAYS)
    assert {name for name, kind in fields if kind == "month"} == set(MONTHS)


def test_the_last_day_of_an_event_is_its_latest_day_or_the_end_of_its_month_else_the_day_it_was_recorded() -> None:
    held = on_the_wire(enrolled("p1", date(2018, 3, 1), assistance=True, assistance_since=date(2017, 1, 1)))
    assert last_day_of(held) == date(2018, 3, 1)
    assert last_day_of(on_the_wire(event("assistance.reported", received=TODAY, person="p1", month="2018-02"))) == date(
        2018, 2, 28
    )
    undated = event("event.retracted", received=TODAY, person="p1", time="2018-04-01T23:30:00Z")
    assert last_day_of(on_the_wire(undated)) == date(2018, 4, 2)


def test_who_has_an_old_closed_case_may_go() -> None:
    assert may_go(*old_case(), last_counted=date(2018, 3, 1))
    assert may_go(*old_case(), last_counted=None)


@pytest.mark.parametrize("last_counted", [BEFORE, date(9999, 12, 31)])
def test_who_counts_on_the_horizon_or_later_stays(last_counted: date) -> None:
    assert not may_go(*old_case(), last_counted=last_counted)


def test_who_has_an_open_case_stays() -> None:
    assert not may_go(old_case()[0])
    assert not may_go(*old_case(), enrolled("p1", date(2016, 3, 1), case="c2"))


def test_who_has_an_event_of_the_horizon_or_later_stays() -> None:
    report = event("assistance.reported", received=date(2019, 2, 1), person="p1", month="2019-01", receives=False)
    assert not may_go(*old_case(), report)
    assert may_go(*old_case(), report, before=date(2019, 2, 1))


def test_who_is_still_to_be_followed_up_stays() -> None:
    # Seven months after the closure the register is asked, for three months.
    assert may_go(*old_case(), before=date(2017, 12, 1))
    assert not may_go(*old_case(), before=date(2017, 11, 1))
    assert not may_go(*old_case(), before=date(2017, 3, 1))


def test_what_waits_for_an_enrolment_goes_only_when_all_of_it_is_old() -> None:
    waiting = closed("p1", date(2018, 12, 31))
    assert may_go(waiting)
    assert not may_go(waiting, before=date(2018, 12, 1))


def test_a_measure_whose_case_waits_does_not_go_on_for_ever() -> None:
    start = event(
        "measure.started", received=BEFORE, person="p1", case="c1", measure="m1", kind="internship", on=date(2016, 4, 1)
    )
    assert may_go(start)


# --- what can be told afterwards ----------------------------------------------------------------------------------


def answerable(window: Window, closed_of: int = 10, horizon: Horizon = HORIZON, indicator: str = "") -> bool:
    asked = catalogue().indicators[indicator] if indicator else share()
    try:
        check_answerable(asked, window, [horizon], {BEFORE: closed_of} if closed_of else {})
    except Disposed:
        return False
    return True


def year_to(last: date) -> Window:
    return Window(date(last.year - 1, last.month, 1), last)


def test_a_window_that_begins_on_the_horizon_is_told_whatever_was_disposed_of() -> None:
    assert answerable(Window(BEFORE, date(2019, 12, 15)), closed_of=0, indicator="unique_persons")
    check_known([HORIZON], Window(BEFORE, date(2019, 12, 15)), None)
    check_known([HORIZON], Window(BEFORE, date(2019, 12, 15)), HORIZON.received_until)


def test_a_window_of_whole_months_is_told_with_the_book() -> None:
    assert answerable(Window(date(2018, 1, 1), date(2018, 12, 31)))
    assert answerable(Window(date(2018, 2, 1), date(2018, 10, 31)))


def test_a_window_that_cuts_a_closed_month_is_not() -> None:
    assert not answerable(Window(date(2018, 1, 2), date(2018, 12, 31)))
    assert not answerable(Window(date(2018, 1, 1), date(2018, 12, 30)))


def test_a_window_may_end_within_a_month_behind_the_horizon() -> None:
    assert answerable(Window(date(2018, 2, 1), date(2019, 1, 15)))
    assert answerable(Window(date(2018, 2, 1), date(2018, 12, 31)))


def test_what_was_closed_by_another_definition_or_not_at_all_is_not_told() -> None:
    window = Window(date(2018, 1, 1), date(2018, 12, 31))
    assert not answerable(window, closed_of=9)
    assert not answerable(window, closed_of=0)


def test_what_was_missing_when_it_was_closed_is_never_told() -> None:
    assert not answerable(Window(date(2018, 1, 1), date(2018, 12, 31)), horizon=replace(HORIZON, missing=1))


@pytest.mark.parametrize(
    ("indicator", "booked"),
    [
        ("closed_to_livelihood", True),
        ("offer_90d", True),
        ("internship_count", True),
        ("youth_duration", True),
        ("self_sufficient_6m", True),
        ("unique_persons", False),
        ("persons_by_target_group", False),
        ("guidance_share", False),
        ("enrolled_20_29", False),
        ("livelihood_of_served", False),
    ],
)
def test_only_what_can_be_added_month_by_month_is_booked(indicator: str, booked: bool) -> None:
    assert is_booked(catalogue().indicators[indicator]) is booked
    assert answerable(Window(date(2018, 1, 1), date(2018, 12, 31)), indicator=indicator) is booked


def test_nobody_knows_how_persons_were_known_who_are_gone() -> None:
    with pytest.raises(Disposed):
        check_known([HORIZON], Window(BEFORE, date(2019, 12, 31)), date(2019, 4, 30))
    with pytest.raises(Disposed):
        check_known([HORIZON], Window(date(2018, 12, 31), date(2019, 12, 31)), None)


def test_live_sums_and_the_book_are_added_cell_by_cell() -> None:
    rows = [
        BookRow({"sex": "female", "unit": "south"}, None, Sums(1, 2)),
        BookRow({"sex": "unknown", "unit": "north"}, None, Sums(0, 1)),
        BookRow({"sex": None, "unit": None}, None, Sums(1, 1)),
    ]
    above = {"south": ("south", "city"), "north": ("north",)}
    live = {(): Sums(1, 1), (("sex", "male"),): Sums(1, 1)}
    assert added(share(), live, book_cells(share(), rows, ["sex", "unit"], above)) == {
        (): Sums(3, 5),
        (("sex", "male"),): Sums(1, 1),
        (("sex", "female"),): Sums(1, 2),
        (("unit", "south"),): Sums(1, 2),
        (("unit", "city"),): Sums(1, 2),
        (("unit", "north"),): Sums(0, 1),
        (("sex", "female"), ("unit", "south")): Sums(1, 2),
        (("sex", "female"), ("unit", "city")): Sums(1, 2),
    }
