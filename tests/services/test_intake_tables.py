"""Intake's migrations make the tables that the code describes, and take them away again."""

import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from efterhand.database import create_engine, downgrade, migrate
from efterhand_intake.adapters.tables import SCHEMA, metadata


def test_the_migrations_make_the_tables_of_the_code_and_take_them_away(empty_database_url: str) -> None:
    migrate(empty_database_url, "intake")
    engine = create_engine(empty_database_url, SCHEMA)
    # Alembic takes the first schema of the search path for one that has no name.
    plain = sqlalchemy.create_engine(empty_database_url, poolclass=sqlalchemy.NullPool)
    with plain.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
                "version_table_schema": SCHEMA,
            },
        )
        assert compare_metadata(context, metadata) == []
    downgrade(empty_database_url, "intake")
    assert inspect(engine).get_table_names(SCHEMA) == ["alembic_version"]
    with engine.connect() as connection:
        left = connection.exec_driver_sql(
            "SELECT proname FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = 'intake'"
        )
        assert list(left) == []
    engine.dispose()
    migrate(empty_database_url, "intake")
