"""A batch of one partition's records: its effects and the position in one transaction, or nothing."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from efterhand.messaging.parking import Parking, reason_for
from efterhand.messaging.positions import PositionLost, Positions
from efterhand.messaging.records import Record

Apply = Callable[[Connection, Sequence[Record]], None]

_log = structlog.get_logger(__name__)

_COLLISIONS = frozenset({"40001", "40P01"})
_COLLISIONS_IN_A_ROW = 10
# PostgreSQL's classes: cardinality violation, data exception, integrity constraint, program limit exceeded.
_CLASSES_ABOUT_VALUES = frozenset({"21", "22", "23", "54"})


@dataclass(frozen=True)
class Applied:
    """What became of a batch: the records that were new, those put aside among them, and the seconds it took."""

    records: int
    parked: int
    seconds: float


class BatchApplier:
    """Applies batches of one service; several threads may call it for different partitions."""

    def __init__(self, engine: Engine, positions: Positions, parking: Parking, apply: Apply) -> None:
        """`apply` is given records that have not been applied before, and a connection on which it must not commit."""
        self._engine = engine
        self._positions = positions
        self._parking = parking
        self._apply = apply

    def __call__(self, records: Sequence[Record], topic_id: str) -> Applied:
        """Apply consecutive records of one partition, and move its position behind them, in one transaction.

        Records below the position have been applied already and are left out: a stale batch does occur when partitions
        change hands, and after a commit whose answer was lost. If the batch fails, it is halved until the records that
        fail alone are found; these are parked and the others applied.

        Args:
            records: at least one.
            topic_id: of the topic that they were read from.

        Raises:
            PositionLost: the first record lies beyond the position, or the position is that of another topic id.
            Exception: the database is not there or refuses; nothing has been committed, or (when the connection broke
                during the commit) everything. The same call may be made again.
        """
        for collisions_left in reversed(range(_COLLISIONS_IN_A_ROW)):
            try:
                return self._once(records, topic_id)
            except DBAPIError as error:
                if collisions_left == 0 or not _is_collision(error):
                    raise
        raise AssertionError("unreachable")

    def _once(self, records: Sequence[Record], topic_id: str) -> Applied:
        started = time.perf_counter()
        last = records[-1]
        with self._engine.begin() as connection:
            expected = self._positions.lock(connection, last.topic, last.partition, topic_id)
            if records[0].offset < expected:
                records = [record for record in records if record.offset >= expected]
            if not records:
                return Applied(0, 0, time.perf_counter() - started)
            if records[0].offset > expected:
                raise PositionLost(
                    f"{last.topic}/{last.partition}: expected offset {expected}, got {records[0].offset}"
                )
            parked = self._apply_or_park(connection, records, topic_id)
            self._positions.advance(connection, last.topic, last.partition, topic_id, expected, last.offset + 1)
        return Applied(len(records), parked, time.perf_counter() - started)

    def _apply_or_park(self, connection: Connection, records: Sequence[Record], topic_id: str) -> int:
        try:
            with connection.begin_nested():
                self._apply(connection, records)
        except Exception as error:
            if not _is_about_a_record(error):
                raise
            if len(records) > 1:
                middle = len(records) // 2
                return self._apply_or_park(connection, records[:middle], topic_id) + self._apply_or_park(
                    connection, records[middle:], topic_id
                )
            record = records[0]
            new = self._parking.park(connection, record, topic_id, reason_for(error))
            _log.error(
                "a record cannot be applied and was put aside",
                action="record_parked",
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                error=type(error).__name__,
            )
            return int(new)
        return 0


def _is_about_a_record(error: Exception) -> bool:
    """Tell an error that a record carries with it from one of the database or the machine, which passes."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return False
        state = getattr(error.orig, "sqlstate", None)
        return isinstance(error, DataError) if state is None else state[:2] in _CLASSES_ABOUT_VALUES
    return not isinstance(error, PoolTimeoutError | PositionLost | OSError | MemoryError)


def _is_collision(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in _COLLISIONS
