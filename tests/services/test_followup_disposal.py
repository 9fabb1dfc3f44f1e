"""After a disposal followup holds nothing of the person but hashes; who comes back is followed up by the new events."""

from datetime import date
from typing import Any, Final

import pytest
from sqlalchemy import text

from efterhand_followup.application.audit import audit
from tests.services.disposals import disposal
from tests.services.followup_town import SECRET, Town, closed, enrolled, event, whole_town

__all__ = ["whole_town"]

START: Final = date(2017, 1, 2)
TODAY: Final = date(2023, 11, 1)
BEFORE: Final = date(2018, 11, 1)


def old_case(person: str) -> list[dict[str, Any]]:
    retraction = event("event.retracted", received=START, person=person)
    retraction["data"]["retracts"] = {"source": "/tiny/b", "id": "x"}
    return [
        enrolled(person, START, contact_consent=True),
        closed(person, date(2017, 3, 1)),
        event("assistance.reported", received=date(2017, 11, 1), person=person, month="2017-10", receives=False),
        retraction,
    ]


def without_log(town: Town) -> dict[str, Any]:
    """All that must be the same whenever a disposal comes; the lists of notices that sum up are brought in line."""
    town.settle()
    return {name: rows for name, rows in town.state().items() if name not in ("context", "person")}


def nothing_to_find(town: Town) -> None:
    found = audit(town.engine, town.catalogue, SECRET)
    assert (found.pending, found.differences) == (0, [])


def live_through(town: Town, *events: dict[str, Any]) -> None:
    town.move_to(START)
    town.receive(*events)
    for day in (date(2017, 3, 1), date(2017, 9, 1), date(2017, 12, 1), TODAY):
        town.move_to(day)


def test_nothing_of_the_person_is_left_and_no_withdrawal_goes_out(whole_town: Town) -> None:
    gone = old_case("p1")
    live_through(whole_town, *gone, *old_case("p2"))
    whole_town.do("DELETE FROM followup.outbox")
    assert {row["person"] for row in whole_town.log()} >= {"p1", "p2"}
    whole_town.receive(disposal("p1", BEFORE, gone, SECRET))
    whole_town.settle()
    for table in ("event", "person", "check", "notice", "listed", "doubt", "person_case"):
        assert "p1" not in str(whole_town.rows(table)), table
    assert whole_town.rows("event") != []
    assert whole_town.rows("outbox") == []
    assert len(whole_town.rows("disposed_event", "1")) == len(gone)
    nothing_to_find(whole_town)


def test_a_repeat_changes_nothing_and_the_events_are_never_kept_again(whole_town: Town) -> None:
    gone = old_case("p1")
    record = disposal("p1", BEFORE, gone, SECRET)
    live_through(whole_town, *gone)
    whole_town.receive(record)
    state = without_log(whole_town)
    for batch in ([record, *gone], [*gone, record], [*gone]):
        whole_town.receive(*batch)
        assert without_log(whole_town) == state
    assert whole_town.rows("event") == []
    nothing_to_find(whole_town)


def test_events_that_come_after_their_disposal_are_not_kept(whole_town: Town) -> None:
    gone = old_case("p1")
    whole_town.move_to(TODAY)
    whole_town.receive(disposal("p1", BEFORE, gone, SECRET))
    whole_town.receive(*gone)
    assert whole_town.rows("event") == []
    assert whole_town.rows("person") == []
    nothing_to_find(whole_town)


def test_who_comes_back_is_followed_up_by_the_new_events_whatever_the_order(whole_town: Town) -> None:
    gone = old_case("p1")
    again = [enrolled("p1", date(2023, 10, 2), case="c9"), closed("p1", date(2023, 10, 20), case="c9")]
    record = disposal("p1", BEFORE, gone, SECRET)
    states = []
    for batches in (
        [gone, [record], again],
        [[*gone, *again], [record]],
        [[*gone, *again, record]],
        [[record], [*again, *gone]],
    ):
        whole_town.begin_again()
        whole_town.move_to(START)
        whole_town.move_to(TODAY)
        for batch in batches:
            whole_town.receive(*batch)
            whole_town.settle()
        nothing_to_find(whole_town)
        states.append(without_log(whole_town))
    assert all(state == states[0] for state in states)
    assert {row["case_id"] for row in whole_town.rows("check")} == {"c9"}
    assert {row["id"] for row in whole_town.rows("event")} == {each["id"] for each in again}


