"""What staff do with checks: attempts, postponements, taking back, several at once; each form is one act."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import httpx
import orjson
import pytest

from efterhand.database import migrate
from efterhand.erasure import person_hash
from efterhand_followup.adapters.intake_client import IntakeClient
from efterhand_followup.application.audit import audit
from efterhand_followup.bootstrap import Services
from efterhand_followup.domain.acts import SOURCE
from tests.services.followup_served import client_of, http, intake_that, services, url
from tests.services.followup_town import SECRET, Sent, Town, closed, enrolled, event, town
from tests.services.intake_running import running_intake

__all__ = ["client_of", "http", "services", "town", "url"]

TODAY = date(2017, 9, 1)
CLOSED = date(2017, 3, 1)
CHECK = "occupation_6m:p1:c1"
ATTEMPT = {"on": "2017-09-01", "how": "phone"}
ANSWER = {"on": "2017-09-01", "response": "answered", "occupation": "work"}

Intake = Callable[[], list[Sent]]


@pytest.fixture
def two_checks(town: Town) -> list[str]:
    """Two checks that are due today, of two persons."""
    town.move_to(date(2017, 8, 1))
    for person in ("p1", "p2"):
        town.receive(
            enrolled(person, date(2016, 9, 1), contact_consent=True, received=CLOSED),
            closed(person, CLOSED, received=CLOSED),
        )
    town.move_to(TODAY)
    return [CHECK, "occupation_6m:p2:c1"]


@pytest.fixture
def intake(services: Services, two_checks: list[str]) -> Intake:
    """An intake that takes everything; gives the events that it has been sent, each as often as it was."""

    def take(request: httpx.Request) -> httpx.Response:
        sent = orjson.loads(request.content)
        results = [{"outcome": "accepted", "message": None} for _ in (sent if isinstance(sent, list) else [sent])]
        return httpx.Response(202, json={"results": results})

    asked = intake_that(services, take)

    def events() -> list[Sent]:
        bodies = [orjson.loads(request.content) for request in asked]
        return [each for body in bodies for each in (body if isinstance(body, list) else [body])]

    return events


def act(http: httpx.Client, kind: str, body: dict[str, Any], check: str = CHECK) -> httpx.Response:
    return http.post(f"/followup/v1/checks/{check}/{kind}", json=body)


def item(http: httpx.Client, check: str = CHECK) -> dict[str, Any]:
    body: dict[str, Any] = http.get(f"/followup/v1/checks/{check}/story").json()["check"]
    return body


def come_back(town: Town, events: list[Sent]) -> None:
    """The events that were accepted reach followup through the topic."""
    received = event("x", received=TODAY)["received"]
    town.receive(*({**sent, "received": received} for sent in events))
    town.settle()


# --- attempts ---


def test_an_attempt_becomes_an_event_of_its_own_source_and_makes_the_check_wait(
    town: Town, http: httpx.Client, intake: Intake
) -> None:
    reply = act(http, "attempt", {**ATTEMPT, "key": "k1"})
    assert reply.status_code == 202
    (sent,) = intake()
    assert reply.json() == {"key": "k1", "event": {"source": SOURCE, "id": sent["id"]}}
    assert (sent["type"], sent["source"]) == ("followup.attempted", SOURCE)
    assert sent["data"] == {**ATTEMPT, "person": "p1", "check": "occupation_6m", "subject": "c1"}
    assert (item(http)["group"], item(http)["acts"][0]["pending"]) == ("todo", True)
    come_back(town, [sent])
    assert (item(http)["group"], item(http)["acts"][0]["pending"]) == ("waiting", False)
    assert item(http)["tried"] == [{"on": "2017-09-01", "how": "phone", "source": SOURCE, "id": sent["id"]}]


def test_an_answer_is_pending_until_its_event_has_come_back(town: Town, http: httpx.Client, intake: Intake) -> None:
    act(http, "answer", {**ANSWER, "key": "k1"})
    shown = item(http)
    assert (shown["group"], shown["acts"][0]["kind"], shown["acts"][0]["pending"]) == ("todo", "answer", True)
    come_back(town, intake())
    shown = item(http)
    assert (shown["group"], shown["occupation"], shown["acts"][0]["pending"]) == ("done", "work", False)


@pytest.mark.parametrize(
    ("kind", "body"), [("attempt", ATTEMPT), ("answer", ANSWER), ("postpone", {"until": "2017-09-10"})]
)
def test_the_same_form_twice_is_one_act_with_one_event(
    http: httpx.Client, intake: Intake, kind: str, body: dict[str, str]
) -> None:
    first, second = (act(http, kind, {**body, "key": "k1"}) for _ in range(2))
    assert (first.status_code, first.json()) == (202, second.json())
    assert len({sent["id"] for sent in intake()}) == (0 if kind == "postpone" else 1)
    assert len(item(http)["acts"]) == 1


def test_a_key_that_stands_for_something_else_is_refused(http: httpx.Client, intake: Intake) -> None:
    act(http, "attempt", {**ATTEMPT, "key": "k1"})
    for kind, body in (
        ("attempt", {**ATTEMPT, "how": "sms"}),
        ("answer", ANSWER),
        ("postpone", {"until": "2017-09-10"}),
        ("undo", {}),
    ):
        refused = act(http, kind, {**body, "key": "k1"})
        assert (refused.status_code, refused.json()["code"]) == (409, "key_used")
    assert len(intake()) == 1


@pytest.mark.parametrize("key", ["", "a b", "å", "k" * 101, 7, None])
def test_a_key_of_another_form_is_refused(http: httpx.Client, intake: Intake, key: object) -> None:
    assert act(http, "attempt", {**ATTEMPT, "key": key}).status_code == 422
    assert intake() == []


def test_an_attempt_that_intake_could_not_take_is_kept_under_its_key_and_is_no_act_before(
    services: Services, http: httpx.Client, intake: Intake, town: Town
) -> None:
    asked = intake_that(services, httpx.ReadTimeout("slow"))
    assert act(http, "attempt", {**ATTEMPT, "key": "k1"}).status_code == 503
    assert item(http)["acts"] == []
    sent = orjson.loads(asked[0].content)
    asked = intake_that(services, (202, {}))
    assert act(http, "attempt", {**ATTEMPT, "key": "k1"}).json()["event"]["id"] == sent["id"]
    assert orjson.loads(asked[0].content) == sent
    assert len(item(http)["acts"]) == 1


def test_what_intake_took_though_nobody_heard_of_it_is_an_act_when_it_comes_back(
    services: Services, http: httpx.Client, intake: Intake, town: Town
) -> None:
    asked = intake_that(services, httpx.ReadTimeout("slow"))
    act(http, "attempt", {**ATTEMPT, "key": "k1"})
    come_back(town, [orjson.loads(asked[0].content)])
    assert [(each["key"], each["pending"]) for each in item(http)["acts"]] == [("k1", False)]


def test_what_intake_refuses_frees_its_key(services: Services, http: httpx.Client, two_checks: list[str]) -> None:
    refusal = {"results": [{"index": 0, "outcome": "refused", "codes": ["wrong_value"], "field": "data.how"}]}
    intake_that(services, (422, refusal))
    reply = act(http, "attempt", {"on": "2017-09-01", "how": "pigeon", "key": "k1"})
    assert (reply.status_code, reply.json()) == (422, refusal)
    intake_that(services, (202, {}))
    assert act(http, "attempt", {**ATTEMPT, "key": "k1"}).status_code == 202


def test_nobody_tries_or_puts_off_what_is_settled_or_not_yet_to_be_done(
    town: Town, http: httpx.Client, intake: Intake
) -> None:
    act(http, "answer", ANSWER)
    come_back(town, intake())
    for check in (CHECK, "assistance_7m:p2:c1"):
        for kind, body in (("attempt", ATTEMPT), ("postpone", {"until": "2017-09-10"})):
            refused = act(http, kind, body, check)
            assert (refused.status_code, refused.json()["code"]) == (409, "not_open")


@pytest.mark.parametrize("kind", ["answer", "attempt"])
def test_a_body_does_not_say_whom_it_is_about(http: httpx.Client, intake: Intake, kind: str) -> None:
    refused = act(http, kind, {"subject": "c2"})
    assert (refused.status_code, refused.json()["field"]) == (422, "subject")


# --- postponements ---


def test_a_postponed_check_waits_until_its_day(town: Town, http: httpx.Client, intake: Intake) -> None:
    assert act(http, "postpone", {"until": "2017-09-10", "key": "k1"}).json() == {"key": "k1"}
    assert (item(http)["group"], item(http)["postponed_until"]) == ("waiting", "2017-09-10")
    assert intake() == []
    town.move_to(date(2017, 9, 9))
    assert item(http)["group"] == "waiting"
    town.move_to(date(2017, 9, 10))
    assert (item(http)["group"], item(http)["postponed_until"]) == ("overdue", None)
    assert audit(town.engine, town.catalogue, SECRET).differences == []


@pytest.mark.parametrize("until", ["2017-09-01", "2017-08-31", "2017-11-01", "soon", "", 20170910, None])
def test_a_check_is_put_off_to_a_day_ahead_and_before_it_gives_up(
    http: httpx.Client, intake: Intake, until: object
) -> None:
    refused = act(http, "postpone", {"until": until})
    assert (refused.status_code, refused.json()["field"]) == (422, "until")
    assert act(http, "postpone", {"until": "2017-10-31"}).status_code == 202


def test_a_rebuild_keeps_what_was_put_off(town: Town, http: httpx.Client, intake: Intake) -> None:
    act(http, "postpone", {"until": "2017-09-10"})
    http.post("/followup/v1/rebuild")
    town.settle()
    assert item(http)["group"] == "waiting"


def test_a_check_that_goes_and_comes_back_is_still_put_off(town: Town, http: httpx.Client, intake: Intake) -> None:
    act(http, "postpone", {"until": "2017-09-10"})
    town.receive(closed("p1", CLOSED, reason="illness", received=date(2017, 9, 1)))
    assert [row["id"] for row in town.rows("check") if row["id"] == CHECK] == []
    town.receive({**closed("p1", CLOSED, received=date(2017, 9, 1)), "time": "2017-09-01T09:00:00+02:00"})
    assert (item(http)["group"], item(http)["postponed_until"]) == ("waiting", "2017-09-10")


# --- taking back ---


def test_an_answer_is_taken_back_by_an_event_of_the_same_source(town: Town, http: httpx.Client, intake: Intake) -> None:
    act(http, "answer", {**ANSWER, "key": "k1"})
    assert act(http, "undo", {"key": "k2"}).status_code == 202
    answered, retracted = intake()
    assert (retracted["type"], retracted["source"]) == ("event.retracted", SOURCE)
    assert retracted["data"] == {"person": "p1", "retracts": {"source": SOURCE, "id": answered["id"]}}
    come_back(town, [retracted, answered])
    shown = item(http)
    assert (shown["group"], shown["response"]) == ("todo", None)
    assert [(each["kind"], each["undone"], each["mine"]) for each in shown["acts"]] == [
        ("answer", True, True),
        ("undo", False, True),
    ]


def test_taking_back_the_same_thing_twice_is_refused_and_the_same_form_twice_is_not(
    http: httpx.Client, intake: Intake
) -> None:
    act(http, "attempt", {**ATTEMPT, "key": "k1"})
    for _ in range(2):
        assert act(http, "undo", {"act": "k1", "key": "k2"}).status_code == 202
    refused = act(http, "undo", {"act": "k1", "key": "k3"})
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_undo")


def test_a_postponement_taken_back_leaves_the_one_before_it(http: httpx.Client, intake: Intake) -> None:
    act(http, "postpone", {"until": "2017-09-10", "key": "k1"})
    act(http, "postpone", {"until": "2017-09-20", "key": "k2"})
    act(http, "undo", {"key": "k3"})
    assert item(http)["postponed_until"] == "2017-09-10"
    act(http, "undo", {"key": "k4"})
    assert (item(http)["postponed_until"], item(http)["group"]) == (None, "todo")
    assert act(http, "undo", {"key": "k5"}).status_code == 409


def test_nobody_takes_back_what_another_did(
    http: httpx.Client, client_of: Callable[[str | None], httpx.Client], intake: Intake
) -> None:
    act(http, "postpone", {"until": "2017-09-10", "key": "k1"})
    another = client_of("case_worker")
    assert act(another, "undo", {"act": "k1"}).status_code == 409
    assert act(another, "undo", {}).status_code == 409
    assert item(another)["acts"][0]["mine"] is False
    assert item(another)["postponed_until"] == "2017-09-10"


# --- several at once ---


def at_once(http: httpx.Client, kind: str, checks: list[str], key: str, **said: str) -> httpx.Response:
    return http.post("/followup/v1/checks/acts", json={"kind": kind, "checks": checks, "key": key, "said": said})


def test_several_checks_are_put_off_tried_and_taken_back_at_once(
    town: Town, http: httpx.Client, intake: Intake, two_checks: list[str]
) -> None:
    assert at_once(http, "postpone", two_checks, "k1", until="2017-09-10").status_code == 202
    assert [item(http, each)["postponed_until"] for each in two_checks] == ["2017-09-10"] * 2
    assert at_once(http, "undo", [], "k2", act="k1").status_code == 202
    assert [item(http, each)["postponed_until"] for each in two_checks] == [None] * 2
    assert at_once(http, "attempt", two_checks, "k3", **ATTEMPT).status_code == 202
    assert {sent["data"]["person"] for sent in intake()} == {"p1", "p2"}
    come_back(town, intake())
    assert [item(http, each)["group"] for each in two_checks] == ["waiting"] * 2


def test_of_several_what_cannot_be_done_says_why_and_the_rest_is_done(
    http: httpx.Client, intake: Intake, two_checks: list[str]
) -> None:
    checks = [CHECK, "assistance_7m:p2:c1", "occupation_6m:p9:c1", "nonsense"]
    reply = at_once(http, "postpone", checks, "k1", until="2017-09-10")
    assert reply.status_code == 207
    assert [(each["check"], each["saved"], each["code"]) for each in reply.json()["results"]] == [
        (CHECK, True, None),
        ("assistance_7m:p2:c1", False, "not_open"),
        ("occupation_6m:p9:c1", False, "not_found"),
        ("nonsense", False, "not_found"),
    ]


def test_of_several_attempts_what_intake_refuses_is_not_kept(
    services: Services, http: httpx.Client, two_checks: list[str]
) -> None:
    results = [{"outcome": "accepted", "message": None}, {"outcome": "refused", "message": "No."}]
    intake_that(services, (207, {"results": results}))
    reply = at_once(http, "attempt", two_checks, "k1", **ATTEMPT)
    assert reply.status_code == 207
    assert [(each["saved"], each["message"]) for each in reply.json()["results"]] == [(True, None), (False, "No.")]
    assert [len(item(http, each)["acts"]) for each in two_checks] == [1, 0]


def test_several_at_once_are_sent_again_under_their_key_after_intake_was_away(
    services: Services, http: httpx.Client, two_checks: list[str]
) -> None:
    first = intake_that(services, httpx.ConnectError("no"))
    assert at_once(http, "attempt", two_checks, "k1", **ATTEMPT).status_code == 503
    accepted = {"results": [{"outcome": "accepted", "message": None}] * 2}
    second = intake_that(services, (202, accepted))
    assert at_once(http, "attempt", two_checks, "k1", **ATTEMPT).status_code == 202
    assert orjson.loads(first[0].content) == orjson.loads(second[0].content)


def test_taking_back_several_needs_their_key_and_takes_nobody_elses(
    http: httpx.Client, client_of: Callable[[str | None], httpx.Client], intake: Intake, two_checks: list[str]
) -> None:
    at_once(http, "postpone", two_checks, "k1", until="2017-09-10")
    assert at_once(http, "undo", [], "k2").status_code == 422
    assert at_once(client_of("case_worker"), "undo", [], "k3", act="k1").json() == {"results": []}
    assert item(http)["postponed_until"] == "2017-09-10"


@pytest.mark.parametrize("kind", ["answer", "erase", ""])
def test_answers_are_given_one_by_one(http: httpx.Client, two_checks: list[str], kind: str) -> None:
    assert at_once(http, kind, two_checks, "k1").status_code == 400


# --- through the real door, rights, erasure ---


def test_attempts_and_taking_back_pass_the_real_door(
    town: Town, services: Services, http: httpx.Client, two_checks: list[str]
) -> None:
    migrate(town.url, "intake")
    with running_intake(town.url, secret=SECRET, start_date=TODAY) as intake:
        object.__setattr__(services, "intake", IntakeClient(intake.url, services.tokens, SOURCE))
        assert act(http, "attempt", {**ATTEMPT, "key": "k1"}).status_code == 202
        assert act(http, "undo", {"key": "k2"}).status_code == 202
        refused = act(http, "attempt", {"on": "2017-09-01", "how": "pigeon", "key": "k3"})
        assert (refused.status_code, refused.json()["results"][0]["codes"]) == (422, ["wrong_value"])
        assert at_once(http, "attempt", two_checks, "k4", on="2017-09-03", how="sms").status_code == 207
        assert at_once(http, "attempt", two_checks, "k4", on="2017-09-01", how="sms").status_code == 202
        kept = intake.rows("SELECT type FROM event ORDER BY type")
        assert [row[0] for row in kept] == ["event.retracted", *["followup.attempted"] * 3]
        services.intake.close()


@pytest.mark.parametrize("path", [f"{CHECK}/answer", f"{CHECK}/attempt", f"{CHECK}/postpone", f"{CHECK}/undo", "acts"])
def test_acts_need_the_right_to_answer(
    client_of: Callable[[str | None], httpx.Client], two_checks: list[str], path: str
) -> None:
    assert client_of("operator").post(f"/followup/v1/checks/{path}", json={}).status_code == 403
    assert client_of(None).post(f"/followup/v1/checks/{path}", json={}).status_code == 401


def test_an_erasure_takes_what_was_done_with_the_persons_checks(town: Town, http: httpx.Client, intake: Intake) -> None:
    act(http, "answer", ANSWER)
    act(http, "postpone", {"until": "2017-09-10"})
    assert {table: bool(town.rows(table)) for table in ("act", "postponement", "reference")} == {
        "act": True,
        "postponement": True,
        "reference": False,
    }
    item(http)
    assert town.rows("reference")
    erasure = event("person.erased", received=TODAY, person="p1")
    town.receive({**erasure, "personhash": person_hash(SECRET, "p1")})
    for table in ("act", "postponement", "reference"):
        assert [row for row in town.rows(table) if row["person"] == "p1"] == []
    assert act(http, "postpone", {"until": "2017-09-12"}).status_code == 404


def test_many_who_put_off_at_the_same_time_leave_the_last_of_their_days(
    town: Town, http: httpx.Client, intake: Intake
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    days = [(TODAY + timedelta(days=number)).isoformat() for number in range(1, 13)]
    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(lambda day: act(http, "postpone", {"until": day, "key": day}), days))
    assert {reply.status_code for reply in replies} == {202}
    acts = item(http)["acts"]
    assert len(acts) == len(days)
    assert item(http)["postponed_until"] == acts[-1]["said"]["until"]
