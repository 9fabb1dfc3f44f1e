"""The thread that computes whoever has to be computed anew: after a rebuild, or by another catalogue."""

import threading
from datetime import date
from typing import Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from efterhand.logs import describe
from efterhand_indicators.adapters.context_store import move_business_date
from efterhand_indicators.application.adopt_catalogue import adopt_catalogue
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.application.drain import PERSONS_AT_A_TIME, CannotCompute, drain_some
from efterhand_indicators.entrypoints import metrics

_log = structlog.get_logger(__name__)

_POLL_SECONDS: Final = 0.2
_BACKOFF_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 5.0)


class Drainer:
    """Computes persons in batches beside the live traffic. Several may run; they share the work."""

    def __init__(self, engine: Engine, computing: Engine, definitions: Definitions) -> None:
        """Make one, which does nothing until it is started; `computing` is planned for looking up persons."""
        self._engine = engine
        self._computing = computing
        self._definitions = definitions
        self._failed: set[str] = set()
        self._at_a_time = PERSONS_AT_A_TIME
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drainer", daemon=True)

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
        """Say that there is something to do; from any thread, at no cost."""
        self._wake.set()

    def set_date(self, day: date) -> None:
        """Work with a later business date from now on. Raises what the database raises."""
        with self._engine.begin() as connection:
            moved = move_business_date(connection, day)
        if moved:
            _log.info("the business date moved", action="date_moved", date=day.isoformat())

    def round(self) -> int:
        """Compute a batch of persons; return how many. A person on whom the rules fail stops nobody else."""
        try:
            done = drain_some(self._computing, self._definitions, self._at_a_time, self._failed)
        except CannotCompute as error:
            if len(error.persons) > 1:
                self._at_a_time = 1
                return len(error.persons)
            self._failed.update(error.persons)
            self._at_a_time = PERSONS_AT_A_TIME
            metrics.PERSONS_FAILED.set(len(self._failed))
            _log.error("a person cannot be computed", action="person_failed", exc_info=error.__cause__)
            return 1
        metrics.PERSONS_COMPUTED.inc(done)
        return done

    def _run(self) -> None:
        attempt = 0
        adopted = False
        while not self._stopping.is_set():
            try:
                if not adopted:
                    with self._engine.begin() as connection:
                        adopt_catalogue(connection, self._definitions)
                    adopted = True
                if not self.round():
                    self._wake.wait(_POLL_SECONDS)
                    self._wake.clear()
                attempt = 0
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever it is
                if isinstance(error, DBAPIError | PoolTimeoutError):
                    _log.warning("computing waits and is tried again", action="drain_waits", error=describe(error))
                else:
                    _log.exception("persons cannot be computed", action="drain_failed")
                self._stopping.wait(_BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)])
                attempt += 1
