"""What all benchmarks share: servers, a history of events, interleaved rounds, and the report."""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
import psutil
import psycopg
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from efterhand.database import migrate
from efterhand.demo import municipality
from efterhand.embedded.testing import running_kafka, running_postgres
from efterhand.settings import Settings

SECRET: Final = "5e" * 32
"""Signs the tokens of the benchmarks' own installations, which end with them."""
RESULTS: Final = Path(__file__).parent / "results"
WATERMARK: Final = "source.reported_through"
ERASURE: Final = "person.erased"
OTHERS: Final = "others' share of the machine"
"""Name of the number that tells how much a round was disturbed."""
_DEMO_ENROLMENTS: Final = 5000


class Wrong(RuntimeError):
    """A rival's result is not ours, or something that was promised is missing: no time counts then."""


# --- rounds and what they come to ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Series:
    """One number of every round."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.values)

    def __str__(self) -> str:
        middle, least, most = (_number(value) for value in (self.median, min(self.values), max(self.values)))
        return f"{self.name}: {middle} {self.unit} ({least} to {most})".replace("  ", " ")

    def as_json(self) -> dict[str, Any]:
        """The numbers as they are kept."""
        return {
            "unit": self.unit,
            "median": self.median,
            "min": min(self.values),
            "max": max(self.values),
            "rounds": self.values,
        }


@dataclass(frozen=True)
class Goal:
    """What a series is held against; `at_least`, or at most."""

    series: str
    limit: float
    at_least: bool = True

    def judge(self, found: Series) -> str:
        """Say whether the median reaches the goal, or by how much it does not."""
        reached = found.median >= self.limit if self.at_least else found.median <= self.limit
        sign = "≥" if self.at_least else "≤"
        goal = f"goal {sign} {_number(self.limit)} {found.unit}".rstrip()
        if reached:
            return f"{goal}: reached"
        return f"{goal}: missed, {_number(found.median / self.limit)} of it"


@dataclass
class Report:
    """What one benchmark found."""

    name: str
    title: str
    goals: Sequence[Goal] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    """What was measured and how much of it."""
    notes: list[str] = field(default_factory=list)
    rounds: list[dict[str, float]] = field(default_factory=list)
    units: dict[str, str] = field(default_factory=dict)

    def add_round(self, numbers: Mapping[str, float]) -> None:
        """Keep the numbers of a round, and show them."""
        self.rounds.append(dict(numbers))
        told = ", ".join(f"{name} {_number(value)}" for name, value in numbers.items())
        say(f"round {len(self.rounds)}: {told} (load {os.getloadavg()[0]:.1f})")

    def series(self) -> list[Series]:
        """Every number's rounds, in the order in which the numbers came."""
        names = list(dict.fromkeys(name for numbers in self.rounds for name in numbers))
        return [
            Series(name, self.units.get(name, ""), tuple(numbers[name] for numbers in self.rounds if name in numbers))
            for name in names
        ]

    def lines(self) -> list[str]:
        """The report for people, a number a line."""
        goals = {goal.series: goal for goal in self.goals}
        lines = []
        for one in self.series():
            goal = goals.get(one.name)
            lines.append(f"{one}; {goal.judge(one)}" if goal else str(one))
        return lines


class Neighbours:
    """How much of the machine others use: what makes rounds differ that should not."""

    def __init__(self) -> None:
        """Look now; `share` tells what has been used since."""
        self._begun, self._busy, self._own = time.monotonic(), _busy_seconds(), _own_seconds()

    def share(self) -> float:
        """The part of all cores' time that processes other than this one and its children used."""
        cores = os.cpu_count() or 1
        foreign = (_busy_seconds() - self._busy) - (_own_seconds() - self._own)
        return max(0.0, foreign / (cores * (time.monotonic() - self._begun)))


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def _own_seconds() -> float:
    own = psutil.Process()
    total = 0.0
    for one in (own, *own.children(recursive=True)):
        with suppress(psutil.Error):
            # With those that have ended and whose parent still lives.
            times = one.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def say(sentence: str) -> None:
    """Tell how it goes."""
    print(sentence, file=sys.stderr, flush=True)


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}" if abs(value) >= 1 else f"{value:.3f}"


def arguments(description: str, persons: tuple[int, int] | None = None) -> argparse.Namespace:
    """Read the command line that all benchmarks have: `--small`, `--rounds`, `--keep`.

    With `persons`, the numbers of a full and of a small run, there is `--persons` too.
    """
    return read_arguments(argparse.ArgumentParser(description=description), persons)


