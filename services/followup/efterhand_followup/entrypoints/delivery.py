"""The thread by which channels hear of notices: digests are made, sent, and tried again."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final

import structlog
from sqlalchemy import Engine

from efterhand.persons.draining import Rounds
from efterhand_followup.adapters.not_delivered import NotDelivered
from efterhand_followup.adapters.ways_out import WaysOut
from efterhand_followup.application.compose import Composing
from efterhand_followup.application.deliver import (
    Outgoing,
    Pace,
    note_delivered,
    note_failed,
    plan,
    prepare,
    take,
)
from efterhand_followup.entrypoints import metrics

_log = structlog.get_logger(__name__)

POLL_SECONDS: Final = 1.0


def wall_clock() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Delivery:
    """Tells channels what is new, each day once. Several may run; they share the work."""

    def __init__(
        self,
        engine: Engine,
        composing: Composing,
        ways: WaysOut,
        pace: Pace,
        *,
        failed_persons: Callable[[], int] = lambda: 0,
        now: Callable[[], datetime] = wall_clock,
    ) -> None:
        """Make one, which does nothing until its `rounds` are started.

        Args:
            engine: of the service's database; none of its connections is held while another side is waited for.
            composing: what messages are made with.
            ways: that messages go by.
            pace: when things are sent.
            failed_persons: how many persons cannot be computed, and are not waited for.
            now: the time.
        """
        self._engine = engine
        self._composing = composing
        self._ways = ways
        self._pace = pace
        self._failed_persons = failed_persons
        self._now = now
        self.rounds = Rounds(
            "delivery",
            lambda: None,
            self.round,
            poll_seconds=POLL_SECONDS,
            failures=metrics.DELIVERY_ROUNDS_FAILED,
        )

    def round(self) -> bool:
        """Make what digests have become due, and send what is to be sent now; return whether there was anything."""
        with self._engine.begin() as connection:
            failed = self._failed_persons()
            planned = plan(connection, self._composing.catalogue, self._pace, self._now(), failed)
        sent = self.send_some()
        return bool(planned or sent)

    def send_some(self) -> int:
        """Send digests whose time has come; return how many were taken for it."""
        with self._engine.begin() as connection:
            taken = take(connection, self._pace, self._now())
        outgoing = []
        for each in taken:
            with self._engine.begin() as connection:
                prepared = prepare(connection, self._composing, each, self._now())
            if prepared is not None:
                outgoing.append(prepared)
        self._send_all(outgoing)
        return len(taken)

    def _send_all(self, outgoing: Sequence[Outgoing]) -> None:
        if outgoing:
            with ThreadPoolExecutor(len(outgoing), "delivery") as pool:
                list(pool.map(self._send, outgoing))

    def _send(self, each: Outgoing) -> None:
        kind = each.to.kind
        try:
            self._ways.send(each.to, each.message, self._now())
        except NotDelivered as error:
            with self._engine.begin() as connection:
                last = note_failed(connection, each, error.reason, self._pace, self._now())
            metrics.DELIVERY_FAILURES.labels(kind).inc()
            told = _log.error if last else _log.warning
            told(
                "a digest is not tried any more" if last else "a digest was not delivered",
                action="digest_failed" if last else "digest_not_delivered",
                digest=each.message.id,
                kind=kind,
                reason=error.reason,
                attempts=each.taken.attempts,
            )
            return
        with self._engine.begin() as connection:
            new = note_delivered(connection, each, self._now())
        if new:
            metrics.NOTICES_DELIVERED.labels(kind).inc(each.message.new)
