"""Events a second through POST, each on disk before its 202, against a bare uvicorn that answers 202 at once."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from typing import Any, Final

import httpx
import orjson

from benchmarks.common import (
    ERASURE,
    OTHERS,
    SECRET,
    WATERMARK,
    Goal,
    Neighbours,
    Report,
    Wrong,
    arguments,
    connect,
    environment,
    finish,
    history,
    process,
    renamed,
    say,
    servers,
    service,
    settings,
    wait_until,
)
from benchmarks.sender import Sent, request, send
from efterhand.contracts.topics import topics
from efterhand.embedded import ports
from efterhand.messaging.topics import ensure_topics
from efterhand.web.tokens import Tokens

EVENTS_PATH: Final = "/intake/v1/events"
CONNECTIONS: Final = 64
BATCH: Final = 500
BATCH_CONNECTIONS: Final = 8


class Supply:
    """Events that have not been sent yet, rendered before anything is measured."""

    def __init__(self, enrolments: int, token: str) -> None:
        # Watermarks and erasures are rare and have a way of their own: what is measured is an event about a person.
        self._events = [event for event, _ in history(enrolments) if event["type"] not in (WATERMARK, ERASURE)]
        self._token = token
        self._fresh = self._make()

    def _make(self) -> Iterator[dict[str, Any]]:
        for number in itertools.count():
            for event in self._events:
                yield renamed(event, f"{number}-")

    def single(self, number: int) -> list[bytes]:
        """Requests with one event."""
        return [
            request(EVENTS_PATH, orjson.dumps(event), self._token) for event in itertools.islice(self._fresh, number)
        ]

    def batches(self, number: int) -> list[bytes]:
        """Requests with `BATCH` events."""
        return [
            request(EVENTS_PATH, orjson.dumps(list(itertools.islice(self._fresh, BATCH))), self._token)
            for _ in range(number)
        ]


def main() -> None:
    given = arguments(__doc__ or "")
    load_before = os.getloadavg()[0]
    seconds = 1.0 if given.small else 6.0
    report = Report(
        "post_durable",
        "POST, durable, against a bare uvicorn",
        goals=[Goal("single: share of bare", 0.10), Goal("batches: share of bare", 0.5)],
        units={
            "bare": "requests/s",
            "single: ours": "events/s",
            "batches: ours": "events/s",
        },
    )
    token = Tokens(SECRET).issue("administrator")
    with servers() as running:
        ensure_topics(running.kafka, topics().values())
        url = running.new_database()
        port, bare_port, metrics_port = (ports.choose() for _ in range(3))
        wanted = settings(
            home=running.directory,
            database_url=url,
            kafka=running.kafka,
            port=port,
            metrics_port=metrics_port,
            followup_url="http://127.0.0.1:1",
            indicators_url="http://127.0.0.1:1",
        )
        log = running.directory / "intake.log"
        with (
            process(service("intake-api"), environment(wanted), log),
            process(["-m", "benchmarks.bare_server", str(bare_port)], environment(), running.directory / "bare.log"),
            connect(url) as looking,
        ):
            wait_until(lambda: _answers(port), "intake is ready", 60)
            wait_until(lambda: ports.answers(bare_port), "the bare server is ready", 60)
            supply = Supply(100 if given.small else 5000, token)
            stored = 0
            for number in range(given.rounds):
                singles = supply.single(int(4000 * seconds))
                batches = supply.batches(max(4, int(30 * seconds)))
                found: dict[str, Sent] = {}
                neighbours = Neighbours()
                # They take turns in being first.
                for name in ("bare", "single", "batches") if number % 2 == 0 else ("batches", "single", "bare"):
                    if name == "bare":
                        found[name] = send(bare_port, itertools.cycle(singles), CONNECTIONS, seconds)
                        continue
                    requests, connections, events = (
                        (singles, CONNECTIONS, 1) if name == "single" else (batches, BATCH_CONNECTIONS, BATCH)
                    )
                    found[name] = send(port, iter(requests), connections, seconds)
                    if found[name].accepted == len(requests):
                        say(f"{name}: all {len(requests)} prepared requests were sent before the time was over")
                    stored += found[name].accepted * events
                    rows = looking.execute(b"SELECT count(*) FROM intake.event").fetchone()
                    if rows != (stored,):
                        raise Wrong(f"{stored} events got a 202, the archive holds {rows}")
                    # What was published for one must not slow the next.
                    wait_until(
                        lambda: looking.execute(b"SELECT NOT EXISTS (SELECT FROM intake.outbox)").fetchone() == (True,),
                        "the outbox is empty",
                        120,
                    )
                report.add_round({**_numbers(found), OTHERS: neighbours.share()})
            report.facts = {
                "connections": f"{CONNECTIONS} with single events, {BATCH_CONNECTIONS} with batches of {BATCH}",
                "seconds a round": seconds,
                "events stored": stored,
                "PostgreSQL": "fsync on, synchronous_commit on",
            }
    report.notes = [
        "Ours is the real process intake-api with its relay at work: every event is also published to Kafka meanwhile.",
        "After each measurement the archive holds exactly the events that got a 202.",
        "The bare server has the same event loop and parser, reads the same bodies and answers 202.",
        "Client, servers, PostgreSQL and Kafka share the machine's cores.",
    ]
    finish(report, given, load_before)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False, timeout=5).status_code == 200
    except httpx.HTTPError:
        time.sleep(0.1)
        return False


def _numbers(found: dict[str, Sent]) -> dict[str, float]:
    bare, single, batches = (found[name] for name in ("bare", "single", "batches"))
    return {
        "bare": bare.per_second,
        "single: ours": single.per_second,
        "batches: ours": batches.per_second * BATCH,
        "single: share of bare": single.per_second / bare.per_second,
        "batches: share of bare": batches.per_second * BATCH / bare.per_second,
        "bare: client's share of a core": bare.busy,
        "single: client's share of a core": single.busy,
        "batches: client's share of a core": batches.busy,
    }


if __name__ == "__main__":
    main()
