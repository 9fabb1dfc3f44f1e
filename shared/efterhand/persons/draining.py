"""Computing whoever is due, some persons at a time, beside the live traffic."""

import threading
from collections.abc import Callable, Collection
from typing import Final

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from efterhand.logs import describe

_log = structlog.get_logger(__name__)

PERSONS_AT_A_TIME: Final = 500
_BACKOFF_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 5.0)


class CannotCompute(RuntimeError):
    """The rules fail on at least one of these persons; nothing has been written that may be kept."""

    def __init__(self, persons: Collection[str]) -> None:
        """`persons`: who were to be computed together; they are not part of the message."""
        super().__init__(f"one of {len(persons)} persons cannot be computed")
        self.persons = tuple(persons)


class Draining:
    """Computes persons in batches; a person on whom the rules fail stops nobody else."""

    def __init__(self, compute: Callable[[int, Collection[str]], int], failed: Gauge) -> None:
        """Make one.

        Args:
            compute: computes at most so many persons, and not those; returns how many. Raises CannotCompute.
            failed: shows how many persons have turned out not to be computable.
        """
        self._compute = compute
        self._shown = failed
        self._failed: set[str] = set()
        self._at_a_time = PERSONS_AT_A_TIME

    @property
    def failed(self) -> int:
        """How many persons have turned out not to be computable."""
        return len(self._failed)

    def some(self) -> int:
        """Compute a batch; return how many persons that were: 0 when nobody is left, or when others are at it."""
        while True:
            try:
                done = self._compute(self._at_a_time, self._failed)
            except CannotCompute as error:
                if len(error.persons) > 1:
                    # The others must not wait for the one: who it is shows when everybody is computed alone.
                    self._at_a_time = 1
                    continue
                _log.error("a person cannot be computed", action="person_failed", exc_info=error.__cause__)
                self._failed.update(error.persons)
                self._shown.set(len(self._failed))
                self._at_a_time = PERSONS_AT_A_TIME
            else:
                if not done:
                    self._at_a_time = PERSONS_AT_A_TIME
                return done


class Rounds:
    """A thread that does rounds for as long as there is something to do, and then waits for more."""

    def __init__(
        self,
        name: str,
        begin: Callable[[], object],
        do_round: Callable[[], object],
        *,
        poll_seconds: float,
        failures: Counter | None = None,
    ) -> None:
        """Make a thread, which does nothing until it is started. Whatever fails is tried again, later and later.

        Args:
            name: of the thread, and of what it logs.
            begin: done once, before the first round.
            do_round: returns something true if there was anything to do.
            poll_seconds: between rounds when there is nothing to do.
            failures: counts what failed.
        """
        self._name = name
        self._begin = begin
        self._round = do_round
        self._poll_seconds = poll_seconds
        self._failures = failures
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> bool:
        """Stop behind the round at hand; return whether the thread has ended within `timeout` seconds."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def notify(self) -> None:
        """Say that there is something to do; from any thread, at no cost."""
        self._wake.set()

    def _run(self) -> None:
        attempt = 0
        begun = False
        while not self._stopping.is_set():
            try:
                if not begun:
                    self._begin()
                    begun = True
                if not self._round():
                    self._wake.wait(self._poll_seconds)
                    self._wake.clear()
                attempt = 0
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever it is
                if self._failures is not None:
                    self._failures.inc()
                if isinstance(error, DBAPIError | PoolTimeoutError):
                    _log.warning("a round waits for the database", action=f"{self._name}_waits", error=describe(error))
                else:
                    _log.exception("a round has failed", action=f"{self._name}_failed")
                self._stopping.wait(_BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)])
                attempt += 1