def test_an_erasure_after_a_disposal_keeps_everything_of_the_person_out(whole_town: Town) -> None:
    gone = old_case("p1")
    live_through(whole_town, *gone)
    whole_town.receive(disposal("p1", BEFORE, gone, SECRET), event("person.erased", received=TODAY, person="p1"))
    whole_town.receive(enrolled("p1", date(2023, 10, 2), case="c9"), *gone)
    assert whole_town.rows("event") == []
    assert whole_town.rows("person") == []
    nothing_to_find(whole_town)


def test_the_audit_finds_an_event_that_was_disposed_of_and_is_kept(whole_town: Town) -> None:
    gone = old_case("p1")
    live_through(whole_town, *gone)
    whole_town.do("CREATE TABLE public.saved AS TABLE followup.event")
    whole_town.receive(disposal("p1", BEFORE, gone, SECRET))
    whole_town.do("INSERT INTO followup.event SELECT * FROM public.saved")
    differences = audit(whole_town.engine, whole_town.catalogue, SECRET).differences
    assert [each["what"] for each in differences if each["table"] == "event"] == ["is kept and was disposed of"] * 4


def acted_on(town: Town, *checks: str) -> None:
    """Let staff have done something with checks, and their references have been given out."""
    with town.engine.begin() as connection:
        for check_id in checks:
            row = {"person": check_id.split(":")[1], "id": check_id}
            connection.execute(
                text(
                    "INSERT INTO followup.act (person, check_id, key, kind, made_by, made_at, made_on, said, accepted)"
                    " VALUES (:person, :id, 'k', 'postpone', 'staff:a', now(), '2017-02-01', '{}', true)"
                ),
                row,
            )
            connection.execute(
                text(
                    "INSERT INTO followup.postponement (person, check_id, until_on) VALUES (:person, :id, '2017-02-09')"
                ),
                row,
            )
            connection.execute(
                text("INSERT INTO followup.reference (person, check_id, ref) VALUES (:person, :id, md5(:id))"), row
            )


def acted_about(town: Town) -> set[tuple[str, str]]:
    tables = ("act", "postponement", "reference")
    return {(table, row["check_id"]) for table in tables for row in town.rows(table, "check_id")}


@pytest.mark.parametrize("how", ["disposed of", "erased"])
def test_what_staff_did_about_a_person_goes_with_the_person_and_nobody_elses(whole_town: Town, how: str) -> None:
    gone = old_case("p1")
    live_through(whole_town, *gone, *old_case("p2"))
    acted_on(whole_town, "occupation_6m:p1:c1", "occupation_6m:p2:c1")
    record = disposal("p1", BEFORE, gone, SECRET)
    whole_town.receive(record if how == "disposed of" else event("person.erased", received=TODAY, person="p1"))
    assert {check_id for _, check_id in acted_about(whole_town)} == {"occupation_6m:p2:c1"}
    assert len(acted_about(whole_town)) == 3


def test_of_who_has_come_back_only_what_staff_did_about_the_old_case_goes(whole_town: Town) -> None:
    gone = old_case("p1")
    enrolment = enrolled("p1", date(2023, 10, 2), case="c9", contact_consent=True)
    again = [enrolment, closed("p1", date(2023, 10, 20), case="c9")]
    live_through(whole_town, *gone, *again)
    acted_on(whole_town, "occupation_6m:p1:c1", "occupation_6m:p1:c9")
    whole_town.receive(disposal("p1", BEFORE, gone, SECRET))
    whole_town.settle()
    assert {check_id for _, check_id in acted_about(whole_town)} == {"occupation_6m:p1:c9"}
    assert {row["postponed_until"] for row in whole_town.rows("check") if row["id"] == "occupation_6m:p1:c9"} == {
        date(2017, 2, 9)
    }
    nothing_to_find(whole_town)
