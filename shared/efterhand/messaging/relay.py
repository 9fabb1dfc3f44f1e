"""From an outbox to Kafka: a row leaves the database when the broker has acknowledged it, and not before."""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import structlog
from kafka import KafkaProducer
from kafka.errors import (
    InvalidRecordError,
    InvalidTopicError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    RetriableError,
)
from sqlalchemy import Connection, Engine, Table, func, select, text

from efterhand import metrics
from efterhand.logs import describe
from efterhand.messaging.clients import open_client
from efterhand.messaging.topics import admin

_log = structlog.get_logger(__name__)

_POISON = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidRecordError,
    InvalidTopicError,
    TypeError,
    ValueError,
)
_SECONDS_WITHOUT_TOPIC = 15.0
_SECONDS_BETWEEN_COMPLAINTS = 60.0
_BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)


class Row(NamedTuple):
    """A row of the outbox."""

    id: int
    topic: str
    key: bytes | None
    value: bytes | None


class _Outcome(NamedTuple):
    acknowledged: Sequence[Row]
    poison: Sequence[tuple[Row, str]]
    refused: bool


class Relay:
    """A thread that publishes the rows of one outbox, oldest first, each at least once.

    Of several relays of the same outbox, in several processes, one works and the others stand by. Whatever fails is
    sent again by a new producer, which may publish a record twice; consumers drop the second by the event's identity.
    While it waits for the broker no transaction is open. A row that the broker will never take is parked, the rest goes
    on; rows of a topic that does not exist wait, the rest goes on.
    """

    def __init__(
        self,
        engine: Engine,
        outbox: Table,
        kafka: str,
        *,
        parked: Table,
        rows_in_flight: int = 2000,
        bytes_in_flight: int = 16_000_000,
        poll_seconds: float = 0.1,
        delivery_seconds: float = 120.0,
        max_record_bytes: int = 1_048_576,
    ) -> None:
        """Make a relay, which does nothing until it is started.

        Args:
            engine: of the service's database.
            outbox: as `efterhand.database.outbox_table` defines it.
            kafka: host:port of the broker.
            parked: as `efterhand.database.parked_table` defines it.
            rows_in_flight: rows sent before their acknowledgements are waited for.
            bytes_in_flight: the same in bytes; one row may be larger.
            poll_seconds: how often to look for rows that nobody told of with `notify`.
            delivery_seconds: how long one producer tries; outages up to this length publish nothing twice.
            max_record_bytes: what is larger is parked; the broker may have a lower limit of its own.
        """
        self._engine = engine
        self._outbox = outbox
        self._parked = parked
        self._kafka = kafka
        self._rows_in_flight = rows_in_flight
        self._rows_now = rows_in_flight
        self._bytes_in_flight = bytes_in_flight
        self._poll_seconds = poll_seconds
        self._delivery_seconds = delivery_seconds
        self._settings: dict[str, Any] = {
            "client_id": f"efterhand-relay-{outbox.schema}",
            "acks": "all",
            "enable_idempotence": True,
            "allow_auto_create_topics": False,
            "delivery_timeout_ms": int(delivery_seconds * 1000),
            "request_timeout_ms": min(10_000, int(delivery_seconds * 900)),
            "max_block_ms": 5000,
            "linger_ms": 5,
            "batch_size": 131_072,
            "max_request_size": max_record_bytes,
        }
        self._producer: Any = None
        self._topics_waiting: dict[str, float] = {}
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"relay-{outbox.schema}", daemon=True)
        self._complained = float("-inf")
        self._measured = float("-inf")
        self._read = text(
            # The outer condition lets the first row through whatever its size.
            f"""
            SELECT id, topic, key, value FROM (
                SELECT *, sum(coalesce(length(value), 0)) OVER (ORDER BY id) - coalesce(length(value), 0) AS before
                FROM (
                    SELECT id, topic, key, value FROM {outbox.fullname}
                    WHERE topic <> ALL(:waiting) ORDER BY id LIMIT :rows
                ) AS oldest
            ) AS counted
            WHERE before < :bytes ORDER BY id
            """  # noqa: S608 - the name of our own table
        )
        self._park = text(
            f"""
            WITH gone AS (DELETE FROM {outbox.fullname} WHERE id = :id RETURNING topic, key, value, person)
            INSERT INTO {parked.fullname} (topic, key, value, person, reason)
            SELECT topic, key, value, person, :reason FROM gone
            """  # noqa: S608 - the names of our own tables
        )
        self._delete = text(f"DELETE FROM {outbox.fullname} WHERE id = ANY(:ids)")  # noqa: S608 - as above

    def start(self) -> None:
        """Start publishing."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> bool:
        """Stop after what is in flight, or without it when that takes longer; return whether the thread has ended.

        Args:
            timeout: seconds. What has not been acknowledged by then stays in the outbox.
        """
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def notify(self) -> None:
        """Say that rows have been committed; from any thread, at no cost."""
        self._wake.set()

    def depth(self) -> int:
        """Return how many rows wait to be published. Raises what the database raises."""
        with self._engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(self._outbox)).scalar_one()

    def _run(self) -> None:
        attempt = 0
        while not self._stopping.is_set():
            try:
                with self._alone() as connection:
                    while connection is not None:
                        moved = self._round(connection)
                        attempt = 0
                        if self._stopping.is_set():
                            break
                        if not moved:
                            self._wake.wait(self._poll_seconds)
                            self._wake.clear()
                # Another process has the outbox.
                self._stopping.wait(1.0)
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever it is
                metrics.RELAY_FAILURES.inc()
                self._complain(error)
                self._drop_producer()
                self._stopping.wait(_BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)])
                attempt += 1
        self._drop_producer()

    @contextmanager
    def _alone(self) -> Iterator[Connection | None]:
        """Yield a connection of our own that holds the lock on this outbox, or None if another process holds it."""
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # Out of the pool: closing it then ends the session, and with it the lock.
            connection.detach()
            # A deletion that a crash undoes only means that the row is published again.
            connection.execute(text("SET synchronous_commit = off"))
            lock = text("SELECT pg_try_advisory_lock(hashtext(:name))")
            held = connection.execute(lock, {"name": f"efterhand relay {self._outbox.fullname}"}).scalar_one()
            yield connection if held else None

    def _round(self, connection: Connection) -> bool:
        """Publish the oldest rows; return whether there were any."""
        self._measure(connection)
        now = time.monotonic()
        waiting = [topic for topic, until in self._topics_waiting.items() if until > now]
        parameters = {"waiting": waiting, "rows": self._rows_now, "bytes": self._bytes_in_flight}
        rows = [Row(*row) for row in connection.execute(self._read, parameters)]
        if not rows:
            return False
        outcome = self._publish(rows)
        self._forget(connection, outcome.acknowledged)
        for row, reason in outcome.poison:
            connection.execute(self._park, {"id": row.id, "reason": reason})
            metrics.PARKED.labels(row.topic).inc()
            _log.error(
                "the broker will never take a record, which was put aside",
                action="outgoing_parked",
                topic=row.topic,
                row=row.id,
                reason=reason,
            )
        # The client does not say whose fault it was that a request was refused; a row that is refused alone says it.
        self._rows_now = max(1, len(rows) // 2) if outcome.refused else min(self._rows_now * 2, self._rows_in_flight)
        return bool(outcome.acknowledged or outcome.poison)

    def _forget(self, connection: Connection, rows: Sequence[Row]) -> None:
        if rows:
            connection.execute(self._delete, {"ids": [row.id for row in rows]})
            for topic, count in _counted(row.topic for row in rows).items():
                metrics.PUBLISHED.labels(topic).inc(count)

    def _publish(self, rows: Sequence[Row]) -> _Outcome:
        """Send rows and wait for their acknowledgements; tell those acknowledged and those never to be taken."""
        if self._producer is None:
            self._producer = open_client(KafkaProducer, self._kafka, **self._settings)
        sent: list[tuple[Row, Any]] = []
        poison: list[tuple[Row, str]] = []
        for row in rows:
            if row.topic in self._topics_waiting:
                if self._topics_waiting[row.topic] > time.monotonic():
                    continue
                del self._topics_waiting[row.topic]
            try:
                sent.append((row, self._producer.send(row.topic, value=row.value, key=row.key)))
            except KafkaTimeoutError:
                with admin(self._kafka) as client:
                    if client.ids([row.topic]):
                        raise
                self._topics_waiting[row.topic] = time.monotonic() + _SECONDS_WITHOUT_TOPIC
                _log.warning("there is no such topic, its records wait", action="topic_missing", topic=row.topic)
            except _POISON as error:
                poison.append((row, type(error).__name__))
        acknowledged: list[Row] = []
        refused = False
        usable = self._wait([future for _, future in sent])
        for row, future in sent:
            if future.succeeded():
                acknowledged.append(row)
                continue
            usable = False
            if future.exception is None:
                continue
            if len(sent) == 1 and isinstance(future.exception, _POISON):
                poison.append((row, type(future.exception).__name__))
                continue
            refused = refused or not isinstance(future.exception, KafkaTimeoutError | RetriableError)
            self._complain(future.exception)
        if not usable:
            # One failure may be the end of all that a producer sends later.
            metrics.RELAY_FAILURES.inc()
            self._drop_producer()
        return _Outcome(acknowledged, poison, refused)

    def _wait(self, futures: Sequence[Any]) -> bool:
        """Wait until all futures are done, up to the one deadline of the batch; return whether they are."""
        deadline = time.monotonic() + self._delivery_seconds + 5.0
        while True:
            # What came of a record its future says; flushing also fails for requests that were only split.
            with suppress(KafkaError):
                self._producer.flush(timeout=0.5)
            if all(future.is_done for future in futures):
                return True
            if time.monotonic() > deadline or self._stopping.wait(0.005):
                return False

    def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            producer.close(timeout=1)
        except Exception as error:  # noqa: BLE001 - it is thrown away whatever it says
            # What cannot be sent any more keeps it from closing, and its thread from ending.
            self._complain(error)
            producer._sender.force_close()
            producer._sender.join(1)
            with suppress(Exception):
                producer.close(timeout=0)

    def _measure(self, connection: Connection) -> None:
        now = time.monotonic()
        if now - self._measured < 5.0:
            return
        self._measured = now
        oldest = func.extract("epoch", func.now() - func.min(self._outbox.c.created_at))
        depth, age = connection.execute(select(func.count(), func.coalesce(oldest, 0)).select_from(self._outbox)).one()
        metrics.OUTBOX_ROWS.labels(self._outbox.schema).set(depth)
        metrics.OUTBOX_OLDEST_ROW_AGE.labels(self._outbox.schema).set(max(0.0, float(age)))

    def _complain(self, error: BaseException) -> None:
        now = time.monotonic()
        if now - self._complained >= _SECONDS_BETWEEN_COMPLAINTS:
            self._complained = now
            _log.warning(
                "the relay waits and tries again",
                action="relay_waits",
                outbox=self._outbox.fullname,
                error=describe(error),
            )


def _counted(topics: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for topic in topics:
        counts[topic] = counts.get(topic, 0) + 1
    return counts
