"""The log of who saw whom, in PostgreSQL."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, select

from efterhand.access_log.lines import Seen, lines_of
from efterhand.access_log.reading import AccessFilter, read_access_log
from efterhand.database import bulk_insert
from efterhand.web.rights import Principal, Right
from efterhand.web.sight import Sight
from efterhand_intake.adapters.tables import access_log, event


def seen_in(person: str, event_sent: Any) -> Seen:
    """Return whom a refused event shows, with the case that it names.

    Args:
        person: the pseudonym.
        event_sent: the event as it was sent, whatever it is.
    """
    data = event_sent.get("data") if isinstance(event_sent, dict) else None
    case = data.get("case") if isinstance(data, dict) else None
    return Seen(person, case if isinstance(case, str) else None)


def log(connection: Connection, principal: Principal, right: Right, kind: str, seen: Sequence[Seen]) -> None:
    """Note who saw whom, in the transaction that reads the answer."""
    bulk_insert(connection, access_log, lines_of(principal, right, kind, seen))


def log_broken_glass(connection: Connection, principal: Principal, unit: str, reason: str) -> None:
    """Note that somebody has taken access to a unit for a while, and why."""
    (line,) = lines_of(principal, Right.GLASS_BREAK, "glass", [Seen("", None, unit)])
    bulk_insert(connection, access_log, [{**line, "person": None, "reason": reason}])


def read(
    connection: Connection, wanted: AccessFilter, sight: Sight, cursor: str | None, limit: int
) -> tuple[dict[str, Any], list[Seen]]:
    """Return a page of the log, and whom it shows. Raises Problem: 400 for a cursor of another list."""

    def ever_protected(persons: Collection[str]) -> set[str]:
        # Intake does not work out who is protected today: whoever ever was counts as protected here.
        said = select(event.c.person).where(event.c.person.in_(sorted(persons)), event.c.type == "person.protected")
        return set(connection.execute(said).scalars())

    return read_access_log(connection, access_log, wanted, sight, ever_protected, cursor, limit)
