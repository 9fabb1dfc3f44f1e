"""An accepted event as the timeline sees it, and how it is read from the wire."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

import orjson

from efterhand.clock import local_date


class Unreadable(ValueError):
    """The bytes on a topic are no event of ours: never to be tried again, to be parked."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


EventRef = tuple[str, str]
"""(source, id): what identifies an event for ever."""


@dataclass(frozen=True)
class Event:
    """One accepted event.

    `person` is the pseudonym ("" for what is about no person), `time` when the source recorded the fact and `received`
    when intake did, both instants in UTC.
    """

    person: str
    source: str
    id: str
    type: str
    time: datetime
    received: datetime
    data: Mapping[str, Any]
    person_hash: str | None = None

    @cached_property
    def received_on(self) -> date:
        """The Stockholm day of receipt."""
        return local_date(self.received)

    @property
    def ref(self) -> EventRef:
        """(source, id)."""
        return (self.source, self.id)

    @cached_property
    def rank(self) -> tuple[datetime, bytes, bytes]:
        """Order among events that set the same fact: the greatest (time, source, id) holds, texts by their bytes."""
        return (self.time, self.source.encode(), self.id.encode())

    @classmethod
    def from_wire(cls, value: bytes | None) -> "Event":
        """Read the value of a record of `case-events`.

        Raises:
            Unreadable: the value is not an accepted event with intake's stamp.
        """
        if value is None:
            raise Unreadable("the record has no value")
        try:
            body = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise Unreadable(f"not JSON: {error}") from None
        if not isinstance(body, dict):
            raise Unreadable("not a JSON object")
        try:
            data = body["data"]
            if not isinstance(data, dict):
                raise Unreadable("data is not an object")
            return cls(
                person=_text(data.get("person", ""), "data.person"),
                source=_text(body["source"], "source"),
                id=_text(body["id"], "id"),
                type=_text(body["type"], "type"),
                time=parse_instant(_text(body["time"], "time")),
                received=parse_instant(_text(body["received"], "received")),
                data=data,
                person_hash=body.get("personhash"),
            )
        except KeyError as error:
            raise Unreadable(f"{error.args[0]} is missing") from None


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 instant with an offset, finer digits than the microsecond cut off; returned in UTC.

    Raises:
        Unreadable: it is no instant with an offset.
    """
    try:
        instant = datetime.fromisoformat(_to_microseconds(text.upper()))
        if instant.tzinfo is None:
            raise Unreadable("a time without an offset")
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable("not an instant") from None


def _to_microseconds(text: str) -> str:
    head, dot, tail = text.partition(".")
    if not dot:
        return text
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[:digits][:6].ljust(6, '0')}{tail[digits:]}"


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise Unreadable(f"{name} is not a text")
    return value
