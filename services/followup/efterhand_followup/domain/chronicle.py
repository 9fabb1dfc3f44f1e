"""What happened to a person's notices over a span of days: made on which day, withdrawn on which.

Moving the business date by several days is the same as moving it day by day. So each day on which something can change
is looked at by itself, with what had been received by its end.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from efterhand.catalogue import Catalogue
from efterhand.catalogue.model import FEEDS
from efterhand.timeline.checks import Check, derive_checks
from efterhand.timeline.events import Event
from efterhand.timeline.facts import derive_facts
from efterhand.timeline.notices import Notice
from efterhand_followup.domain.standing import Standing, stand_on
from efterhand_followup.domain.watermarks import WatermarkLog, known_to


@dataclass
class Episode:
    """One notice within the span.

    `ended_on` is the first day on which it no longer stood, None while it does; `opened_on` the first day on which
    it was open (not merely summed up).
    """

    notice: Notice
    opened_on: date | None
    ended_on: date | None = None


@dataclass
class Chronicle:
    """The span's last day in full, and all notices and lists that were there on some day of it."""

    first_day: date
    standing: Standing
    episodes: dict[str, Episode] = field(default_factory=dict)
    lists_joined: dict[str, date] = field(default_factory=dict)
    """Catch-up and register notices with the person on their list: the first day of the span that saw it there."""
    lists_left: dict[str, date] = field(default_factory=dict)
    """The same that no longer have: the first day that did not."""


def chronicle(
    person: str,
    events: Sequence[Event],
    first_day: date,
    last_day: date,
    through_now: Mapping[str, date],
    watermarks: WatermarkLog,
    catalogue: Catalogue,
) -> Chronicle:
    """Live through the days from `first_day` to `last_day`, both included.

    Args:
        person: the pseudonym.
        events: all that is held of the person, in any order.
        first_day: the earliest day whose notices may still be missing in the log.
        last_day: the business date; on it everything that is held counts.
        through_now: how far each feed is known on the last day.
        watermarks: what was known of the feeds on the days before; only needed when the span has more than one day.
        catalogue: the installation's.
    """
    stops = sorted({event.received_on for event in events if first_day < event.received_on < last_day})
    facts = None
    known_before = -1
    result: Chronicle | None = None
    day = min(first_day, last_day)
    while True:
        is_last = day == last_day
        known = events if is_last else [event for event in events if event.received_on <= day]
        if facts is None or len(known) != known_before:
            facts = derive_facts(known)
            checks = derive_checks(facts, catalogue)
            known_before = len(known)
        through = through_now if is_last else watermarks.through_on(day)
        standing = stand_on(person, facts, checks, catalogue, day, known_to(day, through, FEEDS))
        if result is None:
            result = Chronicle(day, standing)
        _note(result, standing)
        if is_last:
            result.standing = standing
            return result
        candidates = [stop for stop in stops if stop > day][:1]
        if standing.next_change_on is not None:
            candidates.append(standing.next_change_on)
        candidates += _turns_of_feeds(checks, catalogue, watermarks, day, last_day)
        day = min([last_day, *candidates])


def _turns_of_feeds(
    checks: Iterable[Check], catalogue: Catalogue, watermarks: WatermarkLog, day: date, last_day: date
) -> Iterator[date]:
    """The next days before the last one on which a watermark let a check give up, or took that back."""
    for check in checks:
        if check.gives_up_on is not None:
            feed = catalogue.protocols[check.protocol].feed
            turn = watermarks.next_turn(feed, check.gives_up_on, day, last_day)
            if turn is not None:
                yield turn


def _note(chronicle_so_far: Chronicle, standing: Standing) -> None:
    day = standing.day
    here = {notice.id: notice for notice in standing.notices}
    for notice_id, notice in here.items():
        episode = chronicle_so_far.episodes.get(notice_id)
        if episode is None:
            episode = chronicle_so_far.episodes[notice_id] = Episode(notice, None)
        episode.notice, episode.ended_on = notice, None
        if episode.opened_on is None and notice.status == "open":
            episode.opened_on = day
    for notice_id, episode in chronicle_so_far.episodes.items():
        if notice_id not in here and episode.ended_on is None:
            episode.ended_on = day
    for list_id in standing.lists:
        chronicle_so_far.lists_joined.setdefault(list_id, day)
        chronicle_so_far.lists_left.pop(list_id, None)
    for list_id in chronicle_so_far.lists_joined:
        if list_id not in standing.lists:
            chronicle_so_far.lists_left.setdefault(list_id, day)
