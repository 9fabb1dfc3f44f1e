"""The thread that computes whoever has to be computed anew, after a rebuild or by another catalogue, and the totals."""

from collections.abc import Collection
from datetime import date

import structlog
from sqlalchemy import Engine

from efterhand.persons.draining import Draining, Rounds
from efterhand_indicators.adapters.context_store import move_business_date
from efterhand_indicators.application.adopt_catalogue import adopt_catalogue
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.application.drain import drain_some
from efterhand_indicators.application.keep_totals import keep_totals
from efterhand_indicators.entrypoints import metrics

_log = structlog.get_logger(__name__)


class Drainer:
    """Computes persons in batches beside the live traffic. Several may run; they share the work."""

    def __init__(
        self, engine: Engine, computing: Engine, definitions: Definitions, *, poll_seconds: float = 0.2
    ) -> None:
        """Make one, which does nothing until its `rounds` start.

        Args:
            engine: of the service's database.
            computing: the same, planned for looking up persons.
            definitions: of this process.
            poll_seconds: between looks when there was nothing to do.
        """
        self._engine = engine
        self._computing = computing
        self._definitions = definitions
        self._draining = Draining(self._compute, metrics.PERSONS_FAILED)
        self.rounds = Rounds("drain", self._adopt_catalogue, self.round, poll_seconds=poll_seconds)

    def set_date(self, day: date) -> None:
        """Work with a later business date from now on. Raises what the database raises."""
        with self._engine.begin() as connection:
            moved = move_business_date(connection, day)
        if moved:
            _log.info("the business date moved", action="date_moved", date=day.isoformat())

    def round(self) -> bool:
        """Compute a batch of persons or, when nobody is left, look after the totals; return whether that was work."""
        return self._draining.some() > 0 or keep_totals(self._engine, self._definitions)

    def _adopt_catalogue(self) -> None:
        with self._engine.begin() as connection:
            adopt_catalogue(connection, self._definitions)

    def _compute(self, limit: int, passed_over: Collection[str]) -> int:
        done = drain_some(self._computing, self._definitions, limit, passed_over)
        metrics.PERSONS_COMPUTED.inc(done)
        return done
