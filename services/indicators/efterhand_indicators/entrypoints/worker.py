"""The process that reads the topic of events, and computes beside that whoever has to be computed anew."""

from efterhand.database import create_engine, migrate
from efterhand.logs import configure_logs
from efterhand.messaging.parking import Parking
from efterhand.messaging.positions import Positions
from efterhand.messaging.worker import run_worker
from efterhand.metrics import start_metrics
from efterhand.settings import Settings
from efterhand_indicators.adapters import tables
from efterhand_indicators.adapters.context_store import read_context
from efterhand_indicators.application.adopt_catalogue import adopt_catalogue
from efterhand_indicators.application.apply_events import ApplyEvents
from efterhand_indicators.bootstrap import make_computing_engine, make_definitions
from efterhand_indicators.entrypoints.drainer import Drainer

PROCESS = "indicators-worker"
_BETWEEN_LOOKS_SECONDS = 2.0


def main() -> None:
    """Read `case-events` until a signal comes."""
    configure_logs(PROCESS)
    settings = Settings()
    definitions = make_definitions(settings)
    migrate(settings.database_url, tables.SCHEMA)
    start_metrics(settings.metrics_port, PROCESS, host=settings.host)
    engine = make_computing_engine(settings.database_url)
    with engine.begin() as connection:
        adopt_catalogue(connection, definitions)
    # A rebuild is work for more cores than one: the API's process drains too, and they share it.
    drainer = Drainer(
        create_engine(settings.database_url, tables.SCHEMA, pool_size=1),
        engine,
        definitions,
        poll_seconds=_BETWEEN_LOOKS_SECONDS,
    )
    drainer.rounds.start()
    run_worker(
        settings=settings,
        group="indicators",
        topic="case-events",
        engine=engine,
        positions=Positions(tables.position),
        parking=Parking(tables.parked, tables.outbox, "indicators"),
        apply=ApplyEvents(definitions, settings.secret.get_secret_value()),
        business_date=lambda connection: read_context(connection).business_date,
    )
