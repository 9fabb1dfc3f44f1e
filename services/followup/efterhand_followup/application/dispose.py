"""What was disposed of goes, with everything that followed from it and what staff did about it."""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection

from efterhand.catalogue import Catalogue
from efterhand.persons.disposing import Disposal, take_away
from efterhand.persons.store import lock_persons, read_events, write_progress
from efterhand.timeline.events import Event
from efterhand_followup.adapters.person_store import delete_acts, delete_persons, delete_what_follows
from efterhand_followup.adapters.tables import kept
from efterhand_followup.application.recompute import Recomputed, recompute
from efterhand_followup.domain.context import Context, Progress

_SUBJECTS: Final = ("case", "measure", "subject")


def dispose(
    connection: Connection, disposals: Sequence[Disposal], context: Context, catalogue: Catalogue, secret: str
) -> Recomputed:
    """Carry out disposals; a person of whom other events are held is computed from these as if they were all.

    No withdrawal goes out for notices: it would name the person again.

    Args:
        connection: in a transaction that has taken the context.
        disposals: of different persons.
        context: as read in this transaction.
        catalogue: by which to compute.
        secret: keys the hashes.
    """
    taken = take_away(connection, kept, disposals, secret)
    gone = [each.person for each in taken if each.person is not None and each.all_gone]
    came_back = [each.person for each in taken if each.person is not None and each.events and not each.all_gone]
    delete_persons(connection, gone, context.business_date)
    if not came_back:
        return Recomputed()
    delete_what_follows(connection, came_back, context.business_date)
    left = read_events(connection, kept, came_back)
    delete_acts(connection, {person: subjects_of(left.get(person, ())) for person in came_back})
    before = lock_persons(connection, kept, came_back, Progress)
    anew = {person: Progress(person, progress.personhash) for person, progress in before.items()}
    write_progress(connection, kept, list(anew.values()))
    if context.catalogue != catalogue.version:
        # Another process has adopted another catalogue: that one computes.
        return Recomputed()
    return recompute(connection, came_back, context, catalogue, locked=anew)


def subjects_of(events: Iterable[Event]) -> frozenset[str]:
    """Return the cases and measures that events name."""
    return frozenset(event.data[name] for event in events for name in _SUBJECTS if name in event.data)
