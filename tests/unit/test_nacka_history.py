"""The history of Nacka agrees with what was printed about 2021: counted here by plain loops over the events."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from datetime import date, datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import orjson
import pytest

from efterhand.catalogue import load_catalogue
from efterhand.clock import end_of_day, local_date
from efterhand.contracts import find_faults, identity_number_paths
from efterhand.dates import is_working_day
from efterhand.demo.nacka import CATALOGUE, GROUP_OF_KIND, LAST_DAY, PROVIDERS, events_as_json_lines
from tests.nacka import LIVELIHOOD, Cell, cases, cells, computed, known, measures, name_of, rounded, whole, winners


def share_of_reason(reason: str, kind: str, year: int) -> Fraction:
    ended = [one for one in known()[0] if one.kind == kind and one.ended and one.ended.year == year]
    return Fraction(sum(one.reason == reason for one in ended), len(ended))


def mean_days(kind: str, year: int) -> Fraction:
    return computed({"figure": "days_to_livelihood", "year": str(year), "kind": kind, "part": "value"}, known())


@pytest.mark.parametrize("cell", cells(), ids=name_of)
def test_every_printed_cell_that_is_kept_agrees(cell: Cell) -> None:
    assert rounded(computed(cell, known()), cell["printed"]) == cell["printed"]


def test_other_people_and_days_give_the_same_printed_cells() -> None:
    assert whole(1)[0] != whole()[0]
    assert [rounded(computed(cell, known(1)), cell["printed"]) for cell in cells()] == [
        one["printed"] for one in cells()
    ]


def test_the_kinds_printed_sum_up_to_the_printed_whole() -> None:
    printed = {(one["figure"], one["year"], one["kind"], one["part"]): one["printed"] for one in cells()}
    parts = {
        part: sum(int(printed["livelihood_of_served", "2021", kind, part]) for kind in GROUP_OF_KIND)
        for part in ("numerator", "denominator")
    }
    assert str(parts["numerator"]) == printed["livelihood_of_served", "2021", "", "numerator"]
    whole_share = Fraction(100 * parts["numerator"], parts["denominator"])
    assert rounded(whole_share, "29.4") == printed["livelihood_of_served", "2021", "", "value"]


def test_one_event_less_changes_a_cell() -> None:
    events = [event for event, _ in whole()]
    ended = {one["id"] for one in winners(events, "measure.ended", "measure").values()}
    last = max(
        (
            one
            for one in events
            if one["id"] in ended and one["data"]["reason"] == "work" and one["data"]["on"] < "2022"
        ),
        key=lambda one: one["data"]["on"],
    )
    less = [one for one in events if one["id"] != last["id"]]
    taken = measures(less), cases(less)
    changed = [name_of(cell) for cell in cells() if rounded(computed(cell, taken), cell["printed"]) != cell["printed"]]
    assert "measure_endings 2021 count work studies self_employment" in changed


def test_those_who_broke_off_and_those_who_reached_a_livelihood_are_each_another_person() -> None:
    ended = [one for one in known()[0] if one.ended and one.ended.year == 2021]
    for reached in (True, False):
        persons = [one.person for one in ended if (one.reason in LIVELIHOOD) == reached]
        assert len(persons) == len(set(persons))


def test_another_measure_is_the_commonest_reason_beside_work_and_studies_and_most_so_in_jobbpeng_grund() -> None:
    counts = Counter(one.reason for one in known()[0] if one.ended and one.ended.year == 2021)
    assert counts["other_measure"] == max(number for reason, number in counts.items() if reason not in LIVELIHOOD)
    assert counts["work"] + counts["studies"] > counts["other_measure"]
    for year in (2020, 2021):
        shares = {kind: share_of_reason("other_measure", kind, year) for kind in GROUP_OF_KIND}
        assert max(shares, key=lambda kind: shares[kind]) == "jobbpeng_grund"
    assert share_of_reason("moved", "sai", 2021) > Fraction(30, 100)


def test_the_days_in_the_measure_went_the_ways_that_are_told() -> None:
    assert mean_days("jobbpeng_forstarkt", 2021) > max(mean_days("jobbpeng_forstarkt", year) for year in (2019, 2020))
    for kind in ("jobbpeng_grund", "sai"):
        assert mean_days(kind, 2021) < min(mean_days(kind, year) for year in (2019, 2020))


def test_more_reached_a_livelihood_than_the_year_before_by_both_ways_of_counting() -> None:
    for figure in ("livelihood_of_served", "livelihood_of_ended"):
        before, after = (
            computed({"figure": figure, "year": year, "kind": "", "part": "value"}, known())
            for year in ("2020", "2021")
        )
        assert before < after


def test_every_kind_and_every_provider_that_had_somebody_occurs_and_none_beyond_its_time() -> None:
    found = known()[0]
    assert {one.kind for one in found} == set(GROUP_OF_KIND)
    assert {one.provider for one in found} == {one.code for one in PROVIDERS}
    until = {one.code: one.last_day for one in PROVIDERS}
    assert all((one.ended or LAST_DAY) <= until[one.provider] for one in found)
    assert len({one.provider for one in found if one.goes_on_in(2021)}) == 16
    assert len({one.provider for one in found if one.goes_on_in(2020)}) == 18


def test_a_case_lasts_as_long_as_its_measure_and_no_person_has_two_at_once() -> None:
    found, matching = known()
    assert sorted((one.person, one.began, one.ended or date.max, one.reason or "") for one in found) == sorted(
        (one.person, one.enrolled, one.closed or date.max, one.reason or "") for one in matching
    )
    spans: dict[str, list[tuple[date, date]]] = {}
    for one in found:
        spans.setdefault(one.person, []).append((one.began, one.ended or date.max))
    assert all(first[1] < second[0] for each in spans.values() for first, second in pairwise(sorted(each)))


def test_every_event_is_accepted_on_the_day_it_is_received() -> None:
    codes = load_catalogue(CATALOGUE)
    faults = [
        (event, fault)
        for event, received in whole()
        for fault in find_faults(event, received=end_of_day(received), business_date=received, codes=codes)
    ]
    assert faults == []
    assert [event for event, _ in whole() if identity_number_paths(event)] == []


def test_every_source_is_one_of_nacka() -> None:
    assert {event["source"] for event, _ in whole()} == {"/nacka/arbetsmarknad", "/nacka/ekonomiskt-bistand"}


def test_events_come_in_order_of_receipt_and_never_before_they_were_recorded() -> None:
    received = [day for _, day in whole()]
    assert all(before <= after for before, after in pairwise(received))
    assert received[-1] <= LAST_DAY
    assert all(local_date(datetime.fromisoformat(event["time"])) <= day for event, day in whole())
    assert max(Counter((event["source"], event["id"]) for event, _ in whole()).values()) == 1


def test_measures_begin_and_end_on_working_days() -> None:
    kinds = ("measure.started", "measure.ended", "case.enrolled", "case.closed")
    days = [date.fromisoformat(event["data"]["on"]) for event, _ in whole() if event["type"] in kinds]
    assert [day for day in days if not is_working_day(day)] == []


def test_some_endings_are_corrected_and_some_taken_back() -> None:
    types = Counter(event["type"] for event, _ in whole())
    assert types["event.retracted"] > 3
    assert types["measure.ended"] > types["case.closed"] + types["event.retracted"]


def test_the_same_seed_gives_the_same_bytes_whatever_the_hash_seed_and_the_time_zone(tmp_path: Path) -> None:
    digests = set()
    for hash_seed, zone in (("0", "UTC"), ("1", "Asia/Tokyo")):
        path = tmp_path / f"{hash_seed}.jsonl"
        code = (
            "import sys; from pathlib import Path; from efterhand.demo.nacka import events_as_json_lines; "
            "events_as_json_lines(Path(sys.argv[1]))"
        )
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone}
        subprocess.run([sys.executable, "-c", code, str(path)], check=True, env=environment)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_the_file_holds_one_event_and_its_day_of_receipt_on_each_line(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    number = events_as_json_lines(path)
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert len(lines) == number
    assert [(line["event"], date.fromisoformat(line["received"])) for line in lines] == list(whole())
