"""How a figure is explained: the cases behind it, and the bridge from an earlier figure to a later one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from click.testing import Result
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from efterhand.catalogue import Catalogue, Indicator
from efterhand.catalogue.model import Formula, Kind, Operation
from efterhand.database import bulk_insert, create_engine, migrate
from efterhand.figures.cells import Dims, Sums, nothing, window_of
from efterhand.timeline.facts import Facts
from efterhand.web.sight import Sight
from efterhand_indicators.adapters import figure_query, scratch, tables
from efterhand_indicators.adapters.compiler import compile_indicator
from efterhand_indicators.adapters.thing_query import Reading, Restriction, Step, ThingQuery
from efterhand_indicators.application.bridge import Asked, Bridge, Comparison, compare, read_bridge, read_bridge_cases
from efterhand_indicators.application.cases import list_things, read_cases
from efterhand_indicators.application.explaining import MadeOfOthers, units_above
from efterhand_indicators.application.why import why_figure
from efterhand_indicators.domain.rows import derived_rows
from tests.property import product
from tests.property.product import catalogue
from tests.property.strategies import in_words, scenes
from tests.services.definitions_at_random import facts_of, histories, indicators, with_derived_kinds
from tests.services.followup_town import closed, enrolled, event
from tests.services.indicator_bench import contribute, lay
from tests.services.indicators_office import Office, office, office_template
from tests.services.test_embedded_commands import code_of, invoke
from tests.services.test_indicators_http import Client, client

__all__ = ["client", "invoke", "office", "office_template"]

EXAMPLES = settings(
    max_examples=50, deadline=None, database=None, print_blob=True, suppress_health_check=list(HealthCheck)
)
NUMBERS = ("numerator", "denominator", "expected", "sum")
ENDS = (date(2016, 8, 31), date(2017, 2, 28), date(2017, 12, 31), date(2018, 1, 31))


@pytest.fixture(scope="module")
def engine(create_database: Callable[[str], str]) -> Iterator[Engine]:
    url = create_database("template0")
    migrate(url, tables.SCHEMA)
    made = create_engine(url, tables.SCHEMA, pool_size=1)
    yield made
    made.dispose()


def lay_as_known_then(
    connection: Connection, indicator: Indicator, people: Sequence[Facts], everything: Catalogue
) -> None:
    """Write what was known of some persons into the temporary tables, and what it came to."""
    scratch.create_scratch(connection)
    rows: dict[str, list[Any]] = {}
    for facts in people:
        for kind in tables.temporary.facts.keys() & facts.rows.keys() - everything.derived.keys():
            rows.setdefault(kind, []).extend({"person": facts.person, **fact.values} for fact in facts.of(kind))
        for kind, own in derived_rows(facts.person, facts, everything).items():
            rows.setdefault(kind, []).extend(own)
    for kind, own in rows.items():
        bulk_insert(connection, tables.temporary.facts[kind], own)
    compiled = compile_indicator(indicator, everything, tables.stored, tables.temporary)
    connection.exec_driver_sql(compiled.fill)


def cells_of(
    connection: Connection,
    indicator: Indicator,
    everything: Catalogue,
    at: date,
    by: Sequence[str],
    anew: Sequence[str] | None = None,
) -> dict[Dims, Sums]:
    """A figure read by itself."""
    ancestors = {unit: everything.units.ancestors_on(unit, at) for unit in everything.units.units}
    return figure_query.read_cells(connection, indicator, window_of(indicator, at), by, ancestors, anew)


def restriction_of(indicator: Indicator, dims: Dims) -> Restriction:
    part = indicator.part
    if part is None or not dims or dims[-1][0] != part:
        return Restriction(dict(dims))
    return Restriction(dict(dims[:-1]), dims[-1][1])


def empty_cell(indicator: Indicator, restriction: Restriction, cells: Mapping[Dims, Sums]) -> Sums:
    """What a cell is that the figure leaves out; the part of a split in which nothing is has its whole's numbers."""
    if restriction.part is None:
        return nothing(indicator)
    whole = cells.get(tuple(restriction.dims.items()), nothing(indicator))
    return replace(whole, numerator=0)


