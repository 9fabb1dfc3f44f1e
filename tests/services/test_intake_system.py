"""The date, the tokens, the status, publishing, and what happens when a server is away."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from efterhand.clock import today_in_stockholm
from efterhand.database import migrate
from efterhand.embedded import ports
from efterhand.embedded.postgres import PostgresServer, server_account
from tests.services.intake_running import SOURCE, Intake, event, outcomes, running_intake, wait_until


@pytest.fixture
def intake(database_url: str) -> Iterator[Intake]:
    """A fresh intake."""
    with running_intake(database_url) as running:
        yield running


def test_the_date_moves_only_forward_and_is_announced(intake: Intake) -> None:
    assert intake.get("date") == {"date": "2017-03-01", "clock": "manual"}
    assert intake.post({"date": "2017-03-05"}, "date").json()["date"] == "2017-03-05"
    assert intake.post({"date": "2017-03-05"}, "date").status_code == 200
    back = intake.post({"date": "2017-03-04"}, "date")
    assert (back.status_code, back.json()["code"]) == (409, "date_moves_back")
    sent = intake.rows("SELECT key, value FROM outbox WHERE topic = 'business-date' ORDER BY id")
    assert [(bytes(key), json.loads(value)) for key, value in sent] == [
        (b"business-date", {"date": "2017-03-01"}),
        (b"business-date", {"date": "2017-03-05"}),
    ]
    assert outcomes(intake.post(event(data={"on": "2017-03-06"}))) == ["accepted"]
    assert intake.rows("SELECT to_char(received, 'YYYY-MM-DD') FROM event") == [("2017-03-05",)]


@pytest.mark.parametrize("body", [{}, {"date": "2017-02-30"}, {"date": "2017-04-01", "x": 1}, {"date": 5}, []])
def test_a_wrong_date_is_answered_with_422(intake: Intake, body: Any) -> None:
    answer = intake.post(body, "date")
    assert (answer.status_code, answer.json()["code"]) == (422, "wrong_request")


def test_the_date_is_moved_by_those_with_the_right_only(intake: Intake) -> None:
    assert intake.post({"date": "2017-03-05"}, "date", authorization=intake.token("manager")).status_code == 403
    assert intake.post({"date": "2017-03-05"}, "date", authorization=intake.token("operator")).status_code == 200


def test_the_date_holds_over_restarts(database_url: str) -> None:
    with running_intake(database_url) as intake:
        intake.post({"date": "2017-06-01"}, "date")
    with running_intake(database_url, start_date=date(2017, 5, 1)) as intake:
        assert intake.get("date")["date"] == "2017-06-01"


def test_an_event_is_judged_by_the_date_that_another_process_has_moved_to(database_url: str) -> None:
    with running_intake(database_url) as one, running_intake(database_url) as other:
        ahead = event(data={"on": "2017-03-20"}, time="2017-03-20T08:00:00Z")
        assert outcomes(one.post(ahead)) == ["refused"]
        other.post({"date": "2017-03-20"}, "date")
        assert outcomes(one.post(ahead)) == ["accepted"]


def test_the_system_clock_is_today_in_stockholm_and_cannot_be_moved(database_url: str) -> None:
    with running_intake(database_url) as intake:
        assert intake.get("date")["date"] == "2017-03-01"
    with running_intake(database_url, clock="system") as intake:
        wait_until(lambda: intake.get("date")["date"] == today_in_stockholm().isoformat())
        answer = intake.post({"date": "2099-01-01"}, "date")
        assert (answer.status_code, answer.json()["code"]) == (409, "manual_clock_only")


def test_a_token_is_shown_once_and_holds_until_it_is_revoked(database_url: str) -> None:
    with running_intake(database_url) as intake, running_intake(database_url) as other:
        made = intake.post({"role": "source", "source": SOURCE, "valid_days": 30}, "tokens")
        assert made.status_code == 201
        authorization = f"Bearer {made.json()['token']}"
        assert other.post(event("a"), authorization=authorization).status_code == 202
        (listed,) = intake.get("tokens")["items"]
        assert listed["id"] == made.json()["id"]
        assert listed["revoked_at"] is None
        assert made.json()["token"] not in json.dumps(intake.get("tokens"))
        assert intake.client.delete(f"/intake/v1/tokens/{listed['id']}").status_code == 204
        assert intake.post(event("b"), authorization=authorization).status_code == 401
        wait_until(lambda: other.post(event("c"), authorization=authorization).status_code == 401)
        ((key, value),) = intake.rows("SELECT key, value FROM outbox WHERE topic = 'token-revocations'")
        assert bytes(key).decode() == json.loads(value)["id"] == listed["id"]
        assert intake.client.delete(f"/intake/v1/tokens/{listed['id']}").status_code == 204
        assert intake.client.delete("/intake/v1/tokens/nothing").status_code == 404
    with running_intake(database_url) as again:
        assert again.post(event("d"), authorization=authorization).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {"role": "king"},
        {"role": "source"},
        {"role": "manager", "source": "/a"},
        {"role": "source", "source": ""},
        {"role": "source", "source": "/efterhand/followup"},
        {"role": "manager", "valid_days": 0},
    ],
)
def test_a_token_that_cannot_be_is_answered_with_422(intake: Intake, body: dict[str, Any]) -> None:
    assert intake.post(body, "tokens").status_code == 422
    assert intake.get("tokens")["items"] == []


def test_the_catalogue_says_what_may_be_sent(intake: Intake) -> None:
    catalogue = intake.get("catalogue")
    assert "work" in catalogue["codelists"]["reasons"]
    assert {"id", "name", "parent", "from", "to"} <= set(catalogue["units"][0])
    assert catalogue["version"] == intake.get("status")["catalogue"]


def test_the_status_says_that_kafka_cannot_be_asked(intake: Intake) -> None:
    intake.post(event())
    status = intake.get("status")
    assert (status["date"], status["lag"], status["dirty"], status["parked"]) == ("2017-03-01", None, 0, 0)
    assert status["outbox"] == 2


def test_every_path_needs_a_token_but_readiness(intake: Intake) -> None:
    schema = intake.get("openapi.json")
    paths = [*schema["paths"], "/intake/v1/openapi.json", "/intake/v1/events", "/intake/v1/load"]
    assert len(paths) >= 10
    for path in paths:
        for method in ("GET", "POST", "DELETE"):
            answer = httpx.request(method, intake.url + path.replace("{entry_id}", "1").replace("{token_id}", "a"))
            assert answer.status_code in (401, 405), (method, path)
            assert answer.headers["content-type"] == "application/problem+json"
    assert httpx.get(intake.url + "/healthz").json() == {"ready": True}


def test_a_missing_service_is_named(intake: Intake) -> None:
    for service in ("followup", "indicators"):
        answer = intake.client.get(f"/{service}/v1/anything?x=1")
        assert (answer.status_code, answer.json()["code"], answer.json()["service"]) == (
            502,
            "service_missing",
            service,
        )


def test_a_service_is_reached_through_the_door_with_the_token_and_the_address_as_they_were_sent(
    database_url: str,
) -> None:
    seen: list[tuple[str, str | None, str | None]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        target = scope["raw_path"].decode() + "?" + scope["query_string"].decode()
        seen.append((target, headers.get("authorization"), headers.get("cookie")))
        body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 207, "headers": [(b"content-type", b"text/x")]})
        await send({"type": "http.response.body", "body": b"got " + body})

    with serving(app) as url, running_intake(database_url, followup_url=url) as intake:
        session = intake.services.tokens.issue("administrator")
        answer = intake.client.post("/followup/v1/checks/a%3Ab%2Fc/answer?x=%20y", content=b"hello")
        assert (answer.status_code, answer.text, answer.headers["content-type"]) == (207, "got hello", "text/x")
        assert seen[-1][0] == "/followup/v1/checks/a%3Ab%2Fc/answer?x=%20y"
        assert seen[-1][1] == intake.client.headers["authorization"]
        with httpx.Client(base_url=intake.url, cookies={"efterhand_session": session}, timeout=60) as browser:
            browser.get("/followup/v1/checks")
            assert seen[-1][1:] == (f"Bearer {session}", None)
            browser.post("/followup/v1/checks")
            assert seen[-1][1:] == (None, None)


def test_the_link_opens_a_session_once(intake: Intake) -> None:
    key = intake.services.tokens.issue("enter")
    with httpx.Client(base_url=intake.url, timeout=60) as browser:
        answer = browser.get("/enter", params={"key": key})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert "samesite=strict" in answer.headers["set-cookie"].lower()
        assert browser.get("/intake/v1/status").status_code == 200
        assert browser.post("/intake/v1/republish").status_code == 401
    for again in (key, "x", "", intake.services.tokens.issue("administrator")):
        assert httpx.get(intake.url + "/enter", params={"key": again}).status_code == 403
    assert intake.post(event(), authorization=f"Bearer {key}").status_code == 403


def test_what_was_accepted_is_published_and_again_when_the_topic_is_a_new_one(database_url: str, kafka: str) -> None:
    mine = f"/test/{Path(database_url).name}"
    with running_intake(database_url, kafka=kafka) as intake:
        intake.post([event(f"e-{n}", source=mine, data={"person": f"p-{n}"}) for n in range(50)])
        wait_until(lambda: intake.get("status")["outbox"] == 0 and intake.get("status")["lag"] is not None)
        assert published(kafka, mine) == {f"e-{n}" for n in range(50)}
        admin = KafkaAdminClient(bootstrap_servers=kafka)
        try:
            admin.delete_topics(["case-events"])
        finally:
            admin.close()
        wait_until(lambda: settled_and_published(intake, kafka, mine, 50))


def settled_and_published(intake: Intake, kafka: str, source: str, number: int) -> bool:
    """Whether everything has been published."""
    status = intake.get("status")
    return status["outbox"] == 0 and status["dirty"] == 0 and len(published(kafka, source)) == number


def published(kafka: str, source: str) -> set[str]:
    """The ids of a source's events on the topic."""
    consumer = KafkaConsumer(bootstrap_servers=kafka, group_id=None, auto_offset_reset="earliest")
    try:
        numbers = consumer.partitions_for_topic("case-events")
        if not numbers:
            return set()
        partitions = [TopicPartition("case-events", number) for number in numbers]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        consumer.seek_to_beginning(*partitions)
        found: set[str] = set()
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for records in consumer.poll(timeout_ms=200).values():
                bodies = [json.loads(record.value) for record in records]
                found |= {body["id"] for body in bodies if body["source"] == source}
        return found
    finally:
        consumer.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_intake_accepts_while_kafka_is_away(database_url: str) -> None:
    with running_intake(database_url, kafka=f"127.0.0.1:{ports.choose()}") as intake:
        assert outcomes(intake.post(event())) == ["accepted"]
        status = intake.get("status")
        assert (status["outbox"], status["lag"]) == (2, None)


