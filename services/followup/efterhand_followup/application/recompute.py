"""The one function by which anything about a person changes: what should be there is computed, the difference written.

A batch of events, a new date, a watermark, a rebuild and a changed catalogue all only find persons and call it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import Connection

from efterhand.catalogue import Catalogue
from efterhand.persons.store import lock_persons, read_events, read_watermarks, write_progress
from efterhand.timeline.events import Event
from efterhand_followup.adapters.messages import put_messages
from efterhand_followup.adapters.person_store import (
    read_cases,
    read_checks,
    read_doubts,
    read_listed,
    read_notices,
    write_difference,
)
from efterhand_followup.adapters.tables import kept
from efterhand_followup.domain.chronicle import Chronicle, chronicle
from efterhand_followup.domain.context import Context, Progress
from efterhand_followup.domain.difference import (
    Difference,
    add_cases,
    add_checks,
    add_doubts,
    add_lists,
    add_notices,
)
from efterhand_followup.domain.doubts import case_rows, doubt_rows
from efterhand_followup.domain.watermarks import WatermarkLog

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Recomputed:
    """How many persons were computed, and how many notices that made and withdrew."""

    persons: int = 0
    made: int = 0
    withdrawn: int = 0


def recompute(
    connection: Connection,
    persons: Collection[str],
    context: Context,
    catalogue: Catalogue,
    since: Mapping[str, date] | None = None,
    locked: Mapping[str, Progress] | None = None,
) -> Recomputed:
    """Bring checks, notices, lists and doubts of persons in line with their events; does not commit.

    Args:
        connection: in a transaction that shares the context.
        persons: pseudonyms; those without a row are left out.
        context: as read in this transaction.
        catalogue: by which to compute; that of the context.
        since: for persons with new events, the earliest day on which one was received.
        locked: the persons' rows, if this transaction has locked them already.
    """
    today = context.business_date
    if today is None or not persons:
        return Recomputed()
    progress = lock_persons(connection, kept, persons, Progress) if locked is None else locked
    computed_before = [person for person in persons if person in progress and progress[person].computed_on is not None]
    events = read_events(connection, kept, persons)
    checks = read_checks(connection, computed_before)
    notices = read_notices(connection, computed_before)
    listed = read_listed(connection, computed_before)
    doubts = read_doubts(connection, computed_before)
    cases = read_cases(connection, computed_before)
    known_since = since or {}
    starts = {
        person: first_day_to_look_at(progress[person], events[person], known_since.get(person), context)
        for person in persons
        if person in progress
    }
    watermarks = WatermarkLog()
    if any(start < today for start in starts.values()):
        watermarks = WatermarkLog(read_watermarks(connection, kept))
    difference = Difference()
    done: list[Progress] = []
    for person, start in starts.items():
        before = progress[person]
        lived = live_through(person, events[person], start, context, watermarks, catalogue)
        add_checks(difference, checks.get(person, {}), lived.standing.check_rows())
        add_notices(difference, notices.get(person, {}), lived, before.computed_on)
        lists = {notice_id: row["protected"] for notice_id, row in listed.get(person, {}).items()}
        add_lists(difference, lists, lived)
        add_doubts(difference, doubts.get(person, {}), doubt_rows(lived.standing))
        add_cases(difference, cases.get(person, {}), case_rows(lived.standing))
        now = Progress(person, before.personhash, today, lived.standing.next_change_on, False, context.generation)
        if now != before:
            done.append(now)
    write_difference(connection, difference)
    put_messages(connection, difference)
    write_progress(connection, kept, done)
    return Recomputed(len(starts), len(difference.notices_made), len(difference.notices_withdrawn))


def put_off(connection: Connection, persons: Mapping[str, Progress], since: Mapping[str, date]) -> None:
    """Leave persons with new events to a process that has the catalogue that holds.

    Args:
        connection: in a transaction that shares the context and has locked the persons' rows.
        persons: their rows.
        since: for those with new events, the earliest day on which one was received.
    """
    later = []
    for person, received_on in since.items():
        own = persons[person]
        seen = None if own.computed_on is None else min(own.computed_on, received_on - ONE_DAY)
        later.append(replace(own, dirty=True, computed_on=seen))
    write_progress(connection, kept, later)


def live_through(
    person: str,
    events: Sequence[Event],
    start: date,
    context: Context,
    watermarks: WatermarkLog,
    catalogue: Catalogue,
) -> Chronicle:
    """Return a person's days from `start` to the business date, which there must be."""
    assert context.business_date is not None  # noqa: S101
    return chronicle(person, events, start, context.business_date, context.through, watermarks, catalogue)


def first_day_to_look_at(before: Progress, events: Iterable[Event], new_since: date | None, context: Context) -> date:
    """Return the first day whose notices may be missing in the log: never before the service's first day.

    Args:
        before: how far the person has been computed.
        events: all events held of the person.
        new_since: the earliest receipt among the events that have come since.
        context: with the business date and the service's first day.
    """
    assert context.business_date is not None  # noqa: S101
    assert context.started_on is not None  # noqa: S101
    today = context.business_date
    if before.computed_on is None:
        start = min((event.received_on for event in events), default=today)
    elif before.dirty:
        start = before.computed_on + ONE_DAY
    else:
        # Until the day of its next change nothing can have happened.
        start = before.next_change_on or today
    if new_since is not None:
        start = min(start, new_since)
    return min(today, max(start, context.started_on))
