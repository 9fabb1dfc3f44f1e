"""Test persons beside definitions: what is told of them is judged by the definitions and held against what they say."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from efterhand.catalogue import Catalogue, load_catalogue
from efterhand.catalogue.loader import BUILT_IN
from efterhand.figures.examples import facts_of, try_examples


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A copy of Stockholm's catalogue to change."""
    directory = tmp_path / "own"
    shutil.copytree(BUILT_IN / "stockholm", directory)
    return directory


def with_change(own: Path, file: str, replace: str, by: str) -> Catalogue:
    text = (own / file).read_text(encoding="utf-8")
    assert replace in text
    (own / file).write_text(text.replace(replace, by, 1), encoding="utf-8")
    return load_catalogue(str(own))


@pytest.mark.parametrize("name", ["stockholm", "nacka"])
def test_every_built_in_definition_has_a_test_person(name: str) -> None:
    catalogue = load_catalogue(name)

    assert [each.id for each in catalogue.protocols.values() if not each.tests] == []
    assert [each.id for each in catalogue.indicators.values() if not each.tests] == []


@pytest.mark.parametrize("name", ["stockholm", "nacka"])
def test_every_built_in_test_person_comes_out_as_expected(name: str) -> None:
    failed = [verdict for verdict in try_examples(load_catalogue(name)) if verdict.differences]

    assert failed == []


def test_a_test_person_that_does_not_come_out_as_expected_says_what_was_found(own: Path) -> None:
    catalogue = with_change(own, "protocols.yaml", "due: anchor + 90 days", "due: anchor + 89 days")

    failed = [verdict for verdict in try_examples(catalogue) if verdict.differences]

    assert {verdict.definition for verdict in failed} == {"offer_90d"}
    offer = failed[0]
    assert (offer.file, offer.name) == ("protocols.yaml", "an offer on day 90 is in time")
    assert "due: expected 2017-04-01, found 2017-03-31" in offer.differences
    assert "state: expected met, found missed" in offer.differences
    lines = (own / "protocols.yaml").read_text(encoding="utf-8").split("\n")
    assert lines[offer.line - 1].strip() == "- name: an offer on day 90 is in time"


def test_a_changed_indicator_is_told_by_its_numbers(own: Path) -> None:
    catalogue = with_change(own, "indicators.yaml", "share: {closed_on: {to: day}}", "share: {closed_on: {after: day}}")

    failed = [verdict for verdict in try_examples(catalogue) if verdict.differences]

    assert [(verdict.definition, verdict.differences) for verdict in failed] == [
        ("closed_12m", ("numerator: expected 1, found 0", "value: expected 100, found 0.00"))
    ]


def test_who_has_no_check_is_found_to_have_none(own: Path) -> None:
    catalogue = with_change(own, "protocols.yaml", "{age: {from: 16, to: 29}}", "{age: {from: 16, to: 30}}")

    failed = [verdict for verdict in try_examples(catalogue) if verdict.differences]

    assert ("who is 30 has no such check", ("state: expected none, found missed",)) in [
        (verdict.name, verdict.differences) for verdict in failed
    ]


def test_what_stands_later_in_the_list_was_recorded_later(own: Path) -> None:
    catalogue = with_change(
        own,
        "protocols.yaml",
        "        - offer.made 2017-04-01: {kind: job}\n",
        "        - case.enrolled 2017-01-02: {birth_year: 1996}\n        - offer.made 2017-04-01: {kind: job}\n",
    )

    facts = facts_of(catalogue.protocols["offer_90d"].tests[0])

    assert facts.birth_year == 1996
    assert facts.of("case")[0].values["enrolled_on"] == date(2017, 1, 2)


def test_what_an_event_must_have_and_is_not_said_is_filled_in() -> None:
    told = load_catalogue("stockholm").protocols["plan_5d"].tests[0].events[0]

    assert told.type == "case.enrolled"
    assert dict(told.data) == {
        "case": "c-1",
        "sex": "female",
        "birth_year": 1990,
        "unit": "stockholm",
        "target_group": "ordinary",
        "person": "p-1",
        "on": "2017-03-03",
    }
