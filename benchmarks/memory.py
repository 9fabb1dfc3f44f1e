"""Memory of the whole idle embedded system, shared pages divided among those who share them (PSS), process by process.

    python -m benchmarks.memory [--small]

`efterhand up` on a fresh home; measured when it is ready, and again when a history has been loaded and applied.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import orjson
import psutil

from benchmarks.common import Goal, Report, Wrong, arguments, finish, say, wait_until
from efterhand.demo import municipality
from tests.kill.running import RunningSystem

GOAL_MB: Final = 1200.0
ENROLMENTS: Final = 1000
ENROLMENTS_SMALL: Final = 100
BATCH: Final = 500
IDLE_SECONDS: Final = 10.0
BETWEEN_ROUNDS_SECONDS: Final = 2.0


def pss_of(pid: int) -> float:
    """A process's proportional share of memory, in MB of 10^6 bytes; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6


def memory_of(pids: Mapping[str, int]) -> dict[str, float]:
    """MB of each named process with all that it has started itself (PostgreSQL's are many), and of all together."""
    named = {pid: name for name, pid in pids.items()}
    used: dict[str, float] = defaultdict(float)
    for name, pid in pids.items():
        process = psutil.Process(pid)
        family = [process] if name == "supervisor" else [process, *process.children(recursive=True)]
        for member in family:
            if member.pid == pid or member.pid not in named:
                used[name] += pss_of(member.pid)
    if any(value == 0.0 for value in used.values()):
        raise Wrong(f"a process ended while it was measured: {dict(used)}")
    return {**{name: used[name] for name in sorted(used)}, "all together": sum(used.values())}


def load(system: RunningSystem, enrolments: int) -> int:
    """Load a history; gives the number of events."""
    told = list(municipality.history(enrolments=enrolments))
    for begin in range(0, len(told), BATCH):
        body = [{"event": event, "received": day.isoformat()} for event, day in told[begin : begin + BATCH]]
        system.post("/intake/v1/load", orjson.loads(orjson.dumps(body))).raise_for_status()
    system.settle(300.0)
    return len(told)


def main() -> None:
    """Measure, print, keep."""
    given = arguments(__doc__ or "")
    load_before = os.getloadavg()[0]
    enrolments = ENROLMENTS_SMALL if given.small else ENROLMENTS
    # A round only samples; the system is the same in all of them.
    report = Report(
        "memory",
        "Memory of the whole idle embedded system (PSS)",
        goals=[
            Goal("fresh: all together", GOAL_MB, at_least=False),
            Goal("loaded: all together", GOAL_MB, at_least=False),
        ],
    )
    with tempfile.TemporaryDirectory(prefix="efterhand-memory-") as scratch:
        directory = Path(scratch)
        directory.chmod(0o711)
        system = RunningSystem(directory / "home", municipality.LAST_DAY)
        try:
            system.start()
            fresh = _samples(system, given.rounds)
            report.facts["events loaded"] = load(system, enrolments)
            loaded = _samples(system, given.rounds)
            system.stop()
        finally:
            system.clean_up()
    for empty, full in zip(fresh, loaded, strict=True):
        numbers = {f"fresh: {name}": value for name, value in empty.items()}
        numbers |= {f"loaded: {name}": value for name, value in full.items()}
        report.units |= dict.fromkeys(numbers, "MB")
        report.add_round(numbers)
    report.notes.append(
        "a process counts with what it has started; shared pages are divided among those who share them"
    )
    finish(report, given, load_before)


def _samples(system: RunningSystem, rounds: int) -> list[dict[str, float]]:
    say(f"idle for {IDLE_SECONDS:.0f} s")
    time.sleep(IDLE_SECONDS)
    samples = []
    for _ in range(rounds):
        wait_until(lambda: len(system.processes()) == 9, "all nine processes run", 60.0)
        samples.append(memory_of(system.processes()))
        time.sleep(BETWEEN_ROUNDS_SECONDS)
    return samples


if __name__ == "__main__":
    main()
