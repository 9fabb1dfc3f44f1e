"""The process that reads a topic: Faust fetches and shares out the partitions, PostgreSQL says what has been read.

Faust as it comes acknowledges what an agent failed at, and handles one record at a time. Here a partition's whole fetch
reaches the agent as one message, is applied in one transaction together with the position, and reading starts at the
stored positions; what Kafka is told of the progress serves monitoring alone.
"""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, NoReturn

import faust
import structlog
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import ConsumerMessage
from faust.worker import Worker
from kafka.errors import KafkaError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from yarl import URL

from efterhand import metrics
from efterhand.logs import describe
from efterhand.messaging.batches import Apply, BatchApplier
from efterhand.messaging.parking import Parking
from efterhand.messaging.positions import Position, PositionLost, Positions, Reason, Start, unread
from efterhand.messaging.records import Record
from efterhand.messaging.topics import Admin, TopicMissing, admin
from efterhand.settings import Settings

_log = structlog.get_logger(__name__)

EXIT_STUCK = 75
"""What a worker that did not end by itself in time exits with (EX_TEMPFAIL: start it again)."""

_SECONDS_TO_END = 8.0
_SECONDS_BETWEEN_LOOKS = 3.0
_BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


class WorkerFailed(RuntimeError):
    """The worker cannot go on and must be started again; says the kind of error, never a value."""


def run_worker(
    *,
    settings: Settings,
    group: str,
    topic: str,
    engine: Engine,
    positions: Positions,
    parking: Parking,
    apply: Apply,
    business_date: Callable[[Connection], date | None],
    max_records: int = 5000,
    stalled_seconds: float = 30.0,
) -> NoReturn:
    """Read a topic until SIGTERM or Ctrl-C; every record is applied exactly once, whatever is killed and when.

    `apply(connection, records)` gets consecutive new records of one partition inside a transaction that it must not
    commit; in a thread, one call at a time. When it raises, the batch is halved until the records that fail alone are
    found; these are parked. While the database is away the batch waits and is tried again.

    The process must be started again when it exits. It exits with 0 after a signal; with 75 when it had to end itself
    8 s after one (Faust never ends while the broker is away), or because the topic was created anew, or because nobody
    reads a partition; with 1 after a failure.

    Args:
        settings: `kafka` and `instance` (the group's static member, unique among all workers).
        group: of Kafka consumers that share the partitions, e.g. `followup`.
        topic: that is read; it must exist.
        engine: of the service's database.
        positions: how far has been read.
        parking: where records go that can never be applied.
        apply: see above.
        business_date: reads the one that holds, to be shown; None before there is one.
        max_records: of one batch.
        stalled_seconds: how long a partition may have records that nobody applies while this worker is idle, before
            it starts again.
    """
    source = _Source(settings.kafka, topic, engine, positions, business_date)
    applier = BatchApplier(engine, positions, parking, apply)
    app = _app(settings, group, max_records)

    @app.agent(app.topic(topic, schema=_Unchanged()), concurrency=1)  # type: ignore[untyped-decorator]
    async def read(batches: Any) -> None:
        async for fetched in batches:
            source.idle_since = None
            await _apply_batch(applier, source, topic, fetched)
            source.idle_since = time.monotonic()

    _Watcher(source, group, settings.instance, stalled_seconds).start()
    worker = _Worker(app, source=source, url=f"kafka://{settings.kafka}")
    worker.execute_from_commandline()
    raise AssertionError("unreachable")


class _Fetched(NamedTuple):
    """Records of one partition, and the id of the topic that was read when they were fetched."""

    topic_id: str
    records: Sequence[Any]


async def _apply_batch(applier: BatchApplier, source: "_Source", topic: str, fetched: _Fetched) -> None:
    records = [Record(topic, r.partition, r.offset, r.key, r.value, r.timestamp) for r in fetched.records]
    attempt = 0
    while True:
        try:
            applied = await asyncio.to_thread(applier, records, fetched.topic_id)
            break
        except (DBAPIError, PoolTimeoutError, OSError) as error:
            # The connection may have broken during the commit. The position tells, in the next attempt.
            if not _passes(error):
                arm_watchdog("batch_failed")
                raise WorkerFailed(describe(error)) from None
            metrics.BATCH_FAILURES.labels(topic).inc()
            _log.warning("the batch waits for the database", action="batch_waits", topic=topic, error=describe(error))
            await asyncio.sleep(_BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)])
            attempt += 1
        except PositionLost as error:
            arm_watchdog("position_lost")
            raise WorkerFailed(str(error)) from None
        except Exception as error:  # noqa: BLE001 - whatever it is, Faust must not see the values in it
            _log.exception("a batch failed", action="batch_failed", topic=topic)
            arm_watchdog("batch_failed")
            raise WorkerFailed(describe(error)) from None
    if applied.records:
        source.applied_until_ms = records[-1].timestamp_ms
        metrics.EVENTS_CONSUMED.labels(topic).inc(applied.records)
        metrics.BATCH_DURATION.labels(topic).observe(applied.seconds)
    if applied.parked:
        metrics.PARKED.labels(topic).inc(applied.parked)


