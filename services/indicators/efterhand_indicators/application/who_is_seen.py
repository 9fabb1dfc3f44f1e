"""Whom the lists of counted things show: what the log of who saw whom is made of."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, any_, select

from efterhand.access_log.lines import Seen
from efterhand.persons.store import texts
from efterhand_indicators.adapters import tables
from efterhand_indicators.adapters.compiling.statement import BETWEEN_PARTS


def seen_in(connection: Connection, items: Iterable[Mapping[str, Any]]) -> list[Seen]:
    """Return the persons in a list, with the cases that are counted, or that the counted measures belong to."""
    listed = [
        (item["person"], row["subject"], row.get("dims", {}).get("unit"))
        for item in items
        for row in item.get("made_of") or [item]
    ]
    if not listed:
        return []
    cases = cases_of(connection, {person for person, _, _ in listed})
    return [Seen(person, case_of(cases, person, subject), unit) for person, subject, unit in listed]


def case_of(cases: Mapping[tuple[str, str], str], person: str, subject: str | None) -> str | None:
    """Return the case that a counted thing is about; None where there is none.

    Args:
        cases: as `cases_of` gives them.
        person: whose thing it is.
        subject: the thing's key, which begins with the id of a case or measure where it has several parts.
    """
    return None if subject is None else cases.get((person, subject.partition(BETWEEN_PARTS)[0]))


def cases_of(connection: Connection, persons: Iterable[str]) -> dict[tuple[str, str], str]:
    """Return the case of each (person, id of a case or measure)."""
    case, measure = tables.stored.facts["case"].c, tables.stored.facts["measure"].c
    own = select(case.person, case.case_id, case.case_id.label("of")).where(case.person == any_(texts(persons)))
    theirs = select(measure.person, measure.measure_id, measure.case_id).where(
        measure.person == any_(texts(persons)), measure.case_id.is_not(None)
    )
    found = {(person, subject): of for person, subject, of in connection.execute(theirs)}
    return {**found, **{(person, subject): of for person, subject, of in connection.execute(own)}}
