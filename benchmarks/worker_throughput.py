"""Events a second from a filled topic to exact checks, and to exact figures.

Our real workers against a plain Faust agent with the same rules, one event and one transaction at a time; and against
the same reading of the topic that only stores the events, which is the most that can be reached.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson
import psycopg
from kafka import KafkaProducer

from benchmarks.common import (
    ERASURE,
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
    history,
    process,
    say,
    servers,
    service,
    settings,
    wait_until,
)
from efterhand.catalogue import load_catalogue
from efterhand.clock import end_of_day
from efterhand.contracts.topics import topics
from efterhand.database import create_engine
from efterhand.demo.municipality import LAST_DAY
from efterhand.erasure import person_hash
from efterhand.messaging.topics import ensure_topics
from efterhand_followup.application import move_date
from efterhand_followup.application.audit import audit as audit_checks
from efterhand_followup.entrypoints.clock import Clock
from efterhand_indicators.application.audit import audit as audit_figures
from efterhand_indicators.bootstrap import make_computing_engine, make_definitions

TOPIC: Final = "case-events"
PATIENCE: Final = 1800.0

# What must be the same whoever computed it. Of the notices what stands now: who looks after every event has made and
# withdrawn some that were never due, and the log says so.
RESULTS: Final = {
    "followup": (
        'SELECT * FROM followup."check" ORDER BY person, id',
        "SELECT person, id, status, summed_into, unit, recipient FROM followup.notice WHERE status <> 'withdrawn'"
        " ORDER BY person, id",
        "SELECT * FROM followup.listed ORDER BY person, notice_id",
        "SELECT personhash FROM followup.erased ORDER BY personhash",
    ),
    "indicators": (
        "SELECT * FROM indicators.contribution ORDER BY person, indicator, protocol, subject, first_day",
        "SELECT person, facts FROM indicators.person ORDER BY person",
        "SELECT personhash FROM indicators.erased ORDER BY personhash",
    ),
}

WORKERS: Final = {"checks": "followup", "figures": "indicators"}


def fill_topic(kafka: str, events: Sequence[tuple[dict[str, Any], date]]) -> None:
    """Publish events as intake does."""
    ensure_topics(kafka, topics().values())
    producer = KafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=5, batch_size=131072)
    for event, received in events:
        person = event["data"].get("person", "")
        wire = {**event, "received": end_of_day(received)}
        if event["type"] == ERASURE:
            wire["personhash"] = person_hash(SECRET, person)
        producer.send(TOPIC, key=person.encode(), value=orjson.dumps(wire))
    producer.flush(timeout=60)
    producer.close(timeout=5)


class Town:
    """One measurement: a fresh database, and what happens beside the worker in a real installation."""

    def __init__(self, servers: Servers, of: str, events: int, *, computes: bool = True) -> None:
        self.servers, self.of, self.events, self.computes = servers, of, events, computes
        self.url = servers.new_database()
        self.settings = settings(
            home=servers.directory, database_url=self.url, kafka=servers.kafka, instance=f"{of}-worker-0"
        )
        self.log = servers.directory / f"{of}.log"

    @contextmanager
    def beside(self) -> Iterator[None]:
        """The clock of followup's API process: it computes whom a watermark has touched."""
        if self.of != "followup" or not self.computes:
            yield
            return
        catalogue = load_catalogue(self.settings.catalogue)
        engine = create_engine(self.url, "followup")
        with engine.begin() as connection:
            move_date.move_date(connection, LAST_DAY)
            move_date.adopt_catalogue(connection, catalogue)
        clock = Clock(engine, catalogue)
        clock.rounds.start()
        try:
            yield
        finally:
            clock.rounds.stop()
            engine.dispose()

    def wait_until_level(self, looking: psycopg.Connection[Any]) -> None:
        """Wait until nobody waits to be computed."""
        if self.of == "followup":
            wait_until(
                lambda: _value(
                    looking,
                    "SELECT NOT EXISTS (SELECT FROM followup.person, followup.context WHERE person.dirty"
                    " OR next_change_on <= business_date OR person.generation < context.generation)",
                ),
                "nobody dirty",
                PATIENCE,
            )

    def results(self) -> list[list[Any]]:
        """What has been computed."""
        with connect(self.url) as looking:
            return [looking.execute(query.encode()).fetchall() for query in RESULTS[self.of]]

    def audit(self) -> None:
        """Compute everything again from the events held. Raises `Wrong` when anything is stored otherwise."""
        if self.of == "followup":
            engine = create_engine(self.url, "followup")
            found = audit_checks(engine, load_catalogue(self.settings.catalogue), SECRET)
            checked, pending, differences = found.checked, found.pending, found.differences
        else:
            engine = make_computing_engine(self.url)
            told = audit_figures(engine, make_definitions(self.settings), SECRET)
            checked, pending, differences = told["checked"], told["pending"], told["differences"]
        engine.dispose()
        if not checked or pending or differences:
            raise Wrong(f"{self.of}: {checked} persons, {pending} pending, {len(differences)} differences")


def compare(what: str, ours: Town, rival: Town) -> None:
    """Raise `Wrong` with some of the rows in which a rival differs."""
    for query, own, other in zip(RESULTS[ours.of], ours.results(), rival.results(), strict=True):
        if own != other:
            only_ours = [row for row in own if row not in other]
            only_theirs = [row for row in other if row not in own]
            raise Wrong(
                f"{what}: the plain agent's rows are not ours. {query}: {len(own)} and {len(other)} rows;"
                f" only ours {only_ours[:3]}; only the rival's {only_theirs[:3]}"
            )


