"""The app that every service starts from: problems as JSON, tokens, readiness, measured requests, no open docs."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any, Final

import structlog
from fastapi import FastAPI
from starlette.datastructures import State
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from efterhand.web import metrics, problem
from efterhand.web.rights import Principal, Right, requires
from efterhand.web.tokens import Tokens

_log = structlog.get_logger("efterhand.web")

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def create_app(
    service: str,
    tokens: Tokens,
    *,
    is_ready: Callable[[], bool] = lambda: True,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[Any]] | None = None,
    fast_paths: dict[tuple[str, str], ASGIApp] | None = None,
) -> FastAPI:
    """Return an app without paths but `/healthz` and `/<service>/v1/openapi.json`.

    Its `state` holds `tokens`. Every error is a problem+json; an error nobody foresaw is logged by its
    kind and place, never with its message, which may hold what was sent.

    Args:
        service: `intake`, `followup` or `indicators`.
        tokens: what `requires(…)` asks.
        is_ready: what `/healthz` answers: 200 or 503 and nothing more. Called in a thread.
        lifespan: what is to be started and stopped with the app.
        fast_paths: (method, path) → an ASGI app that answers it without the framework's routing.
    """
    app = _App(title=f"efterhand {service}", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.fast_paths = fast_paths or {}
    app.state = State({"tokens": tokens})
    problem.install(app)
    app.add_middleware(_Front)

    @app.get("/healthz", include_in_schema=False)
    def healthz() -> JSONResponse:
        ready = is_ready()
        return JSONResponse({"ready": ready}, 200 if ready else 503)

    @app.get(f"/{service}/v1/openapi.json", include_in_schema=False)
    def openapi(_: Annotated[Principal, requires(Right.STATUS_READ)]) -> JSONResponse:
        return JSONResponse(app.openapi())

    return app


class _App(FastAPI):
    """An app some of whose paths are answered before the framework sees the request."""

    fast_paths: Mapping[tuple[str, str], ASGIApp]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            fast = self.fast_paths.get((scope["method"], scope["path"]))
            if fast is not None:
                await _measured(fast, scope, receive, send, scope["path"])
                return
        await super().__call__(scope, receive, send)


class _Front:
    """The first of the framework's layers to see a request and the last to see its answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif "\0" in scope["path"] or b"%00" in scope["query_string"]:
            # PostgreSQL has no text with a NUL in it, so nothing of ours is called that.
            await _measured(
                problem.bad_request("bad_request", "The address holds a NUL.").response(), scope, receive, send
            )
        elif any(path == scope["path"] for _, path in scope["app"].fast_paths):
            await _measured(_NOT_THIS_METHOD.response(), scope, receive, send)
        else:
            await _measured(self._app, scope, receive, send)


_NOT_THIS_METHOD: Final = problem.Problem(405, "method_not_allowed", "This path does not take that method")


async def _measured(app: ASGIApp, scope: Scope, receive: Receive, send: Send, route: str | None = None) -> None:
    """Let an app answer; count the request, and answer in its place when it fails."""
    started = time.perf_counter()
    status = 0

    async def noted(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        await send(message)

    try:
        await app(scope, receive, noted)
    except Exception as error:  # noqa: BLE001 — the outermost place: whatever it is, the client gets an answer
        _log.error("a request failed", action="request_failed", exc_info=error)
        if status:
            raise _Broken from None
        await problem.internal_error().response()(scope, receive, noted)
    finally:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        matched = route or str(getattr(scope.get("route"), "path", "other"))
        metrics.observe(method, matched, status, time.perf_counter() - started)


class _Broken(Exception):
    """The answer broke off in its middle; the server closes the connection."""
