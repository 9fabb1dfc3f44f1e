"""The thread that keeps what follows from time passing: the date, revocations, tries with a new catalogue, figures."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Final

import structlog
from sqlalchemy import Connection, Engine

from efterhand import metrics as shared
from efterhand.catalogue.texts import WrittenCatalogue
from efterhand.clock import today_in_stockholm
from efterhand.logs import describe
from efterhand.settings import Settings
from efterhand_intake import metrics
from efterhand_intake.adapters import archive, refusals, registers
from efterhand_intake.adapters.writer import Writer
from efterhand_intake.application import adopt_catalogue, keep_the_date, try_refused_again

_log = structlog.get_logger(__name__)

_TICK_SECONDS: Final = 1.0
_MEASURE_SECONDS: Final = 10.0
_NAMES_SHOWN: Final = 200


class Keeper:
    """Looks once a second at what has to be done; survives any outage of the database."""

    def __init__(
        self,
        engine: Engine,
        writer: Writer,
        settings: Settings,
        written: WrittenCatalogue,
        on_revoked: Callable[[frozenset[str]], None],
        on_outgoing: Callable[[], None],
    ) -> None:
        """Make a keeper, which does nothing until it is started.

        Args:
            engine: of the schema `intake`.
            writer: stores what is tried again, and knows who was heard.
            settings: the clock and its first date.
            written: the loaded catalogue.
            on_revoked: is told the ids of all revoked tokens, again and again.
            on_outgoing: is told that something waits to be published.
        """
        self._engine = engine
        self._writer = writer
        self._clock = settings.clock
        self._first_date = settings.start_date
        self._written = written
        self._version = written.catalogue.version
        self._on_revoked = on_revoked
        self._on_outgoing = on_outgoing
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._day: date | None = None
        self._adopted = False
        self._tried = False
        self._measured = float("-inf")
        self._heard: dict[tuple[str, str], datetime] = {}

    @property
    def day(self) -> date | None:
        """The business date as last seen; None until the database has answered."""
        return self._day

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> bool:
        """Stop; return whether the thread has ended within `timeout` seconds."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def look(self) -> None:
        """Do what has to be done now. Raises what the database raises."""
        with self._engine.begin() as connection:
            self._keep_date(connection)
            self._on_revoked(frozenset(each for each, _ in registers.revoked_tokens(connection)))
        if not self._adopted and self._day is not None:
            self._adopt_catalogue(self._day)
            self._adopted = True
        if not self._tried:
            self._try_refused_again()
        if time.monotonic() - self._measured >= _MEASURE_SECONDS:
            self._measure()
            self._measured = time.monotonic()

    def _run(self) -> None:
        complained = False
        while not self._stopping.is_set():
            try:
                self.look()
                complained = False
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever it is
                if not complained:
                    _log.warning("keeping waits and is tried again", action="keeper_waits", error=describe(error))
                complained = True
            self._stopping.wait(_TICK_SECONDS)

    def _keep_date(self, connection: Connection) -> None:
        if self._day is None:
            first = self._first_date if self._clock == "manual" and self._first_date else today_in_stockholm()
            self._day = keep_the_date.begin_with(connection, first)
            self._on_outgoing()
        else:
            self._day = registers.stored_date(connection)
        today = today_in_stockholm()
        # A date that a manual clock has left in the future stands until the calendar has come there.
        if self._clock == "system" and self._day is not None and self._day < today:
            keep_the_date.move_to(connection, today)
            self._day = today
            self._on_outgoing()
        if self._day is not None:
            shared.show_business_date(self._day)

    def _adopt_catalogue(self, day: date) -> None:
        with self._engine.begin() as connection:
            changes = adopt_catalogue.adopt_catalogue(connection, self._written, day)
        if changes:
            _log.info(
                "the catalogue has changed",
                action="catalogue_changed",
                catalogue=self._version,
                changes=[change["en"] for change in changes],
            )

    def _try_refused_again(self) -> None:
        with self._engine.connect() as connection:
            is_new = try_refused_again.is_new_catalogue(connection, self._version)
        after = 0
        while is_new and self._day is not None and not self._stopping.is_set():
            with self._engine.connect() as connection:
                tries = try_refused_again.next_tries(connection, after)
            if not tries:
                with self._engine.begin() as connection:
                    try_refused_again.done_with(connection, self._version)
                break
            for candidate in tries:
                self._writer.judge(candidate, self._day)
            self._writer.apply(tries)
            after = max(candidate.entry or 0 for candidate in tries)
        self._tried = True

    def _measure(self) -> None:
        fresh = dict(self._writer.heard)
        changed = {name: last for name, last in fresh.items() if self._heard.get(name) != last}
        with self._engine.begin() as connection:
            if changed:
                archive.keep_heard(connection, changed)
            heard = archive.heard(connection)
            metrics.OPEN_REFUSALS.set(refusals.count_open(connection))
            metrics.PARKED_ROWS.labels("intake").set(registers.count_parked(connection))
        self._heard = {**heard, **fresh}
        now = datetime.now(UTC)
        for (kind, name), last in sorted(heard.items())[:_NAMES_SHOWN]:
            metrics.SINCE_HEARD.labels(kind, name).set(max(0.0, (now - last).total_seconds()))