def assert_adds_up(comparison: Comparison, earlier: Sums, later: Sums) -> None:
    assert comparison.sums(Reading.THEN) == earlier
    assert comparison.sums(Reading.LATER) == later
    steps = comparison.steps(2017)
    assert [step.step for step in steps] == list(Step)
    things = {step.step: step.things for step in steps}
    corrected = steps[0]
    assert corrected.things == (corrected.added or 0) + (corrected.taken_away or 0) + (corrected.changed or 0)
    now = comparison.things(Reading.THEN) + (corrected.added or 0) - (corrected.taken_away or 0)
    assert now == comparison.things(Reading.NOW)
    assert now + things[Step.CAME_IN] - things[Step.WENT_OUT] == comparison.things(Reading.LATER)
    if comparison.indicator.kind is Kind.MEDIAN:
        assert all(step.sums == Sums() for step in steps)
        return
    for name in NUMBERS:
        numbers = [getattr(earlier, name), *(getattr(step.sums, name) for step in steps)]
        if getattr(later, name) is None:
            assert set(numbers) == {None}
        else:
            assert sum(numbers) == getattr(later, name)


@EXAMPLES
@given(data=st.data())
def test_whatever_is_counted_the_steps_add_up_to_the_two_figures_read_by_themselves(
    engine: Engine, data: st.DataObject
) -> None:
    everything = with_derived_kinds(catalogue())
    drawn = data.draw(st.lists(histories(), min_size=1, max_size=4))
    people = [facts_of(f"p{number}", rows, everything) for number, rows in enumerate(drawn)]
    anew = [facts.person for facts in people if data.draw(st.booleans())]
    then = [facts_of(person, data.draw(histories()), everything) for person in anew]
    indicator = data.draw(indicators(everything.indicators["closed_12m"], everything.facts))
    by = [name for name in indicator.dimensions if data.draw(st.booleans())][:2]
    if indicator.part in by:
        by.remove(indicator.part or "")
    first, last = sorted(data.draw(st.tuples(st.sampled_from(ENDS), st.sampled_from(ENDS))))
    windows = window_of(indicator, first), window_of(indicator, last)
    with engine.connect() as connection:
        lay(connection, people, everything)
        contribute(connection, indicator, everything, people)
        lay_as_known_then(connection, indicator, then, everything)
        earlier = cells_of(connection, indicator, everything, first, by, anew)
        later = cells_of(connection, indicator, everything, last, by)
        for dims in sorted({(), *earlier, *later}):
            restriction = restriction_of(indicator, dims)
            comparison = compare(connection, indicator, restriction, windows, everything, anew)
            assert_adds_up(
                comparison,
                earlier.get(dims, empty_cell(indicator, restriction, earlier)),
                later.get(dims, empty_cell(indicator, restriction, later)),
            )
            then_listed = things_of(connection, indicator, restriction, everything, first, anew)
            assert_things_add_up(then_listed, comparison, Reading.THEN)
            later_listed = things_of(connection, indicator, restriction, everything, last, None)
            assert_things_add_up(later_listed, comparison, Reading.LATER)
        connection.rollback()


def things_of(
    connection: Connection,
    indicator: Indicator,
    restriction: Restriction,
    everything: Catalogue,
    at: date,
    anew: Sequence[str] | None,
) -> list[dict[str, Any]]:
    """The counted things of a cell, all on one page."""
    query, window = ThingQuery(indicator, restriction), window_of(indicator, at)
    parameters = query.parameters({"": window}, {"": units_above(query, everything, window)}) | {"anew": anew or []}
    listed, following = list_things(
        connection, query, parameters, derived_anew=anew is not None, after=None, limit=1000
    )
    assert following is None
    return listed


