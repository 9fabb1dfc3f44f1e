"""Intake served over real HTTP in a thread of the test, and events to send to it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx
import uvicorn
from sqlalchemy import text

from efterhand.settings import Settings
from efterhand_intake.bootstrap import Services, bootstrap
from efterhand_intake.entrypoints.api import create_app

SECRET = "5e" * 32
SOURCE = "/stockholm/flai"
NO_KAFKA = "127.0.0.1:1"
DAY = date(2017, 3, 1)


@dataclass
class Intake:
    """A running intake, and an administrator who talks to it."""

    url: str
    services: Services
    client: httpx.Client

    def post(self, body: Any, path: str = "events", **headers: str) -> httpx.Response:
        """Post JSON as the administrator, or as whoever `authorization` says."""
        return self.client.post(f"/intake/v1/{path}", json=body, headers=headers)

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """Read as the administrator."""
        answer = self.client.get(f"/intake/v1/{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def empty(self) -> None:
        """Take away everything that was received; the business date stays."""
        with self.services.engine.begin() as connection:
            # Not TRUNCATE, which would wait for whoever reads a table, and they for it.
            for table in (
                "event",
                "erased_person",
                "disposed_event",
                "disposal",
                "refused",
                "outbox",
                "parked",
                "token",
                "used_key",
                "heard",
            ):
                connection.execute(text(f"DELETE FROM {table}"))

    def token(self, role: str, source: str | None = None) -> str:
        """What the Authorization header of someone else says."""
        return f"Bearer {self.services.tokens.issue(role, source)}"

    def rows(self, statement: str, **parameters: Any) -> list[Any]:
        """Ask the database."""
        with self.services.engine.connect() as connection:
            return list(connection.execute(text(statement), parameters))

    def refused(self, **parameters: Any) -> list[dict[str, Any]]:
        """The list of what was refused."""
        items: list[dict[str, Any]] = self.get("refused", **parameters)["items"]
        return items


def settings(database_url: str, **changes: Any) -> Settings:
    """Settings of an intake with the manual clock and without Kafka."""
    values = {
        "database_url": database_url,
        "kafka": NO_KAFKA,
        "clock": "manual",
        "start_date": DAY,
        "secret": SECRET,
        "catalogue": "stockholm",
        "followup_url": "http://127.0.0.1:1",
        "indicators_url": "http://127.0.0.1:1",
        **changes,
    }
    return Settings(**values)


@contextmanager
def running_intake(database_url: str, listen: int = 0, **changes: Any) -> Iterator[Intake]:
    """An intake that listens on a port (0: a free one), ready; stopped in order at the end."""
    services = bootstrap(settings(database_url, **changes))
    has_kafka = services.settings.kafka != NO_KAFKA
    if not has_kafka:
        services.lag = _Unknown()  # type: ignore[assignment]
    config = uvicorn.Config(
        create_app(services, publish=has_kafka),
        host="127.0.0.1",
        port=listen,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        port = server.servers[0].sockets[0].getsockname()[1]
        token = services.tokens.issue("administrator")
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"authorization": f"Bearer {token}"},
            timeout=60,
            trust_env=False,
        ) as client:
            wait_until(lambda: client.get("/healthz").status_code == 200)
            yield Intake(f"http://127.0.0.1:{port}", services, client)
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


class _Unknown:
    """The lag where nobody can be asked."""

    def measure(self) -> None:
        return None

    def close(self) -> None:
        return None


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for a condition; fails when it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        threading.Event().wait(0.02)


def event(event_id: str = "e-1", type_: str = "case.closed", **changes: Any) -> dict[str, Any]:
    """An event that is accepted; `data` changes fields of its data, other names the envelope; None takes one away."""
    data = {
        "case.closed": {"person": "p-1", "case": "c-1", "on": "2017-02-28", "reason": "work"},
        "case.enrolled": {
            "person": "p-1",
            "case": "c-1",
            "on": "2017-01-02",
            "unit": "jobbtorg-kista",
            "target_group": "ordinary",
            "sex": "female",
            "birth_year": 1995,
        },
        "person.erased": {"person": "p-1"},
        "source.reported_through": {"feed": "cases", "through": "2017-02-28"},
        "followup.answered": {
            "person": "p-1",
            "check": "occupation_6m",
            "subject": "c-1",
            "on": "2017-02-28",
            "response": "declined",
        },
        "assistance.reported": {"person": "p-1", "month": "2017-02", "receives": True},
    }[type_]
    for name, value in changes.pop("data", {}).items():
        data[name] = value
    body = {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": type_,
        "time": "2017-03-01T09:12:00+01:00",
        "datacontenttype": "application/json",
        "data": {name: value for name, value in data.items() if value is not ...},
    }
    body.update(changes)
    return {name: value for name, value in body.items() if value is not ...}


def outcomes(answer: httpx.Response) -> list[str]:
    """The outcomes in an answer."""
    return [result["outcome"] for result in answer.json()["results"]]


def codes(answer: httpx.Response) -> list[str]:
    """The codes of the only result in an answer."""
    (result,) = answer.json()["results"]
    found: list[str] = result["codes"]
    return found
