"""Intake disposes of exactly what was asked for, remembers every event of it, and tells the others."""

import json
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

import pytest

from efterhand.disposal import as_hex, event_identity
from efterhand.erasure import person_hash
from efterhand.timeline.digest import bucket_of, digest_of, event_hash
from tests.services.intake_running import SECRET, SOURCE, Intake, codes, event, outcomes, running_intake, wait_until
from tests.services.test_intake_refused import everything_stored

PERSON: Final = "p-7f3a.gone_1"
TODAY: Final = date(2026, 11, 27)
BEFORE: Final = "2021-11-01"


@pytest.fixture
def intake(database_url: str) -> Iterator[Intake]:
    """A fresh intake, years after what it is sent."""
    with running_intake(database_url, start_date=TODAY) as running:
        yield running


def of_person(event_id: str, **data: object) -> dict[str, Any]:
    """An event about the person who is to be disposed of."""
    return event(event_id, data={"person": PERSON, **data})


def asked(ids: Sequence[str], person: str = PERSON) -> dict[str, Any]:
    """The person as indicators tells it, who holds the events with these ids."""
    hashes = [event_hash(SOURCE, each) for each in ids]
    return {
        "personhash": person_hash(SECRET, person),
        "events": len(hashes),
        "sum": as_hex(sum(hashes)),
        "bucket": bucket_of(person),
        "least": as_hex(min(hashes)),
    }


def dispose(intake: Intake, *persons: dict[str, Any], before: str = BEFORE) -> dict[str, Any]:
    answer = intake.post({"before": before, "persons": list(persons)}, "disposals")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def outgoing(intake: Intake) -> list[tuple[bytes, dict[str, Any]]]:
    rows = intake.rows("SELECT key, value FROM outbox WHERE topic = 'case-events' ORDER BY id")
    return [(bytes(key), json.loads(value)) for key, value in rows]


def test_the_persons_events_go_and_the_others_are_told_by_hashes(intake: Intake) -> None:
    intake.post([of_person("a"), of_person("b", case="c-2"), event("other")])
    assert dispose(intake, asked(["a", "b"])) == {"before": BEFORE, "disposed": 1, "moved_on": []}
    assert intake.rows("SELECT id FROM event") == [("other",)]
    assert intake.get("status")["digest"] == digest_of([(bucket_of("p-1"), 1, event_hash(SOURCE, "other"))])
    assert intake.get("status")["disposed"] == 2
    key, body = outgoing(intake)[-1]
    assert key == PERSON.encode()
    assert PERSON not in json.dumps(body)
    assert body["type"] == "person.disposed"
    assert body["personhash"] == person_hash(SECRET, PERSON)
    assert body["data"] == {
        "before": BEFORE,
        "received_until": TODAY.isoformat(),
        "events": sorted(event_identity(SECRET, SOURCE, each).hex for each in ("a", "b")),
    }


def test_the_same_event_again_is_a_duplicate_and_another_content_a_conflict(intake: Intake) -> None:
    intake.post([of_person("a"), of_person("b")])
    dispose(intake, asked(["a", "b"]))
    sent = len(outgoing(intake))
    assert outcomes(intake.post(of_person("a"))) == ["duplicate"]
    assert outcomes(intake.post([of_person("b"), of_person("a"), of_person("b")])) == ["duplicate"] * 3
    assert codes(intake.post(of_person("a", reason="studies"))) == ["conflict"]
    assert codes(intake.post(event("a", "person.erased", data={"person": PERSON}))) == ["conflict"]
    assert intake.rows("SELECT count(*) FROM event") == [(0,)]
    assert len(outgoing(intake)) == sent
    assert outcomes(intake.post(of_person("new"))) == ["accepted"]


def test_a_repeat_finds_nobody_and_changes_nothing(intake: Intake) -> None:
    intake.post([of_person("a"), of_person("b")])
    dispose(intake, asked(["a", "b"]))
    stored = everything_stored(intake)
    hashed = person_hash(SECRET, PERSON)
    assert dispose(intake, asked(["a", "b"])) == {"before": BEFORE, "disposed": 0, "moved_on": [hashed]}
    assert everything_stored(intake) == stored


