"""Everything about a person goes; what stays is a keyed hash, by which nothing is ever kept for that person again."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from sqlalchemy import Connection

from efterhand.erasure import person_hash
from efterhand.timeline.events import Event, Unreadable
from efterhand_followup.adapters.person_store import (
    delete_persons,
    persons_waiting_for_hash,
    persons_with_hashes,
    remember_erased,
)

ERASURE_TYPE: Final = "person.erased"


def erase(connection: Connection, erasures: Sequence[Event], secret: str, today: date | None) -> None:
    """Carry out erasures. Also one that no longer names the person, only the hash.

    No withdrawal goes out for notices of the person: it would name the person again. A notice that sums up stays
    without the person.

    Args:
        connection: in a transaction that has taken the context.
        erasures: events of type person.erased.
        secret: keys the hashes.
        today: the business date.

    Raises:
        Unreadable: an erasure names neither a person nor a hash.
    """
    named = {event.person for event in erasures if event.person}
    hashes = {person_hash(secret, person) for person in named}
    hashes |= {event.person_hash for event in erasures if event.person_hash}
    if any(not event.person and not event.person_hash for event in erasures):
        raise Unreadable("an erasure of nobody")
    remember_erased(connection, hashes)
    waiting = {each for each in persons_waiting_for_hash(connection) if person_hash(secret, each) in hashes}
    delete_persons(connection, {*named, *persons_with_hashes(connection, hashes), *waiting}, today)
