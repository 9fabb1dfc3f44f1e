"""What a channel's calendar says: days with counts and links."""

from datetime import date, timedelta
from itertools import groupby
from typing import Final

from sqlalchemy import Connection, select

from efterhand_followup.adapters.channel_keys import address_hash
from efterhand_followup.adapters.channel_store import channel_at
from efterhand_followup.adapters.delivery_store import Told, read_open
from efterhand_followup.adapters.tables import check
from efterhand_followup.application.compose import Composing, lines_of, remember
from efterhand_followup.application.reading import context_with_date
from efterhand_followup.domain.channels import Audience, Channel
from efterhand_followup.domain.message import CalendarDay

DAYS_AHEAD: Final = 60
MOST_AHEAD: Final = 1000
"""Checks that are due on the days ahead; what is due later is left out."""


def read_calendar(connection: Connection, composing: Composing, key: str) -> tuple[Channel, list[CalendarDay]] | None:
    """Return the calendar at an address, or None where there is none. Remembers the references that it gives out.

    A day that has come has what was told on it and is still open, each under its id; a day ahead, for those who work
    with the checks, what is due on it.

    Args:
        connection: in a transaction.
        composing: what links are made with.
        key: the secret part of the address.

    Raises:
        Problem: 503 before there is a business date.
    """
    of = channel_at(connection, address_hash(composing.tokens, key))
    if of is None:
        return None
    _, today = context_with_date(connection)
    units = composing.units(of, today)
    told = sorted(read_open(connection, of, units, today), key=lambda each: each.send_on)
    ahead = _due_ahead(connection, of, units, today)
    remember(connection, composing.tokens, [*told, *ahead])

    days = [_day(day, False, list(group), composing) for day, group in groupby(told, key=lambda each: each.send_on)]
    days += [_day(day, True, list(group), composing) for day, group in groupby(ahead, key=lambda each: each.send_on)]
    return of, days


def _day(day: date, ahead: bool, told: list[Told], composing: Composing) -> CalendarDay:
    return CalendarDay(day, ahead, lines_of(told, composing.link_to_check if ahead else composing.link))


def _due_ahead(connection: Connection, of: Channel, units: frozenset[str], today: date) -> list[Told]:
    column = check.c
    if of.audience is Audience.WORKER:
        theirs = column.worker == of.staff
    elif of.audience is Audience.UNIT:
        theirs = column.unit.in_(sorted(units))
    else:
        return []
    shown = (column.id, column.person, column.id, column.protocol, column.unit, column.state, column.due)
    found = (
        select(*shown)
        .where(
            theirs,
            ~column.protected,
            column.due > today,
            column.due <= today + timedelta(days=DAYS_AHEAD),
            column.state.in_(["scheduled", "upcoming"]),
        )
        .order_by(column.due, column.id)
        .limit(MOST_AHEAD)
    )
    return [Told(*row) for row in connection.execute(found)]