def read_arguments(parser: argparse.ArgumentParser, persons: tuple[int, int] | None = None) -> argparse.Namespace:
    """Read the same beside what the parser has of its own."""
    parser.add_argument("--small", action="store_true", help="few events, for CI: shows that the results are right")
    parser.add_argument("--rounds", type=int, help="interleaved rounds; default: 5, small: 2")
    parser.add_argument("--keep", action="store_true", help=f"keep the results in {RESULTS.name}/ also of a small run")
    if persons is not None:
        told = f"about ten events each; default: {persons[0]}, small: {persons[1]}"
        parser.add_argument("--persons", type=int, help=told)
    given = parser.parse_args()
    if given.rounds is None:
        given.rounds = 2 if given.small else 5
    given.size = "-small" if given.small else ""
    if persons is not None and given.persons is not None:
        given.size += f"-{given.persons}"
    elif persons is not None:
        given.persons = persons[1 if given.small else 0]
    return given


def finish(report: Report, given: argparse.Namespace, load_before: float) -> None:
    """Print what was found; a full run's is also kept, with the command and the machine."""
    lines = report.lines()
    print(f"\n{report.title}")
    for line in lines:
        print(f"  {line}")
    for note in report.notes:
        print(f"  {note}")
    if given.small and not given.keep:
        return
    command = shlex.join(["python", "-m", f"benchmarks.{Path(sys.argv[0]).stem}", *sys.argv[1:]])
    stem = f"{report.name}{given.size}"
    about = {"command": command, "machine": machine(), "load_before": load_before, "facts": report.facts}
    RESULTS.mkdir(exist_ok=True)
    kept = {
        **about,
        "notes": report.notes,
        "goals": {goal.series: goal.judge(one) for goal in report.goals for one in report.series()
                  if one.name == goal.series},
        "series": {one.name: one.as_json() for one in report.series()},
    }  # fmt: skip
    (RESULTS / f"{stem}.json").write_bytes(orjson.dumps(kept, option=orjson.OPT_INDENT_2) + b"\n")
    (RESULTS / f"{stem}.md").write_text(_as_page(report, about))
    say(f"Kept in {RESULTS / stem}.json and .md")


def _as_page(report: Report, about: Mapping[str, Any]) -> str:
    goals = {goal.series: goal for goal in report.goals}
    rows = []
    for one in report.series():
        middle, least, most = (_number(value) for value in (one.median, min(one.values), max(one.values)))
        judgement = goals[one.name].judge(one) if one.name in goals else ""
        rows.append(f"| {one.name} | {middle} | {least} – {most} | {one.unit} | {judgement} |")
    facts = [f"- {name}: {value}" for name, value in about["facts"].items()]
    machine_told = ", ".join(f"{name} {value}" for name, value in about["machine"].items())
    return "\n".join(
        [
            f"# {report.title}",
            "",
            f"- command: `{about['command']}`",
            f"- machine: {machine_told}",
            f"- load average before: {about['load_before']:.1f}",
            f"- rounds: {len(report.rounds)}, interleaved",
            *facts,
            "",
            "| what | median | least – most | unit | goal |",
            "|---|---|---|---|---|",
            *rows,
            "",
            *(f"- {note}" for note in report.notes),
            "",
        ]
    )


def machine() -> dict[str, Any]:
    """What the numbers depend on."""
    model = platform.processor() or platform.machine()
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "ms_per_fsync": round(fsync_milliseconds(), 2),
    }


def fsync_milliseconds() -> float:
    """How long it takes to put 8 kB on disk where the databases of the benchmarks are: the median of fifty times."""
    taken = []
    with tempfile.NamedTemporaryFile(prefix="efterhand-bench-") as file:
        for _ in range(50):
            os.write(file.fileno(), b"\0" * 8192)
            begun = time.perf_counter()
            os.fsync(file.fileno())
            taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


