"""The kill test: `python -m tests.kill [--seed N]`.

A seeded history is posted, and written to the topic, while every process of a real system is killed with SIGKILL at
random moments. Then everything is level, and equal to an undisturbed run and to the literal reference. Exit code 0, or
1 with what differs.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tests.kill import history, outcome
from tests.kill.killing import Killer, shortcomings, table_of
from tests.kill.running import Failed, RunningSystem, clean_up_when_asked_to_stop
from tests.kill.sending import Sender

Say = Callable[[str], None]

ENROLMENTS = 400
SLICE = 90
"""Events that are sent at once, to be there when something is killed."""
PERIOD_SECONDS = 150.0
SETTLE_SECONDS = 150.0


class Driver:
    """Sends a history period by period; held back, slice by slice, until `more` or `free` is called."""

    def __init__(self, system: RunningSystem, plan: history.Plan) -> None:
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


def disturbed(system: RunningSystem, plan: history.Plan, say: Say) -> tuple[outcome.Answers, list[str]]:
    """Send the history while everything is killed; gives what it came to, and what is wrong with the run itself."""
    system.start()
    driver = Driver(system, plan)
    killer = Killer(system, random.Random(f"killer/{plan.seed}"), driver.more)
    began = time.monotonic()
    try:
        killer.run(lambda kill: say(f"killed {kill.target} while {kill.waiting} waited"))
        driver.free()
        say(f"all {len(plan.sendings)} sent after {time.monotonic() - began:.0f} s; settling")
        system.settle(SETTLE_SECONDS)
        say("level")
    finally:
        driver.sender.stop()
        print(table_of(killer.kills), flush=True)
        print("answers to the sender: " + ", ".join(f"{n} × {w}" for w, n in sorted(driver.sender.answers.items())))
        if killer.republished:
            print(f"the archive was published again {killer.republished} times to have something waiting")
    answers = outcome.read(system)
    lost = {f"{source} {id_}" for source, id_ in driver.sender.taken} - answers["archive"].keys() - _gone(plan)
    wrong = shortcomings(killer.kills)
    if lost:
        wrong.append(f"{len(lost)} events got a 202 and are missing: {', '.join(sorted(lost)[:5])}")
    return answers, wrong


def undisturbed(system: RunningSystem, plan: history.Plan) -> outcome.Answers:
    """Send the same to a system that nobody disturbs."""
    system.start()
    driver = Driver(system, plan)
    try:
        driver.free()
        system.settle(SETTLE_SECONDS)
    finally:
        driver.sender.stop()
    return outcome.read(system)


def _gone(plan: history.Plan) -> set[str]:
    """What may have been taken, and is away with its person."""
    return {
        f"{sending.event['source']} {sending.event['id']}"
        for sending in plan.sendings
        if sending.person in plan.erased and sending.event["type"] != "person.erased"
    }


def main() -> int:
    """Run the test; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("--seed", type=int, help="repeat the history and the order of the kills of an earlier run")
    parser.add_argument("--enrolments", type=int, default=ENROLMENTS)
    parser.add_argument("--keep", action="store_true", help="leave the homes with their logs where they are")
    arguments = parser.parse_args()
    clean_up_when_asked_to_stop()
    seed = random.SystemRandom().randrange(1_000_000) if arguments.seed is None else arguments.seed
    began = time.monotonic()

    def say(sentence: str) -> None:
        print(f"{time.monotonic() - began:6.1f}s  {sentence}", flush=True)

    directory = Path(tempfile.mkdtemp(prefix="efterhand-kill-"))
    directory.chmod(0o711)
    say(f"seed {seed} (again: python -m tests.kill --seed {seed}), in {directory}")
    plan = history.plan(seed, arguments.enrolments)
    say(f"{len(plan.sendings)} sendings, {len(plan.accepted)} events, {len(plan.periods)} business dates")
    systems = [RunningSystem(directory / name, history.FIRST_DATE) for name in ("disturbed", "undisturbed")]
    try:
        answers, wrong = disturbed(systems[0], plan, say)
        systems[0].stop()
        say("sending the same to an undisturbed system, and asking the reference")
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            asked = pool.submit(outcome.expected, plan)
            calm = undisturbed(systems[1], plan)
            systems[1].stop()
            told = asked.result()
        wrong += outcome.differences(answers, calm, "disturbed", "undisturbed")
        wrong += outcome.differences(outcome.as_the_reference_tells_it(answers), told, "disturbed", "reference")
        wrong += outcome.differences(outcome.as_the_reference_tells_it(calm), told, "undisturbed", "reference")
    except Failed as failure:
        wrong = [str(failure)]
    finally:
        for system in systems:
            system.clean_up()
    for line in wrong[:30]:
        print(f"  {line}")
    if wrong:
        print(f"KILL TEST FAILED: {len(wrong)} findings, seed {seed}; homes and logs are in {directory}")
        return 1
    if not arguments.keep:
        shutil.rmtree(directory, ignore_errors=True)
    checks = sum(" check " in name for name in answers)
    notices = sum(" notice " in name for name in answers)
    cells = sum(isinstance(answer, dict) and "dims" in answer for answer in answers.values())
    say(
        f"KILL TEST PASSED: {checks} checks, {notices} notices, {cells} cells of figures, {len(answers['archive'])} "
        f"events and the digests are those of an undisturbed run and of the reference; seed {seed}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