def assert_things_add_up(things: Sequence[Mapping[str, Any]], comparison: Comparison, reading: Reading) -> None:
    """Every thing once, with what it is made of; of a split's part only those of the part are listed."""
    indicator, sums = comparison.indicator, comparison.sums(reading)
    known_by = {(each["person"], each["check"], each["subject"], str(each.get("counted_as"))) for each in things}
    assert len(known_by) == len(things)
    assert all(("evidence" in each) == (indicator.evidence is not None) for each in things)
    assert all(each["made_of"] for each in things if "made_of" in each)
    if indicator.evidence is not None:
        assert all(bool(each["evidence"]) == (each["numerator"] == 1) for each in things)
    if comparison.restriction.part is not None:
        assert len(things) == sums.numerator
        return
    assert len(things) == comparison.things(reading)
    for name in NUMBERS:
        if getattr(sums, name) is not None:
            assert (added(things, name) or 0) == getattr(sums, name)


# --- on histories of events ---------------------------------------------------------------------------------------


def all_cases(office: Office, indicator: str, at: date, cell: Mapping[str, str], known: date | None) -> list[Any]:
    """The cases behind a cell, in pages so small that most of them end or begin one."""
    items: list[Any] = []
    after: Sequence[str] | None = None
    while True:
        with office.reading() as connection:
            found = read_cases(connection, office.definitions, indicator, at, after, 2, cell=cell, known=known)
        items += found.items
        after = found.next_after
        if after is None:
            return items


def all_behind(office: Office, asked: Asked, step: Step) -> list[Any]:
    """The things behind a step, in small pages."""
    items: list[Any] = []
    after: Sequence[str] | None = None
    while True:
        with office.reading() as connection:
            found = read_bridge_cases(connection, office.definitions, asked, step, after, 2)
        items += found.items
        after = found.next_after
        if after is None:
            return items


def bridge_of(office: Office, asked: Asked) -> Bridge:
    with office.reading() as connection:
        return read_bridge(connection, office.definitions, asked)


def added(items: Sequence[Mapping[str, Any]], name: str) -> int | None:
    """What a number of things adds up to; None where it says nothing."""
    numbers = [item[name] for item in items if item[name] is not None]
    return sum(numbers) if numbers else None


def assert_cases_add_up(items: Sequence[Mapping[str, Any]], shown: Any) -> None:
    for name in NUMBERS:
        if getattr(shown, name) is not None:
            assert (added(items, name) or 0) == getattr(shown, name)


def assert_behind_adds_up(items: Sequence[Mapping[str, Any]], step: Mapping[str, Any]) -> None:
    assert len(items) == step["things"]
    for name in NUMBERS:
        if step[name] is not None:
            before = added([item["before"] for item in items if item["before"]], name) or 0
            after = added([item["after"] for item in items if item["after"]], name) or 0
            assert after - before == step[name]


@settings(EXAMPLES, max_examples=20)
@given(data=st.data())
def test_the_cases_and_the_steps_of_every_figure_add_up_to_what_is_read_by_itself(
    office: Office, data: st.DataObject
) -> None:
    scene = data.draw(scenes())
    office.begin_again()
    office.move_to(scene.business_date)
    office.receive(*scene.events)
    name = data.draw(st.sampled_from(product.indicators()))
    since = data.draw(st.sampled_from(scene.days))
    until = since + timedelta(days=data.draw(st.sampled_from([0, 1, 31, 184, 366])))
    known = data.draw(st.sampled_from([None, scene.known]))
    dimensions = catalogue().indicators[name].dimensions
    by = data.draw(st.lists(st.sampled_from(dimensions), max_size=1))
    note(f"{name} from {since} to {until} by {by} known {known}\n{in_words(scene.events)}")
    earlier = office.figure(name, since, by, known or since)
    later = office.figure(name, until, by)
    for shown in later.cells:
        asked = Asked(name, since, until, known, shown.dims)
        bridge = bridge_of(office, asked)
        before = next((each for each in earlier.cells if each.dims == shown.dims), None)
        if before is not None:
            assert replace(bridge.earlier.shown, dims=shown.dims) == before
        assert replace(bridge.later.shown, dims=shown.dims) == shown
        assert (bridge.earlier.preliminary, bridge.later.preliminary) == (earlier.preliminary, later.preliminary)
        told = bridge.as_json()
        for number in NUMBERS:
            if told["later"][number] is not None:
                changes = sum(step[number] for step in told["steps"])
                assert told["earlier"][number] + changes == told["later"][number]
        assert told["steps"][-1]["value"] == told["later"]["value"]
        for step in told["steps"]:
            assert_behind_adds_up(all_behind(office, asked, step["step"]), step)
        items = all_cases(office, name, until, shown.dims, None)
        assert len(items) == bridge.later.things
        assert_cases_add_up(items, shown)
        assert len(all_cases(office, name, since, shown.dims, known or since)) == bridge.earlier.things


