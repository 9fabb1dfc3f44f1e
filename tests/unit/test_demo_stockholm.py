"""Stockholm's 2017: valid in every event, the same for the same seed, and its figures those that were published."""

import os
import random
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from efterhand.catalogue import load_catalogue
from efterhand.clock import end_of_day, local_date
from efterhand.contracts import event_types, find_faults, identity_number_paths
from efterhand.dates import is_working_day
from efterhand.demo.casting import cast
from efterhand.demo.plan import read_plan
from efterhand.demo.recording import ANSWERS, ASSISTANCE, CASES
from efterhand.demo.stockholm import (
    CATALOGUE,
    FIRST_DAY,
    LAST_DAY,
    LIVED_THROUGH_FROM,
    YEAR_END,
    events_as_json_lines,
    history,
    published,
)
from efterhand.figures.cells import Dims, Sums, outcome, window_of
from efterhand.figures.literal import read_cells, whole_facts
from efterhand.timeline.events import Event as TimelineEvent
from efterhand.timeline.facts import derive_facts
from tests.published import YEAR_BEFORE, Cell, printed_cells, told_apart
from tests.reference import Known, Municipality, Row
from tests.reference.figures import DAYS_A_UNIT, round_half_up
from tests.unit.histories import (
    erased_persons_of_whom_nothing_comes_later,
    every_retraction_takes_back_what_came_before,
    several_cases,
)

Event = dict[str, Any]


@cache
def full_history() -> tuple[tuple[Event, date], ...]:
    return tuple(history())


def of_type(kind: str) -> list[Event]:
    return [event for event, _ in full_history() if event["type"] == kind]


# -- the published table


def known(events: Iterable[tuple[Event, date]]) -> Known:
    return Known([{**event, "received": day.isoformat()} for event, day in events], None, LAST_DAY, Municipality())


def rows_for(knowledge: Known, cells: Sequence[Cell]) -> dict[Cell, Row | None]:
    """Where the figures stand that cells are held against."""
    figures = {}
    for cell in cells:
        if (cell.indicator, cell.at) not in figures:
            by = ("sex", "target_group") if cell.indicator == "persons_by_target_group" else ("sex",)
            figures[cell.indicator, cell.at] = knowledge.figure(cell.indicator, cell.at, by)
    return {cell: figures[cell.indicator, cell.at].rows.get(cell.dims) for cell in cells}


@cache
def all_rows() -> dict[Cell, Row | None]:
    return rows_for(known(full_history()), tuple(printed_cells()))


def as_printed(row: Row | None, cell: Cell) -> str | None:
    """The exact value, rounded half up to the decimals that are printed."""
    if row is None:
        return None
    if row.status != "shown":
        return row.status
    decimals = cell.decimals
    if row.sum is not None:
        assert row.denominator
        return round_half_up(Fraction(row.sum, row.denominator) / DAYS_A_UNIT[cell.indicator], decimals)
    if row.denominator is None:
        return row.value
    assert row.numerator is not None
    return round_half_up(Fraction(100 * row.numerator, row.denominator), decimals)


@pytest.mark.parametrize("cell", tuple(printed_cells()), ids=told_apart)
def test_the_figure_is_the_published_one(cell: Cell) -> None:
    assert as_printed(all_rows()[cell], cell) == cell.printed


def test_the_published_tables_have_as_many_cells_as_were_printed() -> None:
    assert len(list(printed_cells())) == 109


def test_the_products_own_copy_of_the_table_holds_the_same_numbers() -> None:
    told = {
        (row.indicator, row.target_group, sex, at): number
        for row in published()
        for sex, at, number in (
            (None, YEAR_END, row.total),
            ("male", YEAR_END, row.men),
            ("female", YEAR_END, row.women),
            (None, YEAR_BEFORE, row.year_before),
        )
        if number is not None
    }
    assert told == {(cell.indicator, cell.target_group, cell.sex, cell.at): cell.printed for cell in printed_cells()}


def test_the_products_own_loops_come_to_the_published_figures() -> None:
    """Of 2017, all but the shares with a talk: there those loops look at every year of every life, a minute's work."""
    catalogue = load_catalogue(CATALOGUE)
    people = [whole_facts(derive_facts(events), catalogue) for events in events_by_person().values()]
    cells = [cell for cell in printed_cells() if cell.at == YEAR_END and "guidance" not in cell.indicator]
    figures: dict[str, dict[Dims, Sums]] = {}
    wrong = []
    for cell in cells:
        indicator = catalogue.indicators[cell.indicator]
        if cell.indicator not in figures:
            window = window_of(indicator, cell.at)
            by = ("sex", "target_group") if cell.indicator == "persons_by_target_group" else ("sex",)
            found = read_cells(indicator, people, catalogue.facts, window, by, catalogue.units)
            figures[cell.indicator] = found
        value = outcome(indicator, figures[cell.indicator][cell.dims]).value
        if value is None or round_half_up(value, cell.decimals) != cell.printed:
            wrong.append((cell, value))
    assert wrong == []


