"""Lines of the log go when they are as old as the installation says."""

from typing import Final

import structlog
from sqlalchemy import Engine, Table

from efterhand.access_log.tables import forget_before
from efterhand.persons.draining import Rounds

_log = structlog.get_logger(__name__)

_SECONDS: Final = 3600.0


def forgetting(engine: Engine, table: Table, days: int) -> Rounds:
    """Return a thread, not yet started, that deletes old lines once an hour.

    Args:
        engine: of the service's schema.
        table: the service's log.
        days: that a line is kept.
    """

    def forget() -> None:
        with engine.begin() as connection:
            gone = forget_before(connection, table, days)
        if gone:
            _log.info("old lines of the log of who saw whom are gone", action="access_log_forgotten", lines=gone)

    return Rounds("access-log", lambda: None, forget, poll_seconds=_SECONDS)
