"""What indicators shows at `/metrics` beside what every process does: never a figure, a person or a case."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import Counter, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from efterhand.persons.computing import read_computing
from efterhand.persons.store import count_stale
from efterhand_indicators.adapters.closed_book import read_horizons
from efterhand_indicators.adapters.context_store import read_context
from efterhand_indicators.adapters.person_store import stale
from efterhand_indicators.adapters.tables import kept

PERSONS_COMPUTED: Final = Counter(
    "efterhand_indicators_persons_computed_total", "Persons computed anew after a rebuild or by another catalogue"
)
PERSONS_FAILED: Final = Gauge(
    "efterhand_indicators_persons_failed", "Persons who cannot be computed by the catalogue that is loaded"
)


class StateCollector(Collector):
    """Reads the database whenever the metrics are asked for; shows nothing while it does not answer."""

    def __init__(self, engine: Engine) -> None:
        """`engine` is that of the service's database."""
        self._engine = engine

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Return nothing: registering must not read the database."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the state of this moment."""
        try:
            yield from self._read()
        except (DBAPIError, PoolTimeoutError):
            return

    def _read(self) -> list[GaugeMetricFamily]:
        with self._engine.connect() as connection:
            context = read_context(connection)
            dirty = count_stale(connection, kept, stale(context.generation))
            known = read_computing(connection, kept, context.generation).of
            parked = connection.execute(text("SELECT count(*) FROM indicators.parked")).scalar_one()
            missing = sum(horizon.missing for horizon in read_horizons(connection))
        families = [
            GaugeMetricFamily(
                "efterhand_indicators_dirty_persons", "Persons who are still to be computed anew", value=dirty
            ),
            GaugeMetricFamily("efterhand_indicators_known_persons", "Persons of whom something is held", value=known),
            GaugeMetricFamily(
                "efterhand_indicators_hidden_definitions",
                "Definitions that are not shown before everybody has been computed by them",
                value=len(context.plan.definitions.items() - context.definitions.items()),
            ),
            GaugeMetricFamily("efterhand_indicators_parked_messages", "Messages put aside", value=parked),
            GaugeMetricFamily(
                "efterhand_indicators_disposed_missing_events",
                "Events that were disposed of and were not held here to be summed in the closed book",
                value=missing,
            ),
        ]
        if context.business_date is not None:
            age = GaugeMetricFamily(
                "efterhand_indicators_feed_age_seconds",
                "Time since the day that a feed with a watermark is known up to, in whole days",
                labels=["feed"],
            )
            for feed, through in context.through.items():
                age.add_metric([feed], max(0.0, (context.business_date - through).total_seconds()))
            families.append(age)
        return families
