"""`efterhand up`: starts everything in one home, keeps it running, and stops it in order.

Children outlive a supervisor that is killed, and go on serving; the next supervisor of the home ends them, by process
id and start time, before it starts anew. Ending rather than adopting: only the parent of a process learns at once, and
for certain, that it has died.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Final, Literal

import httpx
from sqlalchemy.engine import make_url

from efterhand.catalogue import CatalogueError, load_catalogue
from efterhand.catalogue.warnings import find_warnings
from efterhand.embedded import jars, ports, process
from efterhand.embedded.children import Child, Orphan, end, orphans, write_atomically
from efterhand.embedded.errors import CannotStart
from efterhand.embedded.home import ROOM_TO_GO_ON, Home
from efterhand.embedded.kafka import KafkaServer
from efterhand.embedded.postgres import PostgresServer, server_account
from efterhand.web.sessions import ENTER_ROLE
from efterhand.web.tokens import InvalidToken, Tokens

START_SECONDS: Final = 120.0
TICK_SECONDS: Final = 0.1
REPEAT_SECONDS: Final = 60.0
"""How often a message about a state that lasts is repeated."""
FAILURES_AT_START: Final = 6
"""A process that dies so often before the system was ready stops the start."""
HANDED_ON: Final = tuple(
    f"EFTERHAND_{name}"
    for name in (
        "PUBLIC_URL",
        "OIDC_ISSUER",
        "OIDC_CLIENT_ID",
        "OIDC_CLIENT_SECRET",
        "OIDC_STAFF_CLAIM",
        "OIDC_GROUPS_CLAIM",
        "STAFF",
        "SESSION_HOURS",
        "GLASS_HOURS",
        "CHOOSE_USER",
        "ACCESS_LOG_DAYS",
        "CASE_LINKS",
        "SMTP_HOST",
        "SMTP_PORT",
        "SMTP_USER",
        "SMTP_PASSWORD",
        "SMTP_TLS",
        "SMTP_SENDER",
        "MAIL_DOMAINS",
        "CHANNEL_HOSTS",
        "CHAT_SERVICES",
        "DIGEST_HOUR",
        "DELIVERY_RETRY_SECONDS",
        "DELIVERY_DAYS",
    )
)
"""Settings that are the installation's and not this start's: the processes get them as they are."""
JAVA_VARIABLES: Final = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH")
"""Would change how the broker runs."""
LINK_VALID: Final = timedelta(minutes=30)

_NAMES_AN_ERROR: Final = re.compile(r"[\w.]+(Error|Exception|Exit|Failed|Warning)\b|.*\b(FATAL|ERROR|PANIC)\b")

# All of them together stay well below the 20 seconds that stopping may take, on a busy machine too. A service that is
# killed in the middle loses nothing: what it had not committed it does again.
SERVICE_SIGNALS: Final = ((signal.SIGTERM, 6.0),)
KAFKA_SIGNALS: Final = ((signal.SIGTERM, 4.0),)
POSTGRES_SIGNALS: Final = ((signal.SIGINT, 3.5), (signal.SIGQUIT, 1.0))

Clock = Literal["system", "manual"]


@dataclass(frozen=True)
class Options:
    """What `efterhand up` was asked for. `None`: what the home remembers, else the default."""

    home: Path
    port: int = 8400
    clock: Clock | None = None
    start_date: date | None = None
    catalogue: str | None = None
    ready_file: Path | None = None
    kafka: str | None = None
    """host:port of a broker that runs already; none: our own is started."""
    database_url: str | None = None
    """A database that exists already; none: our own server is started."""
    choose_user: bool = False
    """Whether whoever sits at the machine may choose to be one of the built-in users."""


@dataclass
class _Layout:
    """What one start has decided: addresses and the environment of the processes."""

    clock: Clock
    catalogue: str
    ports: dict[str, int]
    kafka: str
    database_url: str
    secret: str
    services: tuple[str, ...]
    urls: dict[str, str] = field(default_factory=dict)


class _Stopped(Exception):
    """A signal asked to stop in the middle of something long."""


class Supervisor:
    """One run of the whole system."""

    def __init__(self, options: Options, say: Callable[[str], None], services: Sequence[str] | None = None) -> None:
        """`say` gets sentences for the person at the terminal; `services` are the processes, by default all."""
        self._options = options
        self._say_aloud = say
        self._services = tuple(process.names() if services is None else services)
        self._home = Home(options.home)
        self._stopping = 0
        self._children: dict[str, Child] = {}
        self._ready: dict[str, Any] | None = None
        self._ready_is_written = True
        self._lacked_room = False
        self._last_said: dict[str, float] = {}
        self._back: set[str] = set()
        self._trimmed = 0.0

    def run(self, when_ready: Callable[[dict[str, Any]], None] | None = None) -> int:
        """Start, keep running until a signal asks to stop, stop; gives the exit code.

        `when_ready` is called once, in a thread of its own, with what the ready file holds; when it returns the
        system goes on, when it raises `SystemExit` the system stops with that code. Raises `CannotStart`.
        """
        catalogue = self._usable_catalogue()
        self._home.open()
        code = 0
        try:
            with self._signals():
                try:
                    layout = self._decide(catalogue)
                    self._start_everything(layout)
                    if not self._stopping:
                        self._announce(layout)
                        code = self._keep_running(when_ready)
                except _Stopped:
                    pass
                finally:
                    self._stop_everything()
        finally:
            self._home.close()
        return code

    # ---- deciding -----------------------------------------------------------------------------------------------

    def _usable_catalogue(self) -> str:
        """The catalogue asked for, or the home's, after it has been loaded once: a wrong one must start nothing."""
        chosen = self._options.catalogue or self._home.choices().get("catalogue") or "stockholm"
        if Path(chosen).is_dir():
            chosen = str(Path(chosen).absolute())
        try:
            catalogue = load_catalogue(chosen)
        except CatalogueError as error:
            raise CannotStart(f"The catalogue cannot be used. {error}", exit_code=2) from error
        for caution in find_warnings(catalogue):
            self._say_aloud(f"The catalogue: {caution}")
        return chosen

    def _decide(self, catalogue: str) -> _Layout:
        options, remembered = self._options, self._home.choices()
        clock: Clock = options.clock or remembered.get("clock") or "system"
        if remembered and clock != remembered["clock"]:
            raise CannotStart(
                f"The home {self._home.path} lives by the {remembered['clock']} clock, and what is in it was received "
                f"by that clock. Start without --clock, or choose another home for the {clock} clock.",
                exit_code=2,
            )
        if options.start_date is not None and clock != "manual":
            raise CannotStart("--date goes with --clock manual: the system clock sets its own date.", exit_code=2)
        self._end_orphans()
        if not ports.is_free(options.port):
            raise CannotStart(
                f"Port {options.port} is in use by another program. "
                "Stop that program, or choose another port with --port or EFTERHAND_PORT."
            )
        names = [f"{service}-metrics" for service in self._services]
        names += [service for service in self._services if service.endswith("-api") and service != "intake-api"]
        if options.kafka is None:
            names += ["kafka", "kafka-controller"]
        if options.database_url is None:
            names += ["postgres"]
        chosen = self._home.ports(names, reserved=(options.port,))
        chosen["intake-api"] = options.port
        database_url = options.database_url or self._postgres(chosen).url
        return _Layout(
            clock=clock,
            catalogue=catalogue,
            ports=chosen,
            kafka=options.kafka or f"127.0.0.1:{chosen['kafka']}",
            database_url=database_url,
            secret=self._home.secret("signing"),
            services=self._services,
            urls={
                name: f"http://127.0.0.1:{chosen.get(f'{name}-api', options.port)}"
                for name in ("intake", "followup", "indicators")
            },
        )

    def _end_orphans(self) -> None:
        left = orphans(self._home.run)
        if not left:
            return
        self._say(f"An earlier run of this home was cut short; ending what it left: {', '.join(o.name for o in left)}")
        self._end_in_order(left)

    # ---- starting -----------------------------------------------------------------------------------------------

    def _postgres(self, chosen: dict[str, int]) -> PostgresServer:
        return PostgresServer(
            self._home.path / "postgres", chosen["postgres"], self._home.secret("database"), say=self._say
        )

    def _kafka(self, chosen: dict[str, int]) -> KafkaServer:
        return KafkaServer(
            self._home.path / "kafka", chosen["kafka"], chosen["kafka-controller"], self._home.log / "kafka.log"
        )

    def _start_everything(self, layout: _Layout) -> None:
        begun = time.monotonic()
        with ThreadPoolExecutor(max_workers=2, thread_name_prefix="prepare") as pool:
            preparing: dict[str, Future[None]] = {}
            if self._options.database_url is None:
                preparing["postgres"] = pool.submit(self._prepare_postgres, self._postgres(layout.ports))
            if self._options.kafka is None:
                preparing["kafka"] = pool.submit(self._prepare_kafka, self._kafka(layout.ports))
            self._say(f"Starting {' and '.join(preparing) or 'with servers that run already'} in {self._home.path}")
            for done in preparing.values():
                done.result()
        for name in preparing:
            self._try_start(self._children[name])
        if "postgres" in preparing:
            server = self._postgres(layout.ports)
            self._wait_for("PostgreSQL", server.is_ready)
            if self._stopping:
                return
            server.ensure_database()
        if layout.services:
            self._migrate(layout)
        if "kafka" in preparing:
            self._wait_for("Kafka", self._kafka(layout.ports).is_ready)
        if self._stopping:
            return
        self._home.remember({"clock": layout.clock, "catalogue": layout.catalogue})
        # The interfaces first: intake declares the topics, and a worker that finds none waits long for the next look.
        interfaces = [name for name in layout.services if name.endswith("-api")]
        for name in interfaces:
            self._add_service(name, layout)
        for name in interfaces:
            self._wait_for(name, partial(_is_healthy, layout.ports[name]))
        for name in layout.services:
            if name not in interfaces and not self._stopping:
                self._add_service(name, layout)
        if not self._stopping:
            self._say(f"Ready after {time.monotonic() - begun:.0f} s")

    def _prepare_postgres(self, server: PostgresServer) -> None:
        server.prepare()
        self._children["postgres"] = Child(
            "postgres",
            server.command(),
            run_directory=self._home.run,
            log_file=self._home.log / "postgres.log",
            environment={"LC_ALL": "C", "PATH": os.environ.get("PATH", "")},
            directory=server.directory,
            account=server_account(),
            stop_signals=POSTGRES_SIGNALS,
            before_start=server.before_start,
        )

    def _prepare_kafka(self, server: KafkaServer) -> None:
        jars.fetch(self._say_unless_stopping)
        server.prepare()
        self._children["kafka"] = Child(
            "kafka",
            server.command(),
            run_directory=self._home.run,
            log_file=self._home.log / "kafka.out",
            environment=_clean_environment(
                without=("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH")
            ),
            directory=server.directory,
            stop_signals=KAFKA_SIGNALS,
        )

    def _migrate(self, layout: _Layout) -> None:
        child = Child(
            "migrations",
            [sys.executable, "-m", "efterhand.embedded.migrations"],
            run_directory=self._home.run,
            log_file=self._home.log / "migrations.log",
            environment=self._environment("migrations", layout),
            directory=self._home.path,
        )
        child.start()
        while (code := child.collect()) is None:
            if self._stopping:
                end([child], child.stop_signals)
                return
            time.sleep(TICK_SECONDS / 5)
        child.forget()
        if code:
            raise CannotStart(
                f"The tables could not be brought up to date: {_last_words(child.log_file)} "
                f"More is in {child.log_file}."
            )

    def _add_service(self, name: str, layout: _Layout) -> None:
        child = Child(
            name,
            [sys.executable, "-m", "efterhand.embedded.process", name],
            run_directory=self._home.run,
            log_file=self._home.log / f"{name}.log",
            environment=self._environment(name, layout),
            directory=self._home.path,
            stop_signals=SERVICE_SIGNALS,
        )
        self._children[name] = child
        self._try_start(child)

    def _environment(self, name: str, layout: _Layout) -> dict[str, str]:
        values = {
            "EFTERHAND_HOME": str(self._home.path),
            "EFTERHAND_DATABASE_URL": layout.database_url,
            "EFTERHAND_KAFKA": layout.kafka,
            "EFTERHAND_CATALOGUE": layout.catalogue,
            "EFTERHAND_CLOCK": layout.clock,
            "EFTERHAND_SECRET": layout.secret,
            "EFTERHAND_INTAKE_URL": layout.urls["intake"],
            "EFTERHAND_FOLLOWUP_URL": layout.urls["followup"],
            "EFTERHAND_INDICATORS_URL": layout.urls["indicators"],
            "EFTERHAND_INSTANCE": f"{name}-0",
            # Few arenas: threads of the C library would otherwise each keep memory of their own.
            "MALLOC_ARENA_MAX": "2",
            "PYTHONUNBUFFERED": "1",
        }
        for variable, port in (("EFTERHAND_PORT", name), ("EFTERHAND_METRICS_PORT", f"{name}-metrics")):
            if port in layout.ports:
                values[variable] = str(layout.ports[port])
        if self._options.start_date is not None:
            values["EFTERHAND_START_DATE"] = self._options.start_date.isoformat()
        handed_on = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
        if handed_on.get("EFTERHAND_STAFF"):
            # The processes run in the home.
            handed_on["EFTERHAND_STAFF"] = str(Path(handed_on["EFTERHAND_STAFF"]).absolute())
        if self._options.choose_user:
            handed_on["EFTERHAND_CHOOSE_USER"] = "true"
        return {**_clean_environment(), **handed_on, **values}

    def _wait_for(self, name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._stopping and not ready():
            self._tick()
            for child in self._children.values():
                if child.failures >= FAILURES_AT_START:
                    raise CannotStart(
                        f"{child.name} does not start; it last said: {_last_words(child.log_file)}. "
                        f"More is in {child.log_file}. `efterhand doctor` looks for the cause."
                    )
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"{name} was not ready after {START_SECONDS:.0f} s. What it says is in {self._home.log}; "
                    "`efterhand doctor` looks for the cause."
                )
            time.sleep(TICK_SECONDS / 2)

    # ---- running ------------------------------------------------------------------------------------------------

    def _announce(self, layout: _Layout) -> None:
        url = f"http://127.0.0.1:{self._options.port}"
        token = self._token(layout, url)
        self._ready = {
            "url": url,
            "token": token,
            "metrics": {name: layout.ports[f"{name}-metrics"] for name in layout.services},
            "database": layout.database_url,
            "kafka": layout.kafka,
            "date": _business_date(url, token),
            "home": str(self._home.path),
        }
        self._write_ready()
        self._say(
            f"Open {self.entry_link()} in a browser (a link for once, good for {LINK_VALID.seconds // 60} minutes)"
        )
        self._say("Stop with Ctrl-C")

    def entry_link(self) -> str:
        """A link that opens a session as administrator in a browser of this machine, for once."""
        tokens = Tokens(self._home.secret("signing"))
        return f"http://127.0.0.1:{self._options.port}/enter?key={tokens.issue(ENTER_ROLE, valid_for=LINK_VALID)}"

    def _token(self, layout: _Layout, url: str) -> str:
        """The administrator's token that the home keeps; a new one where that is revoked or signed otherwise."""
        tokens, kept = Tokens(layout.secret), self._home.path / "token"
        with suppress(OSError, InvalidToken):
            token = kept.read_text().strip()
            tokens.verify(token)
            if not _is_revoked(url, token):
                return token
        token = tokens.issue("administrator")
        write_atomically(kept, f"{token}\n")
        return token

    def _write_ready(self) -> None:
        """Write the ready files anew: process ids change when something is started again."""
        if self._ready is None:
            return
        pids = {name: child.pid for name, child in self._children.items() if child.pid is not None}
        text = json.dumps({**self._ready, "pids": {"supervisor": os.getpid(), **pids}}, indent=1) + "\n"
        self._ready_is_written = True
        for path in self._ready_files():
            try:
                write_atomically(path, text)
            except OSError as error:
                self._ready_is_written = False
                self._say_seldom(f"{path} cannot be written: {error.strerror}")

    def _ready_files(self) -> list[Path]:
        own = self._home.run / "ready.json"
        return [own] if self._options.ready_file is None else [own, self._options.ready_file.absolute()]

    def _keep_running(self, when_ready: Callable[[dict[str, Any]], None] | None) -> int:
        codes: list[int] = []
        if when_ready is not None and self._ready is not None:

            def call(ready: dict[str, Any]) -> None:
                try:
                    when_ready(ready)
                except SystemExit as error:
                    codes.append(error.code if isinstance(error.code, int) else 0 if error.code is None else 1)
                except Exception as error:  # noqa: BLE001 - whatever it is, it must stop the run and be told
                    self._say(f"{type(error).__name__}: {error}")
                    codes.append(1)

            threading.Thread(target=call, args=(dict(self._ready),), daemon=True, name="when-ready").start()
        while not self._stopping and not codes:
            self._tick()
            time.sleep(TICK_SECONDS)
        return codes[0] if codes else 0

    def _tick(self) -> None:
        """Look after every child once: tell who died, start who is due."""
        changed = False
        for child in list(self._children.values()):
            code = child.collect()
            if code is not None:
                self._say(f"{child.name} ended ({_in_words(code)}); starting it again in {child.back_off():.1f} s")
                if child.name in ("kafka", "postgres"):
                    self._back.add(child.name)
                changed = True
            if child.pid is None and child.started_at and time.monotonic() >= child.next_start:
                changed |= self._try_start(child)
        self._forgive_those_who_waited()
        if changed or not self._ready_is_written:
            self._write_ready()
        if time.monotonic() - self._trimmed > 5.0:
            self._trimmed = time.monotonic()
            for child in self._children.values():
                child.trim_log()

    def _forgive_those_who_waited(self) -> None:
        """Services that died because a server was away need not wait any longer once it answers."""
        for name in list(self._back):
            child = self._children[name]
            port = self._home_port(name)
            if child.pid is not None and port is not None and ports.answers(port):
                self._back.discard(name)
                for other in self._children.values():
                    if other.pid is None and other is not child:
                        other.forgive()

    def _home_port(self, name: str) -> int | None:
        if self._options.kafka is None and name == "kafka" and self._ready is not None:
            return int(self._ready["kafka"].rpartition(":")[2])
        if self._options.database_url is None and name == "postgres" and self._ready is not None:
            return make_url(self._ready["database"]).port
        return None

    def _try_start(self, child: Child) -> bool:
        """Start a child; where there is no room, or it cannot be, say so and try again later."""
        child.started_at = child.started_at or time.monotonic()
        try:
            free = shutil.disk_usage(self._home.path).free
            if free < ROOM_TO_GO_ON:
                self._lacked_room = True
                self._say_seldom(
                    f"No room: {free // 1_000_000} MB are free for {self._home.path}. {child.name} and what else has "
                    "stopped start again as soon as there is room."
                )
                child.next_start = time.monotonic() + 1.0
                return False
            if self._lacked_room:
                self._lacked_room = False
                self._say("There is room again; starting what had stopped")
            child.start()
        except OSError as error:
            self._say_seldom(f"{child.name} cannot be started: {error.strerror or error}. It is tried again.")
            child.failures += 1
            child.next_start = time.monotonic() + max(1.0, child.back_off())
            return False
        return True

    # ---- stopping -----------------------------------------------------------------------------------------------

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
            self._stopping += 1

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.signal(number, ask_to_stop) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Ask the run to stop, from another thread."""
        self._stopping += 1

    def _stop_everything(self) -> None:
        begun = time.monotonic()
        if self._children:
            self._say("Stopping")
        for path in self._ready_files():
            with suppress(OSError):
                path.unlink(missing_ok=True)
        killed = self._end_in_order(list(self._children.values()))
        if self._children:
            by_force = f"; by force: {', '.join(killed)}" if killed else ""
            self._say(f"Stopped after {time.monotonic() - begun:.0f} s{by_force}")

    def _end_in_order(self, everything: Sequence[Child | Orphan]) -> list[str]:
        """The services, then Kafka, then PostgreSQL: each has what it needs until it has ended."""
        servers = {"kafka": KAFKA_SIGNALS, "postgres": POSTGRES_SIGNALS}
        impatient = self._is_hurried
        killed = end([one for one in everything if one.name not in servers], SERVICE_SIGNALS, hurry=impatient)
        for name, signals in servers.items():
            killed += end([one for one in everything if one.name == name], signals, hurry=impatient)
        return killed

    def _is_hurried(self) -> bool:
        """Whether stopping was asked for twice."""
        return self._stopping > 1

    # ---- telling ------------------------------------------------------------------------------------------------

    def _say(self, sentence: str) -> None:
        with suppress(OSError):
            self._say_aloud(sentence)
        with suppress(OSError), (self._home.log / "supervisor.log").open("a") as log:
            log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {sentence}\n")

    def _say_unless_stopping(self, sentence: str) -> None:
        if self._stopping:
            raise _Stopped
        self._say(sentence)

    def _say_seldom(self, sentence: str) -> None:
        # A number in the sentence may change with every look; the words are what has been said already.
        words = "".join(letter for letter in sentence if not letter.isdigit())
        if time.monotonic() - self._last_said.get(words, -REPEAT_SECONDS) >= REPEAT_SECONDS:
            self._last_said[words] = time.monotonic()
            self._say(sentence)


def _clean_environment(without: Sequence[str] = ()) -> dict[str, str]:
    """Our environment without our own settings, which each child gets anew, and without those named."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith("EFTERHAND_") and name not in without
    }


def _get(url: str, token: str | None = None) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.get(url, headers=headers, timeout=5.0, trust_env=False)


def _is_healthy(port: int) -> bool:
    try:
        return _get(f"http://127.0.0.1:{port}/healthz").status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _is_revoked(url: str, token: str) -> bool:
    try:
        return _get(f"{url}/intake/v1/status", token).status_code == httpx.codes.UNAUTHORIZED
    except httpx.HTTPError:
        return False


def _business_date(url: str, token: str) -> str | None:
    with suppress(httpx.HTTPError, ValueError, KeyError):
        return str(_get(f"{url}/intake/v1/date", token).raise_for_status().json()["date"])
    return None


def _in_words(code: int) -> str:
    if code >= 0:
        return f"exit {code}"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def _last_words(log: Path) -> str:
    """The line of a log that most likely says why its process ended: the last that names an error, else the last."""
    with suppress(OSError), log.open(errors="replace") as file:
        lines = [line.strip() for line in deque(file, 100) if line.strip()]
        named = [line for line in lines if _NAMES_AN_ERROR.match(line)]
        return (named or lines or ["nothing"])[-1][:400]
    return "nothing"
