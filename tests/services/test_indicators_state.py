"""indicators' tables are a function of what was received; erasure leaves nothing; the audit finds what is wrong."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from efterhand.catalogue import Catalogue, load_catalogue
from efterhand.erasure import person_hash
from efterhand.messaging.records import Record, Unreadable
from efterhand.persons.draining import CannotCompute
from efterhand.timeline.digest import bucket_of, digest_of, erasure_hash, event_hash
from efterhand_indicators.adapters.person_store import OF_A_PERSON
from efterhand_indicators.application.apply_events import ApplyEvents
from efterhand_indicators.application.figures import NotYet
from efterhand_indicators.application.status import read_status
from efterhand_indicators.entrypoints.drainer import Drainer
from tests.property.strategies import Scene, arrivals, batches, scenes
from tests.services.definitions_at_random import with_derived_kinds
from tests.services.followup_town import closed, enrolled, event, reported_through
from tests.services.indicators_office import SECRET, Office, Row, office, office_template
from tests.tiny import tiny_catalogue_directory

__all__ = ["office", "office_template"]

# Every example empties the tables itself.
EXAMPLES = settings(
    max_examples=15, deadline=None, database=None, print_blob=True, suppress_health_check=list(HealthCheck)
)
YEAR = date(2017, 12, 31)


def history(person: str) -> list[dict[str, Any]]:
    """Somebody of whom every table knows something."""
    return [
        enrolled(person, date(2016, 3, 1), contact_consent=True),
        event("case.transferred", received=YEAR, person=person, case="c1", on=date(2016, 5, 1), unit="south"),
        closed(person, date(2017, 1, 31)),
        event("assistance.reported", received=YEAR, person=person, month="2017-08", receives=False),
    ]


def whole_history(office: Office, person: str) -> list[dict[str, Any]]:
    """Somebody of whom every table knows something, also those of what a catalogue derives; the office adopts one."""
    office.adopt(with_derived_kinds(office.definitions.catalogue))

    def of_case(kind: str, on: date, more: Mapping[str, Any]) -> dict[str, Any]:
        made = event(kind, received=YEAR, person=person, case="c1", on=on)
        made["data"].update(more)
        return made

    return [
        *history(person),
        of_case("measure.started", date(2016, 4, 1), {"measure": "m1", "kind": "internship"}),
        of_case("offer.made", date(2016, 4, 1), {"kind": "job"}),
        of_case("plan.set", date(2016, 3, 3), {}),
        of_case("guidance.held", date(2017, 1, 3), {}),
    ]


def nothing_to_find(office: Office) -> None:
    found = office.audit()
    assert found["differences"] == []
    assert (found["pending"], found["total"]) == (0, 0)


@EXAMPLES
@given(data=st.data(), scene=scenes(erasures=True))
def test_any_order_any_repeats_and_any_batches_give_the_same_tables(office: Office, data: Any, scene: Scene) -> None:
    office.begin_again()
    office.receive(*scene.events)
    expected = office.state()
    nothing_to_find(office)

    office.begin_again()
    for batch in data.draw(batches(data.draw(arrivals(scene.events)))):
        office.receive(*batch)
    assert office.state() == expected
    nothing_to_find(office)

    office.rebuild()
    office.drain()
    without = {"person", "context"}  # in which the generation stands
    state = office.state()
    assert {k: v for k, v in state.items() if k not in without} == {
        k: v for k, v in expected.items() if k not in without
    }


def test_after_every_event_that_comes_by_itself_all_is_as_it_should_be(office: Office) -> None:
    for sent in history("p1"):
        office.receive(sent)
        nothing_to_find(office)
    # Of the two stretches of the case only the one that its closure ended was written again.
    stretches = [row for row in office.rows("contribution") if row["indicator"] == "unique_persons"]
    assert sorted((row["unit"], row["first_day"], row["last_day"]) for row in stretches) == [
        ("north", date(2016, 3, 1), date(2016, 4, 30)),
        ("south", date(2016, 5, 1), date(2017, 1, 31)),
    ]


def test_an_erased_person_leaves_nothing_but_a_keyed_hash(office: Office) -> None:
    office.move_to(YEAR)
    office.receive(*whole_history(office, "p1"), *history("p2"))
    office.do(
        "INSERT INTO indicators.parked (topic, person, reason) VALUES ('case-events', 'p1', 'x'),"
        " ('case-events', 'p3', 'x')"
    )
    office.do("INSERT INTO indicators.outbox (topic, person) VALUES ('case-events-dead-letter', 'p1')")
    office.do("INSERT INTO indicators.access_log (kind, token_id, role, person) VALUES ('cases', 't', 'analyst', 'p1')")
    assert office.told("unique_persons", YEAR) == {"all": "2"}
    of_a_person = [table.name for table in OF_A_PERSON]
    before = {name: [row for row in office.rows(name) if row["person"] == "p1"] for name in of_a_person}
    assert all(before.values())

    erasure = event("person.erased", received=YEAR, person="p1")
    office.receive(erasure)
    for name in of_a_person:
        assert [row for row in office.rows(name) if row["person"] == "p1"] == []
    assert [row["personhash"] for row in office.rows("erased")] == [person_hash(SECRET, "p1")]
    for known in (None, date(2017, 12, 1)):
        assert office.told("unique_persons", YEAR, known=known) == {"all": "1"}

    # Nothing is accepted for that pseudonym again, and the same erasure again changes nothing.
    state = office.state()
    office.receive(*history("p1"))
    office.receive(erasure)
    assert office.state() == state
    # Published again, an erasure knows only the hash; it reaches also who has nothing but a message put aside.
    forgotten = {**event("person.erased", received=YEAR), "personhash": person_hash(SECRET, "p3")}
    office.receive(forgotten)
    assert office.rows("parked") == []
    nothing_to_find(office)


def test_an_erasure_in_the_middle_of_a_batch_acts_on_all_of_it(office: Office) -> None:
    events = history("p1")
    office.receive(*events[:2], event("person.erased", received=YEAR, person="p1"), *events[2:])
    assert office.rows("event") == []
    assert office.rows("contribution") == []


def test_the_digest_is_that_of_the_events_held(office: Office) -> None:
    events = history("p1")
    watermark = reported_through("cases", date(2017, 6, 1), YEAR)
    office.receive(*events, watermark)
    office.receive(*history("p2"), event("person.erased", received=YEAR, person="p2"))
    gone = person_hash(SECRET, "p2")
    expected = digest_of(
        [
            *((bucket_of("p1"), 1, event_hash(each["source"], each["id"])) for each in events),
            (bucket_of(""), 1, event_hash(watermark["source"], watermark["id"])),
            (bucket_of(gone), 1, erasure_hash(gone)),
        ]
    )
    with office.reading() as connection:
        status = read_status(connection, office.definitions)
    assert status["digest"] == expected
    assert status["digest"]["count"] == 6
    assert (status["dirty"], status["complete"], status["date"]) == (0, True, None)


PLANTED = [
    ("fact_person", "UPDATE indicators.fact_person SET birth_year = 1900 WHERE person = 'p1'"),
    ("fact_case", "UPDATE indicators.fact_case SET reason = 'studies' WHERE person = 'p1'"),
    ("fact_stay", "DELETE FROM indicators.fact_stay WHERE person = 'p1' AND unit = 'south'"),
    ("fact_assistance", "UPDATE indicators.fact_assistance SET receives = NULL WHERE person = 'p1'"),
    ("fact_check", "DELETE FROM indicators.fact_check WHERE person = 'p1' AND protocol = 'offer_90d'"),
    ("fact_measure", "UPDATE indicators.fact_measure SET kind = 'other' WHERE person = 'p1'"),
    ("fact_offer", "DELETE FROM indicators.fact_offer WHERE person = 'p1'"),
    ("fact_plan", "DELETE FROM indicators.fact_plan WHERE person = 'p1'"),
    ("fact_guidance", "DELETE FROM indicators.fact_guidance WHERE person = 'p1'"),
    ("fact_consent", "UPDATE indicators.fact_consent SET contact = false WHERE person = 'p1'"),
    ("fact_merged", "UPDATE indicators.fact_merged SET ended_on = '2016-04-02' WHERE person = 'p1'"),
    ("fact_reached", "DELETE FROM indicators.fact_reached WHERE person = 'p1'"),
    ("contribution", "UPDATE indicators.contribution SET sex = NULL WHERE person = 'p1' AND indicator = 'closed_12m'"),
    ("contribution", "DELETE FROM indicators.contribution WHERE indicator = 'guidance_share' AND evidence"),
    (
        "contribution",
        "INSERT INTO indicators.contribution (person, indicator, definition, evidence, protocol, subject, first_day,"
        " last_day, numerator) VALUES ('nobody', 'closed_12m', '', false, '', 'c1', '2017-01-01', '2017-01-01', 1)",
    ),
    ("person", "UPDATE indicators.person SET personhash = 'x' WHERE person = 'p1'"),
    ("person", "UPDATE indicators.person SET facts = '{}' WHERE person = 'p1'"),
    ("context", 'UPDATE indicators.context SET watermarks = \'{"cases": "2017-06-02"}\''),
]


@pytest.mark.parametrize(("table", "statement"), PLANTED, ids=[statement[:60] for _, statement in PLANTED])
def test_the_audit_finds_a_planted_wrong_row(office: Office, table: str, statement: str) -> None:
    watermark = reported_through("cases", date(2017, 6, 1), YEAR)
    office.receive(*whole_history(office, "p1"), *history("p2"), watermark)
    nothing_to_find(office)
    assert office.do(statement) == 1
    found = office.audit()
    assert {each["table"] for each in found["differences"]} == {table}
    assert found["total"] == 1
    if table not in ("person", "context"):
        # A rebuild puts it right.
        office.rebuild()
        office.drain()
        nothing_to_find(office)


def test_a_rebuild_computes_everybody_and_changes_nothing_that_is_right(office: Office) -> None:
    for number in range(5):
        office.receive(*history(f"p{number}"))
    rows = office.rows("contribution")
    written = {name: _versions(office, name) for name in ("contribution",)}
    assert office.rebuild() == 5
    assert office.drain(at_a_time=2) == 5
    assert office.drain() == 0
    assert office.rows("contribution") == rows
    assert {name: _versions(office, name) for name in written} == written


def test_what_has_not_changed_is_not_written_again(office: Office) -> None:
    office.receive(*history("p1"))
    before = {name: _versions(office, name) for name in ("fact_case", "fact_stay", "contribution")}
    offer = event("offer.made", received=YEAR, person="p1", case="c1", on=date(2016, 3, 2))
    offer["data"]["kind"] = "job"
    office.receive(offer)
    after = {name: _versions(office, name) for name in before}
    assert after["fact_case"] == before["fact_case"]
    assert after["fact_stay"] == before["fact_stay"]
    # The check's verdict and the one contribution that rests on it.
    assert len(after["contribution"] - before["contribution"]) == 1
    assert [row["numerator"] for row in office.rows("contribution") if row["indicator"] == "offer_90d"] == [1]


def _versions(office: Office, table: str) -> set[Any]:
    """Which versions of rows a table holds; a row that is written again is another one."""
    with office.engine.connect() as connection:
        rows = connection.exec_driver_sql(f"SELECT ctid::text, xmin::text FROM indicators.{table}")
        return {tuple(row) for row in rows}


def _changed(tmp_path: Path) -> Catalogue:
    """A catalogue in which cases have eleven months, and resource persons are not counted."""
    directory = tmp_path / "changed"
    directory.mkdir()
    for file in tiny_catalogue_directory().iterdir():
        content = file.read_text()
        if file.name == "indicators.yaml":
            content = content.replace("day: enrolled_on + 12 months", "day: enrolled_on + 11 months")
        (directory / file.name).write_text(content)
    return load_catalogue(str(directory))


def test_a_changed_definition_is_shown_only_when_it_is_complete(office: Office, tmp_path: Path) -> None:
    office.move_to(YEAR)
    for number in range(5):
        office.receive(enrolled(f"p{number}", date(2016, 3, 1)), closed(f"p{number}", date(2017, 2, 15)))
    assert office.told("closed_12m", YEAR) == {"all": "100.00"}
    before = office.definitions
    after = office.adopt(_changed(tmp_path))
    assert before.fingerprint != after.fingerprint
    # The new one is not complete, and the old one is on its way out; the others are what they were.
    for definitions in (before, after):
        office.definitions = definitions
        with pytest.raises(NotYet):
            office.told("closed_12m", YEAR)
        assert office.told("unique_persons", YEAR) == {"all": "5"}
    # A worker that still has the old catalogue keeps what comes, and computes nothing.
    office.receive(enrolled("p9", date(2016, 3, 1)), by=before)
    assert [row for row in office.rows("contribution") if row["person"] == "p9"] == []
    office.definitions = before
    assert office.drain() == 0
    office.definitions = after
    assert office.drain() == 6
    assert office.told("closed_12m", YEAR) == {"all": "0.00"}
    assert {row["definition"] for row in office.rows("contribution") if row["indicator"] == "closed_12m"} == {
        after.indicators["closed_12m"].indicator.definition
    }
    nothing_to_find(office)


def test_an_indicator_that_the_catalogue_has_no_more_leaves_no_contributions(office: Office) -> None:
    office.receive(*history("p1"))
    catalogue = office.definitions.catalogue
    contributed = {row["indicator"] for row in office.rows("contribution")}
    fewer = {name: each for name, each in catalogue.indicators.items() if name != "offer_90d"}
    office.adopt(replace(catalogue, indicators=fewer, version="fewer"))
    office.drain()
    assert {row["indicator"] for row in office.rows("contribution")} == contributed - {"offer_90d"}
    nothing_to_find(office)


def test_a_poisonous_event_cannot_be_applied_and_harms_no_other(office: Office) -> None:
    unreadable = Record("case-events", 0, 0, b"p1", b"{", 0)
    with office.computing.begin() as connection, pytest.raises(Unreadable):
        ApplyEvents(office.definitions, SECRET)(connection, [unreadable])
    broken = enrolled("p1", date(2016, 3, 1))
    del broken["data"]["unit"]
    with pytest.raises(KeyError):
        office.receive(broken)
    assert office.rows("event") == []


def test_a_person_on_whom_the_rules_fail_stops_nobody_else(office: Office) -> None:
    for number in range(4):
        office.receive(*history(f"p{number}"))
    office.do("UPDATE indicators.event SET data = data - 'unit' WHERE person = 'p1' AND type = 'case.enrolled'")
    office.rebuild()
    with pytest.raises(CannotCompute):
        office.drain(at_a_time=10)
    drainer = Drainer(office.engine, office.computing, office.definitions)
    while drainer.round():
        pass
    generations = {row["person"]: row["generation"] for row in office.rows("person")}
    assert len({generations[person] for person in ("p0", "p2", "p3")}) == 1
    assert generations["p1"] < generations["p0"]


def test_the_columns_of_a_row_are_those_of_the_facts(office: Office) -> None:
    office.receive(*history("p1"))
    rows: list[Row] = office.rows("fact_stay")
    assert [(row["unit"], row["from_on"], row["until_on"], row["open_until"]) for row in rows] == [
        ("north", date(2016, 3, 1), date(2016, 4, 30), date(2016, 4, 30)),
        ("south", date(2016, 5, 1), None, date(2017, 1, 31)),
    ]
