"""How far the service has come: what `settle` waits for and operations watch."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from efterhand.catalogue.model import FEEDS
from efterhand.persons.computing import read_computing
from efterhand.persons.disposing import count_disposed_of
from efterhand.persons.store import count_stale, read_digest
from efterhand_followup.adapters.context_store import read_context
from efterhand_followup.adapters.person_store import stale
from efterhand_followup.adapters.tables import kept


@dataclass(frozen=True)
class Backlog:
    """What remains to be done: persons to be computed, lists whose notices have to follow, records to be sent."""

    persons: int
    lists: int
    outbox: int
    parked: int


def read_backlog(connection: Connection) -> Backlog:
    """Count what remains to be done."""
    context = read_context(connection)
    lists, outbox, parked = connection.execute(
        text(
            "SELECT (SELECT count(DISTINCT notice_id) FROM followup.listing_changed),"
            " (SELECT count(*) FROM followup.outbox), (SELECT count(*) FROM followup.parked)"
        )
    ).one()
    persons = count_stale(connection, kept, stale(context.business_date, context.generation))
    return Backlog(persons, lists, outbox, parked)


def read_status(connection: Connection, lag: int | None, catalogue_version: str) -> dict[str, Any]:
    """Return the service's status.

    Args:
        connection: whose transaction sees one state of the database (REPEATABLE READ).
        lag: records not applied, measured before the transaction began, so that nothing falls between the two.
        catalogue_version: of the catalogue that this process has loaded.
    """
    context = read_context(connection)
    backlog = read_backlog(connection)
    return {
        "service": "followup",
        "date": context.business_date,
        "outbox": backlog.outbox,
        "lag": lag,
        "dirty": backlog.persons + backlog.lists,
        "parked": backlog.parked,
        "digest": read_digest(connection, kept),
        "disposed": count_disposed_of(connection, kept),
        "catalogue": catalogue_version,
        "computing": read_computing(connection, kept, context.generation).as_json(),
        "complete": context.catalogue == catalogue_version and context.definitions == context.protocols,
        "through": {feed: context.through.get(feed) for feed in FEEDS},
        "generation": context.generation,
    }


def oldest_overdue_notice(connection: Connection) -> date | None:
    """Return the moment of the oldest notice about an overdue check that is still open."""
    oldest: date | None = connection.execute(
        text(
            "SELECT min(notice.moment) FROM followup.notice"
            ' JOIN followup."check" ON "check".person = notice.person AND "check".id = notice.check_id'
            " WHERE notice.status = 'open' AND \"check\".state = 'overdue'"
        )
    ).scalar_one()
    return oldest
