"""The literal reference on small histories that were worked out by hand."""

from datetime import date
from typing import Any

import pytest

from tests import reference
from tests.reference import Check, Row
from tests.reference.history import Event
from tests.tiny import MUNICIPALITY

NOON = "T12:00:00+01:00"


def told(*said: tuple[str, dict[str, Any]], received: str | None = None) -> list[Event]:
    """Events about p1, its case c1 and its measure m1 where nothing else is said, recorded on their day."""
    usual: dict[str, dict[str, Any]] = {
        "case.enrolled": {"unit": "north", "target_group": "ordinary", "sex": "female", "birth_year": 1990},
        "measure.started": {"measure": "m1", "kind": "stockholmsjobb"},
        "measure.ended": {"measure": "m1"},
    }
    events: list[Event] = []
    for number, (type_, data) in enumerate(said, 1):
        day = str(data.get("on") or data.get("through") or f"{data['month']}-28")
        about = {} if "through" in data else {"person": "p1"}
        if type_.startswith(("case.", "measure.", "plan.", "guidance.", "offer.")):
            about["case"] = "c1"
        envelope = {"specversion": "1.0", "source": "/tiny/a", "id": f"e{number}", "type": type_, "time": day + NOON}
        content = {**about, **usual.get(type_, {}), **data}
        events.append({**envelope, "data": content, "received": received or day})
    return events


def check(events: list[Event], id_: str, on: str, business_date: str | None = None) -> Check:
    """One check on a day."""
    found = reference.checks(events, date.fromisoformat(on), date.fromisoformat(business_date or on), MUNICIPALITY)
    return {each.id: each for each in found}[id_]


def open_notices(events: list[Event], on: str, protocol: str) -> set[str]:
    """The steps of a protocol's checks that are open on a day."""
    found = reference.notices(
        events, date.fromisoformat(on), date.fromisoformat(on), MUNICIPALITY, protocols=[protocol]
    )
    return {f"{each.step} {each.to}" if each.step else each.id for each in found if each.status == "open"}


def row(events: list[Event], indicator: str, at: str, **cell: str) -> Row:
    """One cell of a figure."""
    day = date.fromisoformat(at)
    figure = reference.figures(events, indicator, day, tuple(cell), None, day, MUNICIPALITY)
    nothing = reference.figures([], indicator, day, (), None, day, MUNICIPALITY).rows[()]
    return figure.rows.get(tuple(sorted(cell.items())), nothing)


def test_a_plan_is_due_on_the_fifth_working_day_also_across_easter() -> None:
    # 14 April 2017 was Good Friday, 17 April Easter Monday: 12, 13, 18, 19, 20 are the working days after the 11th
    events = told(("case.enrolled", {"on": "2017-04-11"}))
    assert check(events, "plan_5d:p1:c1", "2017-04-20").state == "due"
    assert check(events, "plan_5d:p1:c1", "2017-04-19").state == "scheduled"
    assert check(events, "plan_5d:p1:c1", "2017-04-21").state == "missed"
    assert open_notices(events, "2017-04-20", "plan_5d") == {"0 unit"}
    assert open_notices(events, "2017-04-21", "plan_5d") == {"+1 manager"}
    late = told(("case.enrolled", {"on": "2017-04-11"}), ("plan.set", {"on": "2017-04-21"}))
    assert check(late, "plan_5d:p1:c1", "2017-05-01").state == "missed"
    closed = told(("case.enrolled", {"on": "2017-04-11"}), ("case.closed", {"on": "2017-04-20", "reason": "work"}))
    assert check(closed, "plan_5d:p1:c1", "2017-04-20").state == "cancelled"


