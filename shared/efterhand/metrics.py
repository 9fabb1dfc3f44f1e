"""What every process shows at `/metrics`; no label names a person, a case or an outcome."""

from datetime import UTC, date, datetime
from importlib.metadata import version
from threading import Thread
from typing import Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import Counter, Gauge, Histogram, start_http_server

BUILD_INFO: Final = Gauge("efterhand_build_info", "1, labelled with the version that runs", ["version", "process"])
BUSINESS_DATE: Final = Gauge(
    "efterhand_business_date_timestamp_seconds", "The business date this process works with, at 00:00 UTC"
)

EVENTS_CONSUMED: Final = Counter("efterhand_events_consumed_total", "Records applied for the first time", ["topic"])
BATCH_DURATION: Final = Histogram(
    "efterhand_batch_duration_seconds",
    "Time to apply one batch, from the lock on the position to the commit",
    ["topic"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
BATCH_FAILURES: Final = Counter("efterhand_batch_failures_total", "Batches that failed and were tried again", ["topic"])
CONSUMER_LAG_EVENTS: Final = Gauge("efterhand_consumer_lag_events", "Records published but not yet applied", ["topic"])
CONSUMER_LAG_SECONDS: Final = Gauge(
    "efterhand_consumer_lag_seconds", "Age of the last record applied, 0 when nothing is left to apply", ["topic"]
)
POSITIONS_RESET: Final = Counter(
    "efterhand_positions_reset_total", "Partitions read again from the beginning of their log", ["topic", "reason"]
)

OUTBOX_ROWS: Final = Gauge("efterhand_outbox_rows", "Records that wait to be published", ["schema"])
OUTBOX_OLDEST_ROW_AGE: Final = Gauge(
    "efterhand_outbox_oldest_row_age_seconds", "Age of the record that has waited longest", ["schema"]
)
PUBLISHED: Final = Counter("efterhand_records_published_total", "Records that the broker acknowledged", ["topic"])
RELAY_FAILURES: Final = Counter(
    "efterhand_relay_failures_total", "Rounds of the relay after which something had to be sent again"
)
PARKED: Final = Counter(
    "efterhand_messages_parked_total",
    "Messages put aside: read and not applicable, or refused by the broker",
    ["topic"],
)


def show_business_date(day: date) -> None:
    """Show the date that this process works with."""
    BUSINESS_DATE.set(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def start_metrics(port: int | None, process: str, *, host: str = "127.0.0.1") -> tuple[WSGIServer, Thread] | None:
    """Serve `/metrics` of this process from a thread of its own.

    Args:
        port: to listen on; None serves nothing.
        process: name of the process, e.g. `followup-worker`.
        host: address to listen on.

    Returns:
        The server and its thread, or None.

    Raises:
        OSError: the port is in use.
    """
    BUILD_INFO.labels(version=version("efterhand"), process=process).set(1)
    return None if port is None else start_http_server(port, addr=host)
