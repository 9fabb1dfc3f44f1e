"""Kills processes with SIGKILL at random moments, each while something waits to be published or applied."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from signal import SIGKILL
from typing import Any, Final

import httpx

from tests.kill.running import SERVICES, Failed, RunningSystem, wait_for

TARGETS: Final = {
    "intake-api": ("api", 3),
    "followup-api": ("api", 2),
    "indicators-api": ("api", 2),
    "intake-worker": ("worker", 3),
    "followup-worker": ("worker", 3),
    "indicators-worker": ("worker", 3),
    "kafka": ("Kafka", 4),
    "postgres": ("PostgreSQL", 4),
    "supervisor": ("supervisor", 3),
}
"""What is killed, of which kind it is, and how often."""
KINDS: Final = ("api", "worker", "Kafka", "PostgreSQL", "supervisor")
LEAST_OF_A_KIND: Final = 3
LEAST_OF_ALL: Final = 25

SHARE_OF_CALM: Final = 0.5
"""Of so many kills the system has answered in every part again before; the others hit it while it gets up."""

_PATIENCE_SECONDS: Final = 60.0
_CALM_SECONDS: Final = 20.0
_MORE_AFTER_SECONDS: Final = 1.5


@dataclass(frozen=True)
class Kill:
    """What was killed when, and what was waiting just before."""

    at: float
    target: str
    pid: int
    pending: dict[str, dict[str, int | None]]

    @property
    def waiting(self) -> int:
        """Rows of outboxes and records of topics that were waiting."""
        return sum(value or 0 for own in self.pending.values() for value in own.values())


def order_of(rng: random.Random) -> list[str]:
    """The targets in the order of their kills: in rounds, so that what was killed has time to get up again."""
    order: list[str] = []
    for number in range(max(often for _, often in TARGETS.values())):
        targets = [target for target, (_, often) in TARGETS.items() if often > number]
        rng.shuffle(targets)
        order += targets
    return order


def pending_in(statuses: dict[str, dict[str, Any] | None]) -> dict[str, dict[str, int | None]]:
    """Outbox and lag of each service that answers; a lag is None while Kafka cannot be asked."""
    return {name: {word: status[word] for word in ("outbox", "lag")} for name, status in statuses.items() if status}


class Killer:
    """Kills by a seeded plan: which process and how long to wait are the seed's, the moment is the machine's."""

    def __init__(self, system: RunningSystem, rng: random.Random, more: Callable[[], bool]) -> None:
        """`more` has more events sent, at once; it says whether there were any left."""
        self._system = system
        self._rng = rng
        self._more = more
        self._began = time.monotonic()
        self.kills: list[Kill] = []
        self.republished = 0
        """How often the archive was published again because no event was left to make something wait."""

    def run(self, tell: Callable[[Kill], None]) -> None:
        """Kill everything in turn. Raises `Failed` when nothing can be made to wait."""
        for target in order_of(self._rng):
            time.sleep(self._rng.uniform(0.1, 1.5))
            if self._rng.random() < SHARE_OF_CALM:
                self._wait_until_all_answer()
            kill = self._kill(target)
            self.kills.append(kill)
            tell(kill)
            if target == "supervisor":
                time.sleep(self._rng.uniform(0.0, 2.0))
                self._system.start()

    def _kill(self, target: str) -> Kill:
        if target == "supervisor":
            victim = None
        else:
            victim = wait_for(f"{target} runs", lambda: self._system.process(target), _PATIENCE_SECONDS, every=0.02)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        more_at = 0.0
        while True:
            if time.monotonic() >= more_at:
                more_at = time.monotonic() + _MORE_AFTER_SECONDS
                if not self._more():
                    self._publish_again()
            pending = pending_in(self._system.statuses())
            if any(value for own in pending.values() for value in own.values()):
                if victim is None:
                    pid = self._system.supervisor_pid
                    self._system.kill_supervisor()
                    break
                if victim.is_running():
                    pid = victim.pid
                    victim.send(SIGKILL)
                    break
                victim = wait_for(f"{target} runs", lambda: self._system.process(target), _PATIENCE_SECONDS)
            if time.monotonic() > deadline:
                raise Failed(f"nothing waited for {_PATIENCE_SECONDS:.0f} s, so {target} was not killed: {pending}")
        return Kill(time.monotonic() - self._began, target, pid, pending)

    def _wait_until_all_answer(self) -> None:
        """Let it get up: every service answers and can ask Kafka. What does not come in time is not waited for."""

        def answers() -> bool:
            pending = pending_in(self._system.statuses())
            return len(pending) == len(SERVICES) and all(own["lag"] is not None for own in pending.values())

        with contextlib.suppress(Failed):
            wait_for("every service answers", answers, _CALM_SECONDS)

    def _publish_again(self) -> None:
        with contextlib.suppress(httpx.HTTPError):
            if self._system.post("/intake/v1/republish", timeout=5.0).is_success:
                self.republished += 1


def table_of(kills: list[Kill]) -> str:
    """The kills, one a line, with what was waiting before each of them."""
    head = f"{'':>3} {'at':>6}  {'killed':<18} {'pid':>8}  " + "  ".join(f"{name:>16}" for name in SERVICES)
    lines = [head, " " * 41 + "  ".join(f"{'outbox    lag':>16}" for _ in SERVICES)]
    for number, kill in enumerate(kills, start=1):
        cells = [
            f"{_cell(kill.pending[name]['outbox']):>9} {_cell(kill.pending[name]['lag']):>6}"
            if name in kill.pending
            else f"{'no answer':>16}"
            for name in SERVICES
        ]
        lines.append(f"{number:>3} {kill.at:>5.1f}s  {kill.target:<18} {kill.pid:>8}  " + "  ".join(cells))
    return "\n".join(lines)


def shortcomings(kills: list[Kill]) -> list[str]:
    """Why these kills do not show what they are to show; empty when they do."""
    found = [f"nothing waited when {kill.target} was killed" for kill in kills if kill.waiting <= 0]
    if len(kills) < LEAST_OF_ALL:
        found.append(f"only {len(kills)} kills, {LEAST_OF_ALL} are wanted")
    for kind in KINDS:
        number = sum(TARGETS[kill.target][0] == kind for kill in kills)
        if number < LEAST_OF_A_KIND:
            found.append(f"only {number} kills of the kind {kind}, {LEAST_OF_A_KIND} are wanted")
    return found


def _cell(value: int | None) -> str:
    return "?" if value is None else str(value)
