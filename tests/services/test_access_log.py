"""The log of who saw whom: what it holds, how it is searched, and how it goes with time and with the person."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Table, text

from efterhand.access_log.lines import Seen, lines_of
from efterhand.access_log.reading import AccessFilter, read_access_log
from efterhand.access_log.retention import forgetting
from efterhand.access_log.tables import forget_before
from efterhand.catalogue import load_catalogue
from efterhand.database import bulk_insert
from efterhand.persons.access import keep_access
from efterhand.web.rights import Grant, Principal, Right
from efterhand.web.sight import EVERYTHING, Sight, sight_of
from efterhand_followup.adapters import tables as followup_tables
from efterhand_indicators.adapters import tables as indicators_tables
from efterhand_intake.adapters import tables as intake_tables
from tests.services.followup_town import Town, enrolled, town
from tests.services.indicators_office import Office, office, office_template
from tests.services.intake_running import Intake, event, running_intake
from tests.services.messaging_tools import until
from tests.services.test_followup_service import START, erased

__all__ = ["office", "office_template", "town"]

LOG = followup_tables.kept.access_log
WORKER = Principal("t-1", "case_worker", grants=(Grant("case_worker", "north"),), staff="cw-1")


def lines(principal: Principal, *seen: Seen, kind: str = "checks", sight: Sight | None = None) -> list[dict[str, Any]]:
    return lines_of(principal, Right.CHECKS_READ, kind, seen, sight)


def keep(town: Town, *written: dict[str, Any]) -> None:
    with town.engine.begin() as connection:
        keep_access(connection, followup_tables.kept, written)


def search(town: Town, sight: Sight = EVERYTHING, hidden: frozenset[str] = frozenset(), **wanted: Any) -> list[Any]:
    """Everything that is found, in pages of two."""
    found: list[Any] = []
    cursor = None
    with town.engine.connect() as connection:
        while True:
            page, seen = read_access_log(connection, LOG, AccessFilter(**wanted), sight, hidden.intersection, cursor, 2)
            assert [each.person for each in seen] == [each["person"] for each in page["items"] if each["person"]]
            found += page["items"]
            cursor = page["next"]
            if cursor is None:
                return found


@pytest.fixture
def three(town: Town) -> Town:
    """A town in which three persons are known."""
    town.move_to(START)
    town.receive(*(enrolled(person, START, case=f"c-{person}") for person in ("p1", "p2", "p3")))
    return town


def test_a_line_says_who_saw_whom_when_as_what_and_in_which_unit(three: Town) -> None:
    before = datetime.now(UTC)
    keep(three, *lines(WORKER, Seen("p1", "c-p1", "north")))
    (line,) = search(three)
    assert before - timedelta(seconds=5) < line.pop("at") < datetime.now(UTC) + timedelta(seconds=5)
    assert line == {
        "kind": "checks",
        "staff": "cw-1",
        "token": "t-1",
        "role": "case_worker",
        "person": "p1",
        "case": "c-p1",
        "unit": "north",
        "reason": None,
    }


def test_a_person_is_one_line_of_an_answer_however_often_it_is_shown(three: Town) -> None:
    keep(three, *lines(WORKER, *[Seen("p1", "c-p1", "north")] * 3, Seen("p1", "c-2", "north")))
    assert [line["case"] for line in search(three)] == ["c-2", "c-p1"]


def test_the_log_is_searched_by_person_case_staff_token_kind_and_day(three: Town) -> None:
    other = Principal("t-2", "manager", staff="m-1")
    keep(three, *lines(WORKER, Seen("p1", "c-p1", "north"), Seen("p2", "c-p2", "north")))
    keep(three, *lines(other, Seen("p1", "c-p1", "south"), Seen("p3", "c-p3", "south"), kind="why"))
    three.do("UPDATE followup.access_log SET at = '2026-05-01 21:59:59+00' WHERE person = 'p3'")
    assert [line["person"] for line in search(three)] == ["p3", "p1", "p2", "p1"]
    assert [line["staff"] for line in search(three, person="p1")] == ["m-1", "cw-1"]
    assert [line["person"] for line in search(three, case="c-p2")] == ["p2"]
    assert [line["person"] for line in search(three, staff="cw-1")] == ["p2", "p1"]
    assert [line["person"] for line in search(three, token="t-2", kind="why")] == ["p3", "p1"]
    # The last second of a day in Stockholm, in summer.
    assert [line["person"] for line in search(three, day=date(2026, 5, 1))] == ["p3"]
    assert search(three, day=date(2026, 5, 2)) == []


def test_a_reviewer_sees_the_lines_of_the_own_units_and_of_nobody_who_is_protected(three: Town) -> None:
    keep(three, *lines(WORKER, *(Seen(person, None, unit) for person in ("p1", "p2") for unit in ("north", "south"))))
    north = frozenset({"north"})
    assert [(line["person"], line["unit"]) for line in search(three, Sight(north))] == [
        ("p2", "north"),
        ("p1", "north"),
    ]
    assert {line["person"] for line in search(three, Sight(None), frozenset({"p1"}))} == {"p2"}
    assert {line["person"] for line in search(three, EVERYTHING, frozenset({"p1"}))} == {"p1", "p2"}


def test_the_reason_stands_in_the_lines_about_a_unit_that_is_seen_for_a_while_only(three: Town) -> None:
    tree = load_catalogue(str(three.catalogue_directory)).units
    for_a_while = Grant("case_worker", "south", until=4e9, reason="Vikarie i Söder")
    lent = Principal("t-1", "case_worker", grants=(*WORKER.grants, for_a_while), staff="cw-1")
    sight = sight_of(lent, Right.CHECKS_READ, tree, START)
    assert sight.units == {"north", "south"}
    keep(three, *lines(lent, Seen("p1", None, "north"), Seen("p2", None, "south"), sight=sight))
    assert {line["person"]: line["reason"] for line in search(three)} == {"p1": None, "p2": "Vikarie i Söder"}
    # Whoever has the unit as well needs no reason for it.
    whole = Principal("t-2", "manager", grants=(Grant("manager"), for_a_while))
    assert sight_of(whole, Right.CHECKS_READ, tree, START) == Sight(None)


# --- it goes ---


def test_an_erasure_takes_the_lines_about_the_person_and_no_others(three: Town) -> None:
    keep(three, *lines(WORKER, Seen("p1", "c-p1", "north"), Seen("p2", "c-p2", "north")))
    three.receive(erased("p1", START))
    assert [line["person"] for line in search(three)] == ["p2"]
    # Whose answer was being read while the person was erased.
    keep(three, *lines(WORKER, Seen("p1", "c-p1", "north"), Seen("p3", "c-p3", "north")))
    assert [line["person"] for line in search(three)] == ["p3", "p2"]


def test_no_line_is_left_by_an_answer_that_is_read_while_the_person_is_erased(three: Town) -> None:
    written = lines(WORKER, Seen("p1", "c-p1", "north"))
    with three.engine.begin() as reader:
        keep_access(reader, followup_tables.kept, written)
        erasing = threading.Thread(target=three.receive, args=(erased("p1", START),))
        erasing.start()
        until(lambda: _waits(three.engine))
    erasing.join(30)
    assert search(three) == []


def _waits(engine: Engine) -> bool:
    with engine.connect() as connection:
        return bool(
            connection.execute(
                text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'")
            ).scalar_one()
        )


def test_an_erasure_takes_the_lines_in_indicators_too(office: Office) -> None:
    office.move_to(START)
    office.receive(enrolled("p1", START), enrolled("p2", START))
    with office.engine.begin() as connection:
        keep_access(connection, indicators_tables.kept, lines(WORKER, Seen("p1"), Seen("p2")))
    office.receive(erased("p1", START))
    assert [row["person"] for row in office.rows("access_log")] == ["p2"]


@pytest.fixture(scope="module")
def intake(create_database: Callable[[str], str], migrated_template: str) -> Iterator[Intake]:
    with running_intake(create_database(migrated_template)) as running:
        yield running


def test_an_erasure_takes_the_lines_in_intake_too(intake: Intake) -> None:
    for person in ("p-1", "p-2"):
        intake.post(event(f"e-{person}", data={"person": person, "reason": "no-such"}))
    assert len(intake.refused()) == 2
    assert {row.person for row in intake.rows("SELECT person FROM intake.access_log")} == {"p-1", "p-2"}
    assert intake.post(event("gone", "person.erased", data={"person": "p-1"})).status_code == 202
    assert {row.person for row in intake.rows("SELECT person FROM intake.access_log")} == {"p-2"}


def test_lines_go_when_they_are_as_old_as_the_installation_says(three: Town) -> None:
    keep(three, *lines(WORKER, Seen("p1"), Seen("p2"), Seen("p3")))
    three.do("UPDATE followup.access_log SET at = now() - interval '729 days' WHERE person = 'p1'")
    three.do("UPDATE followup.access_log SET at = now() - interval '731 days' WHERE person = 'p2'")
    thread = forgetting(three.engine, LOG, 730)
    thread.start()
    try:
        until(lambda: three.one("SELECT count(*) FROM followup.access_log") == 2)
    finally:
        thread.stop()
    assert {line["person"] for line in search(three)} == {"p1", "p3"}


@pytest.mark.parametrize(
    ("schema", "table"),
    [
        ("followup", followup_tables.kept.access_log),
        ("indicators", indicators_tables.kept.access_log),
        ("intake", intake_tables.access_log),
    ],
)
def test_every_service_has_the_log_and_forgets(intake: Intake, schema: str, table: Table) -> None:
    with intake.services.engine.begin() as connection:
        connection.execute(text(f"DELETE FROM {schema}.access_log"))
        bulk_insert(connection, table, lines(WORKER, Seen("p-9", "c-9", "north")))
        assert forget_before(connection, table, 1) == 0
        connection.execute(text(f"UPDATE {schema}.access_log SET at = at - interval '2 days'"))
        assert forget_before(connection, table, 1) == 1
