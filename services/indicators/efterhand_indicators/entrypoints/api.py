"""The process that answers over HTTP, publishes the outbox and computes anew whoever has to be."""

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
from efterhand_indicators.bootstrap import Services, create_services
from efterhand_indicators.entrypoints import disposable, explanations, series
from efterhand_indicators.entrypoints.http import router
from efterhand_indicators.entrypoints.metrics import StateCollector

PROCESS = "indicators-api"


def create_app(services: Services) -> FastAPI:
    """Return the app; the threads of `services`, made and not yet started, start and stop with it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        services.start()
        try:
            yield
        finally:
            services.stop()

    app = web.create_app("indicators", services.tokens, is_ready=lambda: _is_ready(services), lifespan=lifespan)
    app.state.services = services
    app.include_router(router)
    app.include_router(explanations.router)
    app.include_router(series.router)
    app.include_router(disposable.router)
    return app


def _is_ready(services: Services) -> bool:
    try:
        with services.engine.connect() as connection:
            connection.execute(text("SELECT 1 FROM indicators.context"))
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
    uvicorn.run(
        create_app(services),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
    )
