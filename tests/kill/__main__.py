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
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tests.kill import history, outcome
from tests.kill.driving import Driver
from tests.kill.killing import Killer, shortcomings, table_of
from tests.kill.running import Failed, RunningSystem, clean_up_when_asked_to_stop

Say = Callable[[str], None]

ENROLMENTS = 400
SETTLE_SECONDS = 150.0


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
    say("read")
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
    erased = plan.erased
    return {
        f"{sending.event['source']} {sending.event['id']}"
        for sending in plan.sendings
        if sending.person in erased and sending.event["type"] != "person.erased"
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
            systems[1].take_secrets_of(systems[0])
            calm = undisturbed(systems[1], plan)
            systems[1].stop()
            say("waiting for the reference")
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
