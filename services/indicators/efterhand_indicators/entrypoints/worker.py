"""The process that reads the topic of events."""

from efterhand.database import migrate
from efterhand.logs import configure_logs
from efterhand.messaging.parking import Parking
from efterhand.messaging.positions import Positions
from efterhand.messaging.worker import run_worker
from efterhand.metrics import start_metrics
from efterhand.settings import Settings
from efterhand_indicators.adapters import tables
from efterhand_indicators.application.adopt_catalogue import adopt_catalogue
from efterhand_indicators.application.apply_events import ApplyEvents
from efterhand_indicators.bootstrap import make_computing_engine, make_definitions

PROCESS = "indicators-worker"


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
    run_worker(
        settings=settings,
        group="indicators",
        topic="case-events",
        engine=engine,
        positions=Positions(tables.position),
        parking=Parking(tables.parked, tables.outbox, "indicators"),
        apply=ApplyEvents(definitions, settings.secret.get_secret_value()),
    )