def events_by_person() -> dict[str, list[TimelineEvent]]:
    """Everybody's events as the services read them, without those that are erased."""
    own: dict[str, list[TimelineEvent]] = defaultdict(list)
    for event, received in full_history():
        if "person" in event["data"]:
            wire = orjson.dumps({**event, "received": end_of_day(received)})
            own[event["data"]["person"]].append(TimelineEvent.from_wire(wire))
    erased = {event["data"]["person"] for event in of_type("person.erased")}
    return {person: events for person, events in own.items() if person not in erased}


def test_with_another_seed_others_live_the_same_figures() -> None:
    other = tuple(history(seed=4))
    assert {event["data"].get("person") for event, _ in other} & {
        event["data"].get("person") for event, _ in full_history()
    } == {None}
    rows = rows_for(known(other), tuple(printed_cells()))
    assert [cell for cell, row in rows.items() if as_printed(row, cell) != cell.printed] == []


# -- one event less


def own_events(person: str) -> list[tuple[Event, date]]:
    return [(event, day) for event, day in full_history() if event["data"].get("person") == person]


@pytest.mark.parametrize(
    ("kind", "indicators"),
    [
        ("case.enrolled", ("unique_persons", "persons_by_target_group")),
        ("case.closed", ("closed_12m", "closed_to_studies", "self_sufficient_6m")),
        ("assistance.reported", ("self_sufficient_6m", "stockholmsjobb_no_return_4m")),
        ("offer.made", ("offer_90d",)),
        ("guidance.held", ("guidance_share",)),
        ("measure.started", ("stockholmsjobb_count", "internship_count")),
        ("measure.ended", ("stockholmsjobb_no_return_4m", "stockholmsjobb_occupation_3m")),
        ("followup.answered", ("stockholmsjobb_occupation_3m", "higher_vocational_work_6m")),
    ],
)
def test_one_event_less_and_a_figure_is_another(kind: str, indicators: tuple[str, ...]) -> None:
    """A figure is a sum over persons: what changes in one person's part changes in the whole.

    Not every event matters to a figure of these two years (a second talk, a closure of 2015): the first of the kind
    that does is looked for, among few.
    """
    of_kind = [event for event in of_type(kind) if event["data"].get("on", event["data"].get("month")) >= "2017-02"]
    for event in of_kind[:60]:
        own = own_events(event["data"]["person"])
        without = [each for each in own if each[0] is not event]
        before, after = known(own), known(without)
        if any(
            before.figure(indicator, at, ("sex",)).rows != after.figure(indicator, at, ("sex",)).rows
            for indicator in indicators
            for at in (YEAR_BEFORE, YEAR_END)
        ):
            return
    pytest.fail(f"no figure of {indicators} changes without one of {len(of_kind)} {kind}")


def test_one_enrolment_less_and_the_published_count_is_missed() -> None:
    cell = next(cell for cell in printed_cells() if cell.indicator == "unique_persons" and cell.sex is None)
    alone = {
        person
        for person, number in Counter(event["data"]["person"] for event in of_type("case.enrolled")).items()
        if number == 1
    }
    gone = next(e for e in of_type("case.enrolled") if e["data"]["person"] in alone and e["data"]["on"] >= "2017-02")
    rows = rows_for(known(each for each in full_history() if each[0] is not gone), [cell])
    assert as_printed(rows[cell], cell) == str(int(cell.printed) - 1)


# -- the history


def test_every_event_is_accepted_on_the_day_it_is_received() -> None:
    codes = load_catalogue(CATALOGUE)
    faults = [
        (event, fault)
        for event, received in full_history()
        for fault in find_faults(event, received=end_of_day(received), business_date=received, codes=codes)
    ]
    assert faults == []


def test_nothing_could_be_a_personal_identity_number() -> None:
    assert [event for event, _ in full_history() if identity_number_paths(event)] == []


