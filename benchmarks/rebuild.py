"""Everything computed anew: the product's rebuild against the same figures as a nightly job, and as DuckDB.

    python -m benchmarks.rebuild [--small] [--persons N]

Ours: the real `indicators-api` is asked to rebuild, and a draining thread in each of the service's two processes
computes everybody from the events; timed from the question until nobody waits and all totals are filled. Afterwards the
figures of every T are there. A rival is timed from the same events to the cells of one T. Meanwhile the memory of both
processes is looked at; with N persons, and before that with half of them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final

import httpx
import psycopg

from benchmarks.common import (
    OTHERS,
    SECRET,
    Goal,
    Neighbours,
    Report,
    Servers,
    Wrong,
    arguments,
    connect,
    environment,
    finish,
    large_servers,
    process,
    say,
    service,
    settings,
    wait_until,
)
from benchmarks.corrections import corrections
from benchmarks.filling import Town, make_town
from benchmarks.memory import pss_of
from benchmarks.population import LAST_DAY
from benchmarks.rivals import Cells, Duck, Nightly, compare, product_cells, require_every_indicator
from benchmarks.worker_throughput import fill_topic
from efterhand.contracts.topics import topics
from efterhand.database import create_engine
from efterhand.embedded import ports
from efterhand.messaging.topics import ensure_topics
from efterhand.web.tokens import Tokens
from efterhand_indicators.adapters import tables
from efterhand_indicators.bootstrap import make_definitions

PERSONS: Final = (1_000_000, 10_000)
PATIENCE: Final = 4 * 3600.0
BETWEEN_SAMPLES_SECONDS: Final = 0.5
MEMORY_GROWTH: Final = 1.15
CORRECTIONS: Final = 200
"""Of closures of one spring: fewer than there are with the fewest persons of a run."""

_WAITING: Final = """
SELECT (SELECT count(*) FROM indicators.context, jsonb_object_keys(totals->'filled')) < %s
    OR EXISTS (SELECT FROM indicators.person, indicators.context WHERE person.generation < context.generation)
"""


@dataclass
class Memory:
    """The most memory that processes have been seen to use, in MB (PSS), sampled by a thread while it is entered."""

    pids: dict[str, int]
    most: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while True:
            for name, pid in self.pids.items():
                self.most[name] = max(self.most.get(name, 0.0), pss_of(pid))
            if self._ended.wait(BETWEEN_SAMPLES_SECONDS):
                return


class Running:
    """The indicators service as it really runs: its two processes, and a client of its interface."""

    def __init__(self, client: httpx.Client, pids: dict[str, int]) -> None:
        self.client = client
        self.pids = pids

    def get(self, path: str, **parameters: str) -> Any:
        """Ask under `/indicators/v1`. Raises `Wrong` for any answer but 200."""
        answer = self.client.get(f"/indicators/v1{path}", params=parameters)
        if answer.status_code != 200:
            raise Wrong(f"{path} answered with {answer.status_code}: {answer.text[:500]}")
        return answer.json()


@contextmanager
def running_service(servers: Servers, url: str) -> Iterator[Running]:
    """Start `indicators-api` and `indicators-worker` on a database."""
    port = ports.choose()
    wanted = settings(
        home=servers.directory, database_url=url, kafka=servers.kafka, instance="indicators-worker-0", port=port
    )
    told = environment(wanted)
    token = Tokens(SECRET).issue("administrator")
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE
    )
    log = servers.directory / "indicators.log"
    # In an installation intake does it; a worker that finds no topic looks again only minutes later.
    ensure_topics(servers.kafka, topics().values())
    with (
        client,
        process(service("indicators-api"), told, log) as api,
        process(service("indicators-worker"), told, log) as worker,
    ):

        def is_ready() -> bool:
            if api.poll() is not None or worker.poll() is not None:
                raise Wrong(f"a process ended: {log.read_text(errors='replace')[-1500:]}")
            try:
                return client.get("/indicators/v1/status").status_code == 200
            except httpx.TransportError:
                return False

        wait_until(is_ready, "indicators answers", 60, every=0.1)
        yield Running(client, {"indicators-api": api.pid, "indicators-worker": worker.pid})


def rebuild(running: Running, looking: psycopg.Connection[Any], town: Town) -> float:
    """Have the service compute everybody anew; return the seconds until nobody waits and all totals are filled."""
    begun = time.perf_counter()
    answer = running.client.post("/indicators/v1/rebuild")
    if answer.status_code != 202:
        raise Wrong(f"the rebuild was answered with {answer.status_code}: {answer.text[:500]}")
    # Asked seldom: the question itself costs something.
    totals = (len(town.definitions.totals),)
    wait_until(
        lambda: looking.execute(_WAITING.encode(), totals).fetchone() == (False,), "nobody waits", PATIENCE, every=0.5
    )
    return time.perf_counter() - begun


def measure_round(running: Running, town: Town, rivals: Sequence[Nightly | Duck]) -> dict[str, float]:
    """Everybody computes everything once; every cell at T is compared."""
    numbers: dict[str, float] = {}
    with connect(town.url) as looking, Memory(running.pids) as memory:
        numbers["ours"] = rebuild(running, looking, town)
    right = cells_of(town)
    require_every_indicator(right, town.definitions)
    for rival in rivals:
        begun = time.perf_counter()
        rival.run(LAST_DAY)
        numbers[rival.name] = time.perf_counter() - begun
        compare(rival.name, right, rival.cells())
    for rival in rivals:
        numbers[f"ours to {rival.name}"] = numbers["ours"] / numbers[rival.name]
    numbers["ours: events/s"] = town.events / numbers["ours"]
    return {**numbers, **{f"most memory of {name}": megabytes for name, megabytes in memory.most.items()}}


def cells_of(town: Town) -> Cells:
    """Return the product's cells at the business date."""
    engine = create_engine(town.url, tables.SCHEMA)
    try:
        return product_cells(engine, town.definitions, LAST_DAY)
    finally:
        engine.dispose()


