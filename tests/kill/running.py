"""One `efterhand up` on a home of its own: started, asked, killed, started again, stopped; by process id only."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg

from efterhand.embedded import ports
from efterhand.embedded.children import Orphan, end, orphans

SERVICES: Final = ("intake", "followup", "indicators")
READY_SECONDS: Final = 120.0
SLOW_SECONDS: Final = 5.0
"""A read that takes longer is told."""
EFTERHAND: Final = Path(sys.executable).with_name("efterhand")


class Failed(Exception):
    """The run has failed; says why."""


def clean_up_when_asked_to_stop() -> None:
    """Have SIGTERM end this process as an exception does, so that what it has started is ended too."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)


def wait_for(what: str, condition: Callable[[], Any], seconds: float, every: float = 0.1) -> Any:
    """Return the first true answer of `condition`. Raises `Failed` when it does not come in time."""
    deadline = time.monotonic() + seconds
    while True:
        if answer := condition():
            return answer
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)


class RunningSystem:
    """A system of six services' processes, Kafka, PostgreSQL and their supervisor, in one home."""

    def __init__(self, home: Path, first_date: date, settings: Mapping[str, str] | None = None) -> None:
        """Nothing is started yet. The directory above `home` must be passable for other users.

        Args:
            home: is made when it starts.
            first_date: the business date to begin with.
            settings: environment variables by which it differs from a plain `efterhand up`.
        """
        self.home = home
        self._settings = dict(settings or {})
        self.port = ports.choose()
        self.url = f"http://127.0.0.1:{self.port}"
        self._first_date = first_date
        self._ready_file = home.parent / f"{home.name}.ready.json"
        self._log = home.parent / f"{home.name}.log"
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._asking = ThreadPoolExecutor(len(SERVICES), thread_name_prefix="status")
        self._client = httpx.Client(base_url=self.url, trust_env=False, timeout=60.0)

    # ---- its life -----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start the supervisor, without waiting for anything."""
        self._ready_file.unlink(missing_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("EFTERHAND_")}
        environment |= self._settings
        command = [str(EFTERHAND), "up", "--home", str(self.home), "--port", str(self.port), "--clock", "manual"]
        command += ["--date", self._first_date.isoformat(), "--ready-file", str(self._ready_file)]
        with self._log.open("ab") as log:
            self._supervisor = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    def start(self) -> None:
        """Start, and wait until all is ready."""
        self.begin()
        wait_for("`efterhand up` is ready", self.is_ready, READY_SECONDS)

    def is_ready(self) -> bool:
        """Whether the running supervisor has said that all is ready. Raises `Failed` when it has ended."""
        if self._supervisor is None or self._supervisor.poll() is not None:
            code = None if self._supervisor is None else self._supervisor.returncode
            raise Failed(f"`efterhand up` ended with {code}: {self.last_words()}")
        return self._ready_file.exists()

    def last_words(self) -> str:
        """What the supervisor said last."""
        return " | ".join(self._log.read_text(errors="replace").splitlines()[-4:])

    @property
    def supervisor_pid(self) -> int:
        """The id of the process that supervises. Raises `Failed` when it does not run."""
        if self._supervisor is None or self._supervisor.poll() is not None:
            raise Failed(f"the supervisor does not run: {self.last_words()}")
        return self._supervisor.pid

    def take_secrets_of(self, other: RunningSystem) -> None:
        """Use the secrets of another home: the hashes of erased persons, and so the digest, depend on them."""
        self.home.mkdir(mode=0o711)
        self.home.chmod(0o711 if os.geteuid() == 0 else 0o700)
        shutil.copy(other.home / "secrets.json", self.home / "secrets.json")

    def kill_supervisor(self) -> None:
        """Kill the supervisor; what it has started lives on."""
        os.kill(self.supervisor_pid, signal.SIGKILL)
        if self._supervisor is not None:
            self._supervisor.wait()

    def stop(self) -> None:
        """Ask the supervisor to stop. Raises `Failed` when that takes more than the 20 s that are promised."""
        if self._supervisor is None:
            return
        began = time.monotonic()
        self._supervisor.send_signal(signal.SIGTERM)
        try:
            code = self._supervisor.wait(60)
        except subprocess.TimeoutExpired:
            raise Failed("`efterhand up` did not stop within 60 s") from None
        self._supervisor = None
        if code or time.monotonic() - began > 20.0:
            raise Failed(f"`efterhand up` stopped with {code} after {time.monotonic() - began:.0f} s")

    def clean_up(self) -> None:
        """End whatever still runs, however the run has gone."""
        if self._supervisor is not None and self._supervisor.poll() is None:
            self._supervisor.terminate()
            try:
                self._supervisor.wait(30)
            except subprocess.TimeoutExpired:
                self._supervisor.kill()
                self._supervisor.wait()
        self._supervisor = None
        if (self.home / "run").is_dir():
            end(orphans(self.home / "run"), ((signal.SIGTERM, 3.0),))
        self._client.close()
        self._asking.shutdown(wait=False)

    def process(self, name: str) -> Orphan | None:
        """The running process of that name, known by its id and its start; None while there is none."""
        try:
            record = json.loads((self.home / "run" / f"{name}.json").read_text())
            found = Orphan(str(record["name"]), int(record["pid"]), str(record["mark"]))
        except (OSError, ValueError, KeyError):
            return None
        return found if found.is_running() else None

    def processes(self) -> dict[str, int]:
        """The ids of the processes that the supervisor names in its ready file, its own among them."""
        pids: dict[str, int] = self._ready()["pids"]
        return pids

    # ---- asking it ----------------------------------------------------------------------------------------------

    def _ready(self) -> dict[str, Any]:
        for path in (self._ready_file, self.home / "run" / "ready.json"):
            with contextlib.suppress(OSError, ValueError):
                ready: dict[str, Any] = json.loads(path.read_text())
                return ready
        raise Failed("there is no ready file")

    @property
    def kafka(self) -> str:
        """host:port of the broker."""
        return str(self._ready()["kafka"])

    @property
    def database_url(self) -> str:
        """The database's address for psycopg."""
        return str(self._ready()["database"]).replace("postgresql+psycopg://", "postgresql://")

    @property
    def headers(self) -> dict[str, str]:
        """What every request needs."""
        return {"Authorization": f"Bearer {self._ready()['token']}"}

    def get(self, path: str, **parameters: str | None) -> Any:
        """The JSON of a read."""
        given = {name: value for name, value in parameters.items() if value is not None}
        began = time.monotonic()
        answer = self._client.get(path, params=given, headers=self.headers)
        if (seconds := time.monotonic() - began) > SLOW_SECONDS:
            print(f"slow: {seconds:.0f} s for GET {path} {given}", flush=True)
        if answer.status_code != httpx.codes.OK:
            raise Failed(f"GET {path} {given}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def items(self, path: str, **parameters: str) -> list[dict[str, Any]]:
        """The items of a list, all pages."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self.get(path, cursor=cursor, limit="1000", **parameters)
            found += page["items"]
            cursor = page["next"]
            if not cursor:
                return found

    def post(self, path: str, body: object = None, timeout: float = 60.0) -> httpx.Response:
        """The answer to a change, whatever it is. Raises `httpx.HTTPError` when there is none."""
        return self._client.post(path, json=body, headers=self.headers, timeout=timeout)

    def statuses(self, timeout: float = 2.0) -> dict[str, dict[str, Any] | None]:
        """What the services say of themselves now, asked at the same time; None for one that does not answer."""
        asked = {name: self._asking.submit(self._status, name, timeout) for name in SERVICES}
        return {name: answer.result() for name, answer in asked.items()}

    def _status(self, service: str, timeout: float) -> dict[str, Any] | None:
        with contextlib.suppress(httpx.HTTPError, ValueError, Failed):
            answer = self._client.get(f"/{service}/v1/status", headers=self.headers, timeout=timeout)
            if answer.status_code == httpx.codes.OK:
                status: dict[str, Any] = answer.json()
                return status
        return None

    def move_date(self, day: date, seconds: float = 120.0) -> None:
        """Move the business date forward, trying again while the system is being killed."""

        def moved() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                answer = self.post("/intake/v1/date", {"date": day.isoformat()}, timeout=10.0)
                if answer.status_code < 500:
                    answer.raise_for_status()
                    return True
            return False

        wait_for(f"the business date moves to {day}", moved, seconds)

    def settle(self, seconds: float) -> None:
        """`efterhand settle`. Raises `Failed` with what it says."""
        done = subprocess.run(
            [EFTERHAND, "settle", "--timeout", str(seconds)],
            env={**os.environ, "EFTERHAND_URL": self.url, "EFTERHAND_TOKEN": str(self._ready()["token"])},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Failed(f"settle ended with {done.returncode}: {done.stderr.strip()}")

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a question to the database, read only."""
        with psycopg.connect(self.database_url) as connection:
            connection.read_only = True
            return connection.execute(statement).fetchall()


@contextlib.contextmanager
def running_system(first_date: date, settings: Mapping[str, str] | None = None) -> Iterator[RunningSystem]:
    """Start a system on a home of its own, and stop it; the home goes in the end."""
    directory = Path(tempfile.mkdtemp(prefix="efterhand-running-"))
    directory.chmod(0o711)
    made = RunningSystem(directory / "home", first_date, settings)
    try:
        made.start()
        yield made
        made.stop()
    finally:
        made.clean_up()
        shutil.rmtree(directory, ignore_errors=True)
