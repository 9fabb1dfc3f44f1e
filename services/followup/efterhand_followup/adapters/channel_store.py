"""Reads and writes channels."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, true, update

from efterhand.database import bulk_insert
from efterhand_followup.adapters.tables import channel, delivery, digest
from efterhand_followup.domain.channels import Audience, Channel, Kind


def insert_channel(connection: Connection, made: Channel) -> bool:
    """Keep a new channel; return whether there was no such one yet."""
    row = {name: str(value) if isinstance(value, Kind | Audience) else value for name, value in asdict(made).items()}
    return bool(bulk_insert(connection, channel, [row], on_conflict="ignore", returning=("id",)))


def read_channels(
    connection: Connection, *, staff: str | None, units: Collection[str] | None, register: bool, everybody: bool
) -> list[Channel]:
    """Return the channels that somebody may set, the oldest first.

    Args:
        connection: to read by.
        staff: whose own.
        units: those of these units; None: of every unit.
        register: whether those of the register owner are among them.
        everybody: whether everybody's own are.
    """
    column = channel.c
    own = true() if everybody else and_(column.staff == staff, column.staff.is_not(None))
    conditions: list[ColumnElement[bool]] = [and_(column.audience == Audience.WORKER, own)]
    in_units = true() if units is None else column.unit.in_(sorted(units))
    conditions.append(and_(column.audience.in_([Audience.UNIT, Audience.MANAGER]), in_units))
    if register:
        conditions.append(column.audience == Audience.REGISTER)
    found = select(channel).where(or_(*conditions)).order_by(column.made_on, column.id)
    return [channel_of(row) for row in connection.execute(found).mappings()]


def channels_to_plan(connection: Connection, through: date, limit: int) -> list[Channel]:
    """Return channels that have not had the digests up to a day, and hold them until the transaction ends."""
    wanted = select(channel).where(channel.c.planned_through < through, channel.c.kind != Kind.CALENDAR)
    found = wanted.order_by(channel.c.id).limit(limit).with_for_update(skip_locked=True)
    return [channel_of(row) for row in connection.execute(found).mappings()]


def set_planned_through(connection: Connection, channels: Collection[Channel], day: date) -> None:
    """Note that channels have had the digests up to a day."""
    ids = [each.id for each in channels]
    connection.execute(update(channel).where(channel.c.id.in_(ids)).values(planned_through=day))


def renew(connection: Connection, channel_id: str, address_hash: str | None) -> Channel:
    """Give a channel another key, and a calendar another address; return it as it is then."""
    changed = update(channel).where(channel.c.id == channel_id)
    values: dict[str, Any] = {"generation": channel.c.generation + 1, "address_hash": address_hash, "read_at": None}
    row = connection.execute(changed.values(values).returning(channel)).mappings().one()
    return channel_of(row)


def channel_at(connection: Connection, address_hash: str) -> Channel | None:
    """Return the calendar at an address, and note that it is read."""
    found = select(channel).where(channel.c.address_hash == address_hash)
    row = connection.execute(found).mappings().one_or_none()
    if row is None:
        return None
    connection.execute(update(channel).where(channel.c.id == row["id"]).values(read_at=func.now()))
    return channel_of(row)


def delete_channel(connection: Connection, channel_id: str) -> None:
    """Delete a channel and all that was to be, or has been, told through it."""
    # The channel first: whoever gives it more to tell holds its row until that can be seen here.
    connection.execute(delete(channel).where(channel.c.id == channel_id))
    connection.execute(delete(digest).where(digest.c.channel == channel_id))
    connection.execute(delete(delivery).where(delivery.c.channel == channel_id))


def count_channels(connection: Connection, made: Channel) -> int:
    """Return how many channels there are for the same unit, member of staff or register owner."""
    column = channel.c
    same = and_(
        column.audience == made.audience,
        column.unit.is_not_distinct_from(made.unit),
        column.staff.is_not_distinct_from(made.staff),
    )
    return connection.execute(select(func.count()).select_from(channel).where(same)).scalar_one()


def channel_of(row: Any) -> Channel:
    """Return a row as a channel."""
    read_at: datetime | None = row["read_at"]
    return Channel(
        **{name: row[name] for name in row if name not in ("kind", "audience", "read_at")},
        kind=Kind(row["kind"]),
        audience=Audience(row["audience"]),
        read_at=read_at,
    )
