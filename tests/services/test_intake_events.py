"""Events come in over HTTP: statuses, repeats, conflicts, content types, tokens."""

import base64
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from efterhand.contracts import REFUSAL_CODES
from tests.services.intake_running import SOURCE, Intake, codes, event, outcomes, running_intake

NUMBER = "811228-9874"


@pytest.fixture(scope="module")
def running(create_database: Callable[[str], str], migrated_template: str) -> Iterator[Intake]:
    """An intake on a database of its own."""
    with running_intake(create_database(migrated_template)) as one:
        yield one


@pytest.fixture
def intake(running: Intake) -> Intake:
    """An intake that has received nothing."""
    running.empty()
    return running


def test_an_event_is_accepted_and_kept_with_what_goes_out(intake: Intake) -> None:
    answer = intake.post(event())
    assert answer.status_code == 202
    assert answer.json() == {
        "results": [
            {
                "index": 0,
                "source": SOURCE,
                "id": "e-1",
                "outcome": "accepted",
                "codes": [],
                "field": None,
                "message": None,
            }
        ]
    }
    ((key, value),) = intake.rows("SELECT key, value FROM outbox WHERE topic = 'case-events'")
    assert key == b"p-1"
    assert json.loads(value) == {**event(), "received": "2017-03-01T22:59:59.999999+00:00"}
    assert intake.rows("SELECT person, type FROM event") == [("p-1", "case.closed")]


def test_the_same_event_again_is_a_duplicate_and_changes_nothing(intake: Intake) -> None:
    intake.post(event())
    again = intake.post(event(time="2017-03-01T08:12:00.000Z"))
    assert (again.status_code, outcomes(again)) == (202, ["duplicate"])
    assert intake.rows("SELECT count(*) FROM event") == [(1,)]
    assert intake.rows("SELECT count(*) FROM outbox WHERE topic = 'case-events'") == [(1,)]


def test_the_same_identity_with_other_content_is_a_conflict_and_the_first_stands(intake: Intake) -> None:
    intake.post(event())
    answer = intake.post(event(data={"reason": "studies"}))
    assert (answer.status_code, outcomes(answer), codes(answer)) == (409, ["conflict"], ["conflict"])
    assert answer.json()["code"] == "conflict"
    assert [entry["outcome"] for entry in intake.refused()] == ["conflict"]
    assert "studies" not in intake.rows("SELECT wire FROM event")[0][0]


def test_a_conflict_that_is_wrong_in_other_ways_too_says_all_of_it(intake: Intake) -> None:
    intake.post(event())
    answer = intake.post(event(data={"reason": "gone", "on": "1980-01-01"}))
    assert answer.status_code == 409
    assert codes(answer) == ["on_too_early", "unknown_code", "conflict"]
    assert answer.json()["results"][0]["field"] == "data.on"


def test_each_event_of_a_batch_is_judged_by_itself_also_against_the_earlier_ones(intake: Intake) -> None:
    batch = [
        event("a", data={"reason": "gone"}),
        event("a"),
        event("a"),
        event("a", data={"case": "c-2"}),
        event("b"),
        17,
    ]
    answer = intake.post(batch)
    assert answer.status_code == 207
    assert outcomes(answer) == ["refused", "accepted", "duplicate", "conflict", "accepted", "refused"]
    assert [result["index"] for result in answer.json()["results"]] == list(range(6))
    assert sorted(intake.rows("SELECT id FROM event")) == [("a",), ("b",)]


def test_a_batch_of_accepted_events_and_duplicates_is_answered_with_202(intake: Intake) -> None:
    answer = intake.post([event("a"), event("b"), event("a")])
    assert (answer.status_code, outcomes(answer)) == (202, ["accepted", "accepted", "duplicate"])


