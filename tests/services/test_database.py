"""Engines, common tables, fast writes and migrations, on a real PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    inspect,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DataError, IntegrityError

from efterhand.database import (
    Outgoing,
    bulk_insert,
    create_engine,
    downgrade,
    migrate,
    migrating,
    outbox_table,
    parked_table,
    position_table,
    put_outbox,
)

_ENV = "from efterhand.database import run_env\n\nrun_env()\n"
_FIRST = """
from alembic import op

from efterhand.database import create_common_tables, drop_common_tables

revision = "0001"
down_revision = None


def upgrade():
    create_common_tables(op, "post_office")


def downgrade():
    drop_common_tables(op, "post_office")
"""

_METADATA = MetaData()
_OUTBOX = outbox_table(_METADATA, "post_office")
_POSITION = position_table(_METADATA, "post_office")
_PARKED = parked_table(_METADATA, "post_office")

_EVERYTHING = Table(
    "everything",
    MetaData(),
    Column("person", Text, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("big", BigInteger),
    Column("day", Date),
    Column("at", DateTime(timezone=True)),
    Column("share", Numeric),
    Column("flag", Boolean),
    Column("raw", LargeBinary),
    Column("body", JSONB),
    Column("names", ARRAY(Text)),
    Column("days", ARRAY(Date)),
    schema="post_office",
)


@pytest.fixture
def post_office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a service whose first migration creates the common tables and nothing else."""
    (tmp_path / "env.py").write_text(_ENV)
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "0001_common_tables.py").write_text(_FIRST)

    class Here(EntryPoint):
        def load(self) -> Path:
            return tmp_path

    known = {"post_office": Here("post_office", "unused", "efterhand.migrations")}
    monkeypatch.setattr(migrating, "entry_points", lambda group, name: [known[name]] if name in known else [])
    return "post_office"


@pytest.fixture
def engine(empty_database_url: str, post_office: str) -> Iterator[Engine]:
    """An engine of the migrated service, with one more table that has a column of every kind."""
    migrate(empty_database_url, post_office)
    engine = create_engine(empty_database_url, post_office)
    _EVERYTHING.create(engine)
    yield engine
    engine.dispose()


def _row(person: str, part: int = 0, **values: object) -> dict[str, object]:
    return {"person": person, "part": part, **values}


def test_migrations_create_the_tables_and_rolling_back_leaves_none(empty_database_url: str, post_office: str) -> None:
    engine = create_engine(empty_database_url, post_office)
    migrate(empty_database_url, post_office)
    assert set(inspect(engine).get_table_names("post_office")) == {"alembic_version", "outbox", "position", "parked"}
    migrate(empty_database_url, post_office)
    downgrade(empty_database_url, post_office)
    assert inspect(engine).get_table_names("post_office") == ["alembic_version"]
    migrate(empty_database_url, post_office)
    engine.dispose()


def test_the_tables_that_migrations_create_are_the_tables_the_code_uses(engine: Engine) -> None:
    # Alembic takes the first schema of the search path for one that has no name.
    plain = sqlalchemy.create_engine(engine.url, poolclass=sqlalchemy.NullPool)
    with plain.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == "post_office",
                "include_object": lambda _o, name, kind, *_: (
                    kind != "table" or name not in ("alembic_version", "everything")
                ),
                "version_table_schema": "post_office",
            },
        )
        assert compare_metadata(context, _METADATA) == []


def test_several_processes_may_migrate_at_once(empty_database_url: str, post_office: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: migrate(empty_database_url, post_office), range(4)))
    engine = create_engine(empty_database_url, post_office)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["0001"]
    engine.dispose()


def test_a_service_without_migrations_is_named(empty_database_url: str, post_office: str) -> None:
    with pytest.raises(LookupError, match="bakery"):
        migrate(empty_database_url, "bakery")


@pytest.mark.parametrize("service", ["intake", "followup", "indicators"])
def test_the_migrations_of_a_service_can_be_applied_and_rolled_back(empty_database_url: str, service: str) -> None:
    engine = create_engine(empty_database_url, service)
    migrate(empty_database_url, service)
    created = set(inspect(engine).get_table_names(service))
    assert {"outbox", "position", "parked"} <= created
    downgrade(empty_database_url, service)
    assert inspect(engine).get_table_names(service) == ["alembic_version"]
    migrate(empty_database_url, service)
    assert set(inspect(engine).get_table_names(service)) == created
    engine.dispose()


