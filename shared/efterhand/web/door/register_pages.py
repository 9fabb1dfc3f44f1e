"""The routes of the register owner's months."""

import asyncio
from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response

from efterhand.web.door.house import House
from efterhand.web.door.register import PAGE_SIZE, RegisterPage
from efterhand.web.door.replies import no_part
from efterhand.web.rights import Right


class RegisterPages:
    """`/register` and `/register/{month}`."""

    def __init__(self, house: House) -> None:
        """`house` is what all pages share."""
        self._house = house

    async def months(self, request: Request) -> Response:
        """Show the months."""
        house = self._house
        holder = house.admit(request, Right.REGISTER_READ)
        if isinstance(holder, Response):
            return holder
        cursor = request.query_params.get("cursor") or None
        asked = {} if cursor is None else {"cursor": cursor}
        async with house.caller(holder) as caller:
            months, status = await asyncio.gather(
                caller.get("followup", "register", **asked), caller.get("followup", "status")
            )
        page = RegisterPage(house.words(request), house.catalogue)
        return house.page(request, "register.html", page.months(months, status, cursor))

    async def month(self, request: Request, month: str) -> Response:
        """Show one month's list."""
        house = self._house
        holder = house.admit(request, Right.REGISTER_READ)
        if isinstance(holder, Response):
            return holder
        query = request.query_params
        left, cursor = query.get("show") != "all", query.get("cursor") or None
        asked = {"limit": str(PAGE_SIZE), "left": "true" if left else "false", **({"cursor": cursor} if cursor else {})}
        async with house.caller(holder) as caller:
            listed, status = await asyncio.gather(
                caller.get("followup", f"register/{quote(month, safe='')}", **asked), caller.get("followup", "status")
            )
        words = house.words(request)
        if not listed.answered:
            heading = words.text("Månaden kan inte visas")
            if listed.missing or listed.being_computed:
                return house.refused(request, heading, no_part(words, listed), 503)
            return house.refused(request, heading, words.text("En månad skrivs så här: 2017-08."), 404)
        page = RegisterPage(words, house.catalogue)
        return house.page(request, "register_month.html", page.month(listed, status, left=left, cursor=cursor))
