"""The supervisor and its two servers: started, killed, started again, stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from efterhand.embedded import ports
from efterhand.embedded.children import start_mark
from tests.acceptance.running import SERVERS_ONLY, Run, ended_with_the_test, start, wait_until


@pytest.fixture
def directory() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="efterhand-up-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def up(directory: Path) -> Iterator[Callable[..., Run]]:
    """Start the supervisor with the servers alone in `directory/home`."""
    port = ports.choose()
    with ended_with_the_test(directory / "home") as runs:

        def run(**more: object) -> Run:
            command = [sys.executable, "-c", SERVERS_ONLY, str(directory / "home"), str(port)]
            runs.append(start(directory, [*command, str(directory / "ready.json")], **more))
            return runs[-1]

        yield run


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        cursor = connection.execute(statement)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def answers(url: str) -> bool:
    try:
        return query(url, "select 1") == [(1,)]
    except psycopg.Error:
        return False


def test_a_home_goes_on_from_what_it_holds(up: Callable[..., Run], directory: Path) -> None:
    home = directory / "home"
    first = up()
    ready = first.ready()
    for path in (home / "secrets.json", home / "token", home / "run" / "ready.json", first.ready_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(home.stat().st_mode) & 0o066 == 0
    query(ready["database"], "create table kept as select 1 as a")

    second = start(home, [sys.executable, "-c", SERVERS_ONLY, str(home), "1", str(home / "never.json")])
    assert second.process.wait(30) == 1
    assert f"in use by efterhand with process id {first.process.pid}" in second.said

    code, seconds = first.stop()
    assert code == 0, first.said
    assert seconds < 20
    assert not first.ready_file.exists()
    assert all(start_mark(pid) is None for pid in ready["pids"].values())

    # Kafka may be born again between two starts; the database and the token are what they were.
    meta = home / "kafka" / "data" / "meta.properties"
    before = meta.read_text()
    shutil.rmtree(meta.parent)
    again = up()
    assert query(again.ready()["database"], "select a from kept") == [(1,)]
    assert again.ready()["token"] == ready["token"]
    assert meta.read_text() != before
    assert again.stop(signal.SIGINT)[0] == 0


def test_what_is_killed_starts_again_and_what_a_killed_supervisor_left_is_ended(
    up: Callable[..., Run], directory: Path
) -> None:
    first = up()
    ready = first.ready()
    query(ready["database"], "create table kept as select 1 as a")
    before = first.pids()
    os.kill(before["postgres"], signal.SIGKILL)
    os.kill(before["kafka"], signal.SIGKILL)

    def both_again() -> bool:
        now = first.pids()
        return now.keys() == before.keys() and all(now[name] != before[name] for name in ("kafka", "postgres"))

    wait_until(both_again, "both servers run again")
    wait_until(lambda: answers(ready["database"]), "PostgreSQL answers where it did")
    wait_until(lambda: ports.answers(int(ready["kafka"].rpartition(":")[2])), "Kafka answers where it did")
    assert query(ready["database"], "select a from kept") == [(1,)]
    assert "postgres ended (SIGKILL)" in first.said

    left = first.pids()
    first.process.kill()
    first.process.wait()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        # A record whose process is gone, and whose number has been given to another one since.
        record = directory / "home" / "run" / "stranger.json"
        record.write_text(json.dumps({"name": "stranger", "pid": bystander.pid, "mark": "another start"}))
        assert start_mark(left["kafka"]) is not None, "the servers outlive their supervisor"
        again = up()
        again.ready()
        assert start_mark(left["kafka"]) is None
        assert start_mark(left["postgres"]) is None
        assert bystander.poll() is None
        assert "ending what it left: kafka, postgres" in again.said
        assert again.stop()[0] == 0
        bystander.communicate(b"\n")


def test_stopping_takes_less_than_20_seconds_also_while_kafka_hangs(up: Callable[..., Run]) -> None:
    run = up()
    os.kill(run.ready()["pids"]["kafka"], signal.SIGSTOP)
    code, seconds = run.stop()
    assert code == 0
    assert seconds < 20
    assert "by force: kafka" in run.said


def as_another_user() -> list[str] | None:
    """What to put before a command so that root runs it as somebody else; None where that cannot be done.

    In a user namespace of its own, since the interpreter may lie where only root can reach it.
    """
    prefix = ["unshare", "--user", "--map-user=65534", "--map-group=65534"]
    try:
        done = subprocess.run([*prefix, "id", "-u"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return prefix if done.stdout.strip() == "65534" else None


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests of this file show it")
def test_everything_runs_for_a_user_who_is_not_root(directory: Path) -> None:
    prefix = as_another_user()
    if prefix is None:
        pytest.skip("this machine gives no user namespace to become another user in")
    with ended_with_the_test(directory / "home") as runs:
        command = [sys.executable, "-c", SERVERS_ONLY, str(directory / "home"), str(ports.choose())]
        run = start(directory, [*prefix, *command, str(directory / "ready.json")])
        runs.append(run)
        assert answers(run.ready()["database"])
        assert "nobody" not in run.said
        assert run.stop()[0] == 0


def test_a_port_in_use_is_a_sentence_that_says_what_to_do(directory: Path) -> None:
    with socket.create_server(("127.0.0.1", ports.choose())) as listening:
        port = listening.getsockname()[1]
        command = [sys.executable, "-c", SERVERS_ONLY, str(directory / "home"), str(port)]
        run = start(directory, [*command, str(directory / "ready.json")])
        assert run.process.wait(30) == 1
    assert f"Port {port} is in use by another program." in run.said
    assert "--port" in run.said
    assert "Traceback" not in run.said