def _passes(error: Exception) -> bool:
    """Tell what time heals (no connection, no space, shutting down) from what it does not (no such table, no right)."""
    if not isinstance(error, DBAPIError) or error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    return state is None or state[:2] in {"08", "25", "40", "53", "55", "57", "58", "XX"}


_watchdog_armed = threading.Lock()


def arm_watchdog(why: str, seconds: float = _SECONDS_TO_END) -> None:
    """End this process by force if it has not ended by itself in `seconds`; nothing can be lost by that."""
    if not _watchdog_armed.acquire(blocking=False):
        return

    def end() -> None:
        _log.warning("did not end in time", action="worker_ended_by_force", why=why)
        os._exit(EXIT_STUCK)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


class _Source:
    """The topic as this worker reads it: which of several topics of that name, which partitions, from where."""

    def __init__(
        self,
        kafka: str,
        topic: str,
        engine: Engine,
        positions: Positions,
        business_date: Callable[[Connection], date | None],
    ) -> None:
        self.kafka = kafka
        self.topic = topic
        self.topic_id = ""
        self.idle_since: float | None = time.monotonic()
        """Since when nothing has been applied; None while a batch is."""
        self.applied_until_ms: int | None = None
        self._engine = engine
        self._positions = positions
        self._business_date = business_date

    def starts(self, partitions: Collection[int]) -> dict[int, Start]:
        """Ask the broker and the database where to start reading; see Positions.settle for what is raised."""
        with admin(self.kafka) as client:
            starts = self._positions.settle(self._engine, self.topic, partitions, lambda: client.state(self.topic))
        for partition, start in starts.items():
            self.topic_id = start.position.topic_id
            self._tell(partition, start)
        return starts

    def stored(self) -> dict[int, Position]:
        with self._engine.connect() as connection:
            return self._positions.stored(connection, self.topic)

    def show_business_date(self) -> None:
        with self._engine.connect() as connection:
            day = self._business_date(connection)
        if day is not None:
            metrics.show_business_date(day)

    def _tell(self, partition: int, start: Start) -> None:
        if start.reason in (Reason.STORED, Reason.NEW_PARTITION):
            return
        metrics.POSITIONS_RESET.labels(self.topic, start.reason.value).inc()
        _log.error(
            "the stored position does not fit the log, which is read from its beginning",
            action="position_reset",
            topic=self.topic,
            partition=partition,
            reason=start.reason.value,
            next_offset=start.position.next_offset,
        )


class _Watcher(threading.Thread):
    """Looks every few seconds at what the clients do not notice, and ends the process when that is what helps.

    A topic that is deleted and created again under a running consumer has the same name and another log. A static
    member that comes back is given the partitions it had, even when it had none because the topic was not there.
    """

    def __init__(self, source: _Source, group: str, instance: str, stalled_seconds: float) -> None:
        super().__init__(name="topic-watcher", daemon=True)
        self._source = source
        self._group = group
        self._instance = instance
        self._stalled_seconds = stalled_seconds
        self._moved: dict[int, tuple[Position | None, float]] = {}

    def run(self) -> None:
        while True:
            try:
                with admin(self._source.kafka) as client:
                    while (why := self._look(client)) is None:
                        time.sleep(_SECONDS_BETWEEN_LOOKS)
                    _log.warning("the worker starts again", action="worker_restarts", topic=self._source.topic, why=why)
                    arm_watchdog(why)
                    client.leave(self._group, self._instance)
                    os._exit(EXIT_STUCK)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next look may succeed
                _log.warning("cannot look at the topic", action="topic_not_seen", error=describe(error))
                time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _look(self, client: Admin) -> str | None:
        """Measure the lag and show the date; return why the worker must start again, or None."""
        source = self._source
        state = client.state(source.topic)
        source.show_business_date()
        stored = source.stored()
        left = unread(stored, state)
        lag = sum(left.values())
        metrics.CONSUMER_LAG_EVENTS.labels(source.topic).set(lag)
        age = 0.0 if not lag or source.applied_until_ms is None else time.time() - source.applied_until_ms / 1000
        metrics.CONSUMER_LAG_SECONDS.labels(source.topic).set(max(0.0, age))
        if source.topic_id not in ("", state.topic_id):
            return "topic_created_anew"
        stalled = [number for number in left if left[number] and self._has_stalled(number, stored.get(number))]
        # Whoever has been busy with one partition had no time for the others.
        idle_since = source.idle_since
        idle = idle_since is not None and time.monotonic() - idle_since > self._stalled_seconds
        return "partition_stalled" if stalled and idle else None

    def _has_stalled(self, partition: int, position: Position | None) -> bool:
        now = time.monotonic()
        before, since = self._moved.get(partition, (None, now))
        if partition not in self._moved or before != position:
            self._moved[partition] = (position, now)
            return False
        return now - since > self._stalled_seconds


