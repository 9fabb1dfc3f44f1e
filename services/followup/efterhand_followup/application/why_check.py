"""Why a check is there and stands as it does: the events behind it."""

from typing import Any

from sqlalchemy import Connection

from efterhand.catalogue import Catalogue
from efterhand.persons.store import read_events
from efterhand.timeline.events import Event
from efterhand.web.problem import not_found
from efterhand.web.sight import Sight
from efterhand_followup.adapters import tables
from efterhand_followup.adapters.context_store import read_context
from efterhand_followup.application.read_checks import check_as_json, read_check
from efterhand_followup.application.reading import shown_protocols


def why_check(connection: Connection, catalogue: Catalogue, check_id: str, sight: Sight) -> dict[str, Any]:
    """Return a check as it stands on the business date, its protocol's names, and the events behind it.

    The first event is the one that the check follows; then what it was found by, and what settled it.

    Args:
        connection: that sees one state throughout.
        catalogue: the installation's.
        check_id: `<protocol>:<person>:<subject>`.
        sight: what of persons the reader sees.

    Raises:
        Problem: 404, there is no such check, or it may not be seen; 503, not everybody has been computed by its
            protocol.
    """
    row = read_check(connection, check_id, sight)
    if row is None or row["protocol"] not in catalogue.protocols:
        raise not_found("There is no such check.")
    shown_protocols(connection, catalogue, read_context(connection)).require([row["protocol"]])
    held = {event.ref: event for event in read_events(connection, tables.kept, [row["person"]])[row["person"]]}
    protocol = catalogue.protocols[row["protocol"]]
    return {
        "check": check_as_json(row, row["protected"]),
        "protocol": {"id": protocol.id, "name": protocol.name, "english": protocol.english},
        "events": [_as_json(held[ref["source"], ref["id"]]) for ref in row["because"]],
    }


def _as_json(event: Event) -> dict[str, Any]:
    return {
        "source": event.source,
        "id": event.id,
        "type": event.type,
        "time": event.time,
        "received": event.received,
        "data": {name: value for name, value in event.data.items() if name != "person"},
    }