# --- worked out by hand -------------------------------------------------------------------------------------------

NOVEMBER, DECEMBER = date(2017, 11, 30), date(2017, 12, 31)
BRIDGE = "figures/closed_to_livelihood/bridge?from=2017-11-30&to=2017-12-31"
BRIDGE_CASES = "figures/closed_to_livelihood/bridge/cases?from=2017-11-30&to=2017-12-31"


def a_month_passes(office: Office) -> None:
    """Seven closures: one leaves the window, one comes into it, three are put right, two stay as they are."""
    office.move_to(DECEMBER)
    begun = date(2016, 9, 1)
    for number in range(1, 8):
        office.receive(enrolled(f"p{number}", begun, sex="male" if number == 6 else "female"))
    office.receive(
        closed("p1", date(2016, 12, 15)),
        closed("p2", date(2017, 12, 10), reason="studies"),
        closed("p3", date(2017, 6, 1), reason="illness"),
        event("case.closed", received=date(2017, 12, 20), person="p3", case="c1", on=date(2017, 6, 1), reason="work"),
        closed("p4", date(2017, 5, 1), received=date(2017, 12, 5)),
        {**closed("p5", date(2017, 4, 1)), "id": "mistaken"},
        event(
            "event.retracted",
            received=date(2017, 12, 6),
            person="p5",
            retracts={"source": "/tiny/a", "id": "mistaken"},
        ),
        closed("p6", date(2017, 3, 1), reason="illness"),
        closed("p7", date(2017, 2, 1)),
    )


def test_a_bridge_tells_what_was_corrected_what_came_in_and_what_went_out(client: Client, office: Office) -> None:
    a_month_passes(office)
    told = client.get(BRIDGE, "analyst")
    ends = ("from", "to", "known", "things", "numerator", "denominator", "value", "status")
    assert {name: told["earlier"][name] for name in ends} == {
        "from": "2016-12-01",
        "to": "2017-11-30",
        "known": "2017-11-30",
        "things": 5,
        "numerator": 3,
        "denominator": 5,
        "value": "60.0",
        "status": "shown",
    }
    assert {name: told["later"][name] for name in ends} == {
        "from": "2017-01-01",
        "to": "2017-12-31",
        "known": None,
        "things": 5,
        "numerator": 4,
        "denominator": 5,
        "value": "80.0",
        "status": "shown",
    }
    nothing_else = {"expected": None, "sum": None}
    corrected = {"added": 1, "taken_away": 1, "changed": 1}
    assert told["steps"] == [
        {
            "step": "corrected",
            "things": 3,
            **corrected,
            "numerator": 1,
            "denominator": 0,
            **nothing_else,
            "value": "80.0",
        },
        {"step": "came_in", "things": 1, "numerator": 1, "denominator": 1, **nothing_else, "value": "83.3"},
        {"step": "went_out", "things": 1, "numerator": -1, "denominator": -1, **nothing_else, "value": "80.0"},
        {"step": "changed", "things": 0, "numerator": 0, "denominator": 0, **nothing_else, "value": "80.0"},
    ]


