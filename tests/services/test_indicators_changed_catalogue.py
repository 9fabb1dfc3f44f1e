"""Another catalogue is taken over beside live traffic: what did not change stays shown, the rest when complete."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from efterhand.catalogue import Catalogue, load_catalogue
from efterhand_indicators.adapters import context_store, person_store
from efterhand_indicators.application.definitions import Definitions, compile_definitions
from efterhand_indicators.application.figures import BeingComputed, UnknownWord
from efterhand_indicators.application.status import read_status
from tests.editing import edited_catalogue, edited_definition
from tests.services.followup_town import closed, enrolled, event
from tests.services.indicators_office import Office, office, office_template
from tests.services.test_indicators_http import Client
from tests.services.test_indicators_state import history, nothing_to_find
from tests.tiny import definitions, tiny_catalogue_directory

__all__ = ["office", "office_template"]

YEAR = date(2017, 12, 31)
TINY = tiny_catalogue_directory()
INDICATORS, PROTOCOLS, UNITS = (TINY / f"{name}.yaml" for name in ("indicators", "protocols", "units"))

ELEVEN_MONTHS = edited_definition(INDICATORS, "closed_12m", "enrolled_on + 12 months", "enrolled_on + 11 months")
SOONER = edited_definition(PROTOCOLS, "occupation_6m", "due: anchor + 6 months", "due: anchor + 5 months")
BOTH = "- {id: both, name: Norr och Söder, under: [{parent: city, from: 2017-01-01}]}"
ADDED = definitions(INDICATORS)["unique_persons"].replace("unique_persons:", "known_persons:")


@pytest.fixture
def changed(tmp_path: Path) -> Catalogue:
    """One definition is another, one is new, one is gone; and one protocol asks sooner."""
    directory = edited_catalogue(
        TINY,
        tmp_path / "changed",
        {
            "indicators.yaml": [
                (ELEVEN_MONTHS[0], ADDED + ELEVEN_MONTHS[1]),
            ],
            "protocols.yaml": [SOONER],
        },
        [("indicators.yaml", "internship_count")],
    )
    return load_catalogue(str(directory))


def somebody(person: str) -> list[dict[str, Any]]:
    """Somebody who is counted by what changes, by what goes and by what stays."""
    started = event("measure.started", received=YEAR, person=person, case="c1", on=date(2017, 1, 3), measure="m1")
    started["data"] |= {"kind": "internship", "provider": "municipal"}
    return [
        enrolled(person, date(2016, 3, 1), contact_consent=True),
        closed(person, date(2017, 2, 15)),
        started,
    ]


def told(office: Office, name: str) -> dict[str, str | None] | str:
    """A figure of the year, or why there is none."""
    try:
        return office.told(name, YEAR)
    except BeingComputed:
        return "being computed"
    except UnknownWord:
        return "unknown"


def computing(office: Office) -> dict[str, int]:
    with office.reading() as connection:
        found: dict[str, int] = read_status(connection, office.definitions)["computing"]
    return found


def as_by_a_fresh_build(office: Office, events: list[dict[str, Any]]) -> None:
    """What is stored is what an office comes to that has never had another catalogue."""
    nothing_to_find(office)
    found = office.state()
    office.begin_again()
    office.receive(*events)
    fresh = office.state()
    for state in (found, fresh):
        del state["context"]
        for row in state["person"]:
            row["generation"] = 0
    assert found == fresh


@contextmanager
def what_is_run(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The indicators that are run."""
    run: set[str] = set()
    original = person_store.replace_contributions

    def note(connection: Any, compiled: Any, persons: Any, **more: Any) -> None:
        run.add(compiled.indicator.id)
        original(connection, compiled, persons, **more)

    with monkeypatch.context() as patch:
        patch.setattr(person_store, "replace_contributions", note)
        yield run