def test_only_ids_codes_numbers_and_days_are_said_about_a_person() -> None:
    """No name, no free text: whatever is said is an id, a code, a day or a number."""
    texts = {value for event, _ in full_history() for value in event["data"].values() if isinstance(value, str)}
    assert [text for text in texts if not set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")] == []


def test_every_type_that_the_contracts_know_occurs() -> None:
    assert {event["type"] for event, _ in full_history()} == set(event_types())


def test_every_unit_that_handles_cases_has_some() -> None:
    units = {unit for unit in load_catalogue(CATALOGUE).units.units if unit.startswith("jobbtorg-")}
    assert {event["data"]["unit"] for event in of_type("case.enrolled")} == units


def test_it_is_as_large_as_a_citys_three_years() -> None:
    cases = {(event["data"]["person"], event["data"]["case"]) for event in of_type("case.enrolled")}
    assert 14_000 <= len(cases) <= 15_000
    assert 60_000 <= len(full_history()) <= 70_000


def test_the_same_seed_gives_the_same_bytes_whatever_the_hash_seed_and_the_time_zone(tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "here.jsonl", tmp_path / "elsewhere.jsonl"
    assert events_as_json_lines(here) == len(full_history())
    code = (
        "import sys; from pathlib import Path; from efterhand.demo.stockholm import events_as_json_lines; "
        "events_as_json_lines(Path(sys.argv[1]))"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(elsewhere)],
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"},
    )
    assert here.read_bytes() == elsewhere.read_bytes()
    lines = (orjson.loads(line) for line in here.read_bytes().splitlines())
    assert [(line["event"], date.fromisoformat(line["received"])) for line in lines] == list(full_history())


def test_events_come_in_order_of_receipt_and_never_before_they_were_recorded() -> None:
    received = [day for _, day in full_history()]
    assert all(before <= after for before, after in pairwise(received))
    assert received[0] >= FIRST_DAY
    assert received[-1] == LAST_DAY
    assert all(local_date(datetime.fromisoformat(event["time"])) <= day for event, day in full_history())


def test_no_two_events_share_source_and_id() -> None:
    assert max(Counter((event["source"], event["id"]) for event, _ in full_history()).values()) == 1


def test_staff_enrol_and_close_on_working_days() -> None:
    days = {event["data"]["on"] for event in of_type("case.enrolled") + of_type("case.closed")}
    assert [day for day in days if not is_working_day(date.fromisoformat(day))] == []


def test_a_third_or_more_of_the_events_are_left_for_the_year_that_is_lived_through() -> None:
    live = sum(received >= LIVED_THROUGH_FROM for _, received in full_history())
    assert live > len(full_history()) / 3


def test_some_arrive_late_some_are_corrected_and_some_taken_back() -> None:
    late = sum(
        "on" in event["data"] and (received - date.fromisoformat(event["data"]["on"])).days > 7
        for event, received in full_history()
    )
    closures = Counter(event["data"]["case"] for event in of_type("case.closed"))
    enrolments = Counter(event["data"]["case"] for event in of_type("case.enrolled"))
    assert late > 500
    assert sum(number > 1 for number in closures.values()) > 50
    assert sum(number > 1 for number in enrolments.values()) > 50
    assert len(of_type("event.retracted")) > 50


def test_every_retraction_takes_back_an_event_of_the_same_person_received_before() -> None:
    assert every_retraction_takes_back_what_came_before(full_history())


def test_nothing_is_received_about_a_person_after_the_erasure() -> None:
    assert erased_persons_of_whom_nothing_comes_later(full_history())


def test_some_persons_have_two_cases_and_some_of_those_are_open_at_once() -> None:
    several, at_once = several_cases(full_history())
    assert several > 2000
    assert at_once > 500


def test_the_sources_say_that_they_reach_past_the_year() -> None:
    reached = {
        (event["source"], event["data"]["feed"]): event["data"]["through"]
        for event in of_type("source.reported_through")
    }
    assert reached == {
        (CASES, "cases"): "2018-01-31",
        (ASSISTANCE, "assistance"): "2017-12-31",
        (ANSWERS, "answers"): "2018-01-26",
    }


def test_the_plan_leaves_no_group_of_the_catalogue_out() -> None:
    assert {kind.group for kind in read_plan().cases} == set(load_catalogue(CATALOGUE).codelists["target_groups"])


def test_a_plan_that_contradicts_itself_is_refused_and_names_the_pool() -> None:
    plan = read_plan()
    first, *others = plan.reasons
    wrong = replace(first, numbers={**first.numbers, "work": first.numbers["work"] + 1})
    with pytest.raises(ValueError, match="closures instead of"):
        cast(replace(plan, reasons=(wrong, *others)), random.Random(1))
