"""The process `intake-worker`: events from sources that write to the topic `case-events-inbound`."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NoReturn

from sqlalchemy import Connection

from efterhand.catalogue import load_catalogue
from efterhand.contracts import NotJson, parse_body
from efterhand.logs import configure_logs
from efterhand.messaging.parking import Parking
from efterhand.messaging.positions import Positions
from efterhand.messaging.records import Record
from efterhand.messaging.worker import run_worker
from efterhand.metrics import start_metrics
from efterhand.settings import Settings
from efterhand_intake import metrics
from efterhand_intake.adapters import archive, registers, tables
from efterhand_intake.application.receive_events import Receiver
from efterhand_intake.bootstrap import INBOUND, engine, receiver
from efterhand_intake.domain.candidates import Candidate, heard


def candidates_of(record: Record) -> list[Candidate]:
    """Return what a record brings: one event or several; what is not JSON is refused like anything else."""
    raw = record.value or b""
    try:
        items: Sequence[object] = parse_body(raw).items
    except NotJson as error:
        items = [NotJson(error.message, raw[: 64 * 1024].decode("utf-8", "surrogateescape"))]
    return [Candidate(item, check_size=len(raw) > 100_000) for item in items]


def apply_with(receive: Receiver) -> Callable[[Connection, Sequence[Record]], None]:
    """Return what the worker does with a batch of records: the same as with events that were posted."""

    def apply(connection: Connection, records: Sequence[Record]) -> None:
        day = registers.stored_date(connection)
        if day is None:
            # Not the records' fault: the batch is tried again until intake-api has set the date.
            raise ConnectionError("there is no business date yet")
        candidates = [candidate for record in records for candidate in candidates_of(record)]
        for candidate in candidates:
            receive.judge(candidate, day)
        decisions = receive.receive(connection, candidates)
        metrics.count(decisions)
        if named := heard(candidates, decisions):
            archive.keep_heard(connection, dict.fromkeys(named, datetime.now(UTC)))

    return apply


def main() -> NoReturn:
    """Read the topic until SIGTERM or Ctrl-C."""
    configure_logs("intake-worker")
    settings = Settings()
    receive = receiver(settings, load_catalogue(settings.catalogue))
    start_metrics(settings.metrics_port, "intake-worker", host=settings.host)
    run_worker(
        settings=settings,
        group="intake",
        topic=INBOUND,
        engine=engine(settings),
        positions=Positions(tables.position),
        parking=Parking(tables.parked, tables.outbox, "intake"),
        apply=apply_with(receive),
        business_date=registers.stored_date,
    )