def test_while_a_catalogue_is_taken_over_what_did_not_change_is_shown_and_the_rest_says_how_far_it_is(
    office: Office, changed: Catalogue
) -> None:
    office.move_to(YEAR)
    events = [each for number in range(6) for each in somebody(f"p{number}")]
    office.receive(*events)
    assert (told(office, "closed_12m"), told(office, "internship_count")) == ({"all": "100.00"}, {"all": "6"})
    office.adopt(changed)
    assert computing(office) == {"done": 0, "of": 6}
    shown: list[Any] = []
    done = 0
    while True:
        now = computing(office)
        assert now["done"] >= done
        if now["done"] == now["of"]:
            break
        done = now["done"]
        for name in ("closed_12m", "known_persons", "occupation_6m_livelihood"):
            assert told(office, name) == "being computed"
        assert told(office, "internship_count") == "unknown"
        assert told(office, "closed_to_livelihood") == {"all": "100.0"}
        assert told(office, "offer_90d") != "being computed"
        shown.append(told(office, "unique_persons"))
        # Live traffic: somebody new, and somebody who is not computed yet, each time.
        fresh = [*somebody(f"q{done}"), enrolled(f"p{5 - done // 3}", date(2017, 5, 1), case="c2")]
        office.receive(*fresh)
        events += fresh
        office.drain_once(1)
    assert shown == [{"all": str(6 + number)} for number in range(len(shown))]
    office.drain()
    assert told(office, "closed_12m") == {"all": "0.00"}
    assert told(office, "known_persons") == told(office, "unique_persons")
    assert "internship_count" not in {row["indicator"] for row in office.rows("contribution")}
    as_by_a_fresh_build(office, events)


