"""Group commit: what many requests brought is put on disk in one transaction."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from efterhand_intake import metrics
from efterhand_intake.adapters.archive import NoDateYet
from efterhand_intake.application.receive_events import Receiver
from efterhand_intake.domain.candidates import ACCEPTED, Candidate, Decision, heard

_log = structlog.get_logger(__name__)

_EVENTS_IN_A_TRANSACTION: Final = 2000
_EVENTS_WAITING: Final = 50_000
_LONGEST_WAIT: Final = 30.0
_COLLISIONS: Final = frozenset({"40001", "40P01"})
_Result = TypeVar("_Result")
_PASSING: Final = (OperationalError, InterfaceError, PoolTimeoutError, NoDateYet)


class NotStored(Exception):
    """It could not be put on disk, or not in time; it may succeed later. Nothing was promised."""


@dataclass(slots=True)
class _Waiting:
    candidates: Sequence[Candidate]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[list[Decision]]"


class Writer:
    """A thread that stores what waits; `store` is for the event loop, `apply` for other threads."""

    def __init__(self, engine: Engine, receiver: Receiver, on_outgoing: Callable[[], None]) -> None:
        """Make a writer, which stores nothing until it is started; `on_outgoing` is told that something waits."""
        self._engine = engine
        self._on_outgoing = on_outgoing
        self._receiver = receiver
        self._waiting: deque[_Waiting] = deque()
        self._events_waiting = 0
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._connection: Connection | None = None
        self.day: date | None = None
        """The business date of the last transaction."""
        self.heard: dict[tuple[str, str], datetime] = {}
        """When sources and feeds were last heard by this process."""

    def start(self) -> None:
        """Start storing."""
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> bool:
        """Store what waits, then stop; return whether that was done within `timeout` seconds."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def judge(self, candidate: Candidate, day: date) -> None:
        """Judge a candidate by itself, on a business date; before it is stored or applied."""
        self._receiver.judge(candidate, day)

    async def store(self, candidates: Sequence[Candidate]) -> list[Decision]:
        """Decide about judged candidates and keep them; returns when that is on disk.

        Raises:
            NotStored: the database is away or full, or too much waits; also when it is not known what was kept.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(candidates, loop, loop.create_future())
        with self._wake:
            if self._stopping or self._events_waiting > _EVENTS_WAITING:
                metrics.NOT_STORED.inc()
                raise NotStored
            self._waiting.append(waiting)
            self._events_waiting += len(candidates)
            self._wake.notify()
        # Not `wait_for`, which makes a task of each request.
        timer = loop.call_later(_LONGEST_WAIT, _give_up, waiting)
        try:
            return await waiting.future
        except NotStored:
            metrics.NOT_STORED.inc()
            raise
        finally:
            timer.cancel()

    def apply(self, candidates: Sequence[Candidate], *, keep: bool = True) -> list[Decision]:
        """Decide about candidates in a transaction of their own; `keep=False` only tells what would be decided.

        Raises:
            NotStored: see `store`.
        """
        try:
            decisions = _again_if_lost(lambda: self._transaction(candidates, keep))
        except _PASSING as error:
            raise NotStored from error
        if keep:
            self._on_outgoing()
            self._count(candidates, decisions)
        return decisions

    def _transaction(self, candidates: Sequence[Candidate], keep: bool) -> list[Decision]:
        with self._engine.connect() as connection:
            decisions = self._receiver.receive(connection, candidates)
            if keep:
                connection.commit()
            return decisions

    def _apply_quickly(self, candidates: Sequence[Candidate]) -> list[Decision]:
        """Do what `apply` does: what is plain in one statement, the rest in a transaction."""
        try:
            taken = _again_if_lost(lambda: self._take(candidates))
        except _PASSING as error:
            raise NotStored from error
        if taken:
            self._on_outgoing()
        if len(taken) == len(candidates):
            decisions = [ACCEPTED] * len(candidates)
            self._count(candidates, decisions)
            return decisions
        places = [index for index in range(len(candidates)) if index not in taken]
        rest = dict(zip(places, self.apply([candidates[index] for index in places]), strict=True))
        self._count([candidates[index] for index in taken], list(taken.values()))
        return [taken.get(index) or rest[index] for index in range(len(candidates))]

    def _take(self, candidates: Sequence[Candidate]) -> dict[int, Decision]:
        if self._connection is None:
            # Kept from one transaction to the next: to get one from the pool asks the server three questions.
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            return self._receiver.take(self._connection, candidates)
        except BaseException:
            self._let_go()
            raise

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._stopping:
                    self._wake.wait()
                if not self._waiting:
                    self._let_go()
                    return
                group = [self._next()]
                events = len(group[0].candidates)
                while self._waiting and events + len(self._waiting[0].candidates) <= _EVENTS_IN_A_TRANSACTION:
                    group.append(self._next())
                    events += len(group[-1].candidates)
            self._store_group(group)

    def _next(self) -> _Waiting:
        waiting = self._waiting.popleft()
        self._events_waiting -= len(waiting.candidates)
        return waiting

    def _store_group(self, group: list[_Waiting]) -> None:
        started = time.perf_counter()
        candidates = [candidate for waiting in group for candidate in waiting.candidates]
        try:
            decisions = self._apply_quickly(candidates)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
            if len(group) > 1 and isinstance(error, DBAPIError | ValueError | TypeError | LookupError):
                # One request that cannot be stored must not take the others with it.
                for waiting in group:
                    self._store_group([waiting])
                return
            if not isinstance(error, NotStored):
                _log.error("a group of requests failed", action="group_failed", exc_info=error)
            _deliver([(waiting, error) for waiting in group])
            return
        metrics.COMMIT_SECONDS.observe(time.perf_counter() - started)
        metrics.COMMIT_EVENTS.observe(len(candidates))
        answers: list[tuple[_Waiting, list[Decision] | Exception]] = []
        begin = 0
        for waiting in group:
            answers.append((waiting, decisions[begin : begin + len(waiting.candidates)]))
            begin += len(waiting.candidates)
        _deliver(answers)

    def _count(self, candidates: Sequence[Candidate], decisions: Sequence[Decision]) -> None:
        if candidates:
            self.day = candidates[0].day
        metrics.count(decisions)
        self.heard.update(dict.fromkeys(heard(candidates, decisions), datetime.now(UTC)))


def _again_if_lost(act: Callable[[], _Result]) -> _Result:
    """Act, and once more when the connection turns out to be dead, or to have met another in a circle of waiting.

    A connection that has died while nothing was asked of it is no reason to send anybody away. If it died while it
    committed, the second attempt finds duplicates, which are an answer as good.
    """
    try:
        return act()
    except DBAPIError as error:
        if not error.connection_invalidated and getattr(error.orig, "sqlstate", None) not in _COLLISIONS:
            raise
    return act()


def _deliver(answers: Sequence[tuple[_Waiting, list[Decision] | Exception]]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Waiting, list[Decision] | Exception]]] = {}
    for answer in answers:
        by_loop.setdefault(answer[0].loop, []).append(answer)
    for loop, theirs in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, theirs)


def _resolve(answers: Sequence[tuple[_Waiting, list[Decision] | Exception]]) -> None:
    for waiting, answer in answers:
        if waiting.future.done():
            continue
        if isinstance(answer, Exception):
            waiting.future.set_exception(answer)
        else:
            waiting.future.set_result(answer)


def _give_up(waiting: _Waiting) -> None:
    if not waiting.future.done():
        waiting.future.set_exception(NotStored())
