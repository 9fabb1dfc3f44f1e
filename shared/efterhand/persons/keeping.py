"""A batch of records becomes events held: order, repeats and how they are cut into batches do not matter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Connection

from efterhand.disposal import DISPOSAL_TYPE
from efterhand.erasure import person_hash
from efterhand.messaging.records import Record
from efterhand.persons.disposing import Disposal, not_disposed_of
from efterhand.persons.store import (
    Progress,
    add_persons,
    insert_events,
    lock_persons,
    persons_waiting,
    persons_with_hashes,
    read_watermarks,
    remember_erased,
    which_are_erased,
)
from efterhand.persons.tables import PersonTables
from efterhand.persons.watermarks import WATERMARK_TYPE, Watermark, through_by_feed
from efterhand.timeline.events import Event, Unreadable

ERASURE_TYPE: Final = "person.erased"


@dataclass(frozen=True)
class Batch:
    """Accepted events by what has to be done about them: either disposals, or anything else."""

    erasures: tuple[Event, ...] = ()
    watermarks: tuple[Event, ...] = ()
    about_persons: tuple[Event, ...] = ()
    disposals: tuple[Disposal, ...] = ()


def read_batches(records: Sequence[Record]) -> list[Batch]:
    """Read records of the topic `case-events`, in parts that are to be applied one after the other.

    Among other events the order does not matter. A disposal closes what came before it and is overtaken by nothing, so
    that an erasure behind it finds the figures closed. The disposals of one part are of different persons and have one
    horizon.

    Raises:
        Unreadable: a record holds no accepted event.
    """
    batches: list[Batch] = []
    others: list[Event] = []
    disposals: list[Disposal] = []
    for record in records:
        event = Event.from_wire(record.value)
        if event.type != DISPOSAL_TYPE:
            if disposals:
                batches.append(Batch(disposals=tuple(disposals)))
                disposals = []
            others.append(event)
            continue
        disposal = Disposal.from_event(event)
        if others:
            batches.append(_sorted_out(others))
            others = []
        if any(each.before != disposal.before or each.personhash == disposal.personhash for each in disposals):
            batches.append(Batch(disposals=tuple(disposals)))
            disposals = []
        disposals.append(disposal)
    if others:
        batches.append(_sorted_out(others))
    if disposals:
        batches.append(Batch(disposals=tuple(disposals)))
    return batches


def _sorted_out(events: Sequence[Event]) -> Batch:
    batch = Batch(
        erasures=tuple(event for event in events if event.type == ERASURE_TYPE),
        watermarks=tuple(event for event in events if event.type == WATERMARK_TYPE),
        about_persons=tuple(event for event in events if event.type not in (ERASURE_TYPE, WATERMARK_TYPE)),
    )
    if not all(event.person or event.person_hash for event in batch.erasures):
        raise Unreadable("an erasure of nobody")
    for event in batch.watermarks:
        _check_watermark(event)
    if not all(event.person for event in batch.about_persons):
        raise Unreadable("an event about a person without the person")
    return batch


def _check_watermark(event: Event) -> None:
    try:
        Watermark.from_event(event)
    except (KeyError, ValueError, TypeError) as error:
        raise Unreadable(f"not a watermark: {type(error).__name__}") from None


def keep_erasures(connection: Connection, tables: PersonTables, erasures: Sequence[Event], secret: str) -> set[str]:
    """Keep who has been erased; return the persons about whom the service must delete every row.

    An erasure that is published again knows only the hash of whom it was about.

    Args:
        connection: in a transaction that has taken the context.
        tables: the service's.
        erasures: events of type person.erased.
        secret: keys the hashes.
    """
    named = {event.person for event in erasures if event.person}
    hashes = {person_hash(secret, person) for person in named}
    hashes |= {event.person_hash for event in erasures if event.person_hash}
    remember_erased(connection, tables, hashes)
    waiting = {person for person in persons_waiting(connection, tables) if person_hash(secret, person) in hashes}
    return {*named, *persons_with_hashes(connection, tables, hashes), *waiting}


def keep_watermarks(connection: Connection, tables: PersonTables, watermarks: Sequence[Event]) -> dict[str, date]:
    """Keep watermarks; return how far each feed is known by all that were ever received.

    Args:
        connection: in a transaction beside which nobody else adds watermarks.
        tables: the service's.
        watermarks: events of type source.reported_through.
    """
    insert_events(connection, tables, watermarks)
    return through_by_feed(read_watermarks(connection, tables))


def keep_events(
    connection: Connection,
    tables: PersonTables,
    events: Sequence[Event],
    secret: str,
    progress: Callable[..., Progress],
) -> tuple[dict[str, Progress], dict[str, date]]:
    """Keep events about persons; nothing is kept for a person who has been erased, and no event that was disposed of.

    Args:
        connection: in a transaction that shares the context.
        tables: the service's.
        events: about persons.
        secret: keys the hashes of persons.
        progress: the service's class of a person's row.

    Returns:
        The rows of the persons, locked until the transaction ends; each person with a new event, and the earliest day
        of receipt of a new one.
    """
    events = not_disposed_of(connection, tables, events, secret)
    if not events:
        return {}, {}
    hashes = {person: person_hash(secret, person) for person in {event.person for event in events}}
    erased = which_are_erased(connection, tables, hashes.values())
    hashes = {person: each for person, each in hashes.items() if each not in erased}
    add_persons(connection, tables, hashes, progress)
    locked = lock_persons(connection, tables, hashes, progress)
    kept = sorted((event for event in events if event.person in hashes), key=lambda event: (event.person, event.ref))
    return locked, insert_events(connection, tables, kept)
