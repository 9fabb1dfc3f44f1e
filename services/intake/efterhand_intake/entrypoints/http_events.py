"""POST /intake/v1/events, …/validate and /intake/v1/load, answered without the framework's routing and validation."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson
from starlette.types import Receive, Scope, Send

from efterhand.web.problem import MEDIA_TYPE, Problem, not_available
from efterhand.web.rights import Principal, Right, unauthorised
from efterhand.web.tokens import InvalidToken
from efterhand_intake.adapters.writer import NotStored
from efterhand_intake.bootstrap import Services
from efterhand_intake.domain.answers import results_of, status_of
from efterhand_intake.domain.candidates import Candidate, Decision
from efterhand_intake.entrypoints.posted import LARGEST_BODY, Posted, read_events, read_history

EVENTS: Final = "/intake/v1/events"
VALIDATE: Final = "/intake/v1/events/validate"
LOAD: Final = "/intake/v1/load"

_SMALL: Final = 16 * 1024
_JSON: Final = "application/json"
_TITLES: Final = {
    400: "The text is not JSON",
    409: "Another event has this source and id",
    422: "The event was refused",
}

_NOT_STORED: Final = not_available(
    "The events could not be put on disk. Do not count on any of them being kept; send them again later."
)
_MANUAL_ONLY: Final = Problem(
    409, "manual_clock_only", "Only with the manual clock", "With the system clock events are received when they come."
)

Reader = Callable[[Mapping[bytes, bytes], bytes, Callable[[str], bool], str], Posted]
Decide = Callable[[Sequence[Candidate]], Any]


class _Gone(Exception):
    """The client went away before it had sent everything."""


class EventsEndpoint:
    """An ASGI app for the paths that events are posted to."""

    def __init__(self, services: Services) -> None:
        """`services` are started by whoever serves the app."""
        self._services = services

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take events."""
        await self._answer(scope, receive, send, Right.EVENTS_WRITE, read_events, self._services.writer.store)

    async def validate(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say what would become of events."""
        await self._answer(scope, receive, send, Right.EVENTS_WRITE, read_events, self._tell)

    async def load(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take history: events with the days that they count as received on."""
        await self._answer(scope, receive, send, Right.EVENTS_LOAD, read_history, self._services.writer.store)

    async def _tell(self, candidates: Sequence[Candidate]) -> list[Decision]:
        return await asyncio.to_thread(lambda: self._services.writer.apply(candidates, keep=False))

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, right: Right, reader: Reader, decide: Decide
    ) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            principal = self._principal(headers, right)
            if right is Right.EVENTS_LOAD and self._services.settings.clock != "manual":
                raise Problem(
                    409,
                    "manual_clock_only",
                    "Only with the manual clock",
                    "With the system clock events are received now.",
                )
            body = await _body(headers, receive)
            if len(body) <= _SMALL:
                posted = self._read(reader, headers, body, principal)
            else:
                # Other requests are answered meanwhile.
                posted = await asyncio.to_thread(self._read, reader, headers, body, principal)
            decisions = await decide(posted.candidates)
        except Problem as problem:
            await _send(send, problem.status, problem.body(), MEDIA_TYPE, problem.headers)
            return
        except NotStored:
            await _send(send, _NOT_STORED.status, _NOT_STORED.body(), MEDIA_TYPE, _NOT_STORED.headers)
            return
        except _Gone:
            return
        await send_decisions(send, posted.candidates, decisions, batch=posted.batch)

    def _principal(self, headers: Mapping[bytes, bytes], right: Right) -> Principal:
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not token.strip():
            raise unauthorised("no_token", "The request has no token: send `Authorization: Bearer …`.")
        try:
            principal = self._services.tokens.verify(token.strip().decode("latin-1"))
        except InvalidToken as error:
            raise unauthorised("invalid_token", str(error)) from None
        if not principal.may(right):
            raise Problem(
                403, "not_allowed", "The token does not allow this", f"The role {principal.role} lacks {right}."
            )
        return principal

    def _read(self, reader: Reader, headers: Mapping[bytes, bytes], body: bytes, principal: Principal) -> Posted:
        day = self._services.writer.day or self._services.keeper.day
        if day is None:
            raise not_available("The business date is not known yet: the database has not answered.")
        posted = reader(headers, body, principal.may_write, principal.source or "")
        for candidate in posted.candidates:
            self._services.writer.judge(candidate, day)
        return posted


async def send_decisions(
    send: Send, candidates: Sequence[Candidate], decisions: Sequence[Decision], *, batch: bool
) -> None:
    """Send the answer to what was posted."""
    status, body, media_type = answer_of(candidates, decisions, batch=batch)
    await _send(send, status, body, media_type, {})


def answer_of(candidates: Sequence[Candidate], decisions: Sequence[Decision], *, batch: bool) -> tuple[int, bytes, str]:
    """Return status, body and media type of the answer: the results, for one refused event inside of a problem."""
    status = status_of(decisions, batch=batch)
    results = results_of(candidates, decisions)
    if status < 300:
        return status, orjson.dumps({"results": results}), _JSON
    first = decisions[0]
    code = "conflict" if status == 409 else first.codes[0]
    return status, Problem(status, code, _TITLES[status], first.message, {"results": results}).body(), MEDIA_TYPE


async def _body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    too_large = Problem(
        413, "too_large", "The request is too large", f"A request takes {LARGEST_BODY} bytes; send several."
    )
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > LARGEST_BODY:
        raise too_large
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _Gone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > LARGEST_BODY:
            raise too_large
        return body
    parts = [body]
    size = len(body)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_BODY:
            raise too_large
    return b"".join(parts)


async def _send(send: Send, status: int, body: bytes, media_type: str, headers: Mapping[str, str]) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", media_type.encode()),
                (b"content-length", str(len(body)).encode()),
                *((name.encode(), value.encode("latin-1")) for name, value in headers.items()),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
