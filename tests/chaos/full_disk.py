"""A disk that fills: `python -m tests.chaos.full_disk [--under postgres|home|both] [--seed N]`.

PostgreSQL's directory, then the whole home, lies on a small tmpfs that is filled to its last byte while a history is
posted. Nothing is answered but 202 and 503 with Retry-After; when there is room again everything goes on, by itself or
after the supervisor's restart; in the end the result is that of the reference, so no 202 was given for what is not
kept. Exit code 0, or 1 with what is wrong; 1 with a sentence where the host does not allow the mount.
"""

from __future__ import annotations

import argparse
import errno
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from tests.chaos.mounting import CannotMount, fail_without_mount, is_inside, run_with_tmpfs
from tests.kill import history, outcome
from tests.kill.driving import Driver
from tests.kill.running import Failed, RunningSystem, clean_up_when_asked_to_stop

ENROLMENTS = 400
SIZES = {"postgres": 400_000_000, "home": 900_000_000}
"""Bytes of the tmpfs; the home needs more, because `up` wants 500 MB free to start."""
FULL_SECONDS = 20.0
"""How long the disk stays full, at least."""
REFUSED_AT_LEAST = 5
"""So many requests are answered with 503 before there is room again."""
MOST_OF_THE_LOG = 800_000_000
"""Bytes; more than PostgreSQL keeps room for."""
ALONE_SECONDS = 60.0
SETTLE_SECONDS = 150.0


class Ballast:
    """A file that takes all the room there is, again and again."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "ballast"
        self.bytes = 0

    def fill(self) -> None:
        """Take whatever room is left."""
        with self._path.open("ab", buffering=0) as file:
            size = 1 << 20
            while size:
                try:
                    self.bytes += file.write(b"\0" * size)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    size //= 4

    def away(self) -> None:
        """Make room again."""
        self._path.unlink()


def run(directory: Path, full: Path, seed: int) -> list[str]:
    """Give what is wrong."""
    began = time.monotonic()

    def say(sentence: str) -> None:
        print(f"{time.monotonic() - began:6.1f}s  {sentence}", flush=True)

    system = RunningSystem(directory / "home", history.FIRST_DATE)
    plan = history.plan(seed, ENROLMENTS)
    try:
        system.start()
        driver = Driver(system, plan)
        ballast = Ballast(full)
        # While something is on its way, not between two requests.
        for _ in range(5):
            driver.more()
        ballast.fill()
        say(f"full: {ballast.bytes // 1_000_000} MB of ballast")
        filled, stopped = time.monotonic(), False
        while time.monotonic() - filled < FULL_SECONDS or driver.sender.answers["503"] < REFUSED_AT_LEAST:
            driver.more()
            ballast.fill()
            if not stopped and time.monotonic() - filled > FULL_SECONDS / 2:
                _fill_the_log(system)
                stopped = True
                say("PostgreSQL has stopped: no room for its write-ahead log")
            if time.monotonic() - filled > 6 * FULL_SECONDS:
                raise Failed(f"a full disk was hardly noticed: {dict(driver.sender.answers)}")
            time.sleep(0.5)
        kept = len(driver.sender.taken)
        say(f"answers while it was full: {_told(driver)}; making room")
        ballast.away()
        restarted = _go_on(system, driver, kept)
        driver.free()
        say(f"all is taken: {_told(driver)}; settling")
        system.settle(SETTLE_SECONDS)
        answers = outcome.read(system)
        system.stop()
    finally:
        system.clean_up()
    say("level " + ("after a restart of the supervisor" if restarted else "without a restart of the supervisor"))
    return outcome.differences(outcome.as_the_reference_tells_it(answers), outcome.expected(plan), "after", "reference")


def _fill_the_log(system: RunningSystem) -> None:
    """Write to the write-ahead log alone, until the server finds no room for more of it and stops.

    Tables that cannot grow are refused one statement at a time; this is the harder case.
    """
    try:
        with psycopg.connect(system.database_url, autocommit=True) as connection:
            for _ in range(MOST_OF_THE_LOG // 1_000_000):
                connection.execute("SELECT pg_logical_emit_message(false, 'ballast', repeat('x', 1000000))")
    except psycopg.OperationalError:
        return
    raise Failed("PostgreSQL wrote its log on a full disk")


def _go_on(system: RunningSystem, driver: Driver, kept: int) -> bool:
    """Wait until something is taken again; where that does not come by itself, after a restart. Gives whether so."""
    deadline = time.monotonic() + ALONE_SECONDS
    while time.monotonic() < deadline:
        driver.more()
        if len(driver.sender.taken) > kept:
            return False
        time.sleep(0.5)
    system.stop()
    system.start()
    return True


def _told(driver: Driver) -> str:
    return ", ".join(f"{number} × {what}" for what, number in sorted(driver.sender.answers.items()))


def main() -> int:
    """Run the test; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.full_disk", description=__doc__)
    parser.add_argument("--under", choices=[*SIZES, "both"], default="both")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    clean_up_when_asked_to_stop()
    seed = random.SystemRandom().randrange(1_000_000) if arguments.seed is None else arguments.seed
    if is_inside():
        home = arguments.directory / "home"
        try:
            wrong = run(arguments.directory, home / "postgres" if arguments.under == "postgres" else home, seed)
        except Failed as failure:
            wrong = [str(failure)]
        for line in wrong[:30]:
            print(f"  {line}")
        if wrong:
            kept = arguments.directory / "logs"
            shutil.copytree(home / "log", kept, dirs_exist_ok=True)
            print(f"{len(wrong)} findings; logs are in {kept}")
        return 1 if wrong else 0
    for under in SIZES if arguments.under == "both" else (arguments.under,):
        directory = Path(tempfile.mkdtemp(prefix="efterhand-chaos-"))
        directory.chmod(0o711)
        full = directory / "home" / "postgres" if under == "postgres" else directory / "home"
        full.mkdir(parents=True)
        (directory / "home").chmod(0o711 if os.geteuid() == 0 else 0o700)
        print(f"a full disk under {under}: seed {seed}, in {directory}", flush=True)
        given = ["--under", under, "--seed", str(seed), "--directory", str(directory)]
        try:
            code = run_with_tmpfs("tests.chaos.full_disk", given, {full: SIZES[under]})
        except CannotMount as reason:
            shutil.rmtree(directory, ignore_errors=True)
            fail_without_mount("FULL DISK TEST", reason)
        if code:
            print(f"FULL DISK TEST FAILED under {under}, seed {seed}; see {directory}")
            return 1
        shutil.rmtree(directory, ignore_errors=True)
    print(f"FULL DISK TEST PASSED: 503 with Retry-After and nothing lost; seed {seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
