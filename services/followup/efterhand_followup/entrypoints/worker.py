"""The process that reads the topic of events."""

from collections.abc import Sequence

from sqlalchemy import Connection

from efterhand.catalogue import load_catalogue
from efterhand.database import migrate
from efterhand.logs import configure_logs
from efterhand.messaging.parking import Parking
from efterhand.messaging.positions import Positions
from efterhand.messaging.records import Record
from efterhand.messaging.worker import run_worker
from efterhand.metrics import start_metrics
from efterhand.settings import Settings
from efterhand_followup.adapters import tables
from efterhand_followup.adapters.context_store import read_context
from efterhand_followup.application.apply_events import apply_events
from efterhand_followup.application.move_date import adopt_catalogue
from efterhand_followup.bootstrap import make_computing_engine
from efterhand_followup.entrypoints import metrics

PROCESS = "followup-worker"


def main() -> None:
    """Read `case-events` until a signal comes."""
    configure_logs(PROCESS)
    settings = Settings()
    catalogue = load_catalogue(settings.catalogue)
    migrate(settings.database_url, tables.SCHEMA)
    start_metrics(settings.metrics_port, PROCESS, host=settings.host)
    engine = make_computing_engine(settings)
    with engine.begin() as connection:
        adopt_catalogue(connection, catalogue)
    secret = settings.secret.get_secret_value()

    def apply(connection: Connection, records: Sequence[Record]) -> None:
        metrics.count(apply_events(connection, records, catalogue, secret))

    run_worker(
        settings=settings,
        group="followup",
        topic="case-events",
        engine=engine,
        positions=Positions(tables.position),
        parking=Parking(tables.parked, tables.outbox, "followup"),
        apply=apply,
        business_date=lambda connection: read_context(connection).business_date,
    )
