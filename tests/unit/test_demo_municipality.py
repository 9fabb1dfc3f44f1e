"""The built-in municipality's history: valid in every event, the same for the same seed, and of the promised size."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from datetime import date, datetime
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
from efterhand.demo.lives import GROUPS, PLACES
from efterhand.demo.municipality import (
    CATALOGUE,
    FIRST_DAY,
    LAST_DAY,
    LIVED_THROUGH_FROM,
    events_as_json_lines,
    history,
)
from efterhand.demo.recording import ASSISTANCE, CASES
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


def test_every_place_and_target_group_is_one_of_the_catalogue() -> None:
    catalogue = load_catalogue(CATALOGUE)
    assert set(PLACES) <= set(catalogue.units.units)
    assert set(GROUPS) == set(catalogue.codelists["target_groups"])
    assert {event["data"]["unit"] for event in of_type("case.enrolled")} == set(PLACES)


def test_about_five_thousand_are_enrolled_in_about_forty_thousand_events() -> None:
    cases = {event["data"]["case"] for event in of_type("case.enrolled")}
    assert 4_900 <= len(cases) <= 5_000
    assert 38_000 <= len(full_history()) <= 42_000


def test_the_same_seed_gives_the_same_bytes_whatever_the_hash_seed_and_the_time_zone(tmp_path: Path) -> None:
    digests = set()
    for hash_seed, zone in (("0", "UTC"), ("1", "Asia/Tokyo")):
        path = tmp_path / f"{hash_seed}.jsonl"
        code = (
            "import sys; from pathlib import Path; from efterhand.demo.municipality import events_as_json_lines; "
            "events_as_json_lines(Path(sys.argv[1]), enrolments=200)"
        )
        subprocess.run(
            [sys.executable, "-c", code, str(path)],
            check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone},
        )
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_another_seed_gives_another_municipality() -> None:
    persons = [{event["data"].get("person") for event, _ in history(seed, 20)} - {None} for seed in (1, 2)]
    assert persons[0] & persons[1] == set()


def test_a_smaller_history_has_as_many_enrolments_as_asked_for() -> None:
    cases = {event["data"]["case"] for event, _ in history(enrolments=50) if event["type"] == "case.enrolled"}
    assert 45 <= len(cases) <= 50


def test_events_come_in_order_of_receipt_and_never_before_they_were_recorded() -> None:
    received = [day for _, day in full_history()]
    assert all(before <= after for before, after in pairwise(received))
    assert received[0] == FIRST_DAY
    assert received[-1] == LAST_DAY
    assert all(local_date(datetime.fromisoformat(event["time"])) <= day for event, day in full_history())


def test_no_two_events_share_source_and_id() -> None:
    assert max(Counter((event["source"], event["id"]) for event, _ in full_history()).values()) == 1


def test_staff_enrol_and_close_on_working_days() -> None:
    days = [event["data"]["on"] for event in of_type("case.enrolled") + of_type("case.closed")]
    assert [day for day in days if not is_working_day(date.fromisoformat(day))] == []


def test_a_quarter_or_more_of_the_events_are_left_for_the_year_that_is_lived_through() -> None:
    live = sum(received >= LIVED_THROUGH_FROM for _, received in full_history())
    assert live > len(full_history()) / 4


def test_some_arrive_late_some_are_corrected_and_some_taken_back() -> None:
    late = corrected = 0
    enrolments: Counter[str] = Counter()
    for event, received in full_history():
        data = event["data"]
        if "on" in data and (received - date.fromisoformat(data["on"])).days > 7:
            late += 1
        if event["type"] == "case.enrolled":
            enrolments[data["case"]] += 1
    corrected = sum(number > 1 for number in enrolments.values())
    assert late > 200
    assert corrected > 20
    assert len(of_type("event.retracted")) > 10


def test_every_retraction_takes_back_an_event_of_the_same_person_received_before() -> None:
    assert every_retraction_takes_back_what_came_before(full_history())


def test_nothing_is_received_about_a_person_after_the_erasure() -> None:
    assert erased_persons_of_whom_nothing_comes_later(full_history())


def test_some_persons_have_two_cases_and_some_of_those_are_open_at_once() -> None:
    several, at_once = several_cases(full_history())
    assert several > 200
    assert at_once > 50


def test_the_sources_say_how_far_they_reach_up_to_the_end() -> None:
    reached = {
        (event["source"], event["data"]["feed"]): event["data"]["through"]
        for event in of_type("source.reported_through")
    }
    assert reached == {(CASES, "cases"): "2017-12-31", (ASSISTANCE, "assistance"): "2017-11-30"}


def test_the_file_holds_one_event_and_its_day_of_receipt_on_each_line(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    number = events_as_json_lines(path, enrolments=30)
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert len(lines) == number
    assert [(line["event"], date.fromisoformat(line["received"])) for line in lines] == list(history(enrolments=30))


@pytest.mark.parametrize("protocol", ["occupation_6m"])
def test_most_but_not_all_who_can_be_asked_have_answered(protocol: str) -> None:
    answers = of_type("followup.answered")
    assert {event["data"]["check"] for event in answers} == {protocol}
    assert {event["data"]["response"] for event in answers} == {"answered", "declined"}
