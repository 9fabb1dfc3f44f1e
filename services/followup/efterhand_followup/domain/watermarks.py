"""How far each feed is known on a day, and was on the days before."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import date

from efterhand.persons.watermarks import Watermark, as_of


def known_to(day: date, through: Mapping[str, date], feeds: Iterable[str]) -> dict[str, date]:
    """Return up to which day each feed is known on a day."""
    return {feed: as_of(feed, day, through) for feed in feeds}


class WatermarkLog:
    """How far each feed was known at the end of each day, by the watermarks that had been received until then."""

    def __init__(self, watermarks: Iterable[Watermark] = ()) -> None:
        """`watermarks`: all that were ever received, in any order."""
        winners: dict[str, Watermark] = {}
        self._days: list[date] = []
        self._through: list[dict[str, date]] = []
        self._steps: dict[str, tuple[list[date], list[date]]] = {}
        for watermark in sorted(watermarks, key=lambda each: each.received_on):
            held = winners.get(watermark.feed)
            if held is None or watermark.rank > held.rank:
                winners[watermark.feed] = watermark
            through = {feed: winner.through for feed, winner in winners.items()}
            if self._days and self._days[-1] == watermark.received_on:
                self._through[-1] = through
            else:
                self._days.append(watermark.received_on)
                self._through.append(through)
            self._step(watermark.feed, watermark.received_on, through[watermark.feed])

    def _step(self, feed: str, day: date, through: date) -> None:
        days, known = self._steps.setdefault(feed, ([], []))
        if days and days[-1] == day:
            known[-1] = through
        elif not known or known[-1] != through:
            days.append(day)
            known.append(through)

    def through_on(self, day: date) -> Mapping[str, date]:
        """Return how far each feed with a watermark was known at the end of a day."""
        place = bisect_right(self._days, day)
        return self._through[place - 1] if place else {}

    def next_turn(self, feed: str, limit: date, after: date, before: date) -> date | None:
        """Return the first day between two on which it became another whether the feed was known up to `limit`.

        Neither of the two days is one of those between them.
        """
        days, through = self._steps.get(feed, ((), ()))
        place = bisect_right(days, after)
        known = place == 0 or through[place - 1] >= limit
        for step in range(place, len(days)):
            if days[step] >= before:
                return None
            if (through[step] >= limit) != known:
                return days[step]
        return None
