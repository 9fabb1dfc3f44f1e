"""After a disposal the events are gone and the figures are the same, or say that they are not available."""

from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from efterhand.catalogue import load_catalogue
from efterhand.disposal import WrongHorizon
from efterhand_indicators.application.bridge import Asked, read_bridge
from efterhand_indicators.application.cases import read_cases
from efterhand_indicators.application.list_disposable import Disposable, list_disposable
from efterhand_indicators.application.why import why_figure
from efterhand_indicators.domain.closed_book import Disposed, is_booked
from tests.editing import edited_catalogue
from tests.services.disposals import disposal
from tests.services.followup_town import closed, enrolled, event, reported_through
from tests.services.indicators_office import SECRET, Office, office, office_template
from tests.services.test_indicators_changed_catalogue import ELEVEN_MONTHS, TINY
from tests.services.test_indicators_state import history, nothing_to_find

__all__ = ["office", "office_template"]

TODAY: Final = date(2026, 11, 28)
BEFORE: Final = date(2019, 1, 1)
YEAR: Final = date(2017, 12, 31)
OF_NOBODY: Final = {"unit_above", "closed_book", "closing", "horizon", "disposed_event", "context", "working_day"}


def disposable(office: Office, before: date | None = BEFORE, years: int = 5, after: str = "") -> Disposable:
    with office.reading() as connection:
        return list_disposable(connection, office.definitions, years, before, after)


def everything(office: Office, at: date = YEAR) -> dict[str, Any]:
    """Every figure that can be added, by two of its dimensions."""
    found = {}
    for name, compiled in office.definitions.indicators.items():
        if is_booked(compiled.indicator):
            by = [each for each in ("sex", "unit", "closure_reason") if each in compiled.indicator.dimensions]
            found[name] = office.figure(name, at, by).as_json()
    return found


def live_rows(office: Office) -> dict[str, list[Any]]:
    return {name: rows for name, rows in office.state().items() if name not in OF_NOBODY and rows}


def test_the_figures_after_a_disposal_are_those_before_it(office: Office) -> None:
    office.move_to(TODAY)
    gone = history("p1")
    office.receive(*gone, *history("p2"))
    before = everything(office)
    assert before["closed_to_livelihood"]["rows"][0]["numerator"] == 2
    office.receive(disposal("p1", BEFORE, gone, SECRET))
    assert everything(office) == before
    assert {row["person"] for row in office.rows("event")} == {"p2"}
    nothing_to_find(office)
    office.receive(disposal("p2", BEFORE, history("p2"), SECRET))  # other events than those held
    assert {row["person"] for row in office.rows("event")} == {"p2"}


def test_nothing_of_the_person_is_left_but_sums_and_hashes(office: Office) -> None:
    office.move_to(TODAY)
    gone = history("p1")
    office.receive(*gone)
    office.receive(disposal("p1", BEFORE, gone, SECRET))
    assert live_rows(office) == {}
    assert "p1" not in str({name: rows for name, rows in office.state().items() if name != "context"}.values())


def test_a_repeat_changes_nothing_and_the_events_are_never_kept_again(office: Office) -> None:
    office.move_to(TODAY)
    gone = history("p1")
    record = disposal("p1", BEFORE, gone, SECRET)
    office.receive(*gone)
    office.receive(record)
    state = office.state()
    office.receive(record, *gone, record)
    for each in gone:
        office.receive(each)
    assert office.state() == state
    nothing_to_find(office)


def test_events_and_their_disposal_in_one_batch_are_closed_before_an_erasure_behind_it(office: Office) -> None:
    office.move_to(TODAY)
    gone = history("p1")
    office.receive(*gone)
    before = everything(office)
    office.begin_again()
    office.move_to(TODAY)
    office.receive(*gone, disposal("p1", BEFORE, gone, SECRET), event("person.erased", received=TODAY, person="p1"))
    assert everything(office) == before
    assert live_rows(office).keys() == {"erased"}
    office.receive(*history("p1"))
    assert live_rows(office).keys() == {"erased"}
    nothing_to_find(office)


