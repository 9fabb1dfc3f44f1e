"""The routes of units in sum, for those who lead them."""

import asyncio
from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response

from efterhand.web.door.house import House
from efterhand.web.door.replies import no_part
from efterhand.web.door.units import UnitPage
from efterhand.web.rights import Right


class UnitPages:
    """`/enheter` and `/enheter/{unit}`."""

    def __init__(self, house: House) -> None:
        """`house` is what all pages share."""
        self._house = house

    async def overview(self, request: Request) -> Response:
        """Show the units of the reach; of a single one the page itself."""
        holder = self._house.admit(request, Right.UNITS_READ)
        if isinstance(holder, Response):
            return holder
        async with self._house.caller(holder) as caller:
            units, status = await asyncio.gather(caller.get("followup", "units"), caller.get("followup", "status"))
        if units.answered and len(units.body["items"]) == 1:
            return self._house.go_to(f"/enheter/{quote(units.body['items'][0]['unit'], safe='')}")
        page = UnitPage(self._house.words(request), self._house.catalogue)
        return self._house.page(request, "units.html", page.overview(units, status))

    async def show(self, request: Request, unit: str) -> Response:
        """Show one unit, with those under it."""
        house = self._house
        holder = house.admit(request, Right.UNITS_READ)
        if isinstance(holder, Response):
            return holder
        async with house.caller(holder) as caller:
            summary, status = await asyncio.gather(
                caller.get("followup", f"units/{quote(unit, safe='')}/summary"), caller.get("followup", "status")
            )
        words = house.words(request)
        if summary.status == 404:
            sentence = words.text("Den finns inte, eller så ligger den utanför det du leder.")
            return house.refused(request, words.text("Enheten kan inte visas"), sentence, 404)
        if not summary.answered:
            return house.refused(request, words.text("Enheten kan inte visas"), no_part(words, summary), 503)
        return house.page(request, "unit.html", UnitPage(words, house.catalogue).one(summary, status))
