"""What followup shows at `/metrics` beside what every process does: never an outcome, a person or a case."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from prometheus_client import Counter, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from efterhand.persons.computing import read_computing
from efterhand_followup.adapters.context_store import read_context
from efterhand_followup.adapters.delivery_store import read_undelivered
from efterhand_followup.adapters.tables import check, kept
from efterhand_followup.application.read_checks import WORKING_STATES
from efterhand_followup.application.read_doubts import count_doubts
from efterhand_followup.application.read_status import oldest_overdue_notice, read_backlog
from efterhand_followup.application.recompute import Recomputed

NOTICES_MADE: Final = Counter("efterhand_followup_notices_made_total", "Notices made")
NOTICES_WITHDRAWN: Final = Counter("efterhand_followup_notices_withdrawn_total", "Notices withdrawn")
PERSONS_COMPUTED: Final = Counter("efterhand_followup_persons_computed_total", "Persons computed, each time")
CLOCK_FAILURES: Final = Counter(
    "efterhand_followup_clock_failures_total", "Rounds of the clock that failed and were tried again"
)
NOTICES_DELIVERED: Final = Counter(
    "efterhand_followup_notices_delivered_total", "Notices that the channels took, each by each channel", ["kind"]
)
DELIVERY_FAILURES: Final = Counter(
    "efterhand_followup_delivery_failures_total", "Attempts to deliver a digest that failed", ["kind"]
)
DELIVERY_ROUNDS_FAILED: Final = Counter(
    "efterhand_followup_delivery_rounds_failed_total", "Rounds of delivery that failed and were tried again"
)
PERSONS_FAILED: Final = Gauge(
    "efterhand_followup_persons_failed", "Persons who cannot be computed by the catalogue that is loaded"
)


def count(done: Recomputed) -> None:
    """Count what a computation did."""
    PERSONS_COMPUTED.inc(done.persons)
    NOTICES_MADE.inc(done.made)
    NOTICES_WITHDRAWN.inc(done.withdrawn)


class StateCollector(Collector):
    """Reads the database whenever the metrics are asked for; shows nothing while it does not answer."""

    def __init__(self, engine: Engine) -> None:
        """`engine` is that of the service's database."""
        self._engine = engine

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Return nothing: registering must not read the database."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the figures of this moment."""
        try:
            yield from self._read()
        except (DBAPIError, PoolTimeoutError):
            return

    def _read(self) -> list[GaugeMetricFamily]:
        with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            context = read_context(connection)
            backlog = read_backlog(connection)
            known = read_computing(connection, kept, context.generation).of
            oldest = oldest_overdue_notice(connection)
            doubts = count_doubts(connection)
            undelivered = read_undelivered(connection)
            counts = connection.execute(
                select(check.c.protocol, check.c.state, func.count())
                .where(check.c.state.in_(WORKING_STATES))
                .group_by(check.c.protocol, check.c.state)
            ).all()
        unsettled = GaugeMetricFamily(
            "efterhand_followup_unsettled_checks", "Checks that wait for something", labels=["protocol", "state"]
        )
        for protocol, state, number in counts:
            unsettled.add_metric([protocol, state], number)
        doubtful = GaugeMetricFamily(
            "efterhand_followup_doubts_open", "Entries of the data-quality list", labels=["code"]
        )
        for code, number in doubts.items():
            doubtful.add_metric([code], number)
        families = [
            unsettled,
            doubtful,
            _gauge("efterhand_followup_dirty_persons", "Persons who are still to be computed", backlog.persons),
            _gauge("efterhand_followup_known_persons", "Persons of whom something is held", known),
            _gauge(
                "efterhand_followup_hidden_protocols",
                "Protocols that are not shown before everybody has been computed by them",
                len(context.protocols.items() - context.definitions.items()),
            ),
            _gauge("efterhand_followup_dirty_lists", "Notices that sum up and have to follow", backlog.lists),
            _gauge("efterhand_followup_parked_messages", "Messages put aside", backlog.parked),
        ]
        digests = GaugeMetricFamily(
            "efterhand_followup_undelivered_digests", "Digests that wait, or are not tried any more", labels=["state"]
        )
        digests.add_metric(["waiting"], undelivered.waiting)
        digests.add_metric(["failed"], undelivered.failed)
        families.append(digests)
        today = context.business_date
        if today is not None:
            families.append(
                _gauge(
                    "efterhand_followup_oldest_undelivered_digest_age_seconds",
                    "Time since the day of the oldest digest that waits, in whole days",
                    _seconds_since(undelivered.oldest_day, today),
                )
            )
            age = GaugeMetricFamily(
                "efterhand_followup_feed_age_seconds",
                "Time since the day that a feed with a watermark is known up to, in whole days",
                labels=["feed"],
            )
            for feed, through in context.through.items():
                age.add_metric([feed], max(0.0, (today - through).total_seconds()))
            families.append(age)
            families.append(
                _gauge(
                    "efterhand_followup_oldest_overdue_notice_age_seconds",
                    "Time since the moment of the oldest open notice about an overdue check, in whole days",
                    _seconds_since(oldest, today),
                )
            )
        return families


def _seconds_since(day: date | None, today: date) -> float:
    return 0.0 if day is None else max(0.0, (today - day).total_seconds())


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, value=value)