def test_who_comes_back_counts_by_the_new_events_alone(office: Office) -> None:
    office.move_to(TODAY)
    gone = history("p1")
    again = [
        enrolled("p1", date(2024, 3, 1), case="c9", unit="south", birth_year=1996, contact_consent=True),
        closed("p1", date(2025, 1, 31), case="c9"),
    ]
    office.receive(*gone, *again)
    before, later = everything(office), everything(office, date(2025, 12, 31))
    office.receive(disposal("p1", BEFORE, gone, SECRET))
    assert everything(office) == before
    assert everything(office, date(2025, 12, 31)) == later
    assert {row["id"] for row in office.rows("event")} == {each["id"] for each in again}
    nothing_to_find(office)
    state = office.state()
    office.begin_again()
    office.move_to(TODAY)
    office.receive(*gone)
    office.receive(disposal("p1", BEFORE, gone, SECRET))
    office.receive(*again)
    assert {**office.state(), "person": [], "context": []} == {**state, "person": [], "context": []}


def test_a_rebuild_does_not_touch_the_book(office: Office) -> None:
    office.move_to(TODAY)
    gone = history("p1")
    office.receive(*gone, *history("p2"))
    before = everything(office)
    office.receive(disposal("p1", BEFORE, gone, SECRET))
    book = office.rows("closed_book")
    office.rebuild()
    office.drain()
    assert office.rows("closed_book") == book
    assert everything(office) == before
    nothing_to_find(office)


def test_what_the_book_cannot_tell_is_not_available_and_says_why(office: Office) -> None:
    office.move_to(TODAY)
    gone = history("p1")
    office.receive(*gone)
    office.receive(disposal("p1", BEFORE, gone, SECRET))
    for name, at, known in (
        ("unique_persons", YEAR, None),
        ("closed_to_livelihood", date(2017, 12, 30), None),
        ("closed_to_livelihood", YEAR, date(2020, 1, 1)),
        ("closed_to_livelihood", date(2019, 12, 31), date(2017, 5, 1)),
    ):
        answer = office.figure(name, at, ["sex"], known).as_json()
        (row,) = answer["rows"]
        assert (row["dims"], row["status"], row["value"], row["judgement"]) == ({}, "not_available", None, "not_judged")
        assert [row[sums] for sums in ("numerator", "denominator", "expected", "sum")] == [None] * 4
        assert "disposed of" in answer["reason"]
    later = office.figure("unique_persons", date(2019, 12, 31), ["sex"]).as_json()
    assert (later["rows"][0]["status"], later["reason"]) == ("shown", None)


def test_no_case_behind_a_window_that_reaches_into_the_book_is_shown(office: Office) -> None:
    office.move_to(TODAY)
    gone = history("p1")
    office.receive(*gone)
    office.receive(disposal("p1", BEFORE, gone, SECRET))
    name = "closed_to_livelihood"
    with office.reading() as connection, pytest.raises(Disposed):
        read_cases(connection, office.definitions, name, YEAR)
    with office.reading() as connection, pytest.raises(Disposed):
        why_figure(connection, office.definitions, name, YEAR)
    with office.reading() as connection, pytest.raises(Disposed):
        read_bridge(connection, office.definitions, Asked(name, YEAR, date(2020, 12, 31)))
    later = date(2020, 12, 31)
    with office.reading() as connection:
        assert read_cases(connection, office.definitions, name, later).items == ()
    with office.reading() as connection:
        assert why_figure(connection, office.definitions, name, later)["row"]["denominator"] == 0
    with office.reading() as connection:
        assert read_bridge(connection, office.definitions, Asked(name, later, later)).later.things == 0


