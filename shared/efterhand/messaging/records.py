"""A record of a topic, as everything above the Kafka clients sees it."""

from typing import NamedTuple

from efterhand.timeline.events import Unreadable

__all__ = ["Record", "Unreadable"]


class Record(NamedTuple):
    """One record; `timestamp_ms` is when it was published, in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
