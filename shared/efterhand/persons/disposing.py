"""What has been disposed of goes, event by event, and is never kept again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, any_, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.dialects.postgresql import UUID as UUID_TYPE

from efterhand.database import bulk_insert
from efterhand.disposal import event_identity
from efterhand.persons.store import read_events, texts
from efterhand.persons.tables import PersonTables
from efterhand.timeline.events import Event, Unreadable

_UUIDS = ARRAY(UUID_TYPE(as_uuid=True))


@dataclass(frozen=True)
class Disposal:
    """Intake's word that a person's events, all from before a horizon, are kept no more.

    `personhash` is the keyed hash of the person, `events` are the keyed hashes of the events, `received_until` is the
    latest day on which one of them was received.
    """

    personhash: str
    before: date
    received_until: date
    events: frozenset[UUID]

    @classmethod
    def from_event(cls, event: Event) -> "Disposal":
        """Read an event of type person.disposed. Raises Unreadable: it is none."""
        try:
            if not event.person_hash:
                raise Unreadable("a disposal of nobody")
            before, until = (date.fromisoformat(event.data[name]) for name in ("before", "received_until"))
            return cls(event.person_hash, before, until, frozenset(UUID(each) for each in event.data["events"]))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise Unreadable(f"not a disposal: {type(error).__name__}") from None


@dataclass(frozen=True)
class Taken:
    """What a disposal took away here.

    `person` is None where the person is not known. `events` are those that were held. `new` counts the events that
    nobody had disposed of here before, `missing` those of them that were not held.
    """

    disposal: Disposal
    person: str | None
    events: tuple[Event, ...]
    new: int
    missing: int
    all_gone: bool
    """Whether nothing is left of a person of whom something was held."""


def not_disposed_of(
    connection: Connection, tables: PersonTables, events: Sequence[Event], secret: str
) -> Sequence[Event]:
    """Return those of the events that have not been disposed of.

    Args:
        connection: in a transaction that shares the context.
        tables: the service's.
        events: about persons.
        secret: keys the hashes.
    """
    if not events:
        return events
    identities = [event_identity(secret, *event.ref) for event in events]
    gone = which_are_disposed_of(connection, tables, identities)
    return [event for event, each in zip(events, identities, strict=True) if each not in gone] if gone else events


def which_are_disposed_of(connection: Connection, tables: PersonTables, identities: Collection[UUID]) -> set[UUID]:
    """Return those of the keyed hashes that belong to events that were disposed of."""
    identity = tables.disposed_event.c.identity
    asked = bindparam("identities", list(identities), _UUIDS)
    return set(connection.execute(select(identity).where(identity == any_(asked))).scalars())


def count_disposed_of(connection: Connection, tables: PersonTables) -> int:
    """Return how many events have been disposed of."""
    return connection.execute(select(func.count()).select_from(tables.disposed_event)).scalar_one()


def take_away(connection: Connection, tables: PersonTables, disposals: Sequence[Disposal], secret: str) -> list[Taken]:
    """Delete the events that were disposed of, and remember them; a repeat takes nothing away.

    The person's other rows are left to the caller.

    Args:
        connection: in a transaction that has taken the context.
        tables: the service's.
        disposals: of different persons.
        secret: keys the hashes.
    """
    new = _remember(connection, tables, {each for disposal in disposals for each in disposal.events})
    persons = _persons_by_hash(connection, tables, [disposal.personhash for disposal in disposals])
    held = read_events(connection, tables, list(persons.values()))
    taken = []
    for disposal in disposals:
        person = persons.get(disposal.personhash)
        own = held.get(person, []) if person is not None else []
        listed = tuple(event for event in own if event_identity(secret, *event.ref) in disposal.events)
        fresh = len(new & disposal.events)
        all_gone = bool(listed) and len(listed) == len(own)
        taken.append(Taken(disposal, person, listed, fresh, max(0, fresh - len(listed)), all_gone))
    _delete_events(connection, tables, [event for each in taken for event in each.events])
    return taken


def _remember(connection: Connection, tables: PersonTables, identities: Collection[UUID]) -> set[UUID]:
    rows = [{"identity": each} for each in sorted(identities)]
    written = bulk_insert(connection, tables.disposed_event, rows, on_conflict="ignore", returning=("identity",))
    return {row.identity for row in written}


def _persons_by_hash(connection: Connection, tables: PersonTables, hashes: Collection[str]) -> dict[str, str]:
    person = tables.person.c
    rows = connection.execute(select(person.personhash, person.person).where(person.personhash == any_(texts(hashes))))
    return {row.personhash: row.person for row in rows}


def _delete_events(connection: Connection, tables: PersonTables, events: Sequence[Event]) -> None:
    if not events:
        return
    connection.execute(
        text(
            f"DELETE FROM {tables.event.fullname} AS held"  # noqa: S608 - our own table
            " USING unnest(:persons, :sources, :ids) AS gone(person, source, id)"
            " WHERE (held.person, held.source, held.id) = (gone.person, gone.source, gone.id)"
        ).bindparams(
            bindparam("persons", [event.person for event in events], ARRAY(TEXT)),
            bindparam("sources", [event.source for event in events], ARRAY(TEXT)),
            bindparam("ids", [event.id for event in events], ARRAY(TEXT)),
        )
    )
