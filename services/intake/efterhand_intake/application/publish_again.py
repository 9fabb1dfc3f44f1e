"""Publish the whole archive again: the only path by which the other services are rebuilt or born again."""

from typing import Final

import orjson
from sqlalchemy import Connection

from efterhand_intake.adapters import archive, disposals, registers

_PROGRESS: Final = "republish"
_TOPIC_ID: Final = "case_events_topic_id"
ROWS: Final = 5000
"""Events, or disposals, in one transaction."""


def begin(connection: Connection) -> None:
    """Begin (again); disposals and then events follow with `go_on`. Date and revoked tokens are told again."""
    archive.lock(connection, alone=False)
    registers.remember(connection, _PROGRESS, orjson.dumps(0).decode())
    day = registers.stored_date(connection)
    if day is not None:
        registers.announce_date(connection, day)
    registers.announce_revocations(connection, registers.revoked_tokens(connection))


def is_under_way(connection: Connection) -> bool:
    """Tell whether part of the archive has still to be published again."""
    return registers.remembered(connection, _PROGRESS) is not None


def go_on(connection: Connection, rows: int = ROWS) -> bool:
    """Publish the next disposals or events again; False when none is left. Several processes may take turns.

    Disposals first: whoever was erased later must have been closed before the erasure is read.
    """
    # The lock first: an erasure must not slip in between what is read here and what goes out.
    archive.lock(connection, alone=False)
    progress = registers.remembered(connection, _PROGRESS, alone=True)
    if progress is None:
        return False
    done: int | list[str] = orjson.loads(progress)
    if isinstance(done, int):
        after = disposals.publish_again(connection, done, rows)
        registers.remember(connection, _PROGRESS, orjson.dumps(["", ""] if after is None else after).decode())
        return True
    last = archive.publish_again(connection, (done[0], done[1]), rows)
    if last is None:
        registers.forget(connection, _PROGRESS)
        return False
    registers.remember(connection, _PROGRESS, orjson.dumps(last).decode())
    return True


def notice_topic(connection: Connection, topic_id: str) -> bool:
    """Remember which topic `case-events` is; where it is another than before, begin to publish again.

    Returns:
        Whether it began.
    """
    known = registers.remembered(connection, _TOPIC_ID, alone=True)
    if known == topic_id:
        return False
    registers.remember(connection, _TOPIC_ID, topic_id)
    # What is in the archive of a new installation has never been published anywhere else either.
    begin(connection)
    return True
