"""The thread that computes whatever has become due: by a new date, a watermark, a rebuild, another catalogue."""

from collections.abc import Collection
from datetime import date

import structlog
from sqlalchemy import Engine

from efterhand.catalogue import Catalogue
from efterhand.persons.draining import Draining, Rounds
from efterhand_followup.application.move_date import adopt_catalogue, drain, move_date
from efterhand_followup.application.sum_up import sum_up
from efterhand_followup.entrypoints import metrics

_log = structlog.get_logger(__name__)


class Clock:
    """Drains what is due, in batches, beside the live traffic. Several may run; they share the work."""

    def __init__(self, engine: Engine, catalogue: Catalogue) -> None:
        """Make a clock, which does nothing until its `rounds` are started."""
        self._engine = engine
        self._catalogue = catalogue
        self._draining = Draining(self._compute, metrics.PERSONS_FAILED)
        self.rounds = Rounds(
            "clock", self._adopt_catalogue, self.round, poll_seconds=0.1, failures=metrics.CLOCK_FAILURES
        )

    def set_date(self, day: date) -> None:
        """Work with a later business date from now on. Raises what the database raises."""
        with self._engine.begin() as connection:
            moved = move_date(connection, day)
        if moved:
            _log.info("the business date moved", action="date_moved", date=day.isoformat())
        self.rounds.notify()

    def round(self) -> bool:
        """Compute a batch of persons, and let the notices that sum up follow; return whether there was anything."""
        persons = self._draining.some()
        with self._engine.begin() as connection:
            summed_up = sum_up(connection)
        metrics.count(summed_up)
        return bool(persons or summed_up.made or summed_up.withdrawn)

    def failed_persons(self) -> int:
        """Return how many persons this process has found that cannot be computed."""
        return self._draining.failed

    def _adopt_catalogue(self) -> None:
        with self._engine.begin() as connection:
            adopt_catalogue(connection, self._catalogue)

    def _compute(self, limit: int, leave_out: Collection[str]) -> int:
        with self._engine.begin() as connection:
            done = drain(connection, self._catalogue, limit, leave_out)
        metrics.count(done)
        return done.persons