def test_the_earlier_figure_is_taken_as_it_was_known_on_the_day_asked_for(client: Client, office: Office) -> None:
    a_month_passes(office)
    known = client.get(f"{BRIDGE}&known=2017-12-05")
    assert (known["earlier"]["numerator"], known["earlier"]["denominator"]) == (4, 6)
    assert known["steps"][0]["added"] == 0
    # A month is bridged to the business date where no days are given.
    assert client.get("figures/closed_to_livelihood/bridge") == client.get(BRIDGE)
    # What has been learnt since of one and the same window.
    same = client.get("figures/closed_to_livelihood/bridge?from=2017-11-30&to=2017-11-30")
    assert [step["things"] for step in same["steps"]] == [3, 0, 0, 0]


def test_the_things_behind_each_step_are_listed_with_what_they_added_and_add(client: Client, office: Office) -> None:
    a_month_passes(office)
    first = client.get(f"{BRIDGE_CASES}&step=corrected&limit=2")
    assert [(item["person"], item["subject"], item["what"]) for item in first["items"]] == [
        ("p3", "c1", "changed"),
        ("p4", "c1", "added"),
    ]
    day = {"day": "2017-06-01", "until": "2017-06-01", "denominator": 1, "expected": None, "sum": None}
    assert first["items"][0] == {
        "person": "p3",
        "subject": "c1",
        "check": None,
        "what": "changed",
        "before": {**day, "numerator": 0},
        "after": {**day, "numerator": 1},
    }
    second = client.get(f"{BRIDGE_CASES}&step=corrected&limit=2&cursor={first['next']}")
    assert [(item["person"], item["what"], item["after"]) for item in second["items"]] == [("p5", "taken_away", None)]
    assert second["next"] is None
    assert [item["person"] for item in client.get(f"{BRIDGE_CASES}&step=came_in")["items"]] == ["p2"]
    assert [item["person"] for item in client.get(f"{BRIDGE_CASES}&step=went_out")["items"]] == ["p1"]
    assert client.get(f"{BRIDGE_CASES}&step=changed")["items"] == []


def test_a_bridge_of_one_cell_holds_only_the_things_of_that_cell(client: Client, office: Office) -> None:
    a_month_passes(office)
    told = client.get(f"{BRIDGE}&cell=sex:male,unit:north")
    assert told["cell"] == {"sex": "male", "unit": "north"}
    assert (told["earlier"]["things"], told["later"]["things"]) == (1, 1)
    assert [step["things"] for step in told["steps"]] == [0, 0, 0, 0]
    assert told["later"]["target"] is None
    assert [item["person"] for item in client.get(f"{BRIDGE_CASES}&step=corrected&cell=sex:male")["items"]] == []
    cases = client.get("figures/closed_to_livelihood/cases?at=2017-12-31&cell=sex:male")["items"]
    assert [item["person"] for item in cases] == ["p6"]
    assert client.get("figures/closed_to_livelihood/cases?at=2017-12-31&cell=unit:south")["items"] == []
    assert len(client.get("figures/closed_to_livelihood/cases?at=2017-12-31&cell=unit:city")["items"]) == 5


def test_a_unit_that_moves_takes_its_cases_with_it(client: Client, office: Office) -> None:
    # On 31 March south lies under the city; in April and May under nothing; from June under north.
    office.move_to(DECEMBER)
    office.receive(enrolled("p1", date(2016, 9, 1), unit="south"), closed("p1", date(2017, 2, 1)))
    path = "figures/closed_to_livelihood/bridge?from=2017-05-31&to=2017-06-30&cell=unit:north"
    told = client.get(path)
    assert [(step["step"], step["things"]) for step in told["steps"]] == [
        ("corrected", 0),
        ("came_in", 1),
        ("went_out", 0),
        ("changed", 0),
    ]


def talk(person: str, on: date) -> dict[str, Any]:
    return event("guidance.held", received=on, person=person, case="c1", on=on)