@pytest.mark.parametrize(
    ("kind", "result", "asked"),
    [
        ("stockholmsjobb", "interrupted", True),
        ("vocational_training", "interrupted", False),
        ("combination_training", None, True),
        ("internship", "completed", False),
    ],
)
def test_three_months_after_a_measure_is_for_stockholmsjobb_and_for_trainings_that_were_not_interrupted(
    kind: str, result: str | None, asked: bool
) -> None:
    end = {"on": "2017-03-31"} | ({"result": result} if result else {})
    events = told(
        ("case.enrolled", {"on": "2017-01-01"}),
        ("measure.started", {"on": "2017-01-01", "kind": kind}),
        ("measure.ended", end),
    )
    found = [c.id for c in reference.checks(events, date(2017, 6, 30), date(2017, 6, 30), MUNICIPALITY)]
    assert ("occupation_3m:p1:m1" in found) is asked
    if asked:
        assert check(events, "occupation_3m:p1:m1", "2017-06-30").due == date(2017, 6, 30)
        assert check(events, "occupation_3m:p1:m1", "2017-08-29").state == "overdue"
        assert check(events, "occupation_3m:p1:m1", "2017-08-30").state == "expired"
        assert open_notices(events, "2017-06-16", "occupation_3m") == {"-14 unit"}
        assert open_notices(events, "2017-07-30", "occupation_3m") == {"-14 unit", "0 unit", "+30 unit"}


def test_a_flag_is_shown_while_a_measure_goes_on_after_due_and_an_end_after_due_is_late() -> None:
    begun = told(("case.enrolled", {"on": "2017-01-15"}), ("measure.started", {"on": "2017-01-31"}))
    shown = {
        day: [check(begun, f"in_measure_{n}m:p1:m1", day).flag for n in (3, 6, 12)]
        for day in ("2017-04-30", "2017-05-01", "2017-08-01", "2018-02-01")
    }
    assert shown == {
        "2017-04-30": [None, None, None],
        "2017-05-01": ["green", None, None],
        "2017-08-01": ["green", "yellow", None],
        "2018-02-01": ["green", "yellow", "red"],
    }
    assert open_notices(begun, "2017-04-30", "in_measure_3m") == {"0 unit"}
    ended = [*begun, *told(("case.closed", {"on": "2017-07-31", "reason": "work"}))]
    ended[-1]["id"] = "e9"
    three, six = (check(ended, f"in_measure_{n}m:p1:m1", "2017-08-01") for n in (3, 6))
    assert (three.state, three.late, three.settled_on, three.flag) == ("met", True, date(2017, 7, 31), None)
    assert (six.state, six.late) == ("met", False)


def test_the_register_is_asked_for_the_month_of_due_of_both_protocols() -> None:
    events = told(
        ("case.enrolled", {"on": "2017-01-01"}),
        ("measure.started", {"on": "2017-01-01"}),
        ("measure.ended", {"on": "2017-04-30"}),
        ("case.closed", {"on": "2017-01-31", "reason": "moved"}),
    )  # 31 January + 7 months and 30 April + 4 months both lie in August
    found = reference.notices(events, date(2017, 9, 1), date(2017, 9, 1), MUNICIPALITY)
    listed = {each.id: each.lists for each in found if each.to == "register_owner"}
    assert listed == {"register/2017-08": ("assistance_4m:p1:m1", "assistance_7m:p1:c1")}
    known = [*events, *told(("assistance.reported", {"month": "2017-08", "receives": False}))]
    known[-1]["id"] = "e9"
    assert check(known, "assistance_4m:p1:m1", "2017-05-01", "2017-12-01").state == "answered"


def test_persons_are_summed_over_the_target_groups_that_they_were_in() -> None:
    events = told(
        ("case.enrolled", {"on": "2017-03-01"}),
        ("case.transferred", {"on": "2017-06-01", "target_group": "resource"}),
        ("case.transferred", {"on": "2017-07-01", "unit": "south"}),
    )
    assert row(events, "unique_persons", "2017-12-31").numerator == 1
    assert row(events, "persons_by_target_group", "2017-12-31").numerator == 2
    assert row(events, "persons_by_target_group", "2017-12-31", unit="north").numerator == 2
    assert row(events, "persons_by_target_group", "2017-12-31", target_group="ordinary").numerator == 1


def test_a_talk_counts_in_every_cell_that_its_person_is_in_and_the_age_is_that_of_a_day_with_a_case_open() -> None:
    events = told(
        ("case.enrolled", {"on": "2016-11-01", "birth_year": 1987}),
        ("case.transferred", {"on": "2017-02-01", "unit": "south"}),
        ("case.closed", {"on": "2017-03-01", "reason": "work"}),
        ("guidance.held", {"on": "2017-05-01"}),
    )
    for unit in ("north", "south"):
        cell = row(events, "guidance_share", "2017-06-30", unit=unit)
        assert (cell.numerator, cell.denominator) == (1, 1)
    assert row(events, "guidance_share_16_29", "2017-06-30").denominator == 1  # 29 until New Year's eve
    assert row(events, "guidance_share_16_29", "2017-06-30", unit="south").denominator == 0
    assert row(events, "guidance_share_16_29", "2017-12-31").denominator == 0


