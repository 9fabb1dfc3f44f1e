"""Figures, worked out by hand, and what is said where there is none."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from efterhand.figures.cells import Sums, cell, judge, round_half_up
from efterhand_indicators.application.figures import NotYet, UnknownWord
from tests.property.product import catalogue
from tests.services.followup_town import closed, enrolled, event, reported_through
from tests.services.indicators_office import Office, office, office_template

__all__ = ["office", "office_template"]

YEAR = date(2017, 12, 31)


def reported(person: str, month: str, receives: bool, received: date) -> dict[str, Any]:
    return event("assistance.reported", received=received, person=person, month=month, receives=receives)


def test_closed_within_twelve_months_counts_the_closed_of_those_enrolled_a_year_before(office: Office) -> None:
    office.move_to(YEAR)
    start = date(2016, 3, 1)
    office.receive(
        enrolled("p1", start),
        closed("p1", date(2017, 3, 1)),
        enrolled("p2", start, sex="male"),
        closed("p2", date(2017, 3, 2)),
        enrolled("p3", start),
        closed("p3", date(2016, 9, 1), reason="referred_back"),
        enrolled("p4", start, sex="unknown"),
        enrolled("p5", date(2015, 12, 31)),
        enrolled("p6", date(2017, 1, 1)),
    )
    assert office.told("closed_12m", YEAR, ["sex"]) == {"all": "33.33", "sex=female": "100.00", "sex=male": "0.00"}
    total = office.figure("closed_12m", YEAR).cells[0]
    assert (total.numerator, total.denominator, total.expected, total.coverage) == (1, 3, None, None)
    assert (total.target, total.judgement) == ("78", "not_met")
    # p5's year ended on 31 December 2016, p6's ends on 1 January 2018.
    assert office.figure("closed_12m", date(2016, 12, 31)).cells[0].denominator == 1
    ahead = office.figure("closed_12m", date(2018, 1, 1))
    assert (ahead.cells[0].denominator, ahead.projection, ahead.preliminary) == (4, True, True)


def test_a_case_enrolled_on_29_february_is_measured_on_28_february(office: Office) -> None:
    office.move_to(YEAR)
    office.receive(enrolled("p1", date(2016, 2, 29)), closed("p1", date(2017, 2, 28)))
    assert office.told("closed_12m", date(2017, 2, 28)) == {"all": "100.00"}
    assert office.told("closed_12m", date(2017, 2, 27)) == {"all": None}
    # A window that ends with February begins with March.
    assert office.figure("closed_12m", date(2018, 2, 28)).cells[0].status == "no_data"
    assert office.told("closed_12m", date(2018, 2, 27)) == {"all": "100.00"}


def test_self_sufficiency_is_told_where_enough_has_been_reported(office: Office) -> None:
    office.move_to(YEAR)
    for number, receives in enumerate([False, False, True, False, None]):
        person = f"p{number}"
        office.receive(enrolled(person, date(2016, 9, 1)), closed(person, date(2017, 1, 31), reason="illness"))
        if receives is not None:
            office.receive(reported(person, "2017-08", receives, date(2017, 10, 1)))
    # 31 January + 7 months is 31 August; the report of another month is no report.
    office.receive(reported("p4", "2017-09", False, date(2017, 10, 1)))
    total = office.figure("self_sufficient_6m", YEAR).cells[0]
    assert (total.value, total.numerator, total.denominator, total.expected) == ("75.00", 3, 4, 5)
    assert (total.coverage, total.status, total.judgement) == ("0.8000", "shown", "not_met")
    office.receive(enrolled("p9", date(2016, 9, 1)), closed("p9", date(2017, 1, 31), reason="moved"))
    total = office.figure("self_sufficient_6m", YEAR).cells[0]
    assert (total.value, total.coverage, total.status, total.judgement) == (
        None,
        "0.6667",
        "low_coverage",
        "not_judged",
    )
    told = office.told("self_sufficient_6m", YEAR, ["closure_reason"])
    assert told == {"all": None, "closure_reason=illness": "75.00", "closure_reason=moved": None}


def test_cancelled_checks_leave_the_share_of_offers_and_late_ones_are_not_met(office: Office) -> None:
    office.move_to(YEAR)
    start = date(2017, 1, 1)

    def offer(person: str, on: date) -> dict[str, Any]:
        made = event("offer.made", received=on, person=person, case="c1", on=on)
        made["data"]["kind"] = "job"
        return made

    office.receive(
        enrolled("in-time", start),
        offer("in-time", date(2017, 4, 1)),
        enrolled("late", start),
        offer("late", date(2017, 4, 2)),
        enrolled("never", start),
        enrolled("moved", start),
        closed("moved", date(2017, 2, 1), reason="moved"),
        enrolled("working", start),
        closed("working", date(2017, 2, 1)),
        enrolled("older", start, birth_year=1980),
    )
    total = office.figure("offer_90d", YEAR).cells[0]
    assert (total.value, total.numerator, total.denominator) == ("50.0", 2, 4)


def test_a_person_is_counted_once_in_each_cell_it_was_in(office: Office) -> None:
    office.move_to(YEAR)
    office.receive(
        enrolled("p1", date(2016, 1, 1), unit="north", birth_year=1997),
        event("case.transferred", received=YEAR, person="p1", case="c1", on=date(2017, 6, 1), unit="south"),
        enrolled("p1", date(2017, 2, 1), case="c2", unit="north", birth_year=1997),
        enrolled("p2", date(2016, 1, 1), unit="annex", sex="unknown", birth_year=1950),
        closed("p2", date(2017, 1, 1)),
        enrolled("p3", date(2016, 1, 1)),
        closed("p3", date(2016, 12, 31)),
    )
    # On 31 December south lies under north; annex lies nowhere before 2018.
    assert office.told("unique_persons", YEAR, ["unit"]) == {
        "all": "2",
        "unit=annex": "1",
        "unit=city": "1",
        "unit=north": "1",
        "unit=south": "1",
    }
    # p1 is 20 during 2017 and 19 the year before, of which 1 January 2016 to 31 December 2016 are 12 months.
    assert office.told("unique_persons", YEAR, ["age_band"]) == {"all": "2", "age_band=20-24": "1", "age_band=55+": "1"}
    assert office.told("unique_persons", date(2017, 6, 30), ["age_band"])["age_band=16-19"] == "1"


def test_the_unit_is_that_of_the_anchors_day_and_rolled_up_the_tree_of_day_t(office: Office) -> None:
    office.move_to(YEAR)
    office.receive(
        enrolled("p1", date(2016, 3, 1), unit="south"),
        event("case.transferred", received=YEAR, person="p1", case="c1", on=date(2017, 1, 10), unit="annex"),
        closed("p1", date(2017, 1, 15), reason="illness"),
        reported("p1", "2017-08", False, date(2017, 10, 1)),
    )
    # south lies under city in March, and under north from June on; closed_12m is anchored at the enrolment.
    assert set(office.told("closed_12m", date(2017, 3, 31), ["unit"])) == {"all", "unit=south", "unit=city"}
    assert set(office.told("closed_12m", YEAR, ["unit"])) == {"all", "unit=south", "unit=north", "unit=city"}
    assert set(office.told("self_sufficient_6m", YEAR, ["unit"])) == {"all", "unit=annex"}
    later = office.told("self_sufficient_6m", date(2018, 1, 1), ["unit"])
    assert set(later) == {"all", "unit=annex", "unit=south", "unit=north", "unit=city"}


def test_as_known_on_a_day_nothing_counts_that_was_received_later(office: Office) -> None:
    office.move_to(YEAR)
    mistaken = closed("p1", date(2017, 1, 31), received=date(2017, 2, 1))
    office.receive(
        enrolled("p1", date(2016, 2, 1)),
        mistaken,
        event(
            "event.retracted",
            received=date(2017, 5, 1),
            person="p1",
            retracts={"source": mistaken["source"], "id": mistaken["id"]},
        ),
        enrolled("p2", date(2016, 2, 1)),
        closed("p2", date(2016, 6, 1)),
    )
    assert office.told("closed_12m", YEAR) == {"all": "50.00"}
    assert office.told("closed_12m", YEAR, known=date(2017, 5, 1)) == {"all": "50.00"}
    assert office.told("closed_12m", YEAR, known=date(2017, 4, 30)) == {"all": "100.00"}
    assert office.told("closed_12m", YEAR, known=date(2017, 1, 31)) == {"all": "50.00"}
    assert office.told("closed_12m", YEAR, known=date(2016, 1, 1)) == {"all": None}
    # Asking leaves nothing behind.
    assert office.audit()["differences"] == []


def test_cells_add_up_to_the_total_where_each_thing_lies_in_one_of_them(office: Office) -> None:
    office.move_to(YEAR)
    for number in range(40):
        person = f"p{number}"
        office.receive(
            enrolled(
                person,
                date(2016, 1 + number % 12, 1),
                unit=("north", "south", "annex")[number % 3],
                target_group=("ordinary", "resource")[number % 2],
                sex=("female", "male")[number % 5 % 2],
                birth_year=1960 + number,
            ),
            *([closed(person, date(2016, 12, 1), reason="work")] if number % 4 else []),
        )
    dimensions = ("sex", "target_group", "age_band")
    figure = office.figure("closed_12m", YEAR, dimensions)
    cells = {tuple(sorted(each.dims.items())): each for each in figure.cells}
    total = cells[()]
    for dimension in dimensions:
        parts = [each for dims, each in cells.items() if [name for name, _ in dims] == [dimension]]
        assert sum(each.numerator or 0 for each in parts) == total.numerator
        assert sum(each.denominator or 0 for each in parts) == total.denominator
        single = office.figure("closed_12m", YEAR, [dimension])
        assert {tuple(c.dims.items()): c for c in single.cells} == {
            dims: each for dims, each in cells.items() if {name for name, _ in dims} <= {dimension}
        }
    finest = [each for dims, each in cells.items() if len(dims) == len(dimensions)]
    assert sum(each.denominator or 0 for each in finest) == total.denominator
    # In the tree each thing lies under the root and under its own unit.
    by_unit = office.figure("closed_12m", YEAR, ["unit"])
    numbers = {each.dims.get("unit"): each.denominator for each in by_unit.cells}
    assert numbers["city"] == numbers["north"]
    assert (numbers["city"] or 0) + (numbers["annex"] or 0) == numbers[None]


def test_a_figure_is_preliminary_until_its_feed_has_come_so_far(office: Office) -> None:
    office.move_to(date(2018, 1, 10))
    assert office.figure("self_sufficient_6m", YEAR).preliminary is False
    office.receive(reported_through("assistance", date(2017, 11, 30), YEAR))
    assert office.figure("self_sufficient_6m", YEAR).preliminary is True
    assert office.figure("self_sufficient_6m", date(2017, 11, 30)).preliminary is False
    assert office.figure("closed_12m", YEAR).preliminary is False
    # A wrong watermark is put right by a later one, also backwards; an older one changes nothing.
    correction = reported_through("assistance", date(2017, 10, 31), YEAR)
    office.receive({**correction, "time": "2018-01-02T00:00:00Z"})
    office.receive({**reported_through("assistance", YEAR, YEAR), "time": "2016-01-02T00:00:00Z"})
    assert office.figure("self_sufficient_6m", date(2017, 11, 30)).preliminary is True
    assert office.figure("self_sufficient_6m", date(2017, 10, 31)).preliminary is False


def test_a_count_of_nothing_is_0_and_a_share_of_nothing_has_no_value(office: Office) -> None:
    office.move_to(YEAR)
    counted, share = office.figure("unique_persons", YEAR).cells[0], office.figure("closed_12m", YEAR).cells[0]
    assert (counted.value, counted.status, counted.numerator, counted.denominator) == ("0", "shown", 0, None)
    assert (share.value, share.status, share.denominator, share.judgement) == (None, "no_data", 0, "not_judged")
    covered = office.figure("self_sufficient_6m", YEAR).cells[0]
    assert (covered.value, covered.status, covered.expected, covered.coverage) == (None, "no_data", 0, None)


def test_a_wrong_word_is_answered_with_the_nearest_right_one(office: Office) -> None:
    office.move_to(YEAR)
    with pytest.raises(UnknownWord) as indicator:
        office.figure("closed_12", YEAR)
    assert (indicator.value.what, indicator.value.nearest) == ("indicator", "closed_12m")
    with pytest.raises(UnknownWord) as dimension:
        office.figure("closed_12m", YEAR, ["units"])
    assert (dimension.value.what, dimension.value.nearest) == ("dimension", "unit")
    with pytest.raises(UnknownWord):
        office.figure("closed_12m", YEAR, ["closure_reason"])


def test_before_a_business_date_is_known_no_figure_is_told(office: Office) -> None:
    with pytest.raises(NotYet):
        office.figure("closed_12m", YEAR)


def test_values_are_rounded_half_up_and_exactly() -> None:
    assert round_half_up(Fraction(1, 8) * 100, 2) == "12.50"
    assert round_half_up(Fraction(1, 200), 2) == "0.01"
    assert round_half_up(Fraction(5, 10), 0) == "1"
    assert round_half_up(Fraction(49, 100), 0) == "0"
    assert round_half_up(Fraction(0), 2) == "0.00"
    # 0.285 has no exact binary form; half of it must still go up.
    assert round_half_up(Fraction(285, 1000), 2) == "0.29"
    assert round_half_up(Fraction(200, 3), 1) == "66.7"


def test_targets_are_held_against_the_rounded_value() -> None:
    target = Decimal(78)
    assert [judge(value, target, "higher") for value in ("78.00", "77.99", "70.20", "70.19")] == [
        "met",
        "partly",
        "partly",
        "not_met",
    ]
    assert [judge(value, Decimal(5), "lower") for value in ("5.0", "5.1", "5.5", "5.6")] == [
        "met",
        "partly",
        "partly",
        "not_met",
    ]
    assert judge(None, target, "higher") == "not_judged"
    assert judge("78", None, "higher") == "not_judged"


def test_coverage_is_held_against_its_minimum_exactly() -> None:
    indicator = catalogue().indicators["self_sufficient_6m"]
    enough, short = (cell(indicator, {}, Sums(1, reported, 10_000), 2017) for reported in (8000, 7999))
    assert (enough.status, enough.coverage) == ("shown", "0.8000")
    # Shown as 0.8000 once rounded, and still too little.
    assert (short.status, short.coverage) == ("low_coverage", "0.7999")
    nearly = cell(indicator, {}, Sums(1, 79_999, 100_000), 2017)
    assert (nearly.status, nearly.coverage) == ("low_coverage", "0.8000")
    lenient = replace(indicator, coverage_minimum=Decimal(0))
    assert cell(lenient, {}, Sums(0, 0, 5), 2017).status == "no_data"
