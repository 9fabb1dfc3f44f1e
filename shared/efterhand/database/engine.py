"""How every process connects to PostgreSQL."""

from typing import Any, Final

import orjson
import sqlalchemy
from psycopg.types.json import set_json_loads
from sqlalchemy import Engine, event

# A computation looks up some persons by their keys, whatever the tables' size and statistics: one plan fits all, and
# neither a scan of a whole table nor compiling the plan is ever right. A plan made while the tables were empty, and
# kept, would read all of them for every batch.
_PLANNING: Final = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off"


def create_engine(
    url: str, schema: str, *, pool_size: int = 5, max_overflow: int = 5, pool_timeout: float = 5.0
) -> Engine:
    """Return an engine whose connections find their tables in one schema and speak of instants in UTC.

    A connection is tried before it is handed out, so that a restart of PostgreSQL costs no request. Connecting gives up
    after 5 s, waiting for a free connection after `pool_timeout` seconds. Errors do not repeat the parameters of
    their statement.

    Args:
        url: `postgresql+psycopg://…`
        schema: the service's schema, `intake`, `followup` or `indicators`; it need not exist yet.
        pool_size: connections that are kept open.
        max_overflow: connections opened beyond that under load.
        pool_timeout: seconds.
    """
    return sqlalchemy.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=pool_timeout,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "connect_timeout": 5,
            "application_name": f"efterhand {schema}",
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "options": f"-csearch_path={schema} -ctimezone=UTC",
        },
    )


def create_computing_engine(url: str, schema: str, *, pool_size: int = 2) -> Engine:
    """Return an engine for what computes persons: its statements are planned once, by their keys.

    Args:
        url: `postgresql+psycopg://…`
        schema: the service's.
        pool_size: connections that are kept open; two more are opened under load.
    """
    engine = create_engine(url, schema, pool_size=pool_size, max_overflow=2)

    @event.listens_for(engine, "connect")
    def planned_once(connection: Any, _: Any) -> None:
        autocommit, connection.autocommit = connection.autocommit, True
        connection.execute(_PLANNING)
        connection.autocommit = autocommit
        set_json_loads(orjson.loads, connection)

    return engine