def correct(servers: Servers, town: Town, running: Running) -> dict[str, float]:
    """Have the worker apply corrections from the topic; return the most memory meanwhile."""
    chosen = corrections(town.url, CORRECTIONS)
    with Memory(running.pids) as memory, connect(town.url) as looking:
        fill_topic(servers.kafka, [(dict(each.event), LAST_DAY) for each in chosen])
        ids = [each.event["id"] for each in chosen]
        held = "SELECT count(*) FROM indicators.event WHERE id = ANY(%s)"
        wait_until(
            lambda: looking.execute(held.encode(), (ids,)).fetchone() == (len(ids),), "all corrected", 300, every=0.5
        )
    return memory.most


def measure_half(servers: Servers, town: Town) -> dict[str, float]:
    """Rebuild half of the persons once; return what memory it takes. The worker finds the corrections on the topic."""
    with running_service(servers, town.url) as running, connect(town.url) as looking, Memory(running.pids) as memory:
        seconds = rebuild(running, looking, town)
        held = "SELECT count(*) >= %s FROM indicators.event WHERE id LIKE 'correction-%%'"
        wait_until(
            lambda: looking.execute(held.encode(), (CORRECTIONS,)).fetchone() == (True,), "all read", 300, every=0.5
        )
    say(f"half of them: {seconds:.1f} s")
    return memory.most


def measure(servers: Servers, small: Town, town: Town, rounds: int) -> Report:
    """Rebuild a town, and look at the memory; then one of half its size."""
    report = Report(
        "rebuild",
        "Everything computed anew, with the figures of every T",
        goals=[
            Goal("ours to nightly job", 3, at_least=False),
            Goal("memory of indicators-api: times, whole to half", MEMORY_GROWTH, at_least=False),
            Goal("memory of indicators-worker: times, whole to half", MEMORY_GROWTH, at_least=False),
        ],
    )
    report.facts = {
        "persons": town.persons,
        "events": town.events,
        "the same rows with nothing computed": town.written,
    }
    catalogue = town.definitions.catalogue
    rivals: list[Nightly | Duck] = [Nightly(town.url, catalogue), Duck(town.url, catalogue, servers.directory)]
    for rival in rivals:
        rival.load()
    with running_service(servers, town.url) as running:
        for _ in range(rounds):
            neighbours = Neighbours()
            numbers = measure_round(running, town, rivals)
            report.add_round({**numbers, OTHERS: neighbours.share()})
        corrected = correct(servers, town, running)
    half = measure_half(servers, small)
    for rival in rivals:
        rival.close()
    for numbers in report.rounds:
        for name, before in half.items():
            most = max(numbers[f"most memory of {name}"], corrected[name])
            numbers[f"most memory of {name}, with corrections"] = most
            numbers[f"memory of {name}: times, whole to half"] = most / before
    report.units = {
        name: "s" if name in ("ours", *(rival.name for rival in rivals)) else "MB" if name.startswith("most") else ""
        for name in report.rounds[0]
    }
    report.notes = [
        "Ours: from `POST /indicators/v1/rebuild` until nobody waits and all totals are filled; a draining thread in "
        "each of the two processes. Facts, checks and contributions of every T are computed and stored.",
        "A rival computes the cells of one T from the same events in columns of its own, by `nightly/facts.sql` and "
        "`nightly/figures.sql`; the nightly job stores them.",
        "In every round every cell at T of both rivals equals ours.",
        f"Memory: the most of samples every half second while it rebuilds and while the worker applies {CORRECTIONS} "
        "corrections from the topic.",
    ]
    return report


def main() -> None:
    given = arguments(__doc__ or "", PERSONS)
    load_before = os.getloadavg()[0]
    with large_servers() as servers:
        small = make_town(servers, make_definitions(settings()), given.persons // 2)
        report = measure(servers, small, small.doubled(servers), given.rounds)
    finish(report, given, load_before)


if __name__ == "__main__":
    main()
