"""The routes of the worklist: the list, the same done with several checks, what is taken back, saved views."""

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response

from efterhand.web.door.answers import POSTPONE, WAYS, Failure, FieldError, attempt_faults, day_in, postpone_faults
from efterhand.web.door.choice import Choice
from efterhand.web.door.house import Holder, House, field, reason
from efterhand.web.door.reading import Caller, Reply
from efterhand.web.door.replies import business_date
from efterhand.web.door.words import Words
from efterhand.web.door.worklist import PAGE_SIZE, Done, Worklist
from efterhand.web.rights import Right

_FIELDS = 2 * PAGE_SIZE + 20


class WorklistPages:
    """`/uppfoljningar` and what is posted from it."""

    def __init__(self, house: House) -> None:
        """`house` is what all pages share."""
        self._house = house

    async def show(self, request: Request) -> Response:
        """Show the list."""
        holder = self._house.admit(request, Right.CHECKS_READ)
        if isinstance(holder, Response):
            return holder
        query = request.query_params
        choice = Choice.of(query.multi_items())
        return await self._list(request, holder, choice, done=_done(query), selected=query.get("select") == "page")

    async def act(self, request: Request) -> Response:
        """Do the same with the checks that are selected; then back to the list."""
        form, holder = await self._house.posted(request, Right.CHECKS_ANSWER, _FIELDS)
        if holder is None:
            return self._house.may_not_change(request)
        choice = Choice.of_query(field(form, "back"))
        words = self._house.words(request)
        refs = [ref for ref in form.getlist("ref") if isinstance(ref, str)]
        given = {name: field(form, name) for name in ("act", "bulk_on")}
        async with self._house.caller(holder) as caller:
            faults, said = await self._judge(caller, words, refs, given)
            if not faults:
                kind = POSTPONE if given["act"] == POSTPONE else "attempt"
                done, faults = await _act_on(caller, words, refs, kind, field(form, "key"), said)
        if faults:
            failure = Failure(tuple(faults), given)
            return await self._list(request, holder, choice, failure=failure, chosen=frozenset(refs), code=422)
        if done.refused:
            return await self._list(request, holder, choice, done=done)
        return self._house.go_to(choice.link(saved=str(done.count), act=done.kind, key=done.key))

    async def undo(self, request: Request) -> Response:
        """Take back what was done with several checks at once."""
        form, holder = await self._house.posted(request, Right.CHECKS_ANSWER, _FIELDS)
        if holder is None:
            return self._house.may_not_change(request)
        choice = Choice.of_query(field(form, "back"))
        words = self._house.words(request)
        key, act = field(form, "key"), field(form, "act")
        async with self._house.caller(holder) as caller:
            reply = await caller.post("followup", "checks/acts", {"kind": "undo", "key": key, "said": {"act": act}})
        if not reply.answered:
            failure = Failure((FieldError(_not_saved(words, reply)),), {"act": "", "bulk_on": ""})
            return await self._list(request, holder, choice, failure=failure, code=422)
        results = reply.body["results"]
        saved = sum(each["saved"] for each in results)
        if results and saved == len(results):
            return self._house.go_to(choice.link(saved=str(saved), act="undo", key=key))
        sentence = words.text("En del var redan tillbakataget, eller kan inte tas tillbaka längre.")
        done = Done("undo", key, saved, (sentence,))
        return await self._list(request, holder, choice, done=done)

    async def save_view(self, request: Request) -> Response:
        """Keep what is chosen under a name of the user's own."""
        form, holder = await self._house.posted(request, Right.CHECKS_READ, _FIELDS)
        if holder is None:
            return self._house.may_not_change(request)
        choice = Choice.of_query(field(form, "back")).but()
        words, name = self._house.words(request), field(form, "name")
        if not name or "/" in name:
            sentence = words.text("Ge urvalet ett namn, utan snedstreck.")
            return await self._list(request, holder, choice, view_failure=sentence, code=422)
        async with self._house.caller(holder) as caller:
            reply = await caller.put("followup", f"views/{quote(name, safe='')}", {"query": choice.query()})
        if not reply.answered:
            sentence = words.text("Urvalet kunde inte sparas: %(reason)s", reason=_not_saved(words, reply))
            return await self._list(request, holder, choice, view_failure=sentence, code=422)
        return self._house.go_to(choice.link())

    async def forget_view(self, request: Request) -> Response:
        """Take a saved view away."""
        form, holder = await self._house.posted(request, Right.CHECKS_READ, _FIELDS)
        if holder is None:
            return self._house.may_not_change(request)
        async with self._house.caller(holder) as caller:
            await caller.delete("followup", f"views/{quote(field(form, 'name'), safe='')}")
        return self._house.go_to(Choice.of_query(field(form, "back")).link())

    # --- parts of them ---

    async def _list(
        self,
        request: Request,
        holder: Holder,
        choice: Choice,
        *,
        selected: bool = False,
        chosen: frozenset[str] = frozenset(),
        done: Done | None = None,
        failure: Failure | None = None,
        view_failure: str | None = None,
        code: int = 200,
    ) -> Response:
        async with self._house.caller(holder) as caller:
            listed, views, known = await asyncio.gather(
                caller.get("followup", "worklist", **choice.asked(PAGE_SIZE)),
                caller.get("followup", "views"),
                caller.get("followup", "status"),
            )
        page = Worklist(
            self._house.words(request),
            self._house.catalogue,
            choice,
            holder.principal.may(Right.CHECKS_ANSWER),
            selected,
            chosen,
            done,
            failure,
            view_failure,
        )
        return self._house.page(request, "worklist.html", page.context(listed, views, known), code, holder)

    async def _judge(
        self, caller: Caller, words: Words, refs: list[str], given: Mapping[str, str]
    ) -> tuple[list[FieldError], dict[str, str]]:
        """Return what is wrong with what is to be done with several checks, and what is said of each."""
        today = business_date({"followup": await caller.get("followup", "status")}) or date.max
        faults = []
        if not refs:
            faults.append(FieldError(words.text("Markera minst en uppföljning i listan."), "refs"))
        on = given["bulk_on"]
        if given["act"] == POSTPONE:
            faults += postpone_faults(words, on, "bulk_on", today, None)
            return faults, {"until": str(day_in(on))}
        if given["act"] not in WAYS:
            faults.append(FieldError(words.text("Välj vad du vill göra med de markerade."), "act"))
            return faults, {}
        for fault in attempt_faults(words, {"how": given["act"], "tried_on": on}, today):
            faults.append(FieldError(fault.text, "bulk_on"))
        return faults, {"how": given["act"], "on": str(day_in(on))}


