"""Records that can never be applied are put aside with their reason, and the rest goes on."""

import base64

import orjson
from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import insert

from efterhand.database import Outgoing, put_outbox
from efterhand.messaging.records import Record, Unreadable

DEAD_LETTERS = "case-events-dead-letter"


class Parking:
    """Where one service puts records aside: its table, and through its outbox the topic of dead letters."""

    def __init__(self, parked: Table, outbox: Table, service: str) -> None:
        """`parked` and `outbox`: as `efterhand.database` defines them, in the schema of `service`."""
        self._parked = parked
        self._outbox = outbox
        self._service = service

    def park(self, connection: Connection, record: Record, topic_id: str, reason: str) -> bool:
        """Put a record aside in the caller's transaction.

        Returns:
            Whether it is new; a record that lies there already is left as it is and goes out no second time.
        """
        person = person_of(record.key)
        written = connection.execute(
            insert(self._parked)
            .values(
                topic=record.topic,
                topic_id=topic_id,
                partition=record.partition,
                offset=record.offset,
                key=record.key,
                value=record.value,
                person=person,
                reason=reason,
            )
            .on_conflict_do_nothing()
            .returning(self._parked.c.id)
        )
        if written.one_or_none() is None:
            return False
        letter = {
            "service": self._service,
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "reason": reason,
            "key": _encoded(record.key),
            "value": _encoded(record.value),
        }
        put_outbox(connection, self._outbox, [Outgoing(DEAD_LETTERS, record.key, orjson.dumps(letter), person)])
        return True


def person_of(key: bytes | None) -> str | None:
    """Return the person that a record's key names, None if it names none."""
    if not key or b"\0" in key:
        return None
    try:
        return key.decode()
    except UnicodeDecodeError:
        return None


def reason_for(error: Exception) -> str:
    """Say why a record was put aside: for what cannot be read its reason, else the kind of error and what it says."""
    said = error.reason if isinstance(error, Unreadable) else f"{type(error).__name__}: {error}"
    return said.split("\n", 1)[0].replace("\0", "")[:500]


def _encoded(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()
