"""How far each feed is known."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from efterhand.timeline.events import Event

WATERMARK_TYPE: Final = "source.reported_through"


def through_by_feed(events: Iterable[Event]) -> dict[str, date]:
    """Return how far each feed is known: of its watermarks the one with the greatest (time, source, id) holds.

    A feed without one counts as live and is left out. Events of other types are passed over.
    """
    winners: dict[str, Event] = {}
    for event in events:
        if event.type != WATERMARK_TYPE:
            continue
        held = winners.get(event.data["feed"])
        if held is None or event.rank > held.rank:
            winners[event.data["feed"]] = event
    return {feed: date.fromisoformat(event.data["through"]) for feed, event in sorted(winners.items())}


def as_of(feed: str, business_date: date, through: Mapping[str, date]) -> date:
    """Return up to which day a feed is known: the business date, or its watermark where that is earlier."""
    return min(business_date, through.get(feed, business_date))
