"""Reads and writes what channels are told: digests, and which notices each holds."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, all_, and_, delete, func, not_, select, text, update

from efterhand.database import bulk_insert
from efterhand.persons.store import texts
from efterhand_followup.adapters.tables import channel, check, delivery, digest, notice
from efterhand_followup.domain.channels import Audience, Channel
from efterhand_followup.domain.digests import Untold, digest_id


@dataclass(frozen=True)
class Digest:
    """What is to be told a channel, taken to be sent now."""

    id: str
    channel: str
    day: date
    attempts: int
    """With the one that is at hand."""
    failing_since: datetime | None


@dataclass(frozen=True)
class Told:
    """A notice that is open, with what a message may say of it."""

    notice_id: str
    person: str
    check_id: str | None
    protocol: str | None
    unit: str | None
    state: str | None
    """Of its check."""
    send_on: date


@dataclass(frozen=True)
class Standing:
    """How deliveries to a channel stand.

    Attributes:
        delivered_at: when something was delivered last.
        failing_since: since when what waits has not been delivered.
        reason: why the last attempt failed.
        waiting: digests that wait.
        failed: digests that are not tried any more.
    """

    delivered_at: datetime | None = None
    failing_since: datetime | None = None
    reason: str | None = None
    waiting: int = 0
    failed: int = 0


def for_channel(to: Channel, units: Collection[str], today: date) -> list[ColumnElement[bool]]:
    """Return the conditions on notices that a channel tells of: open, due to be sent, nobody's with protected identity.

    Args:
        to: the channel.
        units: its unit and those under it, if it has one.
        today: the business date.
    """
    column = notice.c
    conditions: list[ColumnElement[bool]] = [column.told, column.send_on <= today]
    if to.audience is Audience.WORKER:
        return [*conditions, column.recipient == f"worker:{to.staff}"]
    if to.audience is Audience.REGISTER:
        return [*conditions, column.recipient == "register"]
    # Among those that are told this says the same as `told`, and the index of units holds it.
    of_units = [column.status == "open", column.unit.in_(sorted(units))]
    to_manager = column.recipient.startswith("manager:", autoescape=True)
    return [*conditions, *of_units, to_manager if to.audience is Audience.MANAGER else not_(to_manager)]


def read_untold(connection: Connection, to: Channel, units: Collection[str], today: date) -> list[Untold]:
    """Return the notices that a channel has not been told of."""
    column = notice.c
    known = select(delivery.c.notice_id).where(
        delivery.c.person == column.person, delivery.c.channel == to.id, delivery.c.notice_id == column.id
    )
    since = func.greatest(column.send_on, column.made_on).label("since")
    found = select(since, column.id, column.person, column.check_id).where(
        *for_channel(to, units, today), ~known.exists()
    )
    return [Untold(*row) for row in connection.execute(found)]


def insert_digests(connection: Connection, to: Channel, shared: Mapping[date, Sequence[Untold]], now: datetime) -> None:
    """Keep what a channel is to be told on some days."""
    digests = [
        {
            "id": digest_id(to.id, day),
            "channel": to.id,
            "day": day,
            "state": "waiting",
            "attempts": 0,
            "next_attempt_at": now,
        }
        for day in shared
    ]
    bulk_insert(connection, digest, digests)
    rows = [
        {
            "person": each.person,
            "channel": to.id,
            "notice_id": each.notice_id,
            "check_id": each.check_id,
            "digest_id": digest_id(to.id, day),
        }
        for day, told in shared.items()
        for each in told
    ]
    bulk_insert(connection, delivery, rows)


def take_digests(connection: Connection, now: datetime, lease: timedelta, limit: int) -> list[Digest]:
    """Take digests that are to be sent now, of each channel the oldest; nobody else takes them before the lease ends.

    The attempt counts from here on: whoever dies in the middle leaves it to be sent again, under the same id.
    """
    rows = connection.execute(
        text(
            "UPDATE followup.digest SET attempts = attempts + 1, next_attempt_at = :until WHERE id IN"
            " (SELECT id FROM followup.digest AS due WHERE state = 'waiting' AND next_attempt_at <= :now AND NOT EXISTS"
            " (SELECT FROM followup.digest AS older WHERE older.channel = due.channel AND older.state = 'waiting'"
            " AND older.next_attempt_at <= :now AND older.day < due.day)"
            " ORDER BY next_attempt_at, id LIMIT :limit FOR UPDATE SKIP LOCKED)"
            " RETURNING id, channel, day, attempts, failing_since"
        ),
        {"now": now, "until": now + lease, "limit": limit},
    )
    return [Digest(*row) for row in rows]


def read_told(connection: Connection, taken: Digest) -> list[Told]:
    """Return the notices of a digest that may still be told: open, and nobody's with a protected identity."""
    found = (
        _with_check()
        .join(delivery, and_(delivery.c.person == notice.c.person, delivery.c.notice_id == notice.c.id))
        .where(delivery.c.digest_id == taken.id, notice.c.told)
        .order_by(notice.c.id)
    )
    return [Told(*row) for row in connection.execute(found)]