@pytest.mark.parametrize("held", [["a"], ["a", "b", "c"], ["a", "c"]])
def test_who_has_moved_on_is_left_alone(intake: Intake, held: list[str]) -> None:
    intake.post([of_person(each) for each in held])
    assert dispose(intake, asked(["a", "b"]))["moved_on"] == [person_hash(SECRET, PERSON)]
    assert intake.rows("SELECT id FROM event ORDER BY id") == [(each,) for each in held]
    assert intake.get("status")["disposed"] == 0


def test_nobody_goes_of_whom_something_lies_on_the_horizon(intake: Intake) -> None:
    intake.post([of_person("a"), of_person("b", on=BEFORE)])
    assert dispose(intake, asked(["a", "b"]))["disposed"] == 0
    assert intake.get("status")["digest"]["count"] == 2


@pytest.mark.parametrize("before", ["2021-11-02", "2021-12-01", "2026-11-01"])
def test_a_horizon_that_is_none_is_refused(intake: Intake, before: str) -> None:
    intake.post(of_person("a"))
    answer = intake.post({"before": before, "persons": [asked(["a"])]}, "disposals")
    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_horizon")
    assert intake.get("status")["digest"]["count"] == 1


def test_more_years_are_kept_where_the_setting_says_so(database_url: str) -> None:
    with running_intake(database_url, start_date=TODAY, retention_years=10) as intake:
        answer = intake.post({"before": BEFORE, "persons": []}, "disposals")
        assert (answer.status_code, answer.json()["code"]) == (400, "wrong_horizon")
        assert dispose(intake, before="2016-11-01")["disposed"] == 0
    with pytest.raises(ValueError, match="retention_years"):
        running_intake(database_url, retention_years=4).__enter__()


def test_it_is_for_those_who_operate_the_system_only(intake: Intake) -> None:
    body = {"before": BEFORE, "persons": []}
    assert intake.post(body, "disposals", authorization=intake.token("manager")).status_code == 403
    assert intake.post(body, "disposals", authorization=intake.token("operator")).status_code == 200


def test_no_sender_may_send_a_disposal(intake: Intake) -> None:
    assert codes(intake.post({**of_person("a"), "type": "person.disposed"})) == ["unknown_type"]


def test_old_refusals_of_the_person_go_and_nothing_is_left_in_clear(database_url: str) -> None:
    with running_intake(database_url, start_date=date(2021, 10, 31)) as intake:
        intake.post([of_person("a"), of_person("b", reason="gone"), event("other", data={"reason": "gone"})])
        assert len(intake.refused()) == 2
        intake.post({"date": TODAY.isoformat()}, "date")
        dispose(intake, asked(["a"]))
        assert [entry["event_id"] for entry in intake.refused()] == ["other"]
        with intake.services.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM outbox")
        assert PERSON not in everything_stored(intake)


def test_an_erasure_after_a_disposal_holds_and_does_not_take_the_disposal_from_the_outbox(intake: Intake) -> None:
    intake.post(of_person("a"))
    dispose(intake, asked(["a"]))
    assert outcomes(intake.post(event("er", "person.erased", data={"person": PERSON}))) == ["accepted"]
    assert [body["type"] for _, body in outgoing(intake)] == ["person.disposed", "person.erased"]
    assert codes(intake.post(of_person("new"))) == ["person_erased"]
    assert dispose(intake, asked(["a"]))["disposed"] == 0


def test_disposals_are_published_again_before_the_events(database_url: str) -> None:
    with running_intake(database_url, start_date=TODAY) as intake:
        intake.post([of_person("a"), event("other")])
        dispose(intake, asked(["a"]))
        intake.post(event("er", "person.erased", data={"person": PERSON}))
        first = outgoing(intake)[-2][1]
        with intake.services.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM outbox")
        assert intake.client.post("/intake/v1/republish").status_code == 202
        intake.services.broker.start()
        wait_until(lambda: intake.get("status")["dirty"] == 0)
        intake.services.broker.stop()
        key, again = outgoing(intake)[0]
        assert key == person_hash(SECRET, PERSON).encode()
        assert again == first
        assert [body["type"] for _, body in outgoing(intake)[1:]] == ["person.erased", "case.closed"]
        assert PERSON not in everything_stored(intake)