def test_a_key_twice_in_one_event_of_a_batch_refuses_that_event_alone(intake: Intake) -> None:
    body = f'[{json.dumps(event("a"))}, {{"id": "b", "id": "c"}}]'
    answer = intake.client.post("/intake/v1/events", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 207
    assert outcomes(answer) == ["accepted", "refused"]
    assert answer.json()["results"][1]["codes"] == ["not_json"]


@pytest.mark.parametrize("body", ["", "{", '{"id": "a", "id": "b"}', "nul", "\ufeff", '"\\ud800"', "[" * 100_000])
def test_what_is_not_json_is_answered_with_400_and_its_code(intake: Intake, body: str) -> None:
    answer = intake.client.post("/intake/v1/events", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"], codes(answer)) == (400, "not_json", ["not_json"])
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_empty_list_is_answered_with_400(intake: Intake) -> None:
    answer = intake.post([])
    assert (answer.status_code, answer.json()["code"]) == (400, "empty_batch")


REFUSED: dict[str, Any] = {
    "not_cloudevents": event(specversion="0.3"),
    "identity_number": event(data={"person": NUMBER}),
    "unknown_type": event(type="case.lost"),
    "unknown_schema": event(dataschema="urn:efterhand:case.closed:2"),
    "missing_field": event(data={"reason": ...}),
    "unknown_field": event(data={"colour": "red"}),
    "wrong_value": event(data={"on": "2017-02-30"}),
    "time_in_future": event(time="2017-03-02T00:10:01+01:00"),
    "on_too_early": event(data={"on": "1989-12-31"}),
    "on_in_future": event(data={"on": "2017-03-03"}),
    "age_out_of_range": event("x", "case.enrolled", data={"birth_year": 2005}),
    "unknown_code": event(data={"reason": "gone"}),
}


@pytest.mark.parametrize("code", REFUSED)
def test_an_event_is_refused_with_its_code(intake: Intake, code: str) -> None:
    answer = intake.post(REFUSED[code])
    assert answer.status_code == 422, answer.text
    assert outcomes(answer) == ["refused"]
    assert codes(answer) == [code]
    assert answer.json()["code"] == code
    assert answer.json()["detail"]
    assert [entry["codes"] for entry in intake.refused(code=code)] == [[code]]
    assert intake.rows("SELECT count(*) FROM event") == [(0,)]


def test_an_event_is_refused_with_source_not_allowed(intake: Intake) -> None:
    answer = intake.post(event(), authorization=intake.token("source", "/other"))
    assert (answer.status_code, codes(answer)) == (422, ["source_not_allowed"])


def test_an_event_is_refused_with_person_erased(intake: Intake) -> None:
    assert intake.post(event("er", "person.erased")).status_code == 202
    answer = intake.post(event())
    assert (answer.status_code, codes(answer)) == (422, ["person_erased"])


def test_every_refusal_code_has_a_test_of_its_own() -> None:
    elsewhere = {"not_json", "source_not_allowed", "person_erased", "conflict"}
    assert set(REFUSED) | elsewhere == set(REFUSAL_CODES)


def test_all_codes_that_apply_come_in_their_order(intake: Intake) -> None:
    wrong = event(
        "w",
        "case.enrolled",
        time="2018-01-01T00:00:00Z",
        specversion="2.0",
        data={"on": "1980-01-01", "unit": "x", "birth_year": 1979, "sex": "f", "colour": NUMBER, "case": ...},
    )
    answer = intake.post(wrong, authorization=intake.token("source", "/other"))
    assert codes(answer) == [
        "not_cloudevents",
        "identity_number",
        "missing_field",
        "unknown_field",
        "wrong_value",
        "time_in_future",
        "on_too_early",
        "age_out_of_range",
        "unknown_code",
        "source_not_allowed",
    ]


def test_a_duplicate_is_none_for_a_token_that_may_not_write_the_source(intake: Intake) -> None:
    intake.post(event())
    answer = intake.post(event(), authorization=intake.token("source", "/other"))
    assert codes(answer) == ["source_not_allowed"]


def test_what_was_accepted_stays_a_duplicate_when_the_catalogue_no_longer_has_its_code(database_url: str) -> None:
    with running_intake(database_url) as before:
        assert before.post(event()).status_code == 202
    with running_intake(database_url) as after:
        after.services.writer._receiver._codes = _NoCodes()
        assert outcomes(after.post(event())) == ["duplicate"]
        assert codes(after.post(event("other"))) == ["unknown_code"]


class _NoCodes:
    def has(self, _list_name: str, _code: str) -> bool:
        return False


def test_validating_answers_the_same_and_keeps_nothing(intake: Intake) -> None:
    intake.post(event("a"))
    batch = [event("a"), event("a", data={"reason": "studies"}), event("b"), event("b"), event("c", type="x")]
    told = intake.post(batch, "events/validate")
    assert intake.refused() == []
    assert intake.rows("SELECT count(*) FROM event") == [(1,)]
    done = intake.post(batch)
    assert (told.status_code, told.json()) == (done.status_code, done.json())


def test_validating_an_erasure_erases_nobody(intake: Intake) -> None:
    intake.post(event("a"))
    erasure = event("er", "person.erased")
    assert outcomes(intake.post([erasure, event("b")], "events/validate")) == ["accepted", "refused"]
    assert outcomes(intake.post([event("a"), event("b")])) == ["duplicate", "accepted"]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        'Application/JSON;charset="UTF-8"',
        "application/cloudevents+json",
        "application/cloudevents+json; charset=utf-8",
    ],
)
def test_an_event_is_taken_in_structured_mode(intake: Intake, content_type: str) -> None:
    body = json.dumps(event())
    answer = intake.client.post("/intake/v1/events", content=body, headers={"content-type": content_type})
    assert answer.status_code == 202