# --- servers and processes ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Servers:
    """A real PostgreSQL that syncs to disk, with a migrated template database, and a real Kafka."""

    directory: Path
    database_url: str
    kafka: str
    _template: str

    def new_database(self) -> str:
        """The URL of a fresh database with the schemas of every service."""
        return self._copy_of(self._template, "wal_log")

    def copy_database(self, url: str) -> str:
        """The URL of a copy of a database, to which nobody may be connected."""
        return self._copy_of(str(make_url(url).database), "file_copy")

    def _copy_of(self, template: str, strategy: str) -> str:
        name = f"bench_{uuid.uuid4().hex}"
        _execute(self.database_url, f'create database "{name}" template "{template}" strategy {strategy}')
        return make_url(self.database_url).set(database=name).render_as_string(hide_password=False)

    def drop_database(self, url: str) -> None:
        """Drop it; and let what was written reach the disk before anything else is measured."""
        _execute(self.database_url, f'drop database "{make_url(url).database}" with (force)', "checkpoint")


def _execute(url: str, *statements: str) -> None:
    with connect(url, database="postgres") as connection:
        for statement in statements:
            connection.execute(statement.encode())


def connect(url: str, database: str | None = None) -> psycopg.Connection[Any]:
    """A connection for looking at a database from outside; commits each statement."""
    address = make_url(url).set(drivername="postgresql")
    if database is not None:
        address = address.set(database=database)
    return psycopg.connect(address.render_as_string(hide_password=False), autocommit=True)


LARGE: Final = {
    "shared_buffers": "2GB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "effective_cache_size": "8GB",
}
"""Parameters of a PostgreSQL for millions of events; the product's own are for a municipality of ordinary size."""


@contextmanager
def servers(parameters: Mapping[str, str] | None = None) -> Iterator[Servers]:
    """Start both servers in a directory of their own, that goes in the end; `parameters` are PostgreSQL's."""
    directory = Path(tempfile.mkdtemp(prefix="efterhand-bench-"))
    directory.chmod(0o711)
    try:
        with (
            running_postgres(directory / "postgres", durable=True, parameters=parameters) as url,
            running_kafka(directory / "kafka") as kafka,
        ):
            template = make_url(url).set(database="template_of_all")
            _execute(url, 'create database "template_of_all"')
            for service in ("intake", "followup", "indicators"):
                migrate(template.render_as_string(hide_password=False), service)
            yield Servers(directory, url, kafka, "template_of_all")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def large_servers() -> AbstractContextManager[Servers]:
    """The servers, PostgreSQL with room for millions of events."""
    return servers(LARGE)


def settings(**values: Any) -> Settings:
    """The settings of a benchmark's own installation, with a manual clock."""
    return Settings(clock="manual", start_date=municipality.LAST_DAY, secret=SecretStr(SECRET), **values)


def environment(wanted: Settings | None = None) -> dict[str, str]:
    """The environment of a process of ours: this one's without settings, and those that are wanted."""
    told = {name: value for name, value in os.environ.items() if not name.startswith("EFTERHAND_")}
    if wanted is not None:
        for name, value in wanted.model_dump(exclude_none=True, exclude_defaults=True).items():
            told[f"EFTERHAND_{name.upper()}"] = str(value)
        told["EFTERHAND_SECRET"] = wanted.secret.get_secret_value()
    return told


@contextmanager
def process(command: Sequence[str], told: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process beside; it is asked to end, and made to if it does not."""
    with log.open("ab") as out:
        started = subprocess.Popen(
            [sys.executable, *command], env=dict(told), stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def service(name: str) -> list[str]:
    """The command line of a process of the product."""
    return ["-m", "efterhand.embedded.process", name]


def wait_until(condition: Callable[[], Any], what: str, seconds: float, *, every: float = 0.02) -> Any:
    """The first true value of a condition. Raises `Wrong` when it does not come."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise Wrong(f"not within {seconds:.0f} s: {what}")
        time.sleep(every)
    return value


# --- events -------------------------------------------------------------------------------------------------------


def history(enrolments: int, seed: int = 2017) -> list[tuple[dict[str, Any], Any]]:
    """The demo's events with their days of receipt, in order of receipt.

    The demo has as many watermarks for a small history as for a large one; here they keep the large one's share.
    """
    every = max(1, _DEMO_ENROLMENTS // enrolments)
    chosen = []
    marks = 0
    for event, received in municipality.history(seed, enrolments):
        if event["type"] == WATERMARK:
            marks += 1
            if marks % every:
                continue
        chosen.append((event, received))
    return chosen


def renamed(event: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The same event of another municipality: other ids, other persons."""
    data = dict(event["data"])
    if "person" in data:
        data["person"] = f"{prefix}{data['person']}"
    if "retracts" in data:
        data["retracts"] = {**data["retracts"], "id": f"{prefix}{data['retracts']['id']}"}
    return {**event, "id": f"{prefix}{event['id']}", "data": data}
