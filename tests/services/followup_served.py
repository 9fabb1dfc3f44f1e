"""followup behind its HTTP interface, over a town that is fed by hand."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
import uvicorn

from efterhand.settings import Settings
from efterhand_followup.adapters.intake_client import IntakeClient
from efterhand_followup.bootstrap import Services, create_services
from efterhand_followup.domain.acts import SOURCE
from efterhand_followup.entrypoints.api import create_app
from tests.services.followup_town import SECRET, Town
from tests.services.messaging_tools import until


class NoKafka:
    """Stands in for announcements where nobody asks Kafka: nothing is behind."""

    def lag(self) -> int:
        return 0


@pytest.fixture
def services(town: Town) -> Iterator[Services]:
    """Everything but the threads: what is to be done is done by the test."""
    made = create_services(
        Settings(
            database_url=town.url,
            kafka="127.0.0.1:1",
            catalogue=str(town.catalogue_directory),
            clock="manual",
            secret=SECRET,
            intake_url="http://127.0.0.1:1",
        )
    )
    object.__setattr__(made, "announcements", NoKafka())
    yield made
    made.intake.close()
    made.computing.dispose()
    made.engine.dispose()


@pytest.fixture
def url(services: Services) -> Iterator[str]:
    """Where the service answers."""
    config = uvicorn.Config(create_app(services), host="127.0.0.1", port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started or not thread.is_alive(), every=0.005)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(30)


@pytest.fixture
def client_of(services: Services, url: str) -> Iterator[Callable[[str | None], httpx.Client]]:
    """A client with a role, or without a token."""
    with ExitStack() as stack:

        def make(role: str | None) -> httpx.Client:
            headers = {} if role is None else {"authorization": f"Bearer {services.tokens.issue(role)}"}
            return stack.enter_context(httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60))

        yield make


@pytest.fixture
def http(client_of: Callable[[str | None], httpx.Client]) -> httpx.Client:
    """An administrator."""
    return client_of("administrator")


def intake_that(services: Services, answer: Any) -> list[httpx.Request]:
    """Put an intake in place that answers like this; gives what it is asked.

    `answer`: a status and a body, an exception, or a function of the request that gives a response.
    """
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            response: httpx.Response = answer(request)
            return response
        status, body = answer
        return httpx.Response(status, json=body)

    transport = httpx.MockTransport(respond)
    object.__setattr__(services, "intake", IntakeClient("http://intake", services.tokens, SOURCE, transport))
    return asked
