"""Servers for the tests: one real PostgreSQL and one real Kafka per session, a fresh database per test."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import structlog
from sqlalchemy.engine import make_url

from efterhand.embedded.testing import running_kafka, running_postgres


def pytest_configure(config: pytest.Config) -> None:
    """Let through the warnings of libraries that nobody here can act on; every other warning is an error."""
    # The default prints every value in every frame of an error, which takes seconds and tens of megabytes here.
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], _plain_logs()])
    # kafka-python reads its protocol schemas in the old way; the module name is the standard library's caller.
    config.addinivalue_line("filterwarnings", r"ignore:(read_text|open_text|contents) is deprecated:DeprecationWarning")
    # kafka-python leaves the sockets of connections that were refused to the garbage collector.
    config.addinivalue_line("filterwarnings", r"ignore:unclosed <socket:ResourceWarning")
    # Apprise loads all its plugins at once; the one for signed mail asks for a module that Python 3.13 has no more.
    config.addinivalue_line("filterwarnings", r"ignore:'imghdr' is deprecated:DeprecationWarning")


def _plain_logs() -> structlog.dev.ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)


@pytest.fixture(scope="session")
def server_directory() -> Iterator[Path]:
    """A directory that the users of both servers can reach, removed at the end."""
    directory = Path(tempfile.mkdtemp(prefix="efterhand-test-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(server_directory: Path) -> Iterator[str]:
    """The URL of the session's PostgreSQL server, with an empty database."""
    with running_postgres(server_directory / "postgres") as url:
        yield url


@pytest.fixture(scope="session")
def kafka(server_directory: Path) -> Iterator[str]:
    """host:port of the session's broker. Give topics and groups names of their own in every test."""
    with running_kafka(server_directory / "kafka") as bootstrap:
        yield bootstrap


def _run(server: str, statement: str) -> None:
    address = make_url(server).set(drivername="postgresql", database="postgres")
    with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def create_database(postgres_server: str) -> Iterator[Callable[[str], str]]:
    """Make a new database as a copy of the named template; gives its URL. Dropped at the end of the session."""
    made: list[str] = []

    def create(template: str = "template0") -> str:
        name = f"test_{uuid.uuid4().hex}"
        _run(postgres_server, f'create database "{name}" template "{template}" strategy wal_log')
        made.append(name)
        return make_url(postgres_server).set(database=name).render_as_string(hide_password=False)

    yield create
    for name in made:
        _run(postgres_server, f'drop database if exists "{name}" with (force)')


@pytest.fixture
def empty_database_url(create_database: Callable[[str], str], postgres_server: str) -> Iterator[str]:
    """The URL of a fresh database without any schema."""
    url = create_database("template0")
    yield url
    _run(postgres_server, f'drop database if exists "{make_url(url).database}" with (force)')


@pytest.fixture(scope="session")
def migrated_template(create_database: Callable[[str], str]) -> str:
    """The name of a database in which the migrations of every service have been applied."""
    from efterhand.database import migrate

    url = create_database("template0")
    for service in ("intake", "followup", "indicators"):
        migrate(url, service)
    return str(make_url(url).database)


@pytest.fixture(scope="session")
def followup_template(create_database: Callable[[str], str]) -> str:
    """The name of a database in which the migrations of followup alone have been applied."""
    from efterhand.database import migrate

    url = create_database("template0")
    migrate(url, "followup")
    return str(make_url(url).database)


@pytest.fixture
def database_url(create_database: Callable[[str], str], migrated_template: str, postgres_server: str) -> Iterator[str]:
    """The URL of a fresh database with the schemas of every service."""
    url = create_database(migrated_template)
    yield url
    _run(postgres_server, f'drop database if exists "{make_url(url).database}" with (force)')