def test_a_talk_in_only_one_of_the_windows_makes_a_person_count_otherwise(client: Client, office: Office) -> None:
    office.move_to(DECEMBER)
    office.receive(
        enrolled("p1", date(2016, 9, 1)),
        talk("p1", date(2016, 12, 15)),
        enrolled("p2", date(2016, 9, 1)),
        talk("p2", date(2017, 5, 2)),
        talk("p2", date(2017, 12, 1)),
    )
    told = client.get("figures/guidance_share/bridge?from=2017-11-30&to=2017-12-31")
    changed = told["steps"][3]
    assert (changed["things"], changed["numerator"], changed["denominator"]) == (1, -1, 0)
    behind = client.get("figures/guidance_share/bridge/cases?from=2017-11-30&to=2017-12-31&step=changed")["items"]
    assert [(item["person"], item["before"]["numerator"], item["after"]["numerator"]) for item in behind] == [
        ("p1", 1, 0)
    ]
    cases = client.get("figures/guidance_share/cases?at=2017-12-31")["items"]
    assert [(item["person"], item["numerator"], item["evidence"]) for item in cases] == [
        ("p1", 0, []),
        ("p2", 1, ["2017-05-02", "2017-12-01"]),
    ]


def test_a_person_counted_once_is_one_case_with_all_that_it_is_made_of(client: Client, office: Office) -> None:
    office.move_to(DECEMBER)
    moved = event("case.transferred", received=DECEMBER, person="p1", case="c1", on=date(2017, 6, 1), unit="south")
    office.receive(
        enrolled("p1", date(2016, 1, 1)),
        moved,
        enrolled("p1", date(2017, 2, 1), case="c2", target_group="resource"),
        closed("p1", date(2017, 8, 31), case="c2"),
    )
    item, *others = client.get("figures/unique_persons/cases?at=2017-12-31")["items"]
    assert others == []
    assert (item["person"], item["subject"], item["check"], item["numerator"]) == ("p1", None, None, 1)
    # What holds of all that the person is counted for.
    assert item["dims"] == {"sex": "female", "age_band": "20-24"}
    stretches = [(each["subject"].split()[0], each["day"], each["dims"]["unit"]) for each in item["made_of"]]
    assert {("c1", "2017-06-01", "south"), ("c2", "2017-02-01", "north")} <= set(stretches)
    north = client.get("figures/unique_persons/cases?at=2017-12-31&cell=unit:north,target_group:resource")["items"]
    assert [[each["subject"].split()[0] for each in one["made_of"]] for one in north] == [["c2"]]
    groups = client.get("figures/persons_by_target_group/cases?at=2017-12-31")["items"]
    assert [one["counted_as"] for one in groups] == [{"target_group": "ordinary"}, {"target_group": "resource"}]


def test_a_check_behind_a_figure_is_named_so_that_its_events_can_be_asked_for(client: Client, office: Office) -> None:
    office.move_to(DECEMBER)
    office.receive(enrolled("p1", date(2017, 9, 1)), enrolled("p2", date(2017, 9, 15)))
    path = "figures/offer_90d/bridge/cases?from=2017-11-30&to=2017-12-31&step=came_in"
    assert [item["check"] for item in client.get(path)["items"]] == ["offer_90d:p2:c1"]


def test_persons_with_a_protected_identity_are_marked_and_shown_only_to_who_may_see_them(
    client: Client, office: Office
) -> None:
    a_month_passes(office)
    office.receive(event("person.protected", received=DECEMBER, person="p4", protected=True, on=date(2017, 12, 1)))
    behind = client.get(f"{BRIDGE_CASES}&step=corrected")["items"]
    assert [item.get("protected") for item in behind] == [None, True, None]
    asked = Asked("closed_to_livelihood", NOVEMBER, DECEMBER)
    with office.reading() as connection:
        found = read_bridge_cases(connection, office.definitions, asked, Step.CORRECTED, sight=Sight(None))
    assert [item["person"] for item in found.items] == ["p3", "p5"]
    with office.reading() as connection:
        cases = read_cases(connection, office.definitions, "closed_to_livelihood", DECEMBER, sight=Sight(None))
    assert [item["person"] for item in cases.items] == ["p2", "p3", "p6", "p7"]


