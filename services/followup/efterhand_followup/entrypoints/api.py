"""The process that answers over HTTP, publishes the outbox, keeps the clock and tells the channels."""

import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from efterhand.logs import configure_logs
from efterhand.metrics import start_metrics
from efterhand.settings import Settings
from efterhand.web import app as web
from efterhand_followup.bootstrap import Services, create_services
from efterhand_followup.entrypoints import (
    http,
    http_acts,
    http_channels,
    http_register,
    http_units,
    http_worklist,
)
from efterhand_followup.entrypoints.metrics import StateCollector

PROCESS = "followup-api"


def create_app(services: Services) -> FastAPI:
    """Return the app; its threads start and stop with it.

    Args:
        services: made and not yet started.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        services.start()
        try:
            yield
        finally:
            services.stop()

    app = web.create_app("followup", services.tokens, is_ready=lambda: _is_ready(services), lifespan=lifespan)
    app.state.services = services
    for paths in (http, http_worklist, http_acts, http_units, http_register, http_channels):
        app.include_router(paths.router)
    return app


def _is_ready(services: Services) -> bool:
    try:
        with services.engine.connect() as connection:
            connection.execute(text("SELECT 1 FROM followup.context"))
    except (DBAPIError, PoolTimeoutError):
        return False
    return True


def main() -> None:
    """Serve until a signal comes."""
    configure_logs(PROCESS)
    settings = Settings()
    services = create_services(settings)
    REGISTRY.register(StateCollector(services.engine))
    start_metrics(settings.metrics_port, PROCESS, host=settings.host)
    # Ordered to stop is no failure: without this the process would end by the signal it was stopped with.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    uvicorn.run(
        create_app(services),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