def test_bulk_insert_keeps_every_kind_of_value_and_null(engine: Engine) -> None:
    full = _row(
        "p-å",
        2**31 - 1,
        big=-(2**63),
        day=date(2017, 2, 28),
        at=datetime(2017, 3, 1, 8, 12, 0, 1, tzinfo=UTC),
        share=Decimal("75.98"),
        flag=True,
        raw=b"\x00\xff",
        body={"a": [1, None, "å"], "b": {"c": True}},
        names=["a,b", 'c"d', "", "{}"],
        days=[date(2017, 1, 1), date(2018, 1, 1)],
    )
    empty = _row("p-2", 1, **{name: None for name in full if name not in ("person", "part")})
    bare = {**empty, "person": "p-3", "names": [], "body": []}
    with engine.begin() as connection:
        assert bulk_insert(connection, _EVERYTHING, [full, empty, bare]) == []
        read = {row.person: dict(row._mapping) for row in connection.execute(select(_EVERYTHING))}
    assert read == {"p-å": full, "p-2": empty, "p-3": bare}


def test_bulk_insert_of_nothing_does_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        assert bulk_insert(connection, _EVERYTHING, [], returning=["person"]) == []


def test_bulk_insert_tells_which_rows_were_new(engine: Engine) -> None:
    with engine.begin() as connection:
        bulk_insert(connection, _EVERYTHING, [_row("p-1", flag=True)])
        new = bulk_insert(
            connection,
            _EVERYTHING,
            [_row("p-1", flag=False), _row("p-2", flag=False), _row("p-2", flag=False)],
            on_conflict="ignore",
            returning=["person"],
        )
        assert [row.person for row in new] == ["p-2"]
        assert dict(connection.execute(select(_EVERYTHING.c.person, _EVERYTHING.c.flag)).all()) == {
            "p-1": True,
            "p-2": False,
        }


def test_bulk_insert_replaces_the_given_columns_of_rows_that_are_there(engine: Engine) -> None:
    with engine.begin() as connection:
        bulk_insert(connection, _EVERYTHING, [_row("p-1", flag=True, big=7)])
        bulk_insert(connection, _EVERYTHING, [_row("p-1", flag=False), _row("p-2", flag=None)], on_conflict="update")
        rows = connection.execute(select(_EVERYTHING.c.person, _EVERYTHING.c.flag, _EVERYTHING.c.big)).all()
        assert sorted(rows) == [("p-1", False, 7), ("p-2", None, None)]


def test_a_repeated_key_is_an_error_that_does_not_repeat_the_values(engine: Engine) -> None:
    with engine.begin() as connection, pytest.raises(IntegrityError) as caught:
        bulk_insert(connection, _EVERYTHING, [_row("p-1"), _row("p-1")])
    assert "SQL parameters hidden" in str(caught.value)


def test_a_value_that_postgresql_cannot_hold_is_a_data_error(engine: Engine) -> None:
    with engine.begin() as connection, pytest.raises(DataError):
        bulk_insert(connection, _EVERYTHING, [_row("p-\0")])


def test_the_outbox_keeps_the_order_in_which_records_were_put(engine: Engine) -> None:
    rows = [Outgoing("letters", f"k{n}".encode(), b"\x00%d" % n, None if n % 2 else f"p-{n}") for n in range(1000)]
    with engine.begin() as connection:
        put_outbox(connection, _OUTBOX, [])
        put_outbox(connection, _OUTBOX, rows[:500])
        put_outbox(connection, _OUTBOX, rows[500:])
    with engine.connect() as connection:
        stored = connection.execute(select(_OUTBOX).order_by(_OUTBOX.c.id)).all()
    assert [Outgoing(r.topic, r.key, r.value, r.person) for r in stored] == rows


def test_an_engine_survives_a_connection_that_the_server_ended(engine: Engine) -> None:
    with engine.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    other = create_engine(engine.url.render_as_string(hide_password=False), "post_office")
    with other.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    other.dispose()
    with engine.connect() as connection:
        assert connection.execute(text("SHOW timezone")).scalar_one() == "UTC"
        assert connection.execute(text("SHOW search_path")).scalar_one() == "post_office"
