"""What concerns every process: the business date, and tokens that no longer hold."""

import threading
import time
from collections.abc import Callable
from datetime import date
from typing import Any, Final

import orjson
import structlog
from kafka import KafkaConsumer, TopicPartition
from sqlalchemy import Engine

from efterhand import metrics
from efterhand.logs import describe
from efterhand.messaging.clients import open_client
from efterhand.messaging.lag import LagMeter
from efterhand.messaging.positions import Positions
from efterhand.messaging.topics import Admin, TopicMissing
from efterhand.settings import Settings

_log = structlog.get_logger(__name__)

BUSINESS_DATE: Final = "business-date"
TOKEN_REVOCATIONS: Final = "token-revocations"  # noqa: S105 - the name of a topic

_SECONDS_BETWEEN_COMPLAINTS = 60.0
_SECONDS_BETWEEN_LOOKS = 3.0
_BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)


class Announcements:
    """A thread that reads two compacted topics from their beginning and then follows them.

    Each record is given to its function until that function returns without an error; it may be given again after a
    restart, and after Kafka has lost its data. The functions run in this thread.
    """

    def __init__(
        self,
        settings: Settings,
        on_business_date: Callable[[date], None],
        on_revoked: Callable[[str], None],
        *,
        engine: Engine | None = None,
        positions: Positions | None = None,
        topic: str = "case-events",
        business_dates: str = BUSINESS_DATE,
        revocations: str = TOKEN_REVOCATIONS,
    ) -> None:
        """Make a reader, which does nothing until it is started.

        Args:
            settings: `kafka`.
            on_business_date: gets every date that is announced, also earlier ones on the way to the last.
            on_revoked: gets the id of every token that no longer holds.
            engine: of the service's database, for `lag`.
            positions: of the service, for `lag`.
            topic: that the service reads, for `lag`.
            business_dates: name of the topic.
            revocations: name of the topic.
        """
        self._kafka = settings.kafka
        self._handlers: dict[str, Callable[[Any], None]] = {
            business_dates: lambda record: self._business_date(record, on_business_date),
            revocations: lambda record: self._revoked(record, on_revoked),
        }
        self._meter = None if engine is None or positions is None else LagMeter(self._kafka, topic, engine, positions)
        self._stopping = threading.Event()
        self._caught_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="announcements", daemon=True)
        self._complained = float("-inf")

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> bool:
        """Stop; return whether the thread has ended within `timeout` seconds."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        if self._meter is not None:
            self._meter.close()
        return not self._thread.is_alive()

    def wait_until_read(self, timeout: float) -> bool:
        """Wait until all that had been announced before the start has been handled; return whether it has."""
        return self._caught_up.wait(timeout)

    def lag(self) -> int | None:
        """Return how many records of its topic the service has not applied; None: Kafka cannot be asked.

        Measured now, see LagMeter.measure. Raises what the database raises.
        """
        return None if self._meter is None else self._meter.measure()

    def _run(self) -> None:
        attempt = 0
        while not self._stopping.is_set():
            client, consumer = None, None
            try:
                client = Admin(self._kafka)
                consumer = open_client(
                    KafkaConsumer,
                    self._kafka,
                    client_id="efterhand-announcements",
                    group_id=None,
                    enable_auto_commit=False,
                    auto_offset_reset="earliest",
                    allow_auto_create_topics=False,
                    request_timeout_ms=10_000,
                )
                self._follow(client, consumer)
                attempt = 0
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever it is
                self._complain(error)
                self._stopping.wait(_BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)])
                attempt += 1
            finally:
                if consumer is not None:
                    consumer.close(timeout_ms=1000)
                if client is not None:
                    client.close()

    def _follow(self, client: Admin, consumer: Any) -> None:
        """Read both topics from their beginning, and then on, until they are other topics of the same names."""
        names = list(self._handlers)
        ids = client.ids(names)
        missing = sorted(set(names) - set(ids))
        if missing:
            raise TopicMissing(", ".join(missing))
        partitions = [TopicPartition(name, number) for name in names for number in client.partitions(name)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        looked = time.monotonic()
        while not self._stopping.is_set():
            for records in consumer.poll(timeout_ms=200).values():
                for record in records:
                    self._handle(record)
            if not self._caught_up.is_set() and all(consumer.position(p) >= ends[p] for p in partitions):
                self._caught_up.set()
            if time.monotonic() - looked >= _SECONDS_BETWEEN_LOOKS:
                looked = time.monotonic()
                if client.ids(names) != ids:
                    return

    def _handle(self, record: Any) -> None:
        attempt = 0
        while not self._stopping.is_set():
            try:
                self._handlers[record.topic](record)
            except Exception as error:  # noqa: BLE001 - what is announced must not be lost, whatever it is
                self._complain(error)
                self._stopping.wait(_BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)])
                attempt += 1
            else:
                return

    def _business_date(self, record: Any, handle: Callable[[date], None]) -> None:
        try:
            day = date.fromisoformat(orjson.loads(record.value)["date"])
        except (TypeError, ValueError, KeyError):
            self._unreadable(record)
            return
        handle(day)
        metrics.show_business_date(day)

    def _revoked(self, record: Any, handle: Callable[[str], None]) -> None:
        if record.value is None:
            return
        try:
            token = record.key.decode()
        except (AttributeError, UnicodeDecodeError):
            self._unreadable(record)
            return
        handle(token)

    def _unreadable(self, record: Any) -> None:
        metrics.PARKED.labels(record.topic).inc()
        _log.error(
            "an announcement cannot be read and is passed over",
            action="announcement_unreadable",
            topic=record.topic,
            offset=record.offset,
        )

    def _complain(self, error: BaseException) -> None:
        now = time.monotonic()
        if now - self._complained >= _SECONDS_BETWEEN_COMPLAINTS:
            self._complained = now
            _log.warning(
                "announcements cannot be read or handled, which is tried again",
                action="announcements_wait",
                error=describe(error),
            )