class _Unchanged(faust.Schema):  # type: ignore[misc]
    """Hands the fetched records to the agent as they are."""

    def loads_key(self, _app: Any, message: Any, **_serializers: Any) -> Any:
        return message.key

    def loads_value(self, _app: Any, message: Any, **_serializers: Any) -> Any:
        return message.value


class _BatchConsumer(driver.Consumer):  # type: ignore[misc]
    source: _Source

    async def seek_to_committed(self) -> Mapping[Any, int]:
        assignment = self.assignment()
        numbers = {tp.partition for tp in assignment}
        if not numbers:
            return {}
        starts = await self._starts(numbers)
        offsets = {tp: starts[tp.partition].position.next_offset for tp in assignment}
        await self.seek_wait(offsets)
        return offsets

    async def _starts(self, partitions: Collection[int]) -> dict[int, Start]:
        attempt = 0
        while True:
            try:
                return await asyncio.to_thread(self.source.starts, partitions)
            except (DBAPIError, PoolTimeoutError, OSError, KafkaError, TopicMissing) as error:
                if self.should_stop or (isinstance(error, DBAPIError) and not _passes(error)):
                    raise WorkerFailed(describe(error)) from None
                _log.warning("waiting to know where to start", action="worker_waits", error=describe(error))
                await asyncio.sleep(_BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)])
                attempt += 1

    async def _commit(self, offsets: Mapping[Any, int]) -> bool:
        try:
            return bool(await asyncio.wait_for(super()._commit(offsets), 3.0))
        except TimeoutError:
            return False

    def on_buffer_full(self, tp: Any) -> None:
        """Do nothing: Faust's own back-pressure sleeps for a whole second; ours is in `_getmany`."""

    async def _getmany(self, active_partitions: Any, timeout: float) -> Any:
        while any(channel.queue.qsize() >= 2 for channel in self.app.topics):
            if not self.flow_active or self.should_stop:
                return {}
            await asyncio.sleep(0.002)
        fetched = await super()._getmany(active_partitions, timeout)
        return {tp: [_Fetched(self.source.topic_id, records)] for tp, records in fetched.items() if records}

    def _to_message(self, tp: Any, fetched: "_Fetched") -> Any:
        last = fetched.records[-1]
        return ConsumerMessage(
            last.topic,
            last.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            (),
            None,
            fetched,
            None,
            None,
            None,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Do nothing: the offsets inside a batch are no gap."""

    def _new_offset(self, tp: Any) -> int | None:
        acknowledged = self._acked[tp]
        if not acknowledged:
            return None
        last: int = max(acknowledged)
        acknowledged.clear()
        self._acked_index[tp].clear()
        return last + 1


class _Worker(Worker):  # type: ignore[misc]
    def __init__(self, app: Any, *, source: _Source, url: str) -> None:
        super().__init__(app, quiet=True, override_logging=False, redirect_stdouts=False)
        self.spinner = None
        self._source = source
        self._url = URL(url)

    async def on_first_start(self) -> None:
        source = self._source

        class Consumer(_BatchConsumer):
            pass

        class Transport(driver.Transport):  # type: ignore[misc]
            pass

        Consumer.source = source
        Consumer.logger = driver.logger
        Transport.Consumer = Consumer
        # Only inside the running loop: the transport binds to the loop that it is made in.
        self.app.transport = Transport([self._url], self.app, loop=self.loop)
        await super().on_first_start()

    async def on_execute(self) -> None:
        """Do nothing: the process keeps the title that its supervisor knows."""

    def on_worker_shutdown(self) -> None:
        arm_watchdog("shutdown")

    def _on_sigterm(self) -> None:
        arm_watchdog(signal.Signals.SIGTERM.name)
        super()._on_sigterm()

    def _on_sigint(self) -> None:
        arm_watchdog(signal.Signals.SIGINT.name)
        self._flag_as_shutdown_by_signal()
        self._schedule_shutdown(signal.SIGINT)


class _App(faust.App):  # type: ignore[misc]
    def _create_directories(self) -> None:
        """Do nothing: this worker keeps no tables, and leaves nothing on the disk."""


def _app(settings: Settings, group: str, max_records: int) -> Any:
    return _App(
        group,
        broker=f"kafka://{settings.kafka}",
        consumer_group_instance_id=settings.instance,
        consumer_auto_offset_reset="earliest",
        agent_supervisor="mode.supervisors.CrashingSupervisor",
        broker_session_timeout=6,
        broker_heartbeat_interval=1,
        broker_rebalance_timeout=20,
        broker_request_timeout=30,
        broker_max_poll_records=max_records,
        stream_wait_empty=False,
        stream_ack_exceptions=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        table_standby_replicas=0,
        store="memory://",
        web_enabled=False,
        autodiscover=False,
        processing_guarantee="at_least_once",
        worker_redirect_stdouts=False,
    )