async def _act_on(
    caller: Caller, words: Words, refs: list[str], kind: str, key: str, said: Mapping[str, Any]
) -> tuple[Done, list[FieldError]]:
    """Do it; return what was done, or what stood in the way of all of it."""
    nothing = Done(kind, key, 0)
    found = await caller.get("followup", "references", ref=",".join(refs))
    if not found.answered:
        return nothing, [FieldError(_not_saved(words, found))]
    checks = [each["check"] for each in found.body["items"]]
    gone = len(refs) - len(checks)
    refused = [words.text("Finns inte längre: %(count)s.", count=gone)] if gone else []
    if not checks:
        return Done(kind, key, 0, tuple(refused)), []
    reply = await caller.post(
        "followup", "checks/acts", {"kind": kind, "checks": checks, "key": key, "said": dict(said)}
    )
    if not reply.answered:
        return nothing, [FieldError(_not_saved(words, reply))]
    results = reply.body["results"]
    late = [each for each in results if each["code"] in ("not_open", "not_found")]
    if late:
        refused.append(words.text("Redan klara eller borttagna: %(count)s.", count=len(late)))
    refused += sorted({each["message"] for each in results if not each["saved"] and each not in late})
    return Done(kind, key, sum(each["saved"] for each in results), tuple(refused)), []


def _not_saved(words: Words, reply: Reply) -> str:
    """Return why a service took nothing."""
    if reply.missing:
        return words.text("Det kunde inte sparas just nu. Försök igen om en stund.")
    return words.text("Det togs inte emot: %(reason)s", reason=reason(reply))


def _done(query: Mapping[str, str]) -> Done | None:
    """Read from the address what has just been done."""
    count, kind = query.get("saved", ""), query.get("act", "")
    if not count.isascii() or not count.isdigit() or len(count) > 4 or kind not in ("attempt", "postpone", "undo"):
        return None
    return Done(kind, query.get("key", ""), int(count))