def test_without_postgresql_the_answer_is_503_and_then_it_goes_on(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("own-postgres") / "server"
    server = PostgresServer(directory, ports.choose(), "secret", durable=True)
    server.prepare()
    process = start(server)
    try:
        server.ensure_database()
        migrate(server.url, "intake")
        with running_intake(server.url) as intake:
            assert outcomes(intake.post(event("before"))) == ["accepted"]
            stop(process)
            for _ in range(3):
                answer = intake.post([event("during")])
                assert answer.status_code == 503
                assert int(answer.headers["retry-after"]) > 0
                assert answer.json()["code"] == "not_available"
            assert intake.client.get("/intake/v1/status").status_code == 503
            assert intake.client.get("/intake/v1/catalogue").status_code == 200
            process = start(server)
            assert outcomes(intake.post([event("before"), event("during")])) == ["duplicate", "accepted"]
            stop(process)
            process = start(server)
            assert outcomes(intake.post([event("during"), event("after")])) == ["duplicate", "accepted"]
            assert intake.get("status")["digest"]["count"] == 3
    finally:
        stop(process)


def start(server: PostgresServer) -> subprocess.Popen[bytes]:
    """Start a PostgreSQL server and wait for it."""
    account = server_account()
    user: dict[str, Any] = {} if account is None else {"user": account[0], "group": account[1], "extra_groups": []}
    process = subprocess.Popen(
        server.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user
    )
    wait_until(server.is_ready)
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a PostgreSQL server at once."""
    if process.poll() is None:
        process.send_signal(3)
        process.wait(30)


class serving:  # noqa: N801 - reads as what it does
    """An ASGI app on a port of its own."""

    def __init__(self, app: Callable[..., Any]) -> None:
        import uvicorn

        self._server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self) -> str:
        self._thread.start()
        wait_until(lambda: self._server.started)
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(30)
