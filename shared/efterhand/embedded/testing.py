"""Real servers for tests: started in a directory, ended by their process id."""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from efterhand.embedded import jars, ports
from efterhand.embedded.kafka import KafkaServer
from efterhand.embedded.postgres import PostgresServer, server_account

START_SECONDS = 60.0


@contextmanager
def running_postgres(
    directory: Path, *, durable: bool = False, parameters: Mapping[str, str] | None = None
) -> Iterator[str]:
    """A PostgreSQL server in `directory`; yields the URL of its empty database `efterhand`.

    `parameters` of the server hold instead of the ones that the product sets.
    """
    server = PostgresServer(directory, ports.choose(), secrets.token_hex(16), durable=durable)
    server.prepare()
    account = server_account()
    with (directory.parent / f"{directory.name}.log").open("ab") as log:
        process = subprocess.Popen(
            [
                *server.command(),
                *(part for name, value in (parameters or {}).items() for part in ("-c", f"{name}={value}")),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=directory,
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
        )
    with _ending(process, fast=True):
        _wait(process, server.is_ready, "PostgreSQL", directory.parent / f"{directory.name}.log")
        server.ensure_database()
        yield server.url


@contextmanager
def running_kafka(directory: Path, *, port: int | None = None) -> Iterator[str]:
    """A Kafka broker in `directory`; yields host:port. On a directory that exists it goes on from what is there."""
    jars.fetch(lambda line: print(line, file=sys.stderr))  # noqa: T201 - progress of a test run
    chosen = port or ports.choose()
    server = KafkaServer(directory, chosen, ports.choose({chosen}), directory / "kafka.log", durable=False)
    server.prepare()
    with (directory / "kafka.out").open("ab") as log:
        process = subprocess.Popen(
            server.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=directory
        )
    with _ending(process, fast=False):
        _wait(process, server.is_ready, "Kafka", directory / "kafka.log")
        yield server.bootstrap


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], bool], name: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise RuntimeError(f"{name} did not start (exit {process.poll()}): {said}")
        time.sleep(0.05)


@contextmanager
def _ending(process: subprocess.Popen[bytes], *, fast: bool) -> Iterator[None]:
    try:
        yield
    finally:
        # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients.
        process.send_signal(2 if fast else 15)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
