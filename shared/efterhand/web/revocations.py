"""Tokens that hold no more: kept in a service's own database, asked for in memory."""

import threading

from sqlalchemy import Engine, Table, select

from efterhand.database import bulk_insert


class Revocations:
    """The revoked tokens that a service knows of."""

    def __init__(self, engine: Engine, table: Table) -> None:
        """Make an empty list; `load` reads what is stored. `table` has the column `token_id`, its key."""
        self._engine = engine
        self._table = table
        self._revoked: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def load(self) -> None:
        """Read what is stored."""
        with self._engine.connect() as connection:
            stored = connection.execute(select(self._table.c.token_id)).scalars().all()
        with self._lock:
            self._revoked |= frozenset(stored)

    def add(self, token_id: str) -> None:
        """Keep that a token holds no more."""
        with self._lock:
            self._revoked |= {token_id}
        with self._engine.begin() as connection:
            bulk_insert(connection, self._table, [{"token_id": token_id}], on_conflict="ignore")

    def holds(self, token_id: str) -> bool:
        """Tell whether a token has been revoked."""
        return token_id in self._revoked
