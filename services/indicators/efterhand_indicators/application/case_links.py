"""The cases behind counted things, and where each lies in its own system."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, any_, select

from efterhand.persons.store import texts
from efterhand_indicators.adapters import tables
from efterhand_indicators.application.who_is_seen import case_of, cases_of


def with_cases(
    connection: Connection, items: Sequence[Mapping[str, Any]], links: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return items of a list of counted things, each row of them with its `case` and the `link` to it.

    Args:
        connection: to read from.
        items: as `read_cases` gives them.
        links: source → the address of a case in its system, with `{case}` for its number.
    """
    persons = {item["person"] for item in items}
    cases = cases_of(connection, persons) if persons else {}
    sources = _sources(connection, persons) if persons and links else {}

    def told(person: str, row: Mapping[str, Any]) -> dict[str, Any]:
        case = case_of(cases, person, row["subject"])
        template = None if case is None else links.get(sources.get((person, case), ""))
        link = None if template is None or case is None else template.replace("{case}", quote(case, safe=""))
        return {**row, "case": case, "link": link}

    return [
        {**told(item["person"], item), "made_of": [told(item["person"], row) for row in item["made_of"]]}
        if "made_of" in item
        else told(item["person"], item)
        for item in items
    ]


def _sources(connection: Connection, persons: Iterable[str]) -> dict[tuple[str, str], str]:
    """Return the source of each case's enrolment: the system that the case lies in."""
    event = tables.kept.event.c
    case = event.data["case"].astext
    rows = connection.execute(
        select(event.person, case, event.source)
        .where(event.person == any_(texts(persons)), event.type == "case.enrolled")
        .order_by(event.time, event.source, event.id)
    )
    return {(person, case_id): source for person, case_id, source in rows}
