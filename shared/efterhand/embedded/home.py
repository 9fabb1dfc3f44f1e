"""The home directory: who uses it, which format it has, and the secrets, ports and choices that it keeps.

- `format.json`: version of the home's format, and the choices of the first start (clock, catalogue)
- `lock`: held by the supervisor that uses the home
- `secrets.json`: the signing secret and the database password; only the owner can read it
- `token`: the administrator's token of the local commands; only the owner can read it
- `ports.json`: the ports of the last start, taken again where they are free
- `kafka/`, `postgres/`: the servers' data and configuration
- `log/`: one log per process
- `run/`: records of the running processes, and `ready.json` while the system is ready
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

from efterhand.embedded import ports
from efterhand.embedded.children import write_atomically
from efterhand.embedded.errors import CannotStart

FORMAT = 1
ROOM_TO_START = 500_000_000
"""Bytes that must be free before anything is started."""
ROOM_TO_GO_ON = 16_000_000
"""Bytes that must be free before something that died is started again."""


class Home:
    """A home directory that this process holds, from `open` to `close`."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self._lock: IO[str] | None = None

    @property
    def run(self) -> Path:
        """Records of running processes."""
        return self.path / "run"

    @property
    def log(self) -> Path:
        """Logs."""
        return self.path / "log"

    def open(self) -> None:
        """Take the home: create what is missing, lock it, check its format and the room on the disk.

        Raises `CannotStart` when another supervisor holds it, when it is of another format, when it cannot be
        written, or when less than `ROOM_TO_START` bytes are free. The lock of a supervisor that was killed is void:
        the kernel gave it up with the process.
        """
        try:
            if not self.path.exists():
                self.path.mkdir(parents=True)
                # Started as root, the database belongs to another user, who has to pass through.
                self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)
            for directory in (self.run, self.log, self.path / "kafka"):
                directory.mkdir(exist_ok=True)
                directory.chmod(0o700)
            lock = (self.path / "lock").open("a+")
        except OSError as error:
            raise CannotStart(
                f"The home {self.path} cannot be used: {error.strerror}. "
                "Choose another with --home or EFTERHAND_HOME, or make this one writable for you."
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise CannotStart(
                f"The home {self.path} is in use by efterhand with process id {holder}. "
                "Stop that one first (Ctrl-C, or a SIGTERM to it), or choose another home with --home."
            ) from error
        self._lock = lock
        try:
            self._check_format()
            self._check_room()
        except CannotStart:
            self.close()
            raise
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()

    def close(self) -> None:
        """Give the home up."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def is_new(self) -> bool:
        """Whether nothing has been kept here yet."""
        return not (self.path / "format.json").exists()

    def choices(self) -> dict[str, Any]:
        """What the first start chose: `clock` and `catalogue`; empty for a new home."""
        return self._read("format.json")

    def remember(self, choices: dict[str, Any]) -> None:
        """Keep the choices, and with them the version of the home's format."""
        self._write("format.json", {"format": FORMAT, **choices})

    def secret(self, name: str) -> str:
        """The secret of that name (64 hex digits), made when it is asked for the first time."""
        known = self._read("secrets.json")
        if name not in known:
            known[name] = secrets.token_hex(32)
            self._write("secrets.json", known)
        return str(known[name])

    def ports(self, names: Collection[str], reserved: Collection[int] = ()) -> dict[str, int]:
        """A free port for every name: the one of the last start where that is free, else a new one."""
        known = self._read("ports.json")
        chosen: dict[str, int] = {}
        for name in names:
            taken = {*reserved, *chosen.values()}
            port = known.get(name)
            keep = isinstance(port, int) and port not in taken and ports.is_free(port)
            chosen[name] = port if keep and isinstance(port, int) else ports.choose({*taken, *known.values()})
        self._write("ports.json", chosen)
        return chosen

    def _check_format(self) -> None:
        found = self._read("format.json").get("format", FORMAT)
        if found != FORMAT:
            raise CannotStart(
                f"The home {self.path} has format {found}; this release reads format {FORMAT}. "
                "Start it with the release that made it, or choose another home with --home."
            )

    def _check_room(self) -> None:
        free = shutil.disk_usage(self.path).free
        if free < ROOM_TO_START:
            raise CannotStart(
                f"Only {free // 1_000_000} MB are free for {self.path}; {ROOM_TO_START // 1_000_000} MB are needed. "
                "Make room there, or choose a home on another disk with --home."
            )

    def _read(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            value = json.loads(path.read_text())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise CannotStart(
                f"{path} cannot be read: it is damaged. Restore it from a backup; without one, choose another home."
            ) from error
        return value if isinstance(value, dict) else {}

    def _write(self, name: str, value: dict[str, Any]) -> None:
        try:
            write_atomically(self.path / name, json.dumps(value, indent=1, sort_keys=True) + "\n")
        except OSError as error:
            raise CannotStart(
                f"{self.path / name} cannot be written: {error.strerror}. Make room or allow it."
            ) from error
