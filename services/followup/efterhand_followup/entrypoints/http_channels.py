"""The paths of channels: what is set, tried, renewed and taken away, and the calendars themselves."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Request
from sqlalchemy import Connection
from starlette.responses import Response

from efterhand.web.problem import Problem, not_found
from efterhand.web.rights import Principal, Right, requires
from efterhand_followup.adapters.channel_keys import webhook_key
from efterhand_followup.adapters.delivery_store import Standing, try_again
from efterhand_followup.adapters.not_delivered import NotDelivered
from efterhand_followup.adapters.webhook_sender import secret_of
from efterhand_followup.application.read_calendar import read_calendar
from efterhand_followup.application.reading import context_with_date
from efterhand_followup.application.set_channels import (
    Asked,
    Setter,
    channel_as_json,
    list_channels,
    make_channel,
    one_channel,
    remove_channel,
    renew_channel,
)
from efterhand_followup.bootstrap import Services
from efterhand_followup.domain.channels import Audience, Channel, Kind
from efterhand_followup.entrypoints.delivery import wall_clock
from efterhand_followup.entrypoints.requests import actor_of, reading, services_of

router = APIRouter(prefix="/followup/v1")

Holder = Annotated[Principal, requires(Right.CHANNELS_SET)]

CALENDAR_PATH: Final = "/followup/v1/calendar/"


@router.get("/channels")
def channels(request: Request, principal: Holder) -> Any:
    """List the channels that are the holder's to set, with how deliveries stand."""
    services = services_of(request)
    with reading(services) as connection:
        setter, _ = _setter(connection, services, principal)
        found = list_channels(connection, setter)
    return {
        "items": [channel_as_json(each, standing, services.ways) for each, standing in found],
        "may_set": _may_set(setter),
    }


@router.post("/channels", status_code=201)
def make(
    request: Request,
    principal: Holder,
    kind: Annotated[Kind, Body()],
    audience: Annotated[Audience, Body()],
    unit: Annotated[str | None, Body()] = None,
    staff: Annotated[str | None, Body(max_length=100)] = None,
    target: Annotated[str, Body()] = "",
    language: Annotated[str, Body()] = "sv",
) -> Any:
    """Make a channel. A calendar's address and a webhook's key are in this answer and in no other."""
    services = services_of(request)
    asked = Asked(kind, audience, unit, staff, target, language)
    with services.engine.begin() as connection:
        setter, today = _setter(connection, services, principal)
        made, key = make_channel(connection, setter, asked, services.ways, services.catalogue, services.tokens, today)
    services.delivery.rounds.notify()
    return _with_secret(services, made, key)


@router.post("/channels/{channel_id}/renew")
def renew(request: Request, principal: Holder, channel_id: str) -> Any:
    """Give a calendar another address, or a webhook another key; the one before holds no more."""
    services = services_of(request)
    with services.engine.begin() as connection:
        setter, _ = _setter(connection, services, principal)
        renewed, key = renew_channel(connection, setter, channel_id, services.tokens)
    return _with_secret(services, renewed, key)


@router.post("/channels/{channel_id}/test")
def send_test(request: Request, principal: Holder, channel_id: str) -> Any:
    """Send something at once that only shows that it arrives."""
    services = services_of(request)
    with reading(services) as connection:
        setter, _ = _setter(connection, services, principal)
        to = one_channel(connection, setter, channel_id)
    if to.kind is Kind.CALENDAR:
        raise Problem(422, "nothing_to_test", "A calendar is read, nothing is sent")
    try:
        # No connection is held while the other side is waited for.
        services.ways.send_test(to, wall_clock())
    except NotDelivered as error:
        raise Problem(
            502, "not_delivered", "It did not arrive", f"The reason: {error.reason}.", {"reason": error.reason}
        ) from None
    return {"sent": True}


@router.post("/channels/{channel_id}/retry")
def retry(request: Request, principal: Holder, channel_id: str) -> Any:
    """Let what could not be delivered be tried again at once."""
    services = services_of(request)
    with services.engine.begin() as connection:
        setter, _ = _setter(connection, services, principal)
        begun = try_again(connection, one_channel(connection, setter, channel_id).id, wall_clock())
    services.delivery.rounds.notify()
    return {"begun": begun}


@router.delete("/channels/{channel_id}", status_code=204)
def remove(request: Request, principal: Holder, channel_id: str) -> Response:
    """Take a channel away: nothing more is sent, and a calendar's address leads nowhere."""
    services = services_of(request)
    with services.engine.begin() as connection:
        setter, _ = _setter(connection, services, principal)
        remove_channel(connection, setter, channel_id)
    return Response(status_code=204)


@router.get("/calendar/{key}")
def calendar(request: Request, key: str) -> Response:
    """Give a calendar. Its address is the right to read it: nothing else is asked for."""
    services = services_of(request)
    with services.engine.begin() as connection:
        found = read_calendar(connection, services.composing, key.removesuffix(".ics"))
    if found is None:
        raise not_found("There is no such calendar.")
    said = services.ways.rendering.calendar(*found, wall_clock())
    return Response(said, 200, {"cache-control": "private, no-store"}, "text/calendar; charset=utf-8")


def _setter(connection: Connection, services: Services, principal: Principal) -> tuple[Setter, date]:
    _, today = context_with_date(connection)
    return Setter.of(principal, actor_of(principal), services.catalogue, today), today


def _may_set(setter: Setter) -> Mapping[str, Any]:
    return {
        "worker": setter.staff is not None or setter.everybody,
        "staff": setter.staff,
        "units": None if setter.units is None else sorted(setter.units),
        "register": setter.register,
        "everybody": setter.everybody,
    }


def _with_secret(services: Services, made: Channel, key: str | None) -> Mapping[str, Any]:
    shown = dict(channel_as_json(made, Standing(), services.ways))
    if key is not None:
        shown["address"] = f"{services.composing.base}{CALENDAR_PATH}{key}.ics"
    if made.kind is Kind.WEBHOOK:
        shown["secret"] = secret_of(webhook_key(services.tokens, made))
    return shown
