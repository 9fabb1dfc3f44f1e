"""The examples beside the contracts: those that must pass pass, those that must fail fail as they say."""

import json
from collections import Counter

import pytest

from efterhand.contracts import event_types, parse_event
from efterhand.contracts.codes import RANK
from tests.contracts.support import examples, faults_of

VALID = list(examples("valid"))
INVALID = list(examples("invalid"))
NAMED_TYPES = {
    "case.enrolled",
    "case.transferred",
    "case.assigned",
    "case.closed",
    "plan.set",
    "guidance.held",
    "offer.made",
    "measure.started",
    "measure.ended",
    "assistance.reported",
    "followup.attempted",
    "followup.answered",
    "consent.changed",
    "person.protected",
    "event.retracted",
    "person.erased",
    "source.reported_through",
}


def test_there_is_a_contract_for_every_event_type_and_no_other() -> None:
    assert set(event_types()) == NAMED_TYPES


@pytest.mark.parametrize(("event_type", "name", "event"), VALID, ids=[f"{t}/{n}" for t, n, _ in VALID])
def test_a_valid_example_has_no_fault(event_type: str, name: str, event: dict[str, object]) -> None:
    assert event["type"] == event_type
    assert faults_of(parse_event(json.dumps(event).encode())) == []


@pytest.mark.parametrize(("event_type", "name", "example"), INVALID, ids=[f"{t}/{n}" for t, n, _ in INVALID])
def test_an_invalid_example_is_refused_with_its_codes_and_field(
    event_type: str, name: str, example: dict[str, dict[str, object]]
) -> None:
    faults = faults_of(parse_event(json.dumps(example["event"]).encode()))
    assert list(dict.fromkeys(fault.code for fault in faults)) == example["expect"]["codes"]
    assert example["expect"]["field"] in [fault.field for fault in faults]


@pytest.mark.parametrize(("event_type", "name", "example"), INVALID, ids=[f"{t}/{n}" for t, n, _ in INVALID])
def test_faults_are_in_order_each_once_and_in_sentences(
    event_type: str, name: str, example: dict[str, dict[str, object]]
) -> None:
    faults = faults_of(example["event"])
    ranks = [RANK[fault.code] for fault in faults]
    assert ranks == sorted(ranks)
    assert len({(fault.code, fault.field) for fault in faults}) == len(faults)
    for fault in faults:
        assert fault.message.endswith(".")
        assert "no_such" not in fault.message
        assert "9876" not in fault.message + (fault.field or "")


def test_every_type_has_at_least_two_examples_that_pass_and_four_that_fail() -> None:
    passing = Counter(event_type for event_type, _, _ in VALID)
    failing = Counter(event_type for event_type, _, _ in INVALID)
    assert all(passing[name] >= 2 and failing[name] >= 4 for name in event_types())


def test_every_field_of_every_type_is_broken_by_some_example() -> None:
    broken = {(event_type, fault.field) for event_type, _, e in INVALID for fault in faults_of(e["event"])}
    for name, contract in event_types().items():
        for field in contract.properties:
            assert (name, f"data.{field}") in broken


def test_a_contract_tells_its_code_lists_its_business_date_and_whether_it_is_about_a_person() -> None:
    answered = event_types()["followup.answered"]
    assert answered.codelist_fields == {"check": "answerable_protocols"}
    assert (answered.business_date_field, answered.person_required, answered.version) == ("on", True, 1)
    watermark = event_types()["source.reported_through"]
    assert (watermark.business_date_field, watermark.person_required) == (None, False)
    assert event_types()["measure.ended"].codelist_fields == {"result": "results", "reason": "reasons"}
    assert event_types()["case.closed"].dataschema == "urn:efterhand:case.closed:1"
