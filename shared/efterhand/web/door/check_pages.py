"""The routes of one check: what is asked and why, an answer, an attempt, a postponement, and taking back."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from urllib.parse import quote, urlencode

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import Response

from efterhand.web.door.answers import (
    Failure,
    FieldError,
    answer_body,
    answer_faults,
    attempt_faults,
    day_in,
    postpone_faults,
)
from efterhand.web.door.check import CheckPage
from efterhand.web.door.choice import Choice
from efterhand.web.door.house import Holder, House, field, reason
from efterhand.web.door.reading import Caller, Reply
from efterhand.web.door.words import Words
from efterhand.web.door.worklist import PAGE_SIZE
from efterhand.web.rights import Right

_NAMES: Final = ("answer", "on", "same_field", "how", "tried_on", "until", "act")
_ACTS: Final = ("answer", "attempt", "postpone", "undo")


class CheckPages:
    """`/uppfoljningar/{ref}` and what is posted from it."""

    def __init__(self, house: House) -> None:
        """`house` is what all pages share."""
        self._house = house

    async def show(self, request: Request, ref: str) -> Response:
        """Show a check and its case."""
        holder = self._house.admit(request, Right.CHECKS_READ)
        if isinstance(holder, Response):
            return holder
        query = request.query_params
        async with self._house.caller(holder) as caller:
            story = await _story(caller, ref)
        return self._check(
            request,
            holder,
            story,
            Choice.of(query.multi_items()),
            saved=query.get("saved"),
            nothing_next=query.get("next") == "0",
        )

    async def answer(self, request: Request, ref: str) -> Response:
        """Save an answer; then show the check again, or the next one of the list."""
        return await self._act(request, ref, "answer", _answer)

    async def attempt(self, request: Request, ref: str) -> Response:
        """Note that somebody tried to reach the person."""
        return await self._act(request, ref, "attempt", _attempt)

    async def postpone(self, request: Request, ref: str) -> Response:
        """Put the check off."""
        return await self._act(request, ref, "postpone", _postpone)

    async def undo(self, request: Request, ref: str) -> Response:
        """Take back what the reader did."""
        return await self._act(request, ref, "undo", _undo)

    # --- parts of them ---

    async def _act(self, request: Request, ref: str, kind: str, judge: Any) -> Response:
        form = await request.form(max_files=0, max_fields=20)
        holder = self._house.writer(request, form)
        if holder is None:
            return self._house.may_not_change(request)
        if not holder.principal.may(Right.CHECKS_ANSWER):
            return self._house.not_yours(request)
        words, choice = self._house.words(request), Choice.of_query(field(form, "back"))
        given = {name: field(form, name) for name in _NAMES}
        async with self._house.caller(holder) as caller:
            story = await _story(caller, ref)
            if not story.answered:
                return self._no_story(request, story)
            faults, body = judge(words, given, story.body, field(form, "key"))
            if not faults:
                check_id = quote(story.body["check"]["id"], safe="")
                reply = await caller.post("followup", f"checks/{check_id}/{kind}", body)
                faults = [] if reply.answered else [FieldError(_not_saved(words, reply))]
            if faults:
                failure = Failure(tuple(faults), {name: value for name, value in given.items() if name in form})
                return self._check(request, holder, story, choice, failure=failure, status=422)
            address = await self._then(caller, form, ref, choice, kind)
        return self._house.go_to(address)

    async def _then(self, caller: Caller, form: FormData, ref: str, choice: Choice, kind: str) -> str:
        """Return where to go when something has been saved: to this check, or to the next one of the list."""
        said = {"saved": kind}
        if field(form, "then") == "next":
            listed = await caller.get("followup", "worklist", **choice.asked(PAGE_SIZE))
            following = _following(listed.body["items"], ref) if listed.answered else None
            if following is not None:
                return f"/uppfoljningar/{following}?{urlencode([*choice.pairs(), *said.items()])}"
            said["next"] = "0"
        return f"/uppfoljningar/{quote(ref, safe='')}?{urlencode([*choice.pairs(), *said.items()])}"

    def _check(
        self,
        request: Request,
        holder: Holder,
        story: Reply,
        choice: Choice,
        *,
        saved: str | None = None,
        nothing_next: bool = False,
        failure: Failure | None = None,
        status: int = 200,
    ) -> Response:
        if not story.answered:
            return self._no_story(request, story)
        page = CheckPage(
            self._house.words(request),
            self._house.catalogue,
            choice,
            holder.principal.may(Right.CHECKS_ANSWER),
            saved if saved in _ACTS else None,
            nothing_next,
            failure,
        )
        return self._house.page(request, "check.html", page.context(story.body), status, holder)

    def _no_story(self, request: Request, story: Reply) -> Response:
        text = self._house.words(request).text
        if story.missing:
            sentence = text("Tjänsten followup svarar inte just nu. Försök igen om en stund.")
            return self._house.refused(request, text("Sidan kan inte visas just nu"), sentence, 503)
        if story.being_computed:
            sentence = text("Uppföljningen räknas om efter en ändring i katalogen. Försök igen senare.")
            return self._house.refused(request, text("Sidan kan inte visas just nu"), sentence, 503)
        sentence = text("Ärendet kan ha ändrats, eller så har du inte rätt att se det.")
        return self._house.refused(request, text("Uppföljningen finns inte längre"), sentence, 404)


async def _story(caller: Caller, ref: str) -> Reply:
    """Return followup's story of the check that a reference stands for; 404 where it stands for none."""
    found = await caller.get("followup", "references", ref=ref)
    if not found.answered:
        return found
    checks = [each["check"] for each in found.body["items"] if each["ref"] == ref]
    if not checks:
        return Reply("followup", 404, {})
    return await caller.get("followup", f"checks/{quote(checks[0], safe='')}/story")


