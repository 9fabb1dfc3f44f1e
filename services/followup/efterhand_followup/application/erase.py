"""Everything about a person goes; what stays is a keyed hash, by which nothing is ever kept for that person again."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection

from efterhand.persons.keeping import keep_erasures
from efterhand.timeline.events import Event
from efterhand_followup.adapters import tables
from efterhand_followup.adapters.person_store import delete_persons


def erase(connection: Connection, erasures: Sequence[Event], secret: str, today: date | None) -> None:
    """Carry out erasures. Also one that no longer names the person, only the hash.

    No withdrawal goes out for notices of the person: it would name the person again. A notice that sums up stays
    without the person.

    Args:
        connection: in a transaction that has taken the context.
        erasures: events of type person.erased.
        secret: keys the hashes.
        today: the business date.
    """
    delete_persons(connection, keep_erasures(connection, tables.kept, erasures, secret), today)
