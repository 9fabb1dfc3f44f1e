"""The thread that computes whatever has become due: by a new date, a watermark, a rebuild, another catalogue."""

import threading
from datetime import date
from typing import Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from efterhand.catalogue import Catalogue
from efterhand.logs import describe
from efterhand_followup.application.move_date import CannotCompute, adopt_catalogue, drain, move_date
from efterhand_followup.application.recompute import Recomputed
from efterhand_followup.application.sum_up import sum_up
from efterhand_followup.entrypoints import metrics

_log = structlog.get_logger(__name__)

PERSONS_AT_A_TIME: Final = 200
_POLL_SECONDS: Final = 0.1
_BACKOFF_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 5.0)


class Clock:
    """Drains what is due, in batches, beside the live traffic. Several may run; they share the work."""

    def __init__(self, engine: Engine, catalogue: Catalogue) -> None:
        """Make a clock, which does nothing until it is started."""
        self._engine = engine
        self._catalogue = catalogue
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._failed: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)

    def start(self) -> None:
        """Start."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> bool:
        """Stop behind the batch at hand; return whether the thread has ended within `timeout` seconds."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def notify(self) -> None:
        """Say that something has become due; from any thread, at no cost."""
        self._wake.set()

    def set_date(self, day: date) -> None:
        """Work with a later business date from now on. Raises what the database raises."""
        with self._engine.begin() as connection:
            moved = move_date(connection, day)
        if moved:
            _log.info("the business date moved", action="date_moved", date=day.isoformat())
        self.notify()

    def round(self) -> bool:
        """Compute a batch of persons, and let the notices that sum up follow; return whether there was anything."""
        done = self._drain()
        with self._engine.begin() as connection:
            summed_up = sum_up(connection)
        metrics.count(done)
        metrics.count(summed_up)
        return bool(done.persons or summed_up.made or summed_up.withdrawn)

    def _drain(self) -> Recomputed:
        limit = PERSONS_AT_A_TIME
        while True:
            try:
                with self._engine.begin() as connection:
                    return drain(connection, self._catalogue, limit, self._failed)
            except CannotCompute as error:
                if limit > 1:
                    # The others must not wait for the one: who it is shows when everybody is computed alone.
                    limit = 1
                    continue
                _log.exception("a person cannot be computed and stays as it was", action="person_failed")
                self._failed.update(error.persons)
                metrics.PERSONS_FAILED.set(len(self._failed))

    def _run(self) -> None:
        attempt = 0
        adopted = False
        while not self._stopping.is_set():
            try:
                if not adopted:
                    with self._engine.begin() as connection:
                        adopt_catalogue(connection, self._catalogue)
                    adopted = True
                if not self.round():
                    self._wake.wait(_POLL_SECONDS)
                    self._wake.clear()
                attempt = 0
            except Exception as error:  # noqa: BLE001 — the thread must outlive whatever it is
                metrics.CLOCK_FAILURES.inc()
                if isinstance(error, DBAPIError | PoolTimeoutError):
                    _log.warning("the clock waits and tries again", action="clock_waits", error=describe(error))
                else:
                    _log.exception("persons cannot be computed", action="clock_failed")
                self._stopping.wait(_BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)])
                attempt += 1