def test_a_batch_is_taken_as_cloudevents_batch(intake: Intake) -> None:
    headers = {"content-type": "application/cloudevents-batch+json"}
    body = json.dumps([event("a"), event("b")])
    answer = intake.client.post("/intake/v1/events", content=body, headers=headers)
    assert outcomes(answer) == ["accepted", "accepted"]


def test_an_event_is_taken_in_binary_mode_and_is_the_same_as_in_structured_mode(intake: Intake) -> None:
    headers = {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": "%C3%A5-1",
        "ce-source": SOURCE,
        "ce-type": "case.closed",
        "ce-time": "2017-03-01T09:12:00+01:00",
    }
    answer = intake.client.post("/intake/v1/events", content=json.dumps(event()["data"]), headers=headers)
    assert answer.status_code == 202
    assert answer.json()["results"][0]["id"] == "å-1"
    assert outcomes(intake.post(event("å-1"))) == ["duplicate"]


def test_binary_mode_without_data_is_refused_and_not_an_error(intake: Intake) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "a", "ce-source": SOURCE, "ce-type": "case.closed"}
    assert codes(intake.client.post("/intake/v1/events", headers=headers)) == ["missing_field"]
    bad = intake.client.post("/intake/v1/events", headers={**headers, "ce-subject": "%00%ff"})
    assert codes(bad) == ["not_json"]


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {"content-type": "application/xml", "ce-specversion": "1.0", "ce-id": "a"},
        {"content-type": "application/cloudevents+xml"},
        {"content-type": ";;;"},
        {},
    ],
)
def test_another_content_type_is_answered_with_415(intake: Intake, headers: dict[str, str]) -> None:
    answer = intake.client.post("/intake/v1/events", content=json.dumps(event()), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_body_that_is_too_large_is_answered_with_413(intake: Intake) -> None:
    for content in (b" " * (16 * 1024 * 1024 + 1), iter([b" " * 1024 * 1024] * 17)):
        answer = intake.client.post("/intake/v1/events", content=content, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_batch_that_is_too_long_is_answered_with_413(intake: Intake) -> None:
    assert intake.post([1] * 10_001).status_code == 413


def test_an_event_that_no_topic_would_take_is_refused(intake: Intake) -> None:
    answer = intake.post([event("big", note="x" * 600_000), event("small")])
    assert outcomes(answer) == ["refused", "accepted"]
    assert answer.json()["results"][0]["codes"] == ["wrong_value"]


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer x", "Basic eA==", "Bearer eh1.e30.x", "Bearer eh1..", "Bearer " + "a" * 5000],
)
def test_without_a_valid_token_the_answer_is_401(intake: Intake, authorization: str) -> None:
    answer = intake.post(event(), authorization=authorization)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] in {"no_token", "invalid_token"}


def test_a_token_with_a_changed_role_is_not_valid(intake: Intake) -> None:
    prefix, payload, signature = intake.services.tokens.issue("analyst").split(".")
    changed = base64.urlsafe_b64decode(payload + "==").replace(b"analyst", b"administrator")
    forged = f"{prefix}.{base64.urlsafe_b64encode(changed).decode().rstrip('=')}.{signature}"
    assert intake.post(event(), authorization=f"Bearer {forged}").status_code == 401


