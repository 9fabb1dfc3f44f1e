"""Disposals as intake publishes them."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from efterhand.clock import local_date
from efterhand.disposal import event_identity
from efterhand.erasure import person_hash
from efterhand.timeline.events import parse_instant
from tests.property.strategies import stamp

Sent = dict[str, Any]


def disposal(person: str, before: date, events: Iterable[Sent], secret: str) -> Sent:
    """The record by which the services learn that these events of a person were disposed of."""
    listed = list(events)
    return {
        "specversion": "1.0",
        "id": f"disposal-{person}-{before}-{len(listed)}",
        "source": "/efterhand/intake",
        "type": "person.disposed",
        "time": stamp(before),
        "data": {
            "before": before.isoformat(),
            "received_until": max(local_date(parse_instant(event["received"])) for event in listed).isoformat(),
            "events": [event_identity(secret, event["source"], event["id"]).hex for event in listed],
        },
        "personhash": person_hash(secret, person),
        "received": stamp(before),
    }