def test_who_reads_figures_sees_numbers_and_nobody_of_whom_they_are_made(client: Client, office: Office) -> None:
    a_month_passes(office)
    for path in (BRIDGE, "figures/closed_to_livelihood/why"):
        assert client.ask("GET", f"/indicators/v1/{path}", "analyst").status_code == 200
        assert client.ask("GET", f"/indicators/v1/{path}", "case_worker").status_code == 403
        assert client.ask("GET", f"/indicators/v1/{path}", None).status_code == 401
        assert "p1" not in client.ask("GET", f"/indicators/v1/{path}", "analyst").text
    for path in (f"{BRIDGE_CASES}&step=corrected", "figures/closed_to_livelihood/cases"):
        assert client.ask("GET", f"/indicators/v1/{path}").status_code == 200
        assert client.ask("GET", f"/indicators/v1/{path}", "analyst").status_code == 403
        assert client.ask("GET", f"/indicators/v1/{path}", None).status_code == 401


def test_why_tells_the_definition_in_words_beside_one_cell(client: Client, office: Office) -> None:
    a_month_passes(office)
    told = client.get("figures/closed_to_livelihood/why?at=2017-12-31&cell=sex:female", "analyst")
    assert (told["row"]["dims"], told["row"]["numerator"], told["row"]["denominator"]) == ({"sex": "female"}, 4, 4)
    assert set(told["sentences"]) == {"sv", "en"}
    assert all(len(sentence) > 40 for sentence in told["sentences"].values())
    nobody = client.get("figures/closed_to_livelihood/why?at=2017-12-31&cell=unit:annex")
    assert (nobody["row"]["status"], nobody["row"]["denominator"]) == ("no_data", 0)


def test_a_figure_made_of_others_names_them_and_has_nothing_behind_itself(office: Office) -> None:
    a_month_passes(office)
    gap = Formula(
        id="gap",
        name="Skillnad mellan kvinnor och män",
        english="Difference between women and men",
        operation=Operation.DIFFERENCE,
        of="closed_to_livelihood",
        to=None,
        to_average=False,
        times=Decimal(1),
        over=(),
        between=("sex", "female", "male"),
        decimals=1,
        targets={},
        better="higher",
    )
    definitions = replace(office.definitions, catalogue=replace(catalogue(), formulas={"gap": gap}))
    with office.reading() as connection:
        told = why_figure(connection, definitions, "gap", DECEMBER)
        assert (told["of"], told["row"]["value"]) == (["closed_to_livelihood"], "100.0")
        assert why_figure(connection, definitions, "gap", DECEMBER, {"unit": "annex"})["row"]["status"] == "no_data"
        with pytest.raises(MadeOfOthers, match="closed_to_livelihood"):
            read_cases(connection, definitions, "gap", DECEMBER)
        with pytest.raises(MadeOfOthers, match="closed_to_livelihood"):
            read_bridge(connection, definitions, Asked("gap"))


