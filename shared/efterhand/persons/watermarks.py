"""How far each feed is known: the watermark that holds, whatever order they came in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from efterhand.timeline.events import Event

WATERMARK_TYPE: Final = "source.reported_through"


@dataclass(frozen=True)
class Watermark:
    """A feed's word that it has reported everything up to and including a day."""

    feed: str
    through: date
    rank: tuple[object, ...]
    received_on: date

    @classmethod
    def from_event(cls, event: Event) -> "Watermark":
        """Read an event of type source.reported_through; raises KeyError, TypeError or ValueError if it is none."""
        return cls(event.data["feed"], date.fromisoformat(event.data["through"]), event.rank, event.received_on)


def through_by_feed(watermarks: Iterable[Watermark]) -> dict[str, date]:
    """Return how far each feed is known: the watermark with the greatest (time, source, id) holds.

    A feed without one counts as live and is left out.
    """
    winners: dict[str, Watermark] = {}
    for watermark in watermarks:
        held = winners.get(watermark.feed)
        if held is None or watermark.rank > held.rank:
            winners[watermark.feed] = watermark
    return {feed: winner.through for feed, winner in winners.items()}


def as_of(feed: str, day: date, through: Mapping[str, date]) -> date:
    """Return up to which day a feed is known on a day: that day, or its watermark where that is earlier."""
    return min(day, through.get(feed, day))
