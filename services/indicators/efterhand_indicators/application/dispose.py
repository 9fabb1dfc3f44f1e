"""What was disposed of is added to the closed book and goes, in one transaction."""

from collections.abc import Sequence
from dataclasses import replace

import structlog
from sqlalchemy import Connection

from efterhand.persons.disposing import Disposal, Taken, take_away
from efterhand.persons.store import lock_persons, write_progress
from efterhand_indicators.adapters import closed_book, context_store, scratch
from efterhand_indicators.adapters.tables import kept
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.application.erase import erase
from efterhand_indicators.application.recompute import recompute
from efterhand_indicators.domain.closed_book import Horizon, is_booked
from efterhand_indicators.domain.context import NEVER_COMPUTED, Progress

_log = structlog.get_logger(__name__)


def dispose(connection: Connection, disposals: Sequence[Disposal], definitions: Definitions, secret: str) -> None:
    """Close the figures of exactly the events that were disposed of, as far as they are held, and delete them.

    That is a function of the set of these events, whatever has come since; of a person of whom other events are held
    everything is computed from these as if they were all. A repeat changes nothing.

    Args:
        connection: in a transaction that has taken the context.
        disposals: of different persons, with one horizon.
        definitions: by which the figures are closed.
        secret: keys the hashes.
    """
    taken = take_away(connection, kept, disposals, secret)
    horizon = _horizon(taken)
    if horizon.events:
        _book(connection, taken, definitions, horizon)
    if horizon.missing:
        _log.error(
            "events that were disposed of were missing here: figures that reach back to them are not available",
            action="disposed_events_missing",
            before=horizon.before.isoformat(),
            events=horizon.missing,
        )
    erase(connection, [each.person for each in taken if each.person and each.all_gone], definitions)
    came_back = [each.person for each in taken if each.person and each.events and not each.all_gone]
    _compute_anew(connection, came_back, definitions)


def _horizon(taken: Sequence[Taken]) -> Horizon:
    return Horizon(
        before=taken[0].disposal.before,
        events=sum(each.new for each in taken),
        missing=sum(each.missing for each in taken),
        received_until=max(each.disposal.received_until for each in taken),
    )


def _book(connection: Connection, taken: Sequence[Taken], definitions: Definitions, horizon: Horizon) -> None:
    compiled = definitions.indicators.values()
    booked = [each for each in compiled if is_booked(each.indicator)]
    scratch.create_scratch(connection)
    events = {each.person: each.events for each in taken if each.person and each.events}
    scratch.fill_scratch_with(connection, events, definitions.catalogue, booked)
    indicators = [each.indicator for each in compiled]
    closed_book.book(connection, indicators, [each.indicator.id for each in booked], horizon)
    scratch.drop_scratch(connection)


def _compute_anew(connection: Connection, persons: Sequence[str], definitions: Definitions) -> None:
    locked = lock_persons(connection, kept, persons, Progress) if persons else {}
    anew = {person: replace(own, generation=NEVER_COMPUTED) for person, own in locked.items()}
    context = context_store.read_context(connection)
    if context.catalogue == definitions.fingerprint:
        recompute(connection, anew, definitions, context)
    else:
        # Another worker has adopted another catalogue: that one computes.
        write_progress(connection, kept, list(anew.values()))
