"""Seconds from an event's 202 until its check, and its part in a figure, can be read, in a whole `efterhand up`.

Events are posted one by one at a steady rate. Some are enrolments of young persons; for these the check and the
figure's cases are asked for again and again from their 202 on, as a reader would, through the door.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import orjson

from benchmarks.common import (
    ERASURE,
    OTHERS,
    WATERMARK,
    Goal,
    Neighbours,
    Report,
    Wrong,
    arguments,
    environment,
    finish,
    history,
    process,
    renamed,
    say,
    wait_until,
)
from benchmarks.sender import request
from efterhand.cli.settle import settle
from efterhand.cli.system import System
from efterhand.demo.municipality import LAST_DAY
from efterhand.embedded import ports
from efterhand.web.paging import encode_cursor

RATE: Final = 200
PROBES: Final = 1
"""Of the events of a second."""
CONNECTIONS: Final = 32
PAUSE: Final = 0.01
"""Seconds between an answer without what is looked for and the next question."""
LOADED_AT_A_TIME: Final = 500
EVENTS_PATH: Final = "/intake/v1/events"
FIGURE: Final = "unique_persons"
PROTOCOL: Final = "offer_90d"


class Client:
    """Requests over connections that stay open, as many at once as there are connections."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._token = port, token
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self._writers: list[asyncio.StreamWriter] = []

    async def open(self, connections: int) -> None:
        """Connect."""
        for _ in range(connections):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            self._writers.append(writer)
            self._free.put_nowait((reader, writer))

    def close(self) -> None:
        """Give the connections back."""
        for writer in self._writers:
            writer.close()

    async def post(self, body: bytes) -> None:
        """Post an event. Raises `Wrong` when it does not get a 202."""
        status, answer = await self._ask(request(EVENTS_PATH, body, self._token))
        if status != 202:
            raise Wrong(f"answered with {status}: {answer[:500]!r}")

    async def get(self, path: str) -> Any:
        """The JSON of a read."""
        status, answer = await self._ask(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self._token}\r\n\r\n".encode()
        )
        if status != 200:
            raise Wrong(f"{path} answered with {status}: {answer[:500]!r}")
        return orjson.loads(answer)

    async def _ask(self, asked: bytes) -> tuple[int, bytes]:
        reader, writer = await self._free.get()
        try:
            writer.write(asked)
            head = await reader.readuntil(b"\r\n\r\n")
            lower = head.lower()
            begin = lower.find(b"content-length: ")
            if begin < 0:
                raise Wrong(f"an answer without its length: {head!r}")
            length = int(head[begin + 16 : lower.find(b"\r\n", begin)])
            body = await reader.readexactly(length)
            return int(head[9:12]), body
        finally:
            self._free.put_nowait((reader, writer))


@dataclass
class Times:
    """Seconds, of each event or each question."""

    posted: list[float] = field(default_factory=list)
    check: list[float] = field(default_factory=list)
    figure: list[float] = field(default_factory=list)
    question: dict[str, list[float]] = field(default_factory=lambda: {"check": [], "figure": []})
    late: list[float] = field(default_factory=list)
    """How much later than planned an event was sent."""


def probe(name: str) -> dict[str, Any]:
    """The enrolment of a young person who has not been there before."""
    return {
        "specversion": "1.0",
        "id": f"probe-{name}",
        "source": "/stockholm/flai",
        "type": "case.enrolled",
        "time": f"{LAST_DAY.isoformat()}T10:00:00+01:00",
        "datacontenttype": "application/json",
        "data": {
            "person": f"p-{name}",
            "case": f"c-{name}",
            "on": LAST_DAY.isoformat(),
            "unit": "jobbtorg-kista",
            "target_group": "ordinary",
            "sex": "female",
            "birth_year": LAST_DAY.year - 20,
        },
    }


