"""Channels are made, listed, renewed and taken away by those they are for, and by whoever manages them."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import Connection

from efterhand.catalogue import Catalogue
from efterhand.web.problem import Problem, not_found
from efterhand.web.rights import Principal, Right, roots
from efterhand.web.sight import units_of
from efterhand.web.tokens import Tokens
from efterhand_followup.adapters.channel_keys import address_hash
from efterhand_followup.adapters.channel_store import (
    count_channels,
    delete_channel,
    insert_channel,
    read_channels,
    renew,
)
from efterhand_followup.adapters.delivery_store import Standing, read_standings
from efterhand_followup.domain.channels import LANGUAGES, LONGEST_TARGET, Audience, Channel, Kind

MOST_CHANNELS: Final = 20
"""For the same unit, member of staff or register owner."""

_UNITS: Final = (Audience.UNIT, Audience.MANAGER)


class Ways(Protocol):
    """What knows where messages may go."""

    def refusal(self, kind: Kind, target: str) -> str | None:
        """Return in a sentence why nothing may be sent there; None: it may."""

    def shown(self, kind: Kind, target: str) -> str:
        """Return an address without its secrets."""


@dataclass(frozen=True)
class Setter:
    """Whoever sets channels, and which.

    Attributes:
        actor: how acts are said to be by them.
        staff: their staff id; None: not known.
        units: the units whose channels they set; None: all.
        register: whether they set those of the register owner.
        everybody: whether they set everybody's.
    """

    actor: str
    staff: str | None
    units: frozenset[str] | None
    register: bool
    everybody: bool

    @classmethod
    def of(cls, principal: Principal, actor: str, catalogue: Catalogue, today: date) -> "Setter":
        """Return what a holder may set; access that is lent for a while sets nothing that stays."""
        lasting = [grant for grant in principal.grants_with(Right.CHANNELS_UNIT) if grant.until is None]
        return cls(
            actor,
            principal.staff,
            units_of(roots(lasting), catalogue.units, today) if lasting else frozenset(),
            principal.may(Right.CHANNELS_REGISTER),
            principal.may(Right.TOKENS_MANAGE),
        )

    def may_set(self, audience: Audience, unit: str | None, staff: str | None) -> bool:
        """Tell whether they may set a channel for a unit or a member of staff."""
        if audience is Audience.WORKER:
            return staff is not None and (self.everybody or staff == self.staff)
        if audience is Audience.REGISTER:
            return self.register
        return self.units is None or unit in self.units


@dataclass(frozen=True)
class Asked:
    """A channel that somebody asks for."""

    kind: Kind
    audience: Audience
    unit: str | None = None
    staff: str | None = None
    target: str = ""
    language: str = LANGUAGES[0]


def make_channel(
    connection: Connection, setter: Setter, asked: Asked, ways: Ways, catalogue: Catalogue, tokens: Tokens, today: date
) -> tuple[Channel, str | None]:
    """Keep a new channel; return it, and the address of a calendar, which is not kept.

    Raises:
        Problem: 422, it is not as documented, or may not lead there; 403, it is not theirs to set; 409, there is one.
    """
    for_unit = asked.audience in _UNITS
    staff = (asked.staff or setter.staff) if asked.audience is Audience.WORKER else None
    if (asked.unit is None) == for_unit or (asked.staff is not None and asked.audience is not Audience.WORKER):
        raise _wrong("wrong_audience", "Name a unit where the channel is for one, and nowhere else.")
    if for_unit and asked.unit not in catalogue.units.units:
        raise _wrong("unknown_unit", "There is no such unit.")
    if asked.language not in LANGUAGES:
        raise _wrong("wrong_language", f"The languages are {', '.join(LANGUAGES)}.")
    if asked.audience is Audience.WORKER and staff is None:
        raise _wrong("no_staff_id", "Your sign-in has no staff id, so no notices are yours.")
    if not setter.may_set(asked.audience, asked.unit, staff):
        raise Problem(403, "not_yours", "The channel is not yours to set", "Ask whoever manages the unit.")
    if len(asked.target) > LONGEST_TARGET or (asked.kind is Kind.CALENDAR) != (asked.target == ""):
        raise _wrong("wrong_target", f"Give an address of at most {LONGEST_TARGET} characters; a calendar has none.")
    refusal = None if asked.kind is Kind.CALENDAR else ways.refusal(asked.kind, asked.target)
    if refusal is not None:
        raise _wrong("target_not_allowed", refusal)
    key = _new_key() if asked.kind is Kind.CALENDAR else None
    made = Channel(
        id=secrets.token_hex(8),
        kind=asked.kind,
        audience=asked.audience,
        unit=asked.unit,
        staff=staff,
        target=asked.target,
        language=asked.language,
        generation=1,
        address_hash=None if key is None else address_hash(tokens, key),
        made_by=setter.actor,
        made_on=today,
        planned_through=today - timedelta(days=1),
        read_at=None,
    )
    if count_channels(connection, made) >= MOST_CHANNELS:
        raise _wrong("too_many", f"There can be {MOST_CHANNELS} channels: take one away first.")
    if not insert_channel(connection, made):
        raise Problem(409, "channel_exists", "There is such a channel already", "A calendar can get a new address.")
    return made, key


def list_channels(connection: Connection, setter: Setter) -> list[tuple[Channel, Standing]]:
    """Return the channels that somebody may set, with how deliveries stand."""
    found = read_channels(
        connection,
        staff=setter.staff,
        units=setter.units,
        register=setter.register,
        everybody=setter.everybody,
    )
    standings = read_standings(connection, [each.id for each in found])
    return [(each, standings.get(each.id, Standing())) for each in found]


def one_channel(connection: Connection, setter: Setter, channel_id: str) -> Channel:
    """Return a channel that somebody may set.

    Raises:
        Problem: 404, there is none, or it is not theirs.
    """
    for each, _ in list_channels(connection, setter):
        if each.id == channel_id:
            return each
    raise not_found("There is no such channel.")


def renew_channel(
    connection: Connection, setter: Setter, channel_id: str, tokens: Tokens
) -> tuple[Channel, str | None]:
    """Give a calendar another address, or a webhook another key; the one before holds no more.

    Raises:
        Problem: 404 as `one_channel`; 422, the channel has neither.
    """
    before = one_channel(connection, setter, channel_id)
    if before.kind not in (Kind.CALENDAR, Kind.WEBHOOK):
        raise _wrong("nothing_to_renew", "Only a calendar's address and a webhook's key can be renewed.")
    key = _new_key() if before.kind is Kind.CALENDAR else None
    return renew(connection, channel_id, None if key is None else address_hash(tokens, key)), key


def remove_channel(connection: Connection, setter: Setter, channel_id: str) -> None:
    """Take a channel away. Raises as `one_channel`."""
    delete_channel(connection, one_channel(connection, setter, channel_id).id)


def channel_as_json(each: Channel, standing: Standing, ways: Ways) -> Mapping[str, Any]:
    """Return a channel as others see it: without secrets."""
    return {
        "id": each.id,
        "kind": each.kind,
        "audience": each.audience,
        "unit": each.unit,
        "staff": each.staff,
        "target": ways.shown(each.kind, each.target),
        "language": each.language,
        "made_on": each.made_on,
        "delivered_at": standing.delivered_at,
        "failing_since": standing.failing_since,
        "reason": standing.reason,
        "waiting": standing.waiting,
        "failed": standing.failed,
        "read_at": each.read_at,
    }


def _new_key() -> str:
    return secrets.token_urlsafe(32)


def _wrong(code: str, detail: str) -> Problem:
    return Problem(422, code, "The channel cannot be kept", detail)