WRONG = [
    ("figures/closed_to_livelihod/bridge", 404, "unknown_indicator", "closed_to_livelihood"),
    ("figures/closed_to_livelihood/bridge?from=2017-13-01", 400, "wrong_date", "'from'"),
    ("figures/closed_to_livelihood/bridge?from=2018-01-01&to=2017-12-31", 400, "wrong_period", "2018-01-01"),
    ("figures/closed_to_livelihood/bridge?to=0001-01-01", 400, "wrong_date", "calendar"),
    ("figures/closed_to_livelihood/bridge?cell=sex", 400, "wrong_cell", "sex:female"),
    ("figures/closed_to_livelihood/bridge?cell=sex:female,sex:male", 400, "wrong_cell", "once"),
    ("figures/closed_to_livelihood/bridge?cell=gender:female", 400, "unknown_dimension", "sex"),
    ("figures/closed_to_livelihood/bridge?cell=sex:femal", 400, "unknown_sex", "female"),
    ("figures/closed_to_livelihood/bridge?cell=sex:unknown", 400, "unknown_sex", "male"),
    ("figures/closed_to_livelihood/cases?cell=unit:nort", 400, "unknown_unit", "north"),
    ("figures/closed_to_livelihood/cases?cell=age_band:16-20", 400, "unknown_age_band", "16-19"),
    ("figures/closed_to_livelihood/bridge/cases", 422, "wrong_request", "step"),
    ("figures/closed_to_livelihood/bridge/cases?step=came", 400, "wrong_step", "came_in"),
    ("figures/closed_to_livelihood/bridge/cases?step=came_in&cursor=x", 400, "wrong_cursor", "cursor"),
]


@pytest.mark.parametrize(("path", "status", "code", "said"), WRONG, ids=[path for path, *_ in WRONG])
def test_a_wrong_question_about_a_figure_is_answered_with_what_is_right(
    client: Client, office: Office, path: str, status: int, code: str, said: str
) -> None:
    office.move_to(DECEMBER)
    response = client.ask("GET", f"/indicators/v1/{path}")
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert said in response.text


# --- the commands -------------------------------------------------------------------------------------------------


def door_to(client: Client, role: str) -> Callable[[httpx.Request], httpx.Response]:
    """What a command sends, answered by the service."""

    def answer(request: httpx.Request) -> httpx.Response:
        given = client.ask(request.method, request.url.raw_path.decode(), role)
        return httpx.Response(given.status_code, content=given.content, headers=given.headers)

    return answer


def test_the_command_shows_what_a_figure_means_its_numbers_and_its_first_cases(
    client: Client, office: Office, invoke: Callable[..., Result]
) -> None:
    a_month_passes(office)
    asked = ("why", "figure", "closed_to_livelihood", "--at", "2017-12-31", "--cell", "sex:female")
    result = invoke(door_to(client, "administrator"), *asked, "--cases", "3")
    assert code_of(result) == 0
    assert "(closed_to_livelihood)" in result.stdout
    assert "2017-01-01 – 2017-12-31, sex=female: 100.0, numerator 4, denominator 4" in result.stdout
    listed = [line.split()[:2] for line in result.stdout.split("─\n")[-1].splitlines()]
    assert listed == [["p2", "c1"], ["p3", "c1"], ["p4", "c1"]]
    result = invoke(door_to(client, "analyst"), *asked)
    assert code_of(result) == 0
    assert "numerator 4" in result.stdout
    assert "p2" not in result.stdout
    assert "lacks the right" in result.stderr


def test_the_command_shows_the_steps_of_a_bridge_and_the_things_behind_one(
    client: Client, office: Office, invoke: Callable[..., Result]
) -> None:
    a_month_passes(office)
    asked = ("bridge", "closed_to_livelihood", "--from", "2017-11-30", "--to", "2017-12-31")
    result = invoke(door_to(client, "analyst"), *asked, "--csv")
    assert code_of(result) == 0
    assert result.stdout.splitlines() == [
        "step,things,numerator,denominator,expected,sum,value",
        "2017-11-30 as known 2017-11-30,5,3,5,,,60.0",
        "corrected,3,+1,+0,,,80.0",
        "came_in,1,+1,+1,,,83.3",
        "went_out,1,-1,-1,,,80.0",
        "changed,0,+0,+0,,,80.0",
        "2017-12-31 as known now,5,4,5,,,80.0",
    ]
    result = invoke(door_to(client, "administrator"), *asked, "--step", "went_out", "--csv")
    assert result.stdout.splitlines()[1] == (
        'taken_away,p1,c1,,"day=2016-12-15, until=2016-12-15, numerator=1, denominator=1",'
    )
