"""Whom the answers of the reads show: what the log of who saw whom is made of."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, any_, select, text

from efterhand.access_log.lines import Seen
from efterhand.persons.store import texts
from efterhand.timeline.checks import person_of
from efterhand_followup.adapters.tables import check


def seen_in(items: Iterable[Mapping[str, Any]]) -> list[Seen]:
    """Return whom checks, or entries of the data-quality list, are about."""
    return [Seen(item["person"], item["case"], item["unit"]) for item in items]


def seen_in_notices(connection: Connection, items: Iterable[Mapping[str, Any]]) -> list[Seen]:
    """Return whom notices are about; those that sum up name nobody.

    Args:
        connection: to read the checks that the notices are about.
        items: the notices.
    """
    about = {item["check"]: item["unit"] for item in items if item["check"] is not None}
    found = _found(connection, about)
    return [found.get(check_id) or Seen(person_of(check_id), None, unit) for check_id, unit in about.items()]


def seen_in_ids(connection: Connection, checks: Collection[str]) -> list[Seen]:
    """Return whom checks are about, of which an answer names nothing but the ids.

    Args:
        connection: to read the checks.
        checks: the ids.
    """
    found = _found(connection, checks)
    return [found.get(check_id) or Seen(person_of(check_id)) for check_id in checks]


def _found(connection: Connection, checks: Collection[str]) -> dict[str, Seen]:
    if not checks:
        return {}
    persons = {person_of(check_id) for check_id in checks}
    rows = connection.execute(
        select(check.c.id, check.c.person, check.c.case_id, check.c.unit).where(
            check.c.person == any_(texts(persons)), check.c.id == any_(texts(checks))
        )
    )
    return {row.id: Seen(row.person, row.case_id, row.unit) for row in rows}


def protected_among(connection: Connection, persons: Collection[str]) -> set[str]:
    """Return those of the persons who have a protected identity now."""
    found = connection.execute(
        text(
            "SELECT person FROM followup.person_case WHERE protected AND person = ANY(:persons)"
            " UNION SELECT person FROM followup.doubt WHERE protected AND person = ANY(:persons)"
        ),
        {"persons": list(persons)},
    )
    return set(found.scalars())
