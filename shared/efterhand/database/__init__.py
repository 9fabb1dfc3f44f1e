"""One PostgreSQL, one schema for each service: engines, common tables, fast writes, migrations."""

from efterhand.database.bulk import Outgoing, bulk_insert, put_outbox
from efterhand.database.common_tables import (
    create_common_tables,
    drop_common_tables,
    outbox_table,
    parked_table,
    position_table,
)
from efterhand.database.engine import create_computing_engine, create_engine
from efterhand.database.migrating import downgrade, migrate, run_env

__all__ = [
    "Outgoing",
    "bulk_insert",
    "create_common_tables",
    "create_computing_engine",
    "create_engine",
    "downgrade",
    "drop_common_tables",
    "migrate",
    "outbox_table",
    "parked_table",
    "position_table",
    "put_outbox",
    "run_env",
]