def test_what_is_paid_by_the_committee_itself_is_told_from_all_stockholmsjobb() -> None:
    events = told(
        ("case.enrolled", {"on": "2017-01-01"}),
        ("measure.started", {"on": "2017-02-01", "funder": "district"}),
        ("measure.started", {"on": "2017-10-01", "measure": "m2", "funder": "own"}),
        ("case.closed", {"on": "2017-11-01", "reason": "work"}),
    )
    assert row(events, "stockholmsjobb_persons", "2017-12-31").value == "1"
    assert row(events, "stockholmsjobb_count", "2017-12-31").value == "1"
    assert row(events, "stockholmsjobb_count", "2017-09-30").value == "0"
    assert row(events, "stockholmsjobb_count", "2018-11-01").value == "0"
    assert row(events, "stockholmsjobb_count", "2018-10-31").value == "1"


def test_livelihood_of_the_ended_and_of_the_served_by_kind_and_provider() -> None:
    events = told(
        ("case.enrolled", {"on": "2017-01-01"}),
        ("measure.started", {"on": "2017-02-01", "provider": "private"}),
        ("measure.ended", {"on": "2017-05-01", "reason": "studies"}),
        ("measure.started", {"on": "2017-02-01", "measure": "m2", "kind": "internship"}),
        ("case.closed", {"on": "2017-11-01", "reason": "work"}),
    )
    cells = {
        (name, at, tuple(cell.items())): (found.numerator, found.denominator)
        for name in ("livelihood_of_ended", "livelihood_of_served")
        for at in ("2017-04-30", "2017-12-31")
        for cell in ({}, {"provider": "private"}, {"kind": "internship"})
        if (found := row(events, name, at, **cell))
    }
    assert cells == {
        ("livelihood_of_ended", "2017-04-30", ()): (0, 0),
        ("livelihood_of_ended", "2017-04-30", (("provider", "private"),)): (0, 0),
        ("livelihood_of_ended", "2017-04-30", (("kind", "internship"),)): (0, 0),
        ("livelihood_of_ended", "2017-12-31", ()): (1, 1),
        ("livelihood_of_ended", "2017-12-31", (("provider", "private"),)): (1, 1),
        ("livelihood_of_ended", "2017-12-31", (("kind", "internship"),)): (0, 0),
        ("livelihood_of_served", "2017-04-30", ()): (0, 2),
        ("livelihood_of_served", "2017-04-30", (("provider", "private"),)): (0, 1),
        ("livelihood_of_served", "2017-04-30", (("kind", "internship"),)): (0, 1),
        ("livelihood_of_served", "2017-12-31", ()): (1, 2),
        ("livelihood_of_served", "2017-12-31", (("provider", "private"),)): (1, 1),
        ("livelihood_of_served", "2017-12-31", (("kind", "internship"),)): (0, 1),
    }


def test_a_mean_pools_the_days_and_rounds_once() -> None:
    events = told(
        ("case.enrolled", {"on": "2017-01-01", "birth_year": 1995}),
        ("case.closed", {"on": "2017-03-03", "reason": "work"}),  # 61 days
        ("case.enrolled", {"on": "2017-01-01", "birth_year": 1995, "case": "c2"}),
        ("case.closed", {"on": "2017-04-03", "reason": "studies", "case": "c2"}),  # 92 days
    )
    months = row(events, "youth_duration", "2017-12-31")  # 153 / 2 / 30.4375 = 2.513…
    assert (months.value, months.sum, months.denominator, months.numerator) == ("2.5", 153, 2, None)
    assert months.judgement == "met"
    assert row(events, "days_to_livelihood", "2017-12-31").value == "76.5"


