"""Channels are told: who is told what on which day, what is sent now, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from efterhand.catalogue import Catalogue
from efterhand.dates import STOCKHOLM, is_working_day
from efterhand.persons.context import share_context
from efterhand_followup.adapters.channel_store import channel_of, channels_to_plan, set_planned_through
from efterhand_followup.adapters.context_store import read_context
from efterhand_followup.adapters.delivery_store import (
    Digest,
    channel_of_digest,
    forget_untold,
    insert_digests,
    read_untold,
    set_delivered,
    set_dropped,
    set_failing,
    take_digests,
)
from efterhand_followup.adapters.tables import kept
from efterhand_followup.application.compose import Composing, compose
from efterhand_followup.application.read_status import read_backlog
from efterhand_followup.application.reading import units_below
from efterhand_followup.domain.channels import Channel
from efterhand_followup.domain.digests import gives_up, retry_after, share_out
from efterhand_followup.domain.message import Message

ONE_DAY: Final = timedelta(days=1)
CHANNELS_AT_A_TIME: Final = 50
DIGESTS_AT_A_TIME: Final = 4
"""All of them are sent at the same time, so that one silent host does not hold up all others."""
LEASE: Final = timedelta(minutes=2)
"""Longer than any attempt takes: then whoever took a digest is gone, and another takes it."""


@dataclass(frozen=True)
class Pace:
    """When things are sent, and how long it is tried.

    Attributes:
        manual: whether the business date is moved by hand: the days passed are made up for at once, whatever the hour.
        hour: of a working day, in Stockholm, before which nothing is sent.
        retry_seconds: after which what failed is tried again for the first time.
        days: after which it is not tried any more.
    """

    manual: bool
    hour: int
    retry_seconds: int
    days: int

    def through(self, today: date, now: datetime) -> date:
        """Return the last day whose digests are to be made."""
        return today if self.manual or now.astimezone(STOCKHOLM).hour >= self.hour else today - ONE_DAY

    def is_quiet(self, today: date, now: datetime) -> bool:
        """Tell whether nobody is told anything now."""
        return not self.manual and (not is_working_day(today) or now.astimezone(STOCKHOLM).hour < self.hour)


@dataclass(frozen=True)
class Outgoing:
    """A message that is to be sent now."""

    taken: Digest
    to: Channel
    message: Message
    notices: frozenset[str]
    """Ids of the notices in it."""


def plan(connection: Connection, catalogue: Catalogue, pace: Pace, now: datetime, failed: int = 0) -> int:
    """Make the digests of the days that have come; does not commit.

    Nothing is made before everybody has been computed, so that a digest tells what holds.

    Args:
        connection: in a transaction.
        catalogue: whose tree says what lies under a unit.
        pace: when things are sent.
        now: the time.
        failed: persons who cannot be computed, and are not waited for.

    Returns:
        How many channels there was something to be done for.
    """
    # An erasure is alone: it is done, and nothing of the person found, or it takes what is written here along.
    share_context(connection, kept)
    today = read_context(connection).business_date
    if today is None:
        return 0
    through = pace.through(today, now)
    channels = channels_to_plan(connection, through, CHANNELS_AT_A_TIME)
    if not channels:
        return 0
    backlog = read_backlog(connection)
    if backlog.persons > failed or backlog.lists:
        return 0
    for to in channels:
        units = frozenset[str]() if to.unit is None else units_below(catalogue, to.unit, today)
        untold = read_untold(connection, to, units, today)
        insert_digests(connection, to, share_out(untold, to.planned_through, through), now)
    set_planned_through(connection, channels, through)
    return len(channels)


def take(connection: Connection, pace: Pace, now: datetime) -> list[Digest]:
    """Take digests that are to be sent now; none on a quiet day. Does not commit."""
    today = read_context(connection).business_date
    if today is None or pace.is_quiet(today, now):
        return []
    return take_digests(connection, now, LEASE, DIGESTS_AT_A_TIME)


def prepare(connection: Connection, composing: Composing, taken: Digest, now: datetime) -> Outgoing | None:
    """Return the message of a digest that was taken; None where it has nothing left to tell. Does not commit."""
    row: Mapping[str, Any] | None = channel_of_digest(connection, taken)
    today = read_context(connection).business_date
    if row is None or today is None:
        return None
    to = channel_of(row)
    composed = compose(connection, composing, to, taken, today)
    if composed is None:
        set_dropped(connection, taken.id, now)
        forget_untold(connection, taken.id, ())
        return None
    return Outgoing(taken, to, *composed)


def note_delivered(connection: Connection, sent: Outgoing, now: datetime) -> bool:
    """Keep that a message has been delivered; return whether that is new. Does not commit."""
    new = set_delivered(connection, sent.taken.id, now)
    if new:
        # What was left out because it was withdrawn may be open again one day, and is told then.
        forget_untold(connection, sent.taken.id, sent.notices)
    return new


def note_failed(connection: Connection, sent: Outgoing, reason: str, pace: Pace, now: datetime) -> bool:
    """Keep that an attempt has failed; return whether it was the last one. Does not commit."""
    since = sent.taken.failing_since or now
    last = gives_up(since, now, pace.days)
    again_at = None if last else now + retry_after(sent.taken.attempts, pace.retry_seconds)
    set_failing(connection, sent.taken, reason, since, again_at)
    return last
