"""The routes of the page where units and staff set how they hear of notices."""

from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response

from efterhand.web.door.answers import Failure, FieldError
from efterhand.web.door.channels import DONE, KINDS, ChannelsPage, NewSecret, body_of
from efterhand.web.door.house import Holder, House, field
from efterhand.web.door.navigation import CHANNELS
from efterhand.web.door.reading import Reply
from efterhand.web.rights import Right

_FIELDS = ("kind", "whom", "target", "language")


class ChannelPages:
    """`/installningar/aviseringar` and what is posted from it."""

    def __init__(self, house: House) -> None:
        """`house` is what all pages share."""
        self._house = house

    async def show(self, request: Request) -> Response:
        """Show the channels that are the reader's to set."""
        holder = self._house.admit(request, Right.CHANNELS_SET)
        if isinstance(holder, Response):
            return holder
        done = request.query_params.get("done")
        return await self._page(request, holder, done=done if done in DONE else None)

    async def add(self, request: Request) -> Response:
        """Add a channel; what is secret about it is shown in this answer and in no other."""
        form, holder = await self._house.posted(request, Right.CHANNELS_SET)
        if holder is None:
            return self._house.may_not_change(request)
        given = {name: field(form, name) for name in _FIELDS}
        faults = self._faults(request, given)
        if not faults:
            async with self._house.caller(holder) as caller:
                reply = await caller.post("followup", "channels", body_of(given))
            if reply.answered:
                return await self._done(request, holder, "added", reply)
            faults = [self._fault(request, reply)]
        failure = Failure(tuple(faults), given)
        return await self._page(request, holder, failure=failure, code=422)

    async def test(self, request: Request, channel: str) -> Response:
        """Send something at once that only shows that it arrives."""
        return await self._act(request, channel, "test", "sent")

    async def renew(self, request: Request, channel: str) -> Response:
        """Give a calendar another address, or a webhook another key."""
        return await self._act(request, channel, "renew", "added")

    async def retry(self, request: Request, channel: str) -> Response:
        """Let what did not arrive be sent again."""
        return await self._act(request, channel, "retry", "again")

    async def remove(self, request: Request, channel: str) -> Response:
        """Take a channel away; one that is gone already is as good."""
        _, holder = await self._house.posted(request, Right.CHANNELS_SET)
        if holder is None:
            return self._house.may_not_change(request)
        async with self._house.caller(holder) as caller:
            reply = await caller.delete("followup", f"channels/{quote(channel, safe='')}")
        if not reply.answered and reply.status != 404:
            failure = Failure((self._fault(request, reply),), {})
            return await self._page(request, holder, failure=failure, code=422)
        return self._house.go_to(f"{CHANNELS}?done=removed")

    # --- parts of them ---

    async def _act(self, request: Request, channel: str, act: str, done: str) -> Response:
        _, holder = await self._house.posted(request, Right.CHANNELS_SET)
        if holder is None:
            return self._house.may_not_change(request)
        async with self._house.caller(holder) as caller:
            reply = await caller.post("followup", f"channels/{quote(channel, safe='')}/{act}", {})
        if reply.answered:
            return await self._done(request, holder, done, reply)
        failure = Failure((self._fault(request, reply, act),), {})
        return await self._page(request, holder, failure=failure, code=422)

    async def _done(self, request: Request, holder: Holder, done: str, reply: Reply) -> Response:
        """Show what is secret; where nothing is, go back to the page, so that loading it again repeats nothing."""
        value = reply.body.get("address") or reply.body.get("secret")
        if value is None:
            return self._house.go_to(f"{CHANNELS}?done={done}")
        return await self._page(request, holder, secret=NewSecret(reply.body["kind"], value))

    async def _page(
        self,
        request: Request,
        holder: Holder,
        *,
        done: str | None = None,
        secret: NewSecret | None = None,
        failure: Failure | None = None,
        code: int = 200,
    ) -> Response:
        async with self._house.caller(holder) as caller:
            listed = await caller.get("followup", "channels")
        given = failure.given if failure is not None else {}
        page = ChannelsPage(self._house.words(request), self._house.catalogue, done, secret, failure, given)
        return self._house.page(request, "channels.html", page.context(listed), code, holder)

    def _faults(self, request: Request, given: dict[str, str]) -> list[FieldError]:
        text = self._house.words(request).text
        faults = []
        if given["kind"] not in KINDS:
            faults.append(FieldError(text("Välj hur det ska meddelas."), "kind"))
        if not given["whom"]:
            faults.append(FieldError(text("Välj vem det är för."), "whom"))
        if given["kind"] in KINDS and (given["kind"] == "calendar") != (given["target"] == ""):
            faults.append(FieldError(text("Skriv en adress, högst 500 tecken. En kalender har ingen."), "target"))
        return faults

    def _fault(self, request: Request, reply: Reply, act: str = "") -> FieldError:
        if act == "test" and reply.status is None:
            text = self._house.words(request).text
            return FieldError(text("Mottagaren har inte svarat än. Se efter om provet har kommit fram."))
        page = ChannelsPage(self._house.words(request), self._house.catalogue)
        return FieldError(*page.failure_of(reply))
