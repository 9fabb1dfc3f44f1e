"""`efterhand up` as its user runs it: a process of its own, told by signals, known by its ready file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

EFTERHAND = (sys.executable, "-m", "efterhand.cli")

# The supervisor with the two servers alone, for what has nothing to do with the services.
SERVERS_ONLY = """
import sys
from pathlib import Path
from efterhand.cli.output import tell
from efterhand.embedded.errors import CannotStart
from efterhand.embedded.supervisor import Options, Supervisor
home, port, ready_file = sys.argv[1:]
options = Options(home=Path(home), port=int(port), ready_file=Path(ready_file))
try:
    sys.exit(Supervisor(options, tell, services=()).run())
except CannotStart as error:
    sys.exit(str(error))
"""


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """The first true value of `condition`; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)
    return value


class Run:
    """A supervisor that was started; `said` is what it has told on stderr."""

    def __init__(self, process: subprocess.Popen[bytes], ready_file: Path, told: Path) -> None:
        self.process, self.ready_file, self._told = process, ready_file, told

    @property
    def said(self) -> str:
        return self._told.read_text()

    def ready(self, seconds: float = 120.0) -> dict[str, Any]:
        """What the ready file holds, once it is there."""

        def read() -> dict[str, Any] | None:
            assert self.process.poll() is None, self.said
            return json.loads(self.ready_file.read_text()) if self.ready_file.exists() else None

        return dict(wait_until(read, f"ready: {self.said}", seconds))

    def pids(self) -> dict[str, int]:
        return dict(json.loads(self.ready_file.read_text())["pids"])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Exit code and seconds that stopping took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(40), time.monotonic() - begun


def start(directory: Path, command: list[str], environment: Mapping[str, str] | None = None, **more: Any) -> Run:
    """Start a supervisor; the same directory may be used by one after the other."""
    told, ready_file = directory / "told", directory / "ready.json"
    ready_file.unlink(missing_ok=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EFTERHAND_")}
    with told.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env={**clean, **(environment or {})}, **more)
    return Run(process, ready_file, told)


@contextmanager
def ended_with_the_test(home: Path) -> Iterator[list[Run]]:
    """Whatever the test does, nothing of the home runs afterwards."""
    from efterhand.embedded.children import end, orphans

    runs: list[Run] = []
    yield runs
    for run in runs:
        if run.process.poll() is None:
            run.process.terminate()
            try:
                run.process.wait(30)
            except subprocess.TimeoutExpired:
                run.process.kill()
                run.process.wait()
    end(orphans(home / "run"), ((signal.SIGTERM, 5.0),))