def test_only_what_must_be_is_run_again_and_by_a_rebuild_everything(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.receive(enrolled("p1", date(2016, 3, 1)))
    everything = set(office.definitions.indicators)
    steps: list[tuple[str, tuple[str, str], set[str]]] = [
        ("indicators.yaml", ELEVEN_MONTHS, {"closed_12m"}),
        # Nobody has been asked for an occupation: no fact comes out otherwise.
        ("protocols.yaml", SOONER, {"occupation_6m_livelihood"}),
    ]
    for number, (file, edit, expected) in enumerate(steps):
        directory = edited_catalogue(TINY, tmp_path / str(number), {file: [edit]})
        with what_is_run(monkeypatch) as run:
            office.adopt(load_catalogue(str(directory)))
            assert office.drain() == 1
        # The second catalogue takes back what the first has changed.
        assert run == expected | ({"closed_12m"} if number else set())
        nothing_to_find(office)
    with what_is_run(monkeypatch) as run:
        office.rebuild()
        office.drain()
    assert run == everything
    office.definitions = compile_definitions(office.definitions.catalogue, "later rules")
    with what_is_run(monkeypatch) as run:
        office.adopt()
        office.drain()
    assert run == everything


def test_other_facts_have_the_indicators_run_that_read_them_for_whom_they_changed(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = history("p1")
    office.receive(*events)
    directory = edited_catalogue(TINY, tmp_path / "sooner", {"protocols.yaml": [SOONER]})
    office.adopt(load_catalogue(str(directory)))
    reads = {name for name, each in office.definitions.indicators.items() if "check" in each.reads}
    with what_is_run(monkeypatch) as run:
        office.drain()
    assert run == reads
    as_by_a_fresh_build(office, events)


def test_units_that_merge_and_targets_that_change_hold_at_once_and_nobody_is_computed(
    office: Office, tmp_path: Path
) -> None:
    office.move_to(YEAR)
    office.receive(
        enrolled("p1", date(2017, 2, 1), unit="north"),
        enrolled("p1", date(2017, 3, 1), case="c2", unit="south"),
        enrolled("p2", date(2017, 3, 1), unit="annex"),
    )
    merged = edited_catalogue(
        TINY,
        tmp_path / "merged",
        {
            "units.yaml": [
                ("- {id: north", f"{BOTH}\n- {{id: north"),
                ("01}]}\n- id: south", "01, to: 2016-12-31}, {parent: both, from: 2017-01-01}]}\n- id: south"),
                ("    - {parent: city, from: 2008-01-01, to: 2017-03-31}\n    - {parent: north, from: 2017-06-01}",
                 "    - {parent: both, from: 2017-01-01}"),
                ("{parent: south, from: 2018-01-01}", "{parent: north, from: 2017-05-01}"),
            ],
            "indicators.yaml": [edited_definition(INDICATORS, "closed_12m", "{2017: 78}", "{2017: 12}")],
        },
    )  # fmt: skip
    office.adopt(load_catalogue(str(merged)))
    assert computing(office) == {"done": 2, "of": 2}
    assert office.told("unique_persons", YEAR, ["unit"]) == {
        "all": "2",
        "unit=annex": "1",
        "unit=both": "2",  # p1 once, whatever number of its units it was in
        "unit=city": "2",
        "unit=north": "2",
        "unit=south": "1",
    }
    (total,) = office.figure("closed_12m", date(2017, 6, 30)).cells
    assert total.target == "12"
    assert office.drain() == 0
    nothing_to_find(office)


def test_two_workers_with_different_catalogues_never_mix(office: Office, changed: Catalogue) -> None:
    office.move_to(YEAR)
    old = office.definitions
    new = compile_definitions(changed, "test")
    events: list[dict[str, Any]] = []

    def both_work(number: int) -> None:
        for each, by in ((f"a{number}", old), (f"b{number}", new)):
            fresh = [*somebody(each), enrolled("everybody", date(2017, 1, 1), case=f"c-{each}")]
            office.receive(*fresh, by=by)
            events.extend(fresh)
        for office.definitions in (old, new):
            office.drain_once(1)

    def nothing_is_mixed(holds: Definitions) -> None:
        generation = max(row["generation"] for row in office.rows("person"))
        computed = {row["person"] for row in office.rows("person") if row["generation"] == generation}
        found = {
            (row["indicator"], row["definition"]) for row in office.rows("contribution") if row["person"] in computed
        }
        assert found <= holds.hashes().items()

    for number, holds in enumerate((old, new, new, old, new)):
        office.definitions = holds
        office.adopt()
        both_work(number)
        nothing_is_mixed(holds)
        for office.definitions in (old, new):
            for name in ("closed_12m", "unique_persons"):
                shown = told(office, name)
                assert shown == "being computed" or number == 0 or name == "unique_persons"
    office.definitions = new
    office.drain()
    assert told(office, "closed_12m") == {"all": "0.00"}
    as_by_a_fresh_build(office, events)


def test_a_catalogue_that_is_taken_over_in_the_middle_of_another_one_leaves_nothing_of_it(
    office: Office, changed: Catalogue
) -> None:
    office.move_to(YEAR)
    first = office.definitions
    events = [each for number in range(4) for each in somebody(f"p{number}")]
    office.receive(*events)
    office.adopt(changed)
    office.drain_once(2)
    office.definitions = first
    office.adopt()
    assert told(office, "closed_12m") == "being computed"
    assert told(office, "unique_persons") == {"all": "4"}
    assert told(office, "internship_count") == "being computed"
    office.drain()
    assert told(office, "closed_12m") == {"all": "100.00"}
    as_by_a_fresh_build(office, events)


def test_a_figure_that_is_being_computed_answers_503_with_its_progress(office: Office) -> None:
    client = Client(office)
    office.move_to(YEAR)
    office.receive(*(each for number in range(8) for each in somebody(f"p{number}")))
    catalogue = office.definitions.catalogue
    definition = replace(catalogue.indicators["closed_12m"], definition="another")
    catalogue = replace(catalogue, version="another", indicators={**catalogue.indicators, definition.id: definition})
    definitions = compile_definitions(catalogue, office.definitions.rules)
    object.__setattr__(client.services, "definitions", definitions)
    office.definitions = definitions
    office.adopt()
    office.drain_once(2)
    answer = client.ask("GET", "/indicators/v1/figures/closed_12m")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"]
    body = answer.json()
    assert body["code"] == "being_computed"
    assert body["progress"] == {"done": 2, "of": 8, "percent": 25}
    assert "2 of 8 persons" in body["detail"]
    assert client.get("status")["computing"] == {"done": 2, "of": 8}
    assert not client.get("status")["complete"]
    items = {item["id"]: item["complete"] for item in client.get("indicators")["items"]}
    assert [name for name, complete in items.items() if not complete] == ["closed_12m"]
    assert client.get("figures/unique_persons")["rows"][0]["value"] == "8"
    office.drain()
    assert client.get("figures/closed_12m")["rows"][0]["value"] == "100.00"
    assert client.get("status")["computing"] == {"done": 8, "of": 8}
    client.close()


def test_a_change_that_is_begun_survives_a_restart(office: Office, changed: Catalogue) -> None:
    office.move_to(YEAR)
    office.receive(*somebody("p1"), *somebody("p2"))
    office.adopt(changed)
    office.drain_once(1)
    with office.reading() as connection:
        before = context_store.read_context(connection)
    office.adopt()
    with office.reading() as connection:
        assert context_store.read_context(connection) == before
    assert computing(office) == {"done": 1, "of": 2}
