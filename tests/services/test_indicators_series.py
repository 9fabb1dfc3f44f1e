"""Several windows in one answer: each is exactly the figure that is read by itself, whatever it is read from."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection

from efterhand.figures.formulas import month_ends
from efterhand_indicators.application.case_links import with_cases
from efterhand_indicators.application.cases import read_cases
from efterhand_indicators.application.figures import BeingComputed, UnknownWord, empty_cell
from efterhand_indicators.application.series import Series, Table, read_series, read_table
from efterhand_indicators.application.who_is_seen import seen_in
from tests.property.strategies import Scene, scenes
from tests.services.disposals import disposal
from tests.services.followup_town import closed, enrolled, reported_through
from tests.services.followup_town import event as sent
from tests.services.indicators_office import SECRET, Office, office, office_template
from tests.services.test_indicators_http import Client, client, three

__all__ = ["client", "office", "office_template"]

EXAMPLES = settings(deadline=None, database=None, print_blob=True, suppress_health_check=list(HealthCheck))
YEAR = date(2017, 12, 31)
BEFORE = date(2018, 1, 1)
CELLS: tuple[dict[str, str], ...] = ({}, {"unit": "north"}, {"unit": "city"}, {"target_group": "ordinary"})


def series(office: Office, name: str, at: date = YEAR, months: int = 24, **more: Any) -> Series:
    with office.reading() as connection:
        return read_series(connection, office.definitions, name, at, months, **more)


def table(office: Office, at: date = YEAR, earlier: int | None = 12, **more: Any) -> Table:
    with office.reading() as connection:
        return read_table(connection, office.definitions, at, earlier, **more)


def single(office: Office, name: str, at: date, cell: dict[str, str], by: list[str]) -> dict[str, Any]:
    """A figure that is read by itself, with the rows of one cell."""
    figure = office.figure(name, at, [*cell, *by])
    told = figure.as_json()
    if figure.reason is None:
        own = [row for row in told["rows"] if cell.items() <= row["dims"].items()]
        if not any(row["dims"] == cell for row in own):
            empty = empty_cell(figure, cell)
            own.insert(0, {key: getattr(empty, key) for key in told["rows"][0]})
        told["rows"] = own
    return {key: told[key] for key in ("from", "to", "preliminary", "projection", "reason", "rows")}


def names(office: Office) -> list[str]:
    return [*office.definitions.indicators, *office.definitions.catalogue.formulas]


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """What is carried out meanwhile."""
    done: list[str] = []

    def note(connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
        done.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield done
    finally:
        event.remove(engine, "before_cursor_execute", note)


# --- the same as by itself ---------------------------------------------------------------------------------------


@settings(EXAMPLES, max_examples=6)
@given(data=st.data(), scene=scenes(erasures=False))
def test_every_window_of_a_series_is_the_figure_of_that_window_whatever_happened(
    office: Office, data: st.DataObject, scene: Scene
) -> None:
    office.begin_again()
    office.move_to(scene.business_date)
    office.receive(*scene.events)
    chosen = data.draw(st.lists(st.sampled_from(names(office)), min_size=6, max_size=6, unique=True))
    months = data.draw(st.integers(1, 24))
    days = month_ends(YEAR, months)
    for filled in (False, True):
        if filled:
            office.keep_totals()
        for name in chosen:
            for cell in (CELLS[0], data.draw(st.sampled_from(CELLS[1:]))):
                told = series(office, name, YEAR, months, by=["sex"], cell=cell).as_json()["windows"]
                assert told == [single(office, name, day, cell, ["sex"]) for day in days], (name, cell, filled)


def test_the_table_holds_every_figure_of_two_windows_as_they_are_by_themselves(office: Office) -> None:
    three(office)
    office.keep_totals()
    for cell in CELLS:
        found = table(office, by=["sex"], cell=cell)
        assert found.missing == {}
        assert list(found.series) == names(office)
        for name, each in found.series.items():
            days = (date(2016, 12, 31), YEAR)
            assert each.as_json()["windows"] == [single(office, name, day, cell, ["sex"]) for day in days]


@pytest.mark.parametrize("at", [date(2017, 2, 28), date(2016, 2, 29)])
def test_a_year_before_the_end_of_february_is_the_end_of_february(office: Office, at: date) -> None:
    three(office)
    found = table(office, at).series["closed_12m"]
    assert [figure.window.last for figure in found.figures] == [
        date(at.year - 1, 2, 29 if at.year == 2017 else 28),
        at,
    ]


def test_a_series_within_a_month_ends_on_that_day_of_every_month(office: Office) -> None:
    three(office)
    office.keep_totals()
    found = series(office, "unique_persons", date(2017, 5, 17), 3)
    assert [figure.window.last for figure in found.figures] == [date(2017, 3, 17), date(2017, 4, 17), date(2017, 5, 17)]


def test_totals_tell_all_windows_in_one_statement(office: Office) -> None:
    three(office)
    office.keep_totals()
    for cell in CELLS[:3]:
        for name in ("closed_12m", "unique_persons", "self_sufficient_6m", "youth_duration"):
            with statements(office.engine) as done:
                series(office, name, by=["sex"], cell=cell)
            assert len([each for each in done if "indicators.total" in each]) == 1, name
            assert [each for each in done if "indicators.contribution" in each] == [], name
    with statements(office.engine) as done:
        table(office, by=["sex"])
    assert len([each for each in done if "indicators.total" in each]) == 1


# --- what cannot be told -----------------------------------------------------------------------------------------


def test_a_window_with_too_little_coverage_has_no_value_in_the_series_either(office: Office) -> None:
    three(office)
    office.keep_totals()
    told = [(figure.cells[0].status, figure.cells[0].value) for figure in series(office, "self_sufficient_6m").figures]
    assert told == [("no_data", None)] * 19 + [("shown", "100.00")] + [("low_coverage", None)] * 4


def test_windows_that_reach_into_the_closed_book_are_what_they_were_or_say_why_not(office: Office) -> None:
    office.move_to(date(2023, 1, 1))
    gone = [
        enrolled("p1", date(2016, 3, 1)),
        sent("case.transferred", received=YEAR, person="p1", case="c1", on=date(2016, 5, 1), unit="south"),
        closed("p1", date(2017, 1, 31)),
    ]
    office.receive(*gone, enrolled("p2", date(2016, 3, 1)), closed("p2", date(2017, 2, 28)))
    office.keep_totals()
    asked = [("closed_12m", cell) for cell in CELLS]
    before = [series(office, name, by=["sex"], cell=cell).as_json()["windows"] for name, cell in asked]
    office.receive(disposal("p1", BEFORE, gone, SECRET))
    office.keep_totals()
    assert [series(office, name, by=["sex"], cell=cell).as_json()["windows"] for name, cell in asked] == before
    for name in ("unique_persons", "closed_12m"):
        told = series(office, name, date(2018, 12, 31), 14, by=["sex"], cell={"unit": "city"}).as_json()["windows"]
        assert told == [
            single(office, name, day, {"unit": "city"}, ["sex"]) for day in month_ends(date(2018, 12, 31), 14)
        ]
    kinds = [figure.cells[0].status for figure in series(office, "unique_persons", date(2018, 12, 31), 14).figures]
    assert kinds == ["not_available"] * 13 + ["shown"]


def test_a_figure_with_a_new_definition_is_missing_in_the_table_and_the_others_are_there(office: Office) -> None:
    three(office)
    office.do("UPDATE indicators.context SET definitions = definitions - 'closed_12m'")
    found = table(office)
    assert found.missing == {"closed_12m": "being_computed"}
    assert "unique_persons" in found.series
    assert found.as_json()["items"][-1] == {"indicator": "closed_12m", "missing": "being_computed"}
    with pytest.raises(BeingComputed):
        series(office, "closed_12m")


def test_what_has_no_such_cell_is_missing_in_the_table_and_a_word_that_nothing_knows_is_refused(office: Office) -> None:
    three(office)
    found = table(office, cell={"closure_reason": "work"})
    assert found.missing["unique_persons"] == "no_such_cell"
    assert "closed_to_studies" in found.series
    with pytest.raises(UnknownWord):
        table(office, cell={"colour": "red"})
    with pytest.raises(UnknownWord):
        series(office, "closed_12m", cell={"unit": "nowhere"})


# --- the cases behind a figure -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["closed_12m", "unique_persons", "guidance_share", "stockholmsjobb_persons"])
def test_every_counted_thing_says_which_case_it_is_and_where_that_lies(office: Office, name: str) -> None:
    three(office)
    office.receive(
        sent("guidance.held", received=YEAR, person="p1", case="c1", on=date(2017, 1, 3)),
        sent("measure.started", received=YEAR, person="p3", case="c3", measure="m1", on=date(2017, 1, 3),
             kind="stockholmsjobb", funder="own"),
    )  # fmt: skip
    with office.reading() as connection:
        found = read_cases(connection, office.definitions, name, YEAR).items
        items = with_cases(connection, found, {"/tiny/a": "https://flai.test/{case}"})
        logged = seen_in(connection, found)
    rows = [row for item in items for row in item.get("made_of", [item])]
    assert rows
    assert {row["link"] for row in rows} <= {"https://flai.test/c1", "https://flai.test/c3"}
    assert [row["case"] for row in rows] == [each.case for each in logged]
    assert None not in {row["case"] for row in rows}
    assert with_cases(connection, [], {}) == []


# --- over HTTP ---------------------------------------------------------------------------------------------------


def test_a_series_and_the_table_are_told_as_documented(client: Client, office: Office) -> None:
    three(office)
    office.receive(reported_through("cases", date(2017, 11, 30), received=YEAR))
    office.drain()
    told = client.get("figures/closed_12m/series?at=2017-12-31&months=2&by=sex&cell=unit:north")
    assert told.keys() == {
        "indicator", "name", "kind", "definition", "business_date", "as_of", "better", "cell", "windows",
    }  # fmt: skip
    assert (told["cell"], told["as_of"]) == ({"unit": "north"}, "2017-11-30")
    assert [(each["to"], each["preliminary"]) for each in told["windows"]] == [
        ("2017-11-30", False),
        ("2017-12-31", True),
    ]
    assert [row["dims"] for row in told["windows"][-1]["rows"]] == [
        {"unit": "north"},
        {"sex": "female", "unit": "north"},
        {"sex": "male", "unit": "north"},
    ]
    whole = client.get("figures?at=2017-12-31&earlier=12&by=sex")
    assert [len(item["windows"]) for item in whole["items"]] == [2] * len(whole["items"])
    assert whole["items"][0]["windows"][-1]["rows"][0]["target"] == "78"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("figures/no_such/series", 404, "unknown_indicator"),
        ("figures/closed_12m/series?by=colour", 400, "unknown_dimension"),
        ("figures/closed_12m/series?cell=unit:nowhere", 400, "unknown_unit"),
        ("figures/closed_12m/series?cell=unit", 400, "wrong_cell"),
        ("figures/closed_12m/series?at=2017", 400, "wrong_date"),
        ("figures?cell=colour:red", 400, "unknown_dimension"),
        ("figures?at=0001-01-31", 400, "wrong_date"),
    ],
)
def test_a_wrong_question_says_what_is_wrong(client: Client, office: Office, path: str, status: int, code: str) -> None:
    three(office)
    answer = client.ask("GET", f"/indicators/v1/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("months", ["0", "61", "x"])
def test_a_series_has_one_to_sixty_windows(client: Client, office: Office, months: str) -> None:
    three(office)
    assert client.ask("GET", f"/indicators/v1/figures/closed_12m/series?months={months}").status_code in (400, 422)
