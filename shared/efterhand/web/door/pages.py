"""The door's routes, and the first page."""

import asyncio
from typing import Final

import httpx
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from efterhand.catalogue import Catalogue, load_catalogue
from efterhand.settings import Settings
from efterhand.web.door.channel_pages import ChannelPages
from efterhand.web.door.check_pages import CheckPages
from efterhand.web.door.entrance import Entrance, SignIn
from efterhand.web.door.figures_pages import FigurePages
from efterhand.web.door.front import Front
from efterhand.web.door.house import House
from efterhand.web.door.navigation import CHANNELS
from efterhand.web.door.quality_pages import QualityPages
from efterhand.web.door.reading import SERVICES, Caller, Upstreams, nothing
from efterhand.web.door.register_pages import RegisterPages
from efterhand.web.door.replies import Replies
from efterhand.web.door.unit_pages import UnitPages
from efterhand.web.door.worklist_pages import WorklistPages
from efterhand.web.rights import Principal, Right
from efterhand.web.tokens import Tokens

_SHOWN: Final = (Right.CHECKS_READ, Right.FIGURES_READ, Right.STATUS_READ)
"""Rights of which each opens some part of the first page."""


def create_door(
    settings: Settings,
    tokens: Tokens,
    *,
    catalogue: Catalogue | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    sign_in: SignIn | None = None,
) -> APIRouter:
    """Return the routes of the door's pages, and of the files that they link to.

    Args:
        settings: where the three services are, and which catalogue names things.
        tokens: verifies sessions and tokens.
        catalogue: the loaded catalogue; without it the one of the settings is loaded.
        transport: replaces the network between the door and the services.
        sign_in: how people get in; None: by the one-time link and by tokens only.

    Raises:
        CatalogueError: the catalogue cannot be read.
    """
    urls = {"intake": settings.intake_url, "followup": settings.followup_url, "indicators": settings.indicators_url}
    house = House(tokens, catalogue or load_catalogue(settings.catalogue), Upstreams(urls, transport))
    worklist, check, figures = WorklistPages(house), CheckPages(house), FigurePages(house)
    units, register, quality = UnitPages(house), RegisterPages(house), QualityPages(house)
    channels = ChannelPages(house)
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    if sign_in is not None:
        house.entrance = Entrance(sign_in, tokens, house.catalogue.units, house.words, house.page)
        router.include_router(house.entrance.routes())
    for method, path, page in (
        ("GET", "/", FrontPage(house).show),
        ("GET", "/uppfoljningar", worklist.show),
        ("POST", "/uppfoljningar/flera", worklist.act),
        ("POST", "/uppfoljningar/angra", worklist.undo),
        ("POST", "/uppfoljningar/urval", worklist.save_view),
        ("POST", "/uppfoljningar/urval/bort", worklist.forget_view),
        ("GET", "/uppfoljningar/{ref}", check.show),
        ("POST", "/uppfoljningar/{ref}/svar", check.answer),
        ("POST", "/uppfoljningar/{ref}/forsok", check.attempt),
        ("POST", "/uppfoljningar/{ref}/skjut-upp", check.postpone),
        ("POST", "/uppfoljningar/{ref}/angra", check.undo),
        ("GET", CHANNELS, channels.show),
        ("POST", CHANNELS, channels.add),
        ("POST", f"{CHANNELS}/{{channel}}/prova", channels.test),
        ("POST", f"{CHANNELS}/{{channel}}/ny-adress", channels.renew),
        ("POST", f"{CHANNELS}/{{channel}}/igen", channels.retry),
        ("POST", f"{CHANNELS}/{{channel}}/bort", channels.remove),
        ("GET", "/nyckeltal", figures.table),
        ("GET", "/nyckeltal.csv", figures.table_file),
        ("GET", "/nyckeltal/{indicator}.csv", figures.figure_file),
        ("GET", "/nyckeltal/{indicator}", figures.figure),
        ("GET", "/nyckeltal/{indicator}/underlag", figures.cases),
        ("GET", "/enheter", units.overview),
        ("GET", "/enheter/{unit}", units.show),
        ("GET", "/register", register.months),
        ("GET", "/register/{month}", register.month),
        ("GET", "/datakvalitet", quality.show),
        ("POST", "/datakvalitet/{entry}/igen", quality.send_again),
        ("GET", "/static/{name}", house.asset),
    ):
        router.add_api_route(path, page, methods=[method])
    return router


class FrontPage:
    """The first page: what is due, the way to the figures, the system's state."""

    def __init__(self, house: House) -> None:
        """`house` is what all pages share."""
        self._house = house

    async def show(self, request: Request) -> Response:
        """Show the page."""
        house = self._house
        holder = house.admit(request, *_SHOWN)
        if isinstance(holder, Response):
            return holder
        async with house.caller(holder) as caller:
            replies = await self._ask(caller, holder.principal)
        front = Front(house.words(request), house.catalogue, holder.principal)
        return house.page(request, "front.html", front.context(replies))

    async def _ask(self, caller: Caller, principal: Principal) -> Replies:
        """Ask everything that the reader may see, at once."""
        statuses, due = await asyncio.gather(
            asyncio.gather(*(caller.get(service, "status") for service in SERVICES)),
            caller.get("followup", "worklist/counts") if principal.may(Right.CHECKS_READ) else nothing(),
        )
        by_service = dict(zip(SERVICES, statuses, strict=True))
        return Replies(by_service, due)