class Load:
    """The events of a round at a steady rate, and readers who wait for some of them."""

    def __init__(self, sending: Client, reading: Client, events: Iterator[dict[str, Any]], name: str) -> None:
        self._sending, self._reading, self._events, self._name = sending, reading, events, name
        self.times = Times()
        self.sent = 0

    async def run(self, seconds: float) -> None:
        """Send for some seconds; return when everything has been answered and all that was looked for was found."""
        tasks: list[asyncio.Task[Any]] = []
        begun = time.perf_counter()
        every = RATE // PROBES
        for number in range(int(RATE * seconds)):
            due = begun + number / RATE
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            if number % every == every // 2:
                tasks.append(asyncio.create_task(self._probe(f"{self._name}-{number}", due)))
            else:
                tasks.append(asyncio.create_task(self._post(orjson.dumps(next(self._events)), due)))
        await asyncio.gather(*tasks)

    async def _post(self, body: bytes, due: float) -> float:
        begun = time.perf_counter()
        self.times.late.append(begun - due)
        await self._sending.post(body)
        ended = time.perf_counter()
        self.times.posted.append(ended - begun)
        self.sent += 1
        return ended

    async def _probe(self, name: str, due: float) -> None:
        accepted = await self._post(orjson.dumps(probe(name)), due)
        person = f"p-{name}"
        # The list of cases is sorted by person, by bytes: the cursor is a place just before this one.
        cursor = encode_cursor([f"{person[:-1]}{chr(ord(person[-1]) - 1)}~", "", "", "0001-01-01"])
        await asyncio.gather(
            self._look(
                "check",
                f"/followup/v1/checks?person={quote(person)}",
                f"{PROTOCOL}:{person}:c-{name}",
                "id",
                accepted,
            ),
            self._look(
                "figure", f"/indicators/v1/figures/{FIGURE}/cases?limit=1&cursor={cursor}", person, "person", accepted
            ),
        )

    async def _look(self, what: str, path: str, wanted: str, key: str, accepted: float) -> None:
        while True:
            asked = time.perf_counter()
            answer = await self._reading.get(path)
            answered = time.perf_counter()
            self.times.question[what].append(answered - asked)
            if any(item[key] == wanted for item in answer["items"]):
                (self.times.check if what == "check" else self.times.figure).append(answered - accepted)
                return
            if answered - accepted > 60:
                raise Wrong(f"the {what} of an event cannot be read 60 s after its 202")
            await asyncio.sleep(PAUSE)


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def main() -> None:
    given = arguments(__doc__ or "")
    load_before = os.getloadavg()[0]
    seconds = 6.0 if given.small else 50.0
    enrolments = 100 if given.small else 2500
    report = Report(
        "time_to_read",
        f"From the 202 to the check and the figure, at {RATE} events a second",
        goals=[Goal(f"{what}: {name}", limit, at_least=False)
               for what in ("check", "figure") for name, limit in (("p50", 0.2), ("p99", 1.0))],
    )  # fmt: skip
    directory = Path(tempfile.mkdtemp(prefix="efterhand-bench-"))
    directory.chmod(0o711)
    ready_file = directory / "ready.json"
    port = ports.choose()
    command = ["-m", "efterhand.cli", "up", "--home", str(directory / "home"), "--port", str(port), "--clock", "manual",
               "--date", LAST_DAY.isoformat(), "--ready-file", str(ready_file)]  # fmt: skip
    try:
        with process(command, environment(), directory / "up.log"):
            wait_until(ready_file.exists, "efterhand up is ready", 180, every=0.1)
            ready = json.loads(ready_file.read_text())
            system = System(ready["url"], ready["token"])
            loaded = load(system, enrolments)
            report.facts = {
                "events a second": RATE,
                "seconds a round": seconds,
                "events loaded before": loaded,
                "enrolments looked for": f"{PROBES} a second, each by two readers",
            }
            measure(report, given.rounds, seconds, system, port, ready["token"], loaded)
            system.close()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    report.notes += [
        "Time runs from the answer 202 at the client to the answer that holds the check, or the figure's case.",
        f"Readers ask through the door, again {PAUSE * 1000:.0f} ms after an answer: both are in the time.",
        "Client, supervisor, services, PostgreSQL and Kafka share the machine's cores.",
        "In the end every event with a 202 is held by all three services.",
    ]
    finish(report, given, load_before)


def load(system: System, enrolments: int) -> int:
    """Load a history, so that the tables are not empty; return the number of its events."""
    lines = [{"event": event, "received": received.isoformat()} for event, received in history(enrolments)]
    for begin in range(0, len(lines), LOADED_AT_A_TIME):
        system.post("/intake/v1/load", lines[begin : begin + LOADED_AT_A_TIME])
    settle(system, 300)
    say(f"{len(lines)} events loaded")
    return len(lines)


def measure(report: Report, rounds: int, seconds: float, system: System, port: int, token: str, loaded: int) -> None:
    """Run the rounds, and see that nothing is missing in the end."""
    fresh = (
        renamed(event, f"{number}-")
        for number in itertools.count()
        for event, _ in history(500, seed=2018)
        if event["type"] not in (WATERMARK, ERASURE)
    )
    before = _count(system)
    sent = 0
    for number in range(rounds):
        neighbours = Neighbours()
        times, posted = asyncio.run(_round(port, token, fresh, f"{number}-{loaded}", seconds))
        sent += posted
        report.add_round(
            {
                "check: p50": percentile(times.check, 0.5),
                "check: p99": percentile(times.check, 0.99),
                "figure: p50": percentile(times.figure, 0.5),
                "figure: p99": percentile(times.figure, 0.99),
                "202: p50": percentile(times.posted, 0.5),
                "202: p99": percentile(times.posted, 0.99),
                "a question about a check": statistics.median(times.question["check"]),
                "a question about a figure": statistics.median(times.question["figure"]),
                "sent later than planned: p99": percentile(times.late, 0.99),
                "events/s": posted / seconds,
                OTHERS: neighbours.share(),
            }
        )
        settle(system, 120)
    report.units = {name: "" if name in ("events/s", OTHERS) else "s" for name in report.rounds[0]}
    if _count(system) != before + sent:
        raise Wrong(f"{sent} events got a 202, the services hold {_count(system) - before} more than before")


def _count(system: System) -> int:
    counts = {system.get(f"/{name}/v1/status")["digest"]["count"] for name in ("intake", "followup", "indicators")}
    if len(counts) != 1:
        raise Wrong(f"the services hold different numbers of events: {sorted(counts)}")
    return int(counts.pop())


async def _round(
    port: int, token: str, events: Iterator[dict[str, Any]], name: str, seconds: float
) -> tuple[Times, int]:
    sending, reading = Client(port, token), Client(port, token)
    await sending.open(CONNECTIONS)
    await reading.open(CONNECTIONS)
    try:
        load = Load(sending, reading, events, name)
        await load.run(seconds)
        return load.times, load.sent
    finally:
        sending.close()
        reading.close()


if __name__ == "__main__":
    main()
