"""Figures that are read from totals are the figures that the contributions come to, whatever has happened."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from itertools import chain, combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete

from efterhand.catalogue import Catalogue, Edge, Indicator, UnitTree
from efterhand.catalogue.model import Kind
from efterhand.database import create_engine, migrate
from efterhand.figures.cells import Dims, Sums, window_of
from efterhand_indicators.adapters import context_store, tables, total_query, total_store
from efterhand_indicators.adapters.compiler import PERSONS, compile_indicator
from efterhand_indicators.application.figures import read_figure
from efterhand_indicators.application.keep_totals import STEPS
from efterhand_indicators.domain import totals
from efterhand_indicators.domain.totals import Totals, month_number, units_above
from tests.property.product import catalogue
from tests.property.strategies import Scene, arrivals, batches, scenes
from tests.services.definitions_at_random import facts_of, histories, indicators, with_derived_kinds
from tests.services.disposals import disposal
from tests.services.followup_town import closed, enrolled
from tests.services.followup_town import event as sent
from tests.services.indicator_bench import by_sql, contribute, lay
from tests.services.indicators_office import SECRET, Office, office, office_template

__all__ = ["office", "office_template"]

EXAMPLES = settings(deadline=None, database=None, print_blob=True, suppress_health_check=list(HealthCheck))
ENDS = (date(2016, 2, 29), date(2016, 8, 31), date(2017, 2, 28), date(2017, 12, 31), date(2018, 1, 31))
BY = [list(names) for names in chain.from_iterable(combinations(("sex", "unit"), size) for size in range(3))]
YEAR = date(2017, 12, 31)


@pytest.fixture(scope="module")
def engine(create_database: Callable[[str], str]) -> Iterator[Engine]:
    url = create_database("template0")
    migrate(url, tables.SCHEMA)
    made = create_engine(url, tables.SCHEMA, pool_size=2)
    yield made
    made.dispose()


def by_totals(
    connection: Connection, indicator: Indicator, everything: Catalogue, at: date, by: list[str]
) -> dict[Dims, Sums]:
    ancestors = {unit: everything.units.ancestors_on(unit, at) for unit in everything.units.units}
    return total_query.read_cells_of_totals(connection, indicator, window_of(indicator, at), by, ancestors)


def a_town_that_was_divided(everything: Catalogue) -> Catalogue:
    """Units that move, leave and come under others in the middle of months."""
    moved = (
        Edge("annex", "north", date(2015, 1, 1), date(2016, 8, 30)),
        Edge("annex", "south", date(2017, 1, 15)),
        Edge("north", "city", date(2016, 3, 1), date(2017, 2, 28)),
        Edge("north", "south", date(2017, 3, 1)),
    )
    return replace(everything, units=UnitTree(everything.units.units, moved))


@pytest.mark.timeout(900)
@settings(EXAMPLES, max_examples=80)
@given(data=st.data())
def test_whatever_is_counted_and_whatever_changes_the_totals_come_to_the_same_cells(
    engine: Engine, data: st.DataObject
) -> None:
    everything = with_derived_kinds(catalogue())
    if data.draw(st.booleans()):
        everything = a_town_that_was_divided(everything)
    drawn = data.draw(st.lists(histories(), min_size=1, max_size=4))
    people = [facts_of(f"p{number}", rows, everything) for number, rows in enumerate(drawn)]
    indicator = data.draw(indicators(everything.indicators["closed_12m"], everything.facts).filter(totals.are_possible))
    compiled = compile_indicator(indicator, everything, tables.stored, tables.temporary)
    assert compiled.totals is not None
    with engine.connect() as connection:
        total_store.set_units_above(connection, everything.units)
        before = people[: data.draw(st.integers(0, len(people)))]
        lay(connection, before, everything)
        contribute(connection, indicator, everything, before)
        total_store.fill(connection, compiled)
        if data.draw(st.booleans()):
            total_store.fold(connection, data.draw(st.integers(1, 50)))
        changed = [
            facts_of(f"p{number}", data.draw(st.just(rows) | histories()), everything)
            for number, rows in enumerate(drawn)
            if data.draw(st.booleans())
        ]
        for table in tables.stored.facts.values():
            connection.execute(delete(table).where(table.c.person.in_([each.person for each in changed])))
        lay(connection, changed, everything)
        connection.exec_driver_sql(compiled.totals.replace, {PERSONS: [each.person for each in changed]})
        if data.draw(st.booleans()):
            erased = [people[0].person]
            total_store.take_out(connection, compiled, erased)
            connection.execute(
                delete(tables.stored.contribution).where(tables.stored.contribution.c.person.in_(erased))
            )
        if data.draw(st.booleans()):
            total_store.fold(connection, data.draw(st.integers(1, 50)))
        assert list(total_store.wrong_totals(connection, compiled)) == []
        drawn_by = data.draw(st.sampled_from(BY))
        for at in ENDS[::2]:
            for by in (drawn_by, BY[-1]):
                expected = by_sql(connection, indicator, everything, at, by)
                assert by_totals(connection, indicator, everything, at, by) == expected, (at, by)
        connection.rollback()
    event(f"{indicator.kind}, once: {totals.counts_once(indicator)}, evidence: {indicator.evidence is not None}")


# --- the service --------------------------------------------------------------------------------------------------


def assert_totals_say_the_same(office: Office) -> None:
    """Every indicator that has totals, read from them and from its contributions."""
    with office.reading() as connection:
        filled = context_store.read_context(connection).totals.filled
        assert filled.keys() == office.definitions.totals.keys()
        for name in filled:
            indicator = office.definitions.indicators[name].indicator
            for at in ENDS[1::2]:
                told = read_figure(connection, office.definitions, name, at, BY[-1])
                sums = by_sql(connection, indicator, office.definitions.catalogue, at, BY[-1])
                assert by_totals(connection, indicator, office.definitions.catalogue, at, BY[-1]) == sums
                cells = {tuple(each.dims.items()): each.numerator for each in told.cells if each.dims}
                assert cells == {dims: each.numerator for dims, each in sums.items() if dims}


@settings(EXAMPLES, max_examples=10)
@given(data=st.data(), scene=scenes(erasures=True, often_erased=True))
def test_any_order_repeats_and_batches_and_totals_kept_from_any_moment(office: Office, data: Any, scene: Scene) -> None:
    office.begin_again()
    office.move_to(scene.business_date)
    for batch in data.draw(batches(data.draw(arrivals(scene.events)))):
        office.receive(*batch)
        for _ in range(data.draw(st.integers(0, 3))):
            step = data.draw(st.sampled_from(STEPS))
            with office.engine.begin() as connection:
                step(connection, office.definitions)
    office.keep_totals()
    assert office.audit()["differences"] == []
    assert_totals_say_the_same(office)


def a_year(person: str) -> list[dict[str, Any]]:
    return [
        enrolled(person, date(2016, 3, 1)),
        sent("guidance.held", received=YEAR, person=person, case="c1", on=date(2017, 1, 3)),
        sent("case.transferred", received=YEAR, person=person, case="c1", on=date(2016, 5, 1), unit="south"),
        closed(person, date(2017, 1, 31)),
    ]


def test_what_changes_while_totals_are_filled_is_counted_once(office: Office) -> None:
    office.move_to(YEAR)
    office.receive(*a_year("p1"), *a_year("p2"))
    with office.engine.begin() as connection:
        assert STEPS[0](connection, office.definitions)
    name = "unique_persons"
    with office.engine.connect() as filling, filling.begin(), ThreadPoolExecutor(1) as others:
        assert total_store.begin_rewriting(filling)
        total_store.fill(filling, office.definitions.indicators[name])
        # Somebody goes and somebody comes, on another connection, while what was filled is not committed.
        others.submit(office.receive, closed("p3", YEAR, received=YEAR)).result(30)
        others.submit(office.receive, *a_year("p3"), closed("p1", date(2016, 4, 1), received=YEAR)).result(30)
    office.keep_totals()
    assert office.audit()["differences"] == []
    assert_totals_say_the_same(office)
    assert office.told(name, YEAR) == {"all": "2"}
    assert office.told(name, date(2016, 12, 31)) == {"all": "3"}


def test_only_one_process_rewrites_totals_at_a_time(office: Office) -> None:
    office.receive(*a_year("p1"))
    with office.engine.begin() as connection:
        assert STEPS[0](connection, office.definitions)
        assert total_store.begin_rewriting(connection)
    with office.engine.begin() as one, office.engine.begin() as other:
        assert total_store.begin_rewriting(one)
        assert [step(other, office.definitions) for step in STEPS] == [False, False, False]


def test_a_changed_definition_or_tree_is_read_from_contributions_until_its_totals_are_filled(office: Office) -> None:
    office.move_to(YEAR)
    office.receive(*a_year("p1"), *a_year("p2"))
    office.keep_totals()
    before = office.definitions
    assert office.told("unique_persons", YEAR, ["unit"])["unit=south"] == "2"

    moved = (*before.catalogue.units.edges, Edge("annex", "north", date(2000, 1, 1), date(2017, 12, 31)))
    office.adopt(replace(before.catalogue, version="moved", units=UnitTree(before.catalogue.units.units, moved)))
    with office.reading() as connection:
        kept = context_store.read_context(connection).totals
    once = {name for name in before.totals if totals.counts_once(before.indicators[name].indicator)}
    assert kept.filled.keys() == kept.kept.keys() == before.totals.keys() - once != set()
    told = office.told("unique_persons", YEAR, ["unit"])
    office.keep_totals()
    assert_totals_say_the_same(office)
    assert office.told("unique_persons", YEAR, ["unit"]) == told

    office.adopt(before.catalogue)
    office.receive(*a_year("p3"))
    office.keep_totals()
    assert office.audit()["differences"] == []
    assert_totals_say_the_same(office)


def test_a_worker_with_another_catalogue_that_erases_somebody_has_the_totals_kept_anew(office: Office) -> None:
    office.move_to(YEAR)
    office.receive(*a_year("p1"), *a_year("p2"))
    office.keep_totals()
    other = replace(office.definitions, rules="another version")
    office.receive(sent("person.erased", received=YEAR, person="p1"), by=other)
    with office.reading() as connection:
        assert context_store.read_context(connection).totals == Totals()
    assert office.told("unique_persons", YEAR) == {"all": "1"}
    office.keep_totals()
    assert_totals_say_the_same(office)


def test_who_is_disposed_of_leaves_the_totals_and_is_in_the_closed_book(office: Office) -> None:
    office.move_to(date(2023, 1, 1))
    gone = a_year("p1")
    office.receive(*gone, *a_year("p2"))
    office.keep_totals()
    before = office.told("closed_12m", YEAR, ["sex", "unit"])
    office.receive(disposal("p1", date(2018, 1, 1), gone, SECRET))
    office.keep_totals()
    assert office.audit()["differences"] == []
    assert office.told("closed_12m", YEAR, ["sex", "unit"]) == before
    with office.reading() as connection:
        indicator = office.definitions.indicators["unique_persons"].indicator
        (cell,) = by_totals(connection, indicator, office.definitions.catalogue, YEAR, []).values()
    assert cell.numerator == 1


def test_a_rebuild_keeps_totals_anew(office: Office) -> None:
    office.move_to(YEAR)
    office.receive(*a_year("p1"), *a_year("p2"))
    office.keep_totals()
    office.do("UPDATE indicators.total SET things = things + 1, numerator = numerator + 1")
    assert {each["table"] for each in office.audit()["differences"]} == {"total"}
    office.rebuild()
    assert office.told("unique_persons", YEAR) == {"all": "2"}
    office.drain()
    office.keep_totals()
    assert office.audit()["differences"] == []
    assert_totals_say_the_same(office)


def test_totals_answer_whole_months_by_sex_and_unit_and_nothing_else(office: Office) -> None:
    indicator = office.definitions.indicators["closed_12m"].indicator
    assert totals.answer(indicator, date(2017, 2, 28), ["sex", "unit"])
    assert not totals.answer(indicator, date(2016, 2, 28), ["sex"])
    assert not totals.answer(indicator, date(2017, 2, 28), ["sex", "age_band"])
    for other in (
        replace(indicator, window_months=0),
        replace(indicator, kind=Kind.MEDIAN),
        replace(indicator, kind=Kind.SPLIT),
        replace(indicator, first_per_person=True),
    ):
        assert not totals.answer(other, date(2017, 2, 28), [])


def test_a_unit_counts_in_the_cells_of_those_above_it_on_the_last_day_of_each_month() -> None:
    rows = units_above(a_town_that_was_divided(catalogue()).units)
    annex = {(above, first, until) for unit, above, first, until in rows if unit == "annex"}
    first, last = totals.FIRST_MONTH, totals.LAST_MONTH + 1
    march, january, then = (month_number(date(*day)) for day in ((2016, 3, 1), (2017, 1, 1), (2017, 3, 1)))
    begun = month_number(date(2015, 1, 1))
    assert annex == {
        ("", first, last),
        ("annex", first, last),
        ("north", begun, january),
        ("city", march, january),
        ("south", january, last),
    }
    north = {(above, begins, until) for unit, above, begins, until in rows if unit == "north"}
    assert ("south", then, last) in north
    assert ("city", march, then) in north