@pytest.mark.parametrize(("since", "long"), [("2016-04-27", True), ("2016-04-28", False), ("2016-04-30", False)])
def test_assistance_for_more_than_ten_months_is_counted_in_months_that_clamp(since: str, long: bool) -> None:
    events = told(
        ("case.enrolled", {"on": "2017-02-28", "assistance": True, "assistance_since": since}),
        ("case.closed", {"on": "2017-05-31", "reason": "work"}),
    )
    assert row(events, "long_assistance_duration", "2017-12-31").denominator == int(long)


def test_what_was_answered_last_decides_and_declining_is_no_report() -> None:
    answer = {"check": "higher_vocational_6m", "subject": "m1"}
    events = told(
        ("case.enrolled", {"on": "2017-01-01"}),
        ("measure.started", {"on": "2017-01-01", "kind": "higher_vocational"}),
        ("measure.ended", {"on": "2017-02-01", "result": "completed"}),
        (
            "followup.answered",
            {**answer, "on": "2017-07-15", "response": "answered", "occupation": "work", "same_field": True},
        ),
    )
    told_once = row(events, "higher_vocational_work_6m", "2017-12-31")
    assert (told_once.numerator, told_once.denominator, told_once.expected, told_once.value) == (1, 1, 1, "100.00")
    declined = [*events, *told(("followup.answered", {**answer, "on": "2017-07-16", "response": "declined"}))]
    declined[-1]["id"] = "e9"
    assert row(declined, "higher_vocational_work_6m", "2017-12-31").status == "low_coverage"
    assert check(declined, "higher_vocational_6m:p1:m1", "2017-12-31").settled_on == date(2017, 7, 15)


def test_a_measure_before_its_cases_enrolment_is_counted_with_the_enrolments_unit() -> None:
    events = told(
        ("case.enrolled", {"on": "2017-03-01", "unit": "south"}),
        ("measure.started", {"on": "2017-01-01", "kind": "internship", "provider": "municipal"}),
    )
    assert row(events, "internship_count", "2017-02-28", unit="south").value == "1"
    assert check(events, "in_measure_3m:p1:m1", "2017-02-01").unit == "south"


def test_everything_doubtful_is_listed() -> None:
    events = told(
        ("case.enrolled", {"on": "2017-03-01"}),
        ("case.enrolled", {"on": "2017-03-01", "case": "c2", "sex": "male", "birth_year": 1991}),
        ("case.closed", {"on": "2017-02-28", "reason": "work"}),
        ("case.transferred", {"on": "2017-02-28", "unit": "south"}),
        ("measure.started", {"on": "2017-04-01"}),
        ("measure.ended", {"on": "2017-03-31"}),
        ("plan.set", {"on": "2017-03-01", "case": "c3"}),
        ("case.enrolled", {"on": "2017-03-01", "person": "p2"}),
    )
    found = {kind for kind, _, _ in reference.doubts(events, date(2017, 3, 31))}
    assert found == {
        "closure_before_enrolment",
        "transfer_before_enrolment",
        "end_before_start",
        "disagreement",
        "two_open_at_one_unit",
        "case_of_two_persons",
        "waits_for_enrolment",
    }
    assert ("waits_for_enrolment", "p1", "c3") not in reference.doubts(events, date(2017, 3, 30))


def test_many_figures_are_those_that_are_asked_for_one_by_one() -> None:
    events = told(
        ("case.enrolled", {"on": "2017-01-01"}),
        ("measure.started", {"on": "2017-01-01", "funder": "own"}),
        ("measure.ended", {"on": "2017-05-01", "reason": "work"}),
        ("case.closed", {"on": "2017-06-01", "reason": "work"}),
        ("source.reported_through", {"feed": "assistance", "through": "2017-10-01"}),
    )
    day, by = date(2017, 12, 31), ("sex", "closure_reason", "kind")
    together = reference.many_figures(events, reference.INDICATORS, day, by, None, day, MUNICIPALITY)
    for name in reference.INDICATORS:
        own = tuple(each for each in by if each in reference.DIMENSIONS[name])
        assert together[name] == reference.figures(events, name, day, own, None, day, MUNICIPALITY)
    preliminary = {name for name, figure in together.items() if figure.preliminary}
    assert preliminary == {name for name in together if "self_sufficient" in name or "no_return" in name}
