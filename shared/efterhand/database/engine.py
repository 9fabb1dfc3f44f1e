"""How every process connects to PostgreSQL."""

import sqlalchemy
from sqlalchemy import Engine


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
