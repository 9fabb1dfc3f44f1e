"""The front door: one address for the three services and the pages, and the link that opens a session."""

from datetime import timedelta
from typing import Final

import httpx
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from efterhand.web.door.entrance import is_loopback
from efterhand.web.problem import Problem
from efterhand.web.sessions import ENTER_ROLE, start_session
from efterhand.web.tokens import InvalidToken
from efterhand_intake.adapters import registers
from efterhand_intake.bootstrap import Services
from efterhand_intake.entrypoints.posted import LARGEST_BODY

_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_NOT_PASSED_ON: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
        "content-length",
        "cookie",
    }
)
_NOT_HANDED_BACK: Final = _NOT_PASSED_ON | {"content-encoding", "server", "date", "set-cookie"}


def create_proxy(services: Services, client: httpx.AsyncClient) -> APIRouter:
    """Return the routes that hand requests on to followup and indicators.

    The Authorization header goes along, cookies do not.
    """
    router = APIRouter(include_in_schema=False)
    targets = {"followup": services.settings.followup_url, "indicators": services.settings.indicators_url}

    async def hand_on(request: Request) -> Response:
        service = request.url.path.split("/", 2)[1]
        body = await request.body()
        if len(body) > LARGEST_BODY:
            raise Problem(413, "too_large", "The request is too large")
        raw_path: bytes = request.scope.get("raw_path") or request.url.path.encode()
        query: bytes = request.scope["query_string"]
        path = raw_path.partition(b"?")[0] + (b"?" + query if query else b"")
        url = httpx.URL(targets[service].rstrip("/")).copy_with(raw_path=path)
        headers = [(name, value) for name, value in request.headers.items() if name not in _NOT_PASSED_ON]
        try:
            answer = await client.request(request.method, url, headers=headers, content=body)
        except httpx.TransportError:
            raise Problem(
                502,
                "service_missing",
                f"{service} does not answer",
                f"The service {service} does not answer. The rest works on; try again later.",
                {"service": service},
            ) from None
        kept = {name: value for name, value in answer.headers.items() if name not in _NOT_HANDED_BACK}
        return Response(answer.content, answer.status_code, kept)

    for service in targets:
        router.add_api_route(f"/{service}/{{rest:path}}", hand_on, methods=_METHODS)
    return router


def create_entry(services: Services) -> APIRouter:
    """Return the route of the one-time link."""
    router = APIRouter(include_in_schema=False)

    @router.get("/enter")
    async def enter(request: Request, key: str = "") -> Response:
        """Open a session as administrator, once for each key, in a browser of this machine."""
        if not is_loopback(request):
            raise _not_valid("The link works on the machine itself only.")
        try:
            principal = services.tokens.verify(key)
        except InvalidToken:
            raise _not_valid("The link is not valid, or not any more.") from None
        if principal.role != ENTER_ROLE:
            raise _not_valid("The link is not valid.")
        if not await run_in_threadpool(_use, services, principal.token_id):
            raise _not_valid("The link has been used. Ask for a new one.")
        answer = RedirectResponse("/", 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"})
        valid_for = timedelta(hours=services.settings.session_hours)
        session = services.tokens.issue("administrator", valid_for=valid_for)
        start_session(answer, session, int(valid_for.total_seconds()))
        return answer

    return router


def _use(services: Services, key_id: str) -> bool:
    with services.engine.begin() as connection:
        return registers.use_key(connection, key_id)


def _not_valid(detail: str) -> Problem:
    return Problem(403, "link_not_valid", "This link opens nothing", detail)
