"""One child process: started, recorded, watched, stopped; and what an earlier supervisor left behind.

A child does not end because its supervisor was killed: it has a session of its own, its output goes to a file that it
holds itself, and no pipe leads back. The services go on serving meanwhile. The next supervisor of the same home knows
the child from its record, the process id together with the time at which that process started, and ends it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from efterhand.embedded.postgres import Account

LOG_LIMIT_BYTES = 10_000_000
BACK_OFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0)
STEADY_SECONDS = 30.0
"""A child that has lived for so long starts again without delay when it dies."""

# The process waits for a line before it becomes the program: one whose record could not be written never starts.
_GATE = 'IFS= read -r _ && exec "$@" </dev/null'


def start_mark(pid: int) -> str | None:
    """What tells this process from an earlier or later one of the same id; None when there is none that runs.

    The kernel's own count since the machine started, which no change of the clock moves, and the id of that start.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
        return None
    except (OSError, ProcessLookupError):
        return None
    # The name, in brackets, may hold anything; the fields are counted from behind it.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{boot}/{fields[19]}"


def write_atomically(path: Path, text: str) -> None:
    """Replace the file by one that only its owner can read; a reader sees the old or the new, never a part."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@dataclass
class Child:
    """A process that is kept running.

    `stop_signals` are sent one after the other, each with its seconds to wait; SIGKILL follows the last.
    """

    name: str
    command: Sequence[str]
    run_directory: Path
    log_file: Path
    environment: Mapping[str, str]
    directory: Path
    account: Account | None = None
    stop_signals: tuple[tuple[signal.Signals, float], ...] = ((signal.SIGTERM, 8.5),)
    before_start: Callable[[], None] = lambda: None
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    next_start: float = 0.0
    failures: int = 0
    last_exit: int | None = None
    mark: str | None = field(default=None, repr=False)

    @property
    def pid(self) -> int | None:
        """The process id while the process runs."""
        return self.process.pid if self.process is not None else None

    @property
    def record(self) -> Path:
        """The file that tells the next supervisor of this process."""
        return self.run_directory / f"{self.name}.json"

    def start(self) -> None:
        """Start the process. Raises `OSError` when its log or record cannot be written; then nothing runs."""
        self.before_start()
        self.started_at = time.monotonic()
        with self.log_file.open("ab") as log:
            process = subprocess.Popen(
                ["/bin/sh", "-c", _GATE, self.name, *self.command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=dict(self.environment),
                cwd=self.directory,
                start_new_session=True,
                user=None if self.account is None else self.account.uid,
                group=None if self.account is None else self.account.gid,
                extra_groups=None if self.account is None else [],
            )
        gate = process.stdin
        if gate is None:
            raise AssertionError("a pipe was asked for")
        try:
            self.mark = start_mark(process.pid)
            write_atomically(self.record, json.dumps({"name": self.name, "pid": process.pid, "mark": self.mark}))
        except OSError:
            gate.close()
            process.wait()
            raise
        with contextlib.suppress(BrokenPipeError):
            gate.write(b"\n")
            gate.close()
        self.process = process

    def collect(self) -> int | None:
        """The exit code (negative: the signal) if the process has ended since the last call, else None."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        self.process = None
        self.last_exit = code
        self.failures = 0 if time.monotonic() - self.started_at > STEADY_SECONDS else self.failures + 1
        self.next_start = time.monotonic() + self.back_off()
        return code

    def back_off(self) -> float:
        """Seconds to wait before the next start."""
        return BACK_OFF_SECONDS[min(self.failures, len(BACK_OFF_SECONDS) - 1)]

    def forgive(self) -> None:
        """What it waited for is there again: start at the next opportunity."""
        self.failures = 0
        self.next_start = 0.0

    def trim_log(self) -> None:
        """Keep the log below its limit: what there is becomes `.1`, and the child goes on writing into the same file.

        The child has opened it for appending, so it writes at the new end after the cut.
        """
        with contextlib.suppress(OSError):
            if self.log_file.stat().st_size <= LOG_LIMIT_BYTES:
                return
            with self.log_file.open("rb") as log:
                log.seek(-LOG_LIMIT_BYTES, os.SEEK_END)
                self.log_file.with_name(f"{self.log_file.name}.1").write_bytes(log.read(LOG_LIMIT_BYTES))
        with contextlib.suppress(OSError):
            os.truncate(self.log_file, 0)

    def forget(self) -> None:
        """Remove the record of a process that has ended."""
        self.record.unlink(missing_ok=True)


@dataclass(frozen=True)
class Orphan:
    """A running process that an earlier supervisor of the same home started."""

    name: str
    pid: int
    mark: str

    def is_running(self) -> bool:
        """Whether it is still that process."""
        return start_mark(self.pid) == self.mark

    def send(self, number: signal.Signals) -> None:
        """Send a signal, to that process only."""
        if self.is_running():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def orphans(run_directory: Path) -> list[Orphan]:
    """The recorded processes that still run: same id and same start. Records of others are removed."""
    found = []
    for path in sorted(run_directory.glob("*.json")):
        try:
            record = json.loads(path.read_text())
            orphan = Orphan(str(record["name"]), int(record["pid"]), str(record["mark"]))
        except (ValueError, KeyError, TypeError):
            continue
        if orphan.is_running():
            found.append(orphan)
        else:
            path.unlink(missing_ok=True)
    return found


def end(
    group: Sequence[Child | Orphan],
    signals: Sequence[tuple[signal.Signals, float]],
    *,
    hurry: Callable[[], bool] = lambda: False,
) -> list[str]:
    """End the processes of a group together; gives the names of those that had to be killed.

    Each signal of `signals` goes to all that still run, and is given its seconds; when `hurry` says so each is given
    one second at most. Returns when none of them runs any more.
    """

    def running() -> list[Child | Orphan]:
        return [one for one in group if (one.is_running() if isinstance(one, Orphan) else one.pid and _alive(one))]

    for number, seconds in signals:
        for one in running():
            if isinstance(one, Orphan):
                one.send(number)
            elif one.process is not None:
                one.process.send_signal(number)
        begun = time.monotonic()
        while running() and time.monotonic() - begun < (min(1.0, seconds) if hurry() else seconds):
            time.sleep(0.02)
    killed = running()
    for one in killed:
        if isinstance(one, Orphan):
            one.send(signal.SIGKILL)
        elif one.process is not None:
            one.process.kill()
    deadline = time.monotonic() + 5.0
    while running() and time.monotonic() < deadline:
        time.sleep(0.02)
    for one in group:
        if isinstance(one, Child):
            one.collect()
            one.forget()
    return [one.name for one in killed]


def _alive(child: Child) -> bool:
    return child.process is not None and child.process.poll() is None