def read_open(connection: Connection, to: Channel, units: Collection[str], today: date) -> list[Told]:
    """Return every notice that a channel may tell of on a day."""
    found = _with_check().where(*for_channel(to, units, today)).order_by(notice.c.id)
    return [Told(*row) for row in connection.execute(found)]


def count_open(connection: Connection, to: Channel, units: Collection[str], today: date) -> int:
    """Return how many notices a channel may tell of on a day."""
    found = select(func.count()).select_from(notice).where(*for_channel(to, units, today))
    return connection.execute(found).scalar_one()


def _with_check() -> Any:
    about = and_(check.c.person == notice.c.person, check.c.id == notice.c.check_id)
    column = notice.c
    shown = (column.id, column.person, column.check_id, column.protocol, column.unit, check.c.state, column.send_on)
    return select(*shown).select_from(notice.outerjoin(check, about))


def set_delivered(connection: Connection, digest_id_: str, now: datetime) -> bool:
    """Note that a digest has been delivered; return whether it was not known to be."""
    return _settle(connection, digest_id_, state="delivered", settled_at=now, failing_since=None, reason=None)


def set_dropped(connection: Connection, digest_id_: str, now: datetime) -> bool:
    """Note that a digest has nothing left to tell."""
    return _settle(connection, digest_id_, state="dropped", settled_at=now, failing_since=None, reason=None)


def forget_untold(connection: Connection, digest_id_: str, told: Collection[str]) -> None:
    """Delete the deliveries of a digest but those of the notices (ids) that it has told of."""
    column = delivery.c
    left_out = delete(delivery).where(column.digest_id == digest_id_, column.notice_id != all_(texts(told)))
    connection.execute(left_out)


def set_failing(connection: Connection, taken: Digest, reason: str, since: datetime, again_at: datetime | None) -> bool:
    """Note that an attempt has failed, since when, and when it is tried again; None: no more."""
    if again_at is None:
        ended = {"state": "failed", "settled_at": func.now()}
        return _settle(connection, taken.id, **ended, failing_since=since, reason=reason)
    return _settle(connection, taken.id, next_attempt_at=again_at, failing_since=since, reason=reason)


def _settle(connection: Connection, digest_id_: str, **values: Any) -> bool:
    waiting = update(digest).where(digest.c.id == digest_id_, digest.c.state == "waiting")
    return bool(connection.execute(waiting.values(values)).rowcount)


def try_again(connection: Connection, channel_id: str, now: datetime) -> int:
    """Let what failed be tried again at once; return how many digests were not to be tried any more."""
    of_channel = update(digest).where(digest.c.channel == channel_id)
    failing = of_channel.where(digest.c.state == "waiting", digest.c.failing_since.is_not(None))
    connection.execute(failing.values(next_attempt_at=now))
    ended = of_channel.where(digest.c.state == "failed")
    begun = {"state": "waiting", "settled_at": None, "failing_since": None, "attempts": 0, "next_attempt_at": now}
    return connection.execute(ended.values(begun)).rowcount


def read_standings(connection: Connection, channels: Collection[str]) -> dict[str, Standing]:
    """Return how deliveries stand, by channel."""
    rows = connection.execute(
        text(
            "SELECT channel, max(settled_at) FILTER (WHERE state = 'delivered'),"
            " min(failing_since) FILTER (WHERE state = 'waiting'),"
            " (array_agg(reason ORDER BY failing_since DESC) FILTER (WHERE reason IS NOT NULL))[1],"
            " count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state = 'failed')"
            " FROM followup.digest WHERE channel = ANY(:channels) GROUP BY channel"
        ),
        {"channels": list(channels)},
    )
    return {row[0]: Standing(*row[1:]) for row in rows}


@dataclass(frozen=True)
class Undelivered:
    """What has not been delivered, over all channels: digests by state, and the oldest that waits."""

    waiting: int
    failed: int
    oldest_day: date | None


def read_undelivered(connection: Connection) -> Undelivered:
    """Count what has not been delivered."""
    state = digest.c.state.cast(Text)
    waiting, failed = (func.count().filter(state == each) for each in ("waiting", "failed"))
    oldest = func.min(digest.c.day).filter(state == "waiting")
    row = connection.execute(select(waiting, failed, oldest).where(state.in_(["waiting", "failed"]))).one()
    return Undelivered(*row)


def channel_of_digest(connection: Connection, taken: Digest) -> Any:
    """Return the row of a digest's channel, or None where it has been taken away."""
    return connection.execute(select(channel).where(channel.c.id == taken.channel)).mappings().one_or_none()