@pytest.mark.parametrize("role", ["case_worker", "manager", "register_owner", "analyst", "operator", "enter", "x"])
def test_a_role_without_the_right_is_answered_with_403(intake: Intake, role: str) -> None:
    answer = intake.post(event(), authorization=intake.token(role))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


def test_a_source_writes_its_own_source_and_a_service_the_products_own(intake: Intake) -> None:
    assert intake.post(event("a"), authorization=intake.token("source", SOURCE)).status_code == 202
    ours = event("a", source="/efterhand/followup")
    service = intake.token("service")
    assert intake.post(ours, authorization=service).status_code == 202
    assert codes(intake.post(event("b"), authorization=service)) == ["source_not_allowed"]


@pytest.mark.parametrize("same", [True, False])
def test_of_many_at_once_with_one_identity_exactly_one_is_accepted(database_url: str, same: bool) -> None:
    with running_intake(database_url) as one, running_intake(database_url) as other:

        def send(number: int) -> list[str]:
            intake = (one, other)[number % 2]
            mine = event("e", data={"case": "c-1" if same else f"c-{number}"})
            return outcomes(intake.post([event(f"before-{number}"), mine, event(f"after-{number}")]))

        for attempt in range(5):
            with ThreadPoolExecutor(12) as pool:
                answers = list(pool.map(send, range(attempt * 12, attempt * 12 + 12)))
            middle = [outcome[1] for outcome in answers]
            assert middle.count("accepted") == (1 if attempt == 0 else 0)
            assert set(middle) <= {"accepted", "duplicate" if same else "conflict"}
            assert all(outcome[0] == outcome[2] == "accepted" for outcome in answers)
        assert one.rows("SELECT count(*) FROM outbox WHERE topic = 'case-events'") == [(121,)]
        assert one.get("status")["digest"] == other.get("status")["digest"]


def test_history_counts_as_received_at_the_end_of_the_day_that_is_given(intake: Intake) -> None:
    old = {"event": event("a", time="2017-01-10T08:00:00Z", data={"on": "2017-01-10"}), "received": "2017-01-11"}
    ahead = {"event": event("b"), "received": "2017-03-02"}
    wrong = [{"event": event("c"), "received": day} for day in ("yesterday", "2017-02-30", None, 5)]
    early = {"event": event("d"), "received": "2017-02-01"}
    plain = {"event": event("e")}
    answer = intake.post([old, ahead, *wrong, early, plain, event("f")], "load")
    assert answer.status_code == 207
    results = answer.json()["results"]
    assert [result["outcome"] for result in results] == ["accepted", *["refused"] * 6, "accepted", "accepted"]
    assert {(tuple(result["codes"]), result["field"]) for result in results[1:6]} == {(("wrong_value",), "received")}
    assert results[6]["codes"] == ["time_in_future"]
    stamps = dict(intake.rows("SELECT id, to_char(received, 'YYYY-MM-DD HH24:MI:SS.US') FROM event"))
    today = "2017-03-01 22:59:59.999999"
    assert stamps == {"a": "2017-01-11 22:59:59.999999", "e": today, "f": today}
    assert codes(intake.post({"event": event("g"), "received": "2017-02-01", "x": 1}, "load"))[0] == "not_cloudevents"


def test_history_is_not_taken_with_the_system_clock(database_url: str) -> None:
    with running_intake(database_url, clock="system") as intake:
        answer = intake.post([{"event": event("a"), "received": "2017-01-11"}], "load")
        assert (answer.status_code, answer.json()["code"]) == (409, "manual_clock_only")
        assert intake.post(event("b")).status_code == 202


def test_a_source_may_not_load_history(intake: Intake) -> None:
    answer = intake.post([{"event": event("a")}], "load", authorization=intake.token("source", SOURCE))
    assert answer.status_code == 403


def test_intakes_own_attributes_are_not_taken_from_outside(intake: Intake) -> None:
    answer = intake.post(event(received="2001-01-01T00:00:00Z"))
    if answer.status_code == 202:
        (wire,) = intake.rows("SELECT wire FROM event")[0]
        assert json.loads(wire)["received"] == "2017-03-01T22:59:59.999999+00:00"
    assert intake.post(event("h", personhash="ab" * 32)).status_code == 422
