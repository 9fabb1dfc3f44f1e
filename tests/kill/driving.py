"""Sends a history in its order: period after period, the business date moved forward in between."""

from __future__ import annotations

import threading
import time
from typing import Final

from tests.kill.history import Plan
from tests.kill.running import Failed, RunningSystem
from tests.kill.sending import Sender

SLICE: Final = 90
"""Events that are sent at once, to be there when something is killed."""
PERIOD_SECONDS: Final = 150.0


class Driver:
    """Sends a history period by period; held back, slice by slice, until `more` or `free` is called."""

    def __init__(self, system: RunningSystem, plan: Plan) -> None:
        """Sending begins at once, with the first period's date."""
        self._system = system
        self._plan = plan
        self._permits = threading.Semaphore(0)
        self._free = threading.Event()
        self.sender = Sender(system)
        self.failure: Exception | None = None
        self.done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def more(self) -> bool:
        """Send a slice more; False when all of the history has been sent."""
        self.check()
        self._permits.release()
        return not self.done.is_set()

    def free(self) -> None:
        """Send the rest without being asked, and wait until all of it has been taken."""
        self._free.set()
        self._permits.release()
        while not self.done.wait(0.1):
            self.check()
        self.check()
        self.sender.stop()

    def check(self) -> None:
        """Raise what has gone wrong for good, if anything has."""
        self.sender.check()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        try:
            for period in self._plan.periods:
                self._system.move_date(period.on)
                for begin in range(0, len(period.sendings), SLICE):
                    self._permits.acquire()
                    if self._free.is_set():
                        self._permits.release()
                    self.sender.send(period.sendings[begin : begin + SLICE])
                # What is stamped with the business date is kept before the date moves.
                self.sender.wait(PERIOD_SECONDS)
                self._wait_for_the_topic()
            self.done.set()
        except Exception as error:  # noqa: BLE001 - told by the main thread
            self.failure = error

    def _wait_for_the_topic(self) -> None:
        deadline = time.monotonic() + PERIOD_SECONDS
        while True:
            status = self._system.statuses()["intake"]
            if status is not None and status["lag"] == 0:
                return
            if time.monotonic() > deadline:
                raise Failed(f"intake has not read the topic to its end: {status and status['lag']}")
            time.sleep(0.1)
