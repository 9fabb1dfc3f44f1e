"""Killed and born again: `python -m tests.chaos.born_again [--seed N]`.

Kafka's data directory is deleted between two starts: once while what the workers have not read lies nowhere but there
and in the archive, and once more when everything is level. Each time the topic's new id is noticed and intake publishes
again; the result is that of the reference. Exit code 0, or 1 with what differs.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.kill import history, outcome
from tests.kill.driving import Driver
from tests.kill.running import Failed, RunningSystem, clean_up_when_asked_to_stop, wait_for

ENROLMENTS = 150
SETTLE_SECONDS = 120.0
WORKERS = ("followup-worker", "indicators-worker")


def topic_ids(system: RunningSystem) -> dict[str, set[str]]:
    """The id of the topic `case-events` that each service goes by."""
    ids = {
        service: {
            str(row[0]) for row in system.query(f"SELECT topic_id FROM {service}.position WHERE topic = 'case-events'")
        }
        for service in ("followup", "indicators")
    }
    ids["intake"] = {str(row[0]) for row in system.query("SELECT value FROM intake.kept WHERE name LIKE '%topic_id'")}
    return ids


def freeze(system: RunningSystem, name: str) -> None:
    """Have a process stand still, so that what it would read stays unread."""
    worker = system.process(name)
    if worker is None:
        raise Failed(f"{name} does not run")
    worker.send(signal.SIGSTOP)


def unread(system: RunningSystem) -> dict[str, Any]:
    """What is published and not applied, by service; only when nothing waits in intake any more."""
    statuses = system.statuses(timeout=10.0)
    intake = statuses["intake"]
    if intake is None or intake["outbox"] or intake["lag"]:
        return {}
    return {name: status["lag"] for name, status in statuses.items() if status and name != "intake" and status["lag"]}


def reborn(system: RunningSystem, say: Callable[[str], None]) -> None:
    """Stop, delete Kafka's data, start, and wait until the new topic is everybody's."""
    before = topic_ids(system)
    system.stop()
    shutil.rmtree(system.home / "kafka" / "data")
    system.start()

    def noticed() -> bool:
        now = topic_ids(system)
        return (
            all(len(ids) == 1 and not ids & before[service] for service, ids in now.items())
            and now["intake"] == now["followup"] == now["indicators"]
        )

    wait_for("every service goes by the new topic's id", noticed, SETTLE_SECONDS)
    say(f"the topic's new id is everybody's: {topic_ids(system)['intake']}")


def run(system: RunningSystem, plan: history.Plan, say: Callable[[str], None]) -> list[str]:
    """Gives what is wrong."""
    middle = len(plan.periods) // 2
    halves = [history.Plan(plan.seed, periods) for periods in (plan.periods[:middle], plan.periods[middle:])]
    system.start()
    last = history.Plan(plan.seed, halves[0].periods[-1:])
    Driver(system, history.Plan(plan.seed, halves[0].periods[:-1])).free()
    system.settle(SETTLE_SECONDS)
    for name in WORKERS:
        freeze(system, name)
    Driver(system, last).free()
    left = wait_for("all is published and something unread", lambda: unread(system), 60.0)
    say(f"unread when Kafka's data is deleted: {left}")
    reborn(system, say)
    Driver(system, halves[1]).free()
    system.settle(SETTLE_SECONDS)
    first = outcome.read(system)
    reborn(system, say)
    system.settle(SETTLE_SECONDS)
    second = outcome.read(system)
    system.stop()
    told = outcome.expected(plan)
    return outcome.differences(first, second, "before", "after") + outcome.differences(
        outcome.as_the_reference_tells_it(first), told, "born again", "reference"
    )


def main() -> int:
    """Run the test; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.born_again", description=__doc__)
    parser.add_argument("--seed", type=int)
    arguments = parser.parse_args()
    clean_up_when_asked_to_stop()
    seed = random.SystemRandom().randrange(1_000_000) if arguments.seed is None else arguments.seed
    began = time.monotonic()

    def say(sentence: str) -> None:
        print(f"{time.monotonic() - began:6.1f}s  {sentence}", flush=True)

    directory = Path(tempfile.mkdtemp(prefix="efterhand-chaos-"))
    directory.chmod(0o711)
    say(f"seed {seed}, in {directory}")
    system = RunningSystem(directory / "home", history.FIRST_DATE)
    try:
        wrong = run(system, history.plan(seed, ENROLMENTS), say)
    except Failed as failure:
        wrong = [str(failure)]
    finally:
        system.clean_up()
    for line in wrong[:30]:
        print(f"  {line}")
    if wrong:
        print(f"BORN AGAIN TEST FAILED: {len(wrong)} findings, seed {seed}; the home and its logs are in {directory}")
        return 1
    shutil.rmtree(directory, ignore_errors=True)
    say(f"BORN AGAIN TEST PASSED: Kafka's data deleted twice, the result is that of the reference; seed {seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
