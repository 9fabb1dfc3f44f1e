"""How far a service has read: a row for each partition, written in the transaction of what was read."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, Engine, Table, select, update
from sqlalchemy.dialects.postgresql import insert

from efterhand.messaging.topics import Span, TopicState

_ATTEMPTS = 10


class PositionLost(RuntimeError):
    """The stored position is not the one that this worker reads from; only starting again from the row helps."""


@dataclass(frozen=True)
class Position:
    """The next offset to be read from a partition of the topic with this id."""

    topic_id: str
    next_offset: int


class Reason(StrEnum):
    """Why reading starts where it starts."""

    STORED = "stored"
    NEW_PARTITION = "new_partition"
    TOPIC_CREATED_ANEW = "topic_created_anew"
    LOG_BEGINS_LATER = "log_begins_later"
    LOG_ENDS_EARLIER = "log_ends_earlier"


@dataclass(frozen=True)
class Start:
    """Where reading of a partition starts, and why."""

    position: Position
    reason: Reason


def decide_start(stored: Position | None, topic_id: str, log: Span) -> Start:
    """Decide where to start reading a partition.

    From the stored position, if it is one of this very topic and its log still reaches that far in both directions. In
    every other case from the beginning of the log: what is read twice changes nothing, what is left out does.
    """
    beginning = Position(topic_id, log.beginning)
    if stored is None:
        return Start(beginning, Reason.NEW_PARTITION)
    if stored.topic_id != topic_id:
        return Start(beginning, Reason.TOPIC_CREATED_ANEW)
    if stored.next_offset < log.beginning:
        return Start(beginning, Reason.LOG_BEGINS_LATER)
    if stored.next_offset > log.end:
        return Start(beginning, Reason.LOG_ENDS_EARLIER)
    return Start(stored, Reason.STORED)


class Positions:
    """The positions of one service, in its own schema."""

    def __init__(self, table: Table) -> None:
        """`table`: as `efterhand.database.position_table` defines it."""
        self._table = table

    def stored(self, connection: Connection, topic: str) -> dict[int, Position]:
        """Return the stored position of each partition of a topic that has one."""
        table = self._table.c
        rows = connection.execute(
            select(table.partition, table.topic_id, table.next_offset).where(table.topic == topic)
        )
        return {row.partition: Position(row.topic_id, row.next_offset) for row in rows}

    def settle(
        self, engine: Engine, topic: str, partitions: Collection[int], ask: Callable[[], TopicState]
    ) -> dict[int, Start]:
        """Decide where reading starts, and store it where that is not the stored position.

        The broker is asked after the positions have been read and before they are changed, and a position that another
        worker moves in between is left alone: so a log that ends before a position has really lost its end, and no
        transaction waits for the broker.

        Args:
            engine: of the service's database.
            topic: name.
            partitions: those that this worker is to read.
            ask: returns the topic's state in the broker.

        Returns:
            Where reading starts, by partition.

        Raises:
            PositionLost: other workers kept moving the positions.
        """
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._settle_once(engine, topic, partitions, ask)
            except PositionLost:
                continue
        return self._settle_once(engine, topic, partitions, ask)

    def _settle_once(
        self, engine: Engine, topic: str, partitions: Collection[int], ask: Callable[[], TopicState]
    ) -> dict[int, Start]:
        with engine.begin() as connection:
            stored = self.stored(connection, topic)
        state = ask()
        starts = {
            number: decide_start(stored.get(number), state.topic_id, state.partitions[number])
            for number in sorted(partitions)
        }
        with engine.begin() as connection:
            for number, start in starts.items():
                self._store(connection, topic, number, stored.get(number), start.position)
        return starts

    def lock(self, connection: Connection, topic: str, partition: int, topic_id: str) -> int:
        """Return the next offset of a partition, locked until the transaction ends.

        Raises:
            PositionLost: there is no such position for the topic with this id.
        """
        table = self._table.c
        row = connection.execute(
            select(table.next_offset)
            .where(table.topic == topic, table.partition == partition, table.topic_id == topic_id)
            .with_for_update()
        ).one_or_none()
        if row is None:
            raise PositionLost(f"{topic}/{partition}: no position for the topic with the id {topic_id}")
        next_offset: int = row.next_offset
        return next_offset

    def advance(
        self, connection: Connection, topic: str, partition: int, topic_id: str, expected: int, next_offset: int
    ) -> None:
        """Set a position that must be `expected` to `next_offset`. Raises PositionLost if it is another."""
        self._move(connection, topic, partition, Position(topic_id, expected), Position(topic_id, next_offset))

    def _store(
        self, connection: Connection, topic: str, partition: int, was: Position | None, becomes: Position
    ) -> None:
        if was is not None:
            if was != becomes:
                self._move(connection, topic, partition, was, becomes)
            return
        new = connection.execute(
            insert(self._table)
            .values(topic=topic, partition=partition, topic_id=becomes.topic_id, next_offset=becomes.next_offset)
            .on_conflict_do_nothing()
            .returning(self._table.c.partition)
        )
        if new.one_or_none() is None:
            raise PositionLost(f"{topic}/{partition}: another worker was first")

    def _move(self, connection: Connection, topic: str, partition: int, was: Position, becomes: Position) -> None:
        table = self._table.c
        moved = connection.execute(
            update(self._table)
            .where(
                table.topic == topic,
                table.partition == partition,
                table.topic_id == was.topic_id,
                table.next_offset == was.next_offset,
            )
            .values(topic_id=becomes.topic_id, next_offset=becomes.next_offset)
        )
        if moved.rowcount != 1:
            raise PositionLost(f"{topic}/{partition}: the position is no longer {was.next_offset}")


def unread(stored: Mapping[int, Position], state: TopicState) -> dict[int, int]:
    """Return how many records of each partition have not been read, given the stored positions and the topic.

    A position of another topic id, or outside of the log, counts as nothing read.
    """
    return {
        number: log.end - decide_start(stored.get(number), state.topic_id, log).position.next_offset
        for number, log in state.partitions.items()
    }
