"""What the service knows about itself."""

from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from efterhand.catalogue.model import FEEDS
from efterhand.persons.computing import read_computing
from efterhand.persons.disposing import count_disposed_of
from efterhand.persons.store import count_stale, read_digest
from efterhand.persons.watermarks import as_of
from efterhand_indicators.adapters import context_store, person_store
from efterhand_indicators.adapters.tables import kept
from efterhand_indicators.application.definitions import Definitions


def read_status(connection: Connection, definitions: Definitions) -> dict[str, Any]:
    """Return the status, but for what only Kafka can tell (`lag`).

    Args:
        connection: to read from.
        definitions: those of this process.
    """
    context = context_store.read_context(connection)
    feeds: dict[str, date | None] = {
        feed: None if context.business_date is None else as_of(feed, context.business_date, context.through)
        for feed in FEEDS
    }
    return {
        "service": "indicators",
        "date": context.business_date,
        "outbox": _count(connection, "outbox"),
        "dirty": count_stale(connection, kept, person_store.stale(context.generation)),
        "parked": _count(connection, "parked"),
        "digest": read_digest(connection, kept),
        "disposed": count_disposed_of(connection, kept),
        "catalogue": definitions.catalogue.version,
        "computing": read_computing(connection, kept, context.generation).as_json(),
        "complete": context.catalogue == definitions.fingerprint and dict(context.definitions) == definitions.hashes(),
        "as_of": feeds,
    }


def _count(connection: Connection, table: str) -> int:
    count: int = connection.execute(text(f"SELECT count(*) FROM indicators.{table}")).scalar_one()  # noqa: S608
    return count
