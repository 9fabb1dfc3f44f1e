"""Sends events until they are taken: whatever gets no 202 is sent again, as every sender has to."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import httpx
import orjson
from kafka import KafkaProducer
from kafka.errors import KafkaError

from tests.kill.history import Sending, Way
from tests.kill.running import Failed, RunningSystem, wait_for

PATHS: Final = {Way.LOAD: "/intake/v1/load", Way.POST: "/intake/v1/events"}
INBOUND: Final = "case-events-inbound"
BATCH: Final = 40
POSTERS: Final = 2
GIVE_UP_SECONDS: Final = 120.0
_PAUSE_SECONDS: Final = 0.25

Chunk = Sequence[Sending]


class Sender:
    """Threads that post, and one that writes to the topic. What goes wrong for good is raised by `check`."""

    def __init__(self, system: RunningSystem) -> None:
        """The threads start at once and wait for something to send."""
        self._system = system
        self._chunks: dict[str, queue.Queue[Chunk]] = {"http": queue.Queue(), "topic": queue.Queue()}
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._waiting = 0
        self._failure: Exception | None = None
        self.taken: set[tuple[str, str]] = set()
        """Identities of what got a 202 (or, on the topic, the broker's acknowledgement)."""
        self.answers: Counter[str] = Counter()
        """What came back, by kind."""
        self._threads = [
            threading.Thread(target=self._run, args=(kind, send), daemon=True)
            for kind, send in [("http", self._post)] * POSTERS + [("topic", self._write)]
        ]
        for thread in self._threads:
            thread.start()

    def send(self, sendings: Chunk) -> None:
        """Hand over; returns at once."""
        for way in Way:
            kind = "topic" if way is Way.TOPIC else "http"
            own = [sending for sending in sendings if sending.way is way]
            for begin in range(0, len(own), BATCH):
                with self._lock:
                    self._waiting += 1
                self._chunks[kind].put(own[begin : begin + BATCH])

    @property
    def waiting(self) -> int:
        """How many batches have not been taken yet."""
        self.check()
        return self._waiting

    def check(self) -> None:
        """Raise what has gone wrong for good, if anything has."""
        if self._failure is not None:
            raise self._failure

    def wait(self, seconds: float) -> None:
        """Wait until everything handed over has been taken."""
        wait_for("everything sent is taken", lambda: self.waiting == 0, seconds, every=0.02)

    def stop(self) -> None:
        """End the threads."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(20.0)

    def _run(self, kind: str, send: Any) -> None:
        state: dict[str, Any] = {}
        while not self._stopping.is_set():
            try:
                chunk = self._chunks[kind].get(timeout=0.1)
            except queue.Empty:
                continue
            deadline = time.monotonic() + GIVE_UP_SECONDS
            try:
                while not send(state, chunk):
                    if self._stopping.is_set():
                        return
                    if time.monotonic() > deadline:
                        raise Failed(f"a batch was not taken within {GIVE_UP_SECONDS:.0f} s by {kind}")
                    time.sleep(_PAUSE_SECONDS)
            except Exception as error:  # noqa: BLE001 - told by the main thread
                self._failure = self._failure or error
                return
            with self._lock:
                self._waiting -= 1
        _close(state)

    def _post(self, state: dict[str, Any], chunk: Chunk) -> bool:
        if "client" not in state:
            state["client"] = httpx.Client(base_url=self._system.url, trust_env=False, timeout=10.0)
        way = chunk[0].way
        items = [{"event": s.event, "received": s.received} if way is Way.LOAD else s.event for s in chunk]
        headers = {**self._system.headers, "Content-Type": "application/json"}
        try:
            answer = state["client"].post(PATHS[way], content=orjson.dumps(items), headers=headers)
        except httpx.HTTPError as error:
            self._count(f"no answer ({type(error).__name__})")
            return False
        self._count(str(answer.status_code))
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            if "retry-after" not in answer.headers:
                raise Failed(f"503 without Retry-After: {answer.text[:300]}")
            return False
        if answer.status_code not in (httpx.codes.ACCEPTED, httpx.codes.MULTI_STATUS):
            raise Failed(f"{PATHS[way]} answered {answer.status_code}: {answer.text[:300]}")
        results = answer.json()["results"]
        for sending, result in zip(chunk, results, strict=True):
            if result["outcome"] in ("accepted", "duplicate"):
                if sending.refused_as == "conflict":
                    raise Failed(f"{sending.identity} differs from what was kept and was {result['outcome']}")
                self._take([sending])
            elif sending.refused_as not in result["codes"]:
                raise Failed(f"{sending.identity} was refused: {result}")
        return True

    def _write(self, state: dict[str, Any], chunk: Chunk) -> bool:
        try:
            if "producer" not in state:
                state["producer"] = KafkaProducer(
                    bootstrap_servers=self._system.kafka,
                    acks="all",
                    delivery_timeout_ms=8000,
                    request_timeout_ms=4000,
                    max_block_ms=4000,
                    bootstrap_timeout_ms=4000,
                    reconnect_backoff_max_ms=500,
                )
            producer = state["producer"]
            sent = [producer.send(INBOUND, orjson.dumps(s.event), (s.person or "").encode()) for s in chunk]
            for future in sent:
                future.get(10.0)
        except (KafkaError, OSError) as error:
            # A producer whose delivery has timed out never recovers: the next try makes a new one.
            _close(state)
            self._count(f"topic: {type(error).__name__}")
            return False
        self._count("topic: acknowledged")
        self._take([s for s in chunk if s.refused_as is None])
        return True

    def _take(self, sendings: Chunk) -> None:
        with self._lock:
            self.taken.update(sending.identity for sending in sendings)

    def _count(self, what: str) -> None:
        with self._lock:
            self.answers[what] += 1


def _close(state: dict[str, Any]) -> None:
    """Close a producer that may still hold what it could not deliver: it says so by an error."""
    if producer := state.pop("producer", None):
        with suppress(KafkaError):
            producer.close(timeout=2)
