"""Alembic, run by the services themselves: one history and one version table in each service's schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path

import sqlalchemy
from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, MetaData, NullPool, text

_VERSION_TABLE = "alembic_version"


def migrate(url: str, service: str, revision: str = "head") -> None:
    """Bring a service's schema, which is created if need be, to a revision.

    Several processes may call this at once: one works, the others wait for it and find nothing left to do.

    Args:
        url: `postgresql+psycopg://…`
        service: a name among the entry points `efterhand.migrations`; also the name of the schema.
        revision: `head`, or a revision of that service's history.

    Raises:
        LookupError: no service of that name has migrations.
    """
    directory = _directory(service)
    with _alone(url, service) as connection:
        connection.execute(sqlalchemy.schema.CreateSchema(service, if_not_exists=True))
        connection.commit()
        command.upgrade(_config(directory, connection, service), revision)


def downgrade(url: str, service: str, revision: str = "base") -> None:
    """Take a service's schema back to a revision (`base`: no tables but Alembic's own). Raises as `migrate` does."""
    directory = _directory(service)
    with _alone(url, service) as connection:
        command.downgrade(_config(directory, connection, service), revision)


def run_env(metadata: MetaData | None = None) -> None:
    """Do what a service's `migrations/env.py` is there for; all it needs to say is `run_env(metadata)`.

    Args:
        metadata: the service's tables, to be compared with the database.
    """
    schema: str = context.config.attributes["schema"]
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        version_table=_VERSION_TABLE,
        version_table_schema=schema,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def _directory(service: str) -> Path:
    for entry_point in entry_points(group="efterhand.migrations", name=service):
        directory: Path = entry_point.load()
        return directory
    raise LookupError(f"no service {service!r} has migrations")


def _config(directory: Path, connection: Connection, service: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(directory).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["schema"] = service
    return config


@contextmanager
def _alone(url: str, service: str) -> Iterator[Connection]:
    engine = sqlalchemy.create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 5})
    with engine.connect() as connection:
        # Held by the session, not the transaction: it goes with the connection, whatever becomes of this process.
        connection.execute(text("SELECT pg_advisory_lock(hashtext(:name))"), {"name": f"efterhand migrate {service}"})
        connection.commit()
        yield connection