def _following(items: list[Mapping[str, Any]], ref: str) -> str | None:
    """Return the reference of the check after one in a list, or of the first; not of one that is being saved."""
    refs = [each["ref"] for each in items]
    start = refs.index(ref) + 1 if ref in refs else 0
    left = [each for each in [*items[start:], *items[:start]] if each["ref"] != ref and each["open"]]
    following = [each["ref"] for each in left if not any(act["pending"] for act in each["acts"])]
    return str(following[0]) if following else None


Judged = tuple[list[FieldError], dict[str, Any]]


def _answer(words: Words, given: Mapping[str, str], story: Mapping[str, Any], key: str) -> Judged:
    faults = answer_faults(words, given, story["check"], date.fromisoformat(story["on"]))
    return faults, answer_body(given, key)


def _attempt(words: Words, given: Mapping[str, str], story: Mapping[str, Any], key: str) -> Judged:
    faults = attempt_faults(words, given, date.fromisoformat(story["on"]))
    return faults, {"key": key, "on": str(day_in(given["tried_on"])), "how": given["how"]}


def _postpone(words: Words, given: Mapping[str, str], story: Mapping[str, Any], key: str) -> Judged:
    today, latest = date.fromisoformat(story["on"]), date.fromisoformat(story["postpone_until"])
    faults = postpone_faults(words, given["until"], "until", today, latest)
    return faults, {"key": key, "until": str(day_in(given["until"]))}


def _undo(_: Words, given: Mapping[str, str], __: Mapping[str, Any], key: str) -> Judged:
    return [], {"key": key, "act": given["act"]}


def _not_saved(words: Words, reply: Reply) -> str:
    """Return why nothing was saved."""
    if reply.missing:
        return words.text("Det kunde inte sparas just nu. Försök igen om en stund.")
    code = (reply.body or {}).get("code")
    if code == "not_open":
        return words.text("Uppföljningen är redan klar.")
    if code == "nothing_to_undo":
        return words.text("Det är redan tillbakataget, eller så är det någon annan som har gjort det.")
    return words.text("Det togs inte emot: %(reason)s", reason=reason(reply))
