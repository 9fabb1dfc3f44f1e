"""Who may be disposed of, without naming anybody."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection

from efterhand.catalogue.model import FEEDS
from efterhand.disposal import WrongHorizon, check_horizon, latest_horizon
from efterhand.persons.store import read_events
from efterhand.persons.watermarks import as_of
from efterhand.timeline.checks import derive_checks
from efterhand.timeline.disposal import may_be_disposed_of
from efterhand.timeline.facts import derive_facts
from efterhand_indicators.adapters import context_store
from efterhand_indicators.adapters.disposable import describe_without_naming, read_candidates
from efterhand_indicators.adapters.tables import kept
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.application.figures import NotYet, business_date_of

LOOKED_AT: Final = 500
"""Persons who are looked at for one page."""


@dataclass(frozen=True)
class Disposable:
    """Persons who may be disposed of; `next_after` while there may be more."""

    before: date
    items: tuple[dict[str, Any], ...]
    next_after: str | None


def list_disposable(
    connection: Connection, definitions: Definitions, years: int, before: date | None = None, after: str = ""
) -> Disposable:
    """Return those of the next persons of whom nothing lies on or after a horizon.

    Persons who wait to be computed anew are passed over.

    Args:
        connection: in a transaction that sees one state throughout (repeatable read).
        definitions: what everything is computed by.
        years: that everything is kept for at least.
        before: the horizon; None: the latest one.
        after: keyed hash of the last person of the page before.

    Raises:
        WrongHorizon: nothing may be disposed of up to that day, or a feed is not known up to it.
        NotYet: there is no business date yet, or another catalogue is being taken over.
    """
    context = context_store.read_context(connection)
    business_date = business_date_of(context)
    horizon = before or latest_horizon(years, business_date)
    check_horizon(horizon, years, business_date)
    for feed in FEEDS:
        known_to = as_of(feed, business_date, context.through)
        if known_to < horizon:
            raise WrongHorizon(
                f"The feed '{feed}' is known up to {known_to} only: what lies before {horizon} may come."
            )
    if context.catalogue != definitions.fingerprint or dict(context.definitions) != definitions.hashes():
        raise NotYet("Another catalogue is being taken over: wait until everybody has been computed by it.")
    candidates = read_candidates(connection, after, context.generation, LOOKED_AT)
    early = {each.person: each for each in candidates if each.last_counted is None or each.last_counted < horizon}
    chosen = []
    for person, events in read_events(connection, kept, list(early)).items():
        facts = derive_facts(events)
        checks = derive_checks(facts, definitions.catalogue)
        if may_be_disposed_of(events, facts, checks, early[person].last_counted, horizon):
            chosen.append(early[person])
    told = describe_without_naming(connection, [each.person for each in chosen])
    items = [
        {"personhash": each.personhash, **told[each.person]}
        for each in sorted(chosen, key=lambda each: each.personhash)
    ]
    return Disposable(horizon, tuple(items), candidates[-1].personhash if len(candidates) == LOOKED_AT else None)