def test_a_changed_definition_is_not_available_for_what_was_closed_by_another(office: Office, tmp_path: Path) -> None:
    office.move_to(TODAY)
    gone = history("p1")
    office.receive(*gone)
    office.receive(disposal("p1", BEFORE, gone, SECRET))
    before = office.figure("closed_to_studies", YEAR).as_json()
    changed = load_catalogue(str(edited_catalogue(TINY, tmp_path / "changed", {"indicators.yaml": [ELEVEN_MONTHS]})))
    office.adopt(changed)
    office.drain()
    assert office.figure("closed_12m", YEAR).as_json()["rows"][0]["status"] == "not_available"
    assert office.figure("closed_12m", date(2019, 12, 31)).as_json()["rows"][0]["status"] == "no_data"
    assert office.figure("closed_to_studies", YEAR).as_json() == before
    nothing_to_find(office)
    # Who is disposed of from now on is closed by the new one, and that does not make the old ones whole.
    more = history("p2")
    office.receive(*more)
    office.receive(disposal("p2", BEFORE, more, SECRET))
    assert office.figure("closed_12m", YEAR).as_json()["rows"][0]["status"] == "not_available"
    assert office.figure("closed_to_studies", YEAR).as_json()["rows"][0]["denominator"] == 2
    nothing_to_find(office)


def test_events_that_were_missing_are_told_and_make_the_windows_unavailable(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    office.move_to(TODAY)
    gone = history("p1")
    office.receive(*gone[1:])
    office.receive(disposal("p1", BEFORE, gone, SECRET))
    (horizon,) = office.rows("horizon")
    assert (horizon["events"], horizon["missing"]) == (len(gone), 1)
    assert "disposed_events_missing" in capsys.readouterr().out
    assert office.figure("closed_to_livelihood", YEAR).as_json()["rows"][0]["status"] == "not_available"
    office.receive(*gone)
    assert live_rows(office) == {}
    nothing_to_find(office)


# --- who may be -----------------------------------------------------------------------------------------------------


def test_those_who_may_be_disposed_of_are_told_without_a_name(office: Office) -> None:
    office.move_to(TODAY)
    office.receive(*history("p1"), enrolled("p2", date(2016, 1, 1)), *history("p3")[:-1])
    found = disposable(office)
    assert found.before == BEFORE
    assert len(found.items) == 2
    assert found.next_after is None
    assert set(found.items[0]) == {"personhash", "events", "sum", "bucket", "least"}
    assert sorted(item["events"] for item in found.items) == [3, 4]
    assert not any(name in str(found) for name in ("p1", "p2", "p3"))


def test_who_counts_after_the_horizon_is_not_among_them(office: Office) -> None:
    office.move_to(TODAY)
    office.receive(*history("p1"))
    # Twelve months and eighteen months after the enrolment are looked at, and the seventh month after the closure.
    assert len(disposable(office, date(2018, 1, 1)).items) == 1
    assert disposable(office, date(2017, 8, 1)).items == ()


@pytest.mark.parametrize("before", [date(2021, 11, 2), date(2021, 12, 1)])
def test_a_horizon_that_is_none_is_refused(office: Office, before: date) -> None:
    office.move_to(TODAY)
    with pytest.raises(WrongHorizon):
        disposable(office, before)


def test_nothing_may_be_disposed_of_that_a_feed_has_not_come_to(office: Office) -> None:
    office.move_to(TODAY)
    office.receive(reported_through("answers", date(2018, 12, 31), TODAY))
    with pytest.raises(WrongHorizon, match="answers"):
        disposable(office)
    office.receive(reported_through("answers", BEFORE, date(2026, 11, 28)))
    assert disposable(office).items == ()


def test_who_waits_to_be_computed_anew_is_passed_over(office: Office) -> None:
    office.move_to(TODAY)
    office.receive(*history("p1"))
    office.rebuild()
    assert disposable(office).items == ()
    office.drain()
    assert len(disposable(office).items) == 1