def _value(looking: psycopg.Connection[Any], query: str) -> Any:
    row = looking.execute(query.encode()).fetchone()
    return None if row is None else row[0]


def measure_by_positions(town: Town, command: list[str]) -> float:
    """Events a second from the first commit to the last, as the worker's stored positions tell."""
    with (
        connect(town.url) as looking,
        town.beside(),
        process(command, environment(town.settings), town.log) as worker,
    ):

        def read_so_far() -> int:
            if worker.poll() is not None:
                raise Wrong(f"the worker ended with {worker.returncode}: {_last_words(town.log)}")
            return int(_value(looking, f"SELECT coalesce(sum(next_offset), 0) FROM {town.of}.position"))

        first = wait_until(read_so_far, "the first batch", 60, every=0.002)
        begun = time.perf_counter()
        wait_until(lambda: read_so_far() >= town.events, "everything read", PATIENCE, every=0.002)
        town.wait_until_level(looking)
        return float((town.events - first) / (time.perf_counter() - begun))


def measure_plain(town: Town, number: int) -> float:
    """The same of a plain Faust agent, as it tells itself."""
    progress = town.servers.directory / f"plain-{town.of}-{number}.json"
    group = f"plain-{town.of}-{number}"
    command = ["-m", "benchmarks.worker_rivals", "plain", town.of, group, str(town.events), str(progress)]
    with (
        connect(town.url) as looking,
        town.beside(),
        process(command, environment(town.settings), town.log) as worker,
    ):

        def has_ended() -> bool:
            if worker.poll() is not None:
                raise Wrong(f"the plain agent ended with {worker.returncode}: {_last_words(town.log)}")
            return progress.exists()

        wait_until(has_ended, "the plain agent has read everything", PATIENCE)
        times = json.loads(progress.read_text())
        town.wait_until_level(looking)
        ended = time.time() if town.of == "followup" else times["ended"]
        return float((town.events - 1) / (ended - times["first"]))


def _last_words(log: Path) -> str:
    return log.read_text(errors="replace")[-1500:]


def main() -> None:
    given = arguments(__doc__ or "")
    load_before = os.getloadavg()[0]
    report = Report(
        "worker_throughput",
        "From a filled topic to exact checks and to exact figures",
        goals=[Goal(f"{what}: times a plain agent", 10) for what in WORKERS],
    )
    events = history(60 if given.small else 1000)
    numbers = itertools.count()
    with servers() as running:
        fill_topic(running.kafka, events)
        persons = len({event["data"].get("person", "") for event, _ in events}) - 1
        report.facts = {
            "events": len(events),
            "persons": persons,
            "partitions": topics()[TOPIC].partitions,
            "PostgreSQL": "fsync on, synchronous_commit on",
        }
        say(", ".join(f"{name} {value}" for name, value in report.facts.items()))
        for _ in range(given.rounds):
            neighbours = Neighbours()
            found = measure_round(running, len(events), numbers.__next__, report.units)
            report.add_round({**found, OTHERS: neighbours.share()})
    report.notes = [
        "A plain agent: Faust's `app.agent` with the same rules and tables, one event and one transaction at a time.",
        "The limit: the product's reading of the topic with one insert of a batch's events and nothing else.",
        "Time runs from the first commit to the last, and the first batch (or event) is not counted: starting and "
        "joining the group is not in it. For checks it runs on until nobody is left dirty, with followup's own clock "
        "thread beside, for both.",
        "In every round the rival's rows equal ours, and an audit of ours finds no difference.",
    ]
    finish(report, given, load_before)


def measure_round(running: Servers, events: int, number: Callable[[], int], units: dict[str, str]) -> dict[str, float]:
    """Measure everybody once, on the same topic, and compare what they computed."""
    round_number = number()
    found: dict[str, float] = {}
    store = Town(running, "followup", events, computes=False)
    found["limit (stores only)"] = measure_by_positions(store, ["-m", "benchmarks.worker_rivals", "store"])
    with connect(store.url) as looking:
        if _value(looking, "SELECT count(*) FROM followup.bench_stored") != events:
            raise Wrong("the limit has not stored every event")
    running.drop_database(store.url)
    for what, of in WORKERS.items():
        ours, rival = Town(running, of, events), Town(running, of, events)
        steps: list[tuple[str, Callable[[], float]]] = [
            (f"{what}: ours", partial(measure_by_positions, ours, service(f"{of}-worker"))),
            (f"{what}: plain agent", partial(measure_plain, rival, round_number)),
        ]
        # Who is first must not matter: they take turns.
        for name, measure in steps if round_number % 2 == 0 else reversed(steps):
            found[name] = measure()
        compare(what, ours, rival)
        ours.audit()
        running.drop_database(ours.url)
        running.drop_database(rival.url)
        found[f"{what}: times a plain agent"] = found[f"{what}: ours"] / found[f"{what}: plain agent"]
        found[f"{what}: share of the limit"] = found[f"{what}: ours"] / found["limit (stores only)"]
    units.update({name: "events/s" for name in found if "times" not in name and "share" not in name})
    return found


if __name__ == "__main__":
    main()
