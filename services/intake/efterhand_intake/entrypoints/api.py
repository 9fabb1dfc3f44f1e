"""The process `intake-api`: the door, the events' way in, the relay and the clock."""

import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import anyio.to_thread
import httpx
import structlog
import uvicorn
from fastapi import FastAPI

from efterhand.catalogue.warnings import find_warnings
from efterhand.logs import configure_logs
from efterhand.metrics import start_metrics
from efterhand.settings import Settings
from efterhand.web.app import create_app as create_base
from efterhand.web.sessions import SessionMiddleware
from efterhand_intake.bootstrap import Services, bootstrap
from efterhand_intake.entrypoints.door import create_entry, create_proxy
from efterhand_intake.entrypoints.http_events import EVENTS, LOAD, VALIDATE, EventsEndpoint
from efterhand_intake.entrypoints.http_routes import create_routes
from efterhand_intake.entrypoints.sign_in import create_sign_in

_log = structlog.get_logger(__name__)

_PROXY_TIMEOUT: Final = httpx.Timeout(60.0, connect=2.0)
# Between the event loop and the writer's thread: the default of 5 ms is as long as a whole transaction.
_SWITCH_SECONDS: Final = 0.0005


def create_app(services: Services, *, pages: bool = True, publish: bool = True) -> FastAPI:
    """Return the app of the door; its lifespan starts and stops the services' threads.

    Args:
        services: not yet started.
        pages: whether the pages at `/` are served.
        publish: whether this process empties the outbox and looks after the topics.
    """
    client = httpx.AsyncClient(timeout=_PROXY_TIMEOUT, trust_env=False, follow_redirects=False)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        services.start(publish=publish)
        try:
            yield
        finally:
            await client.aclose()
            await anyio.to_thread.run_sync(services.stop)

    endpoint = EventsEndpoint(services)
    app = create_base(
        "intake",
        services.tokens,
        is_ready=partial(_is_ready, services),
        lifespan=lifespan,
        fast_paths={
            ("POST", EVENTS): endpoint.post,
            ("POST", VALIDATE): endpoint.validate,
            ("POST", LOAD): endpoint.load,
        },
    )
    app.add_middleware(SessionMiddleware, tokens=services.tokens)
    app.include_router(create_routes(services))
    app.include_router(create_entry(services))
    app.include_router(create_proxy(services, client))
    if pages:
        from efterhand.web.door import create_door

        app.include_router(
            create_door(
                services.settings, services.tokens, catalogue=services.catalogue, sign_in=create_sign_in(services)
            )
        )
    return app


def _is_ready(services: Services) -> bool:
    return services.keeper.day is not None and services.revocations.ids is not None


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    configure_logs("intake-api")
    settings = Settings()
    services = bootstrap(settings)
    for caution in find_warnings(services.catalogue):
        _log.warning("the catalogue has something odd", action="catalogue_odd", odd=str(caution))
    sys.setswitchinterval(_SWITCH_SECONDS)
    start_metrics(settings.metrics_port, "intake-api", host=settings.host)
    # Ordered to stop is no failure: without this the process would end by the signal it was stopped with.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    uvicorn.run(
        create_app(services),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        access_log=False,
        proxy_headers=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
