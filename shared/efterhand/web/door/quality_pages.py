"""The routes of data quality: the doubtful and the refused, and sending what was refused again."""

import asyncio

from fastapi import Request
from starlette.responses import Response

from efterhand.web.door.house import House, field
from efterhand.web.door.quality import DOUBTS, REFUSED, Quality, QualityChoice, QualityReplies
from efterhand.web.door.reading import Caller, Reply
from efterhand.web.rights import Principal, Right

_READS = {DOUBTS: ("followup", "doubts"), REFUSED: ("intake", "refused")}
_RIGHTS = {DOUBTS: Right.CHECKS_READ, REFUSED: Right.REFUSED_READ}


class QualityPages:
    """`/datakvalitet` and what is posted from it."""

    def __init__(self, house: House) -> None:
        """`house` is what all pages share."""
        self._house = house

    async def show(self, request: Request) -> Response:
        """Show the doubtful, or the refused."""
        house = self._house
        holder = house.admit(request, *_RIGHTS.values())
        if isinstance(holder, Response):
            return holder
        lists = _lists(holder.principal)
        choice = QualityChoice.of(request.query_params, lists)
        async with house.caller(holder) as caller:
            replies = await _ask(caller, choice, lists)
        page = Quality(
            house.words(request),
            house.catalogue,
            choice,
            holder.principal.may(Right.REFUSED_RESEND),
            request.query_params.get("sent"),
        )
        return house.page(request, "quality.html", page.context(replies), holder=holder)

    async def send_again(self, request: Request, entry: str) -> Response:
        """Send what was refused again as it stands; then back to the list."""
        house = self._house
        form = await request.form(max_files=0, max_fields=10)
        holder = house.writer(request, form)
        if holder is None:
            return house.may_not_change(request)
        if not holder.principal.may(Right.REFUSED_RESEND) or not entry.isascii() or not entry.isdigit():
            return house.not_yours(request)
        async with house.caller(holder) as caller:
            reply = await caller.post("intake", f"refused/{entry}/resend")
        query = {name: field(form, name) for name in ("code", "source")}
        choice = QualityChoice.of({"show": REFUSED, **query}, _lists(holder.principal))
        return house.go_to(choice.link(sent=_outcome(reply)))


def _outcome(reply: Reply) -> str:
    """Return what came of sending an entry again; one that is closed already was taken before."""
    if reply.answered or (reply.body or {}).get("code") == "closed":
        return "accepted"
    return "refused" if reply.body and reply.body.get("results") else "failed"


def _lists(principal: Principal) -> list[str]:
    return [show for show, right in _RIGHTS.items() if principal.may(right)]


async def _ask(caller: Caller, choice: QualityChoice, lists: list[str]) -> QualityReplies:
    """Ask for the chosen list, the counts of what is chosen, how much each list holds, and how far the data reaches."""
    service, path = _READS[choice.show]
    listed, counts, status, *wholes = await asyncio.gather(
        caller.get(service, path, **choice.asked_page()),
        caller.get(service, f"{path}/counts", **choice.asked()),
        caller.get("followup", "status"),
        *(caller.get(_READS[show][0], f"{_READS[show][1]}/counts") for show in lists),
    )
    return QualityReplies(listed, counts, dict(zip(lists, wholes, strict=True)), status)
