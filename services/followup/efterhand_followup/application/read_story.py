"""A check with the whole story of its case: what happened, what is expected, what was told to whom."""

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, select

from efterhand.persons.store import read_events, texts
from efterhand.timeline.doubts import doubtful_of
from efterhand.timeline.events import EventRef
from efterhand.timeline.facts import derive_facts
from efterhand_followup.adapters.tables import kept, notice
from efterhand_followup.adapters.worklist_query import select_case
from efterhand_followup.application.postpone_check import latest_postponement
from efterhand_followup.application.read_worklist import Presenting, items_of, visible_check
from efterhand_followup.application.reading import context_with_date
from efterhand_followup.application.viewer import Viewer
from efterhand_followup.domain.story import story_of

_TOLD = ("id", "check_id", "step", "moment", "send_on", "recipient", "status", "made_on", "withdrawn_on")


def read_story(connection: Connection, present: Presenting, viewer: Viewer, check_id: str) -> dict[str, Any]:
    """Return a check as the worklist shows it, and its case: events, checks, notices; all on the business date.

    Args:
        connection: that sees one state.
        present: what items are made with.
        viewer: the reader.
        check_id: `<protocol>:<person>:<subject>`.

    Raises:
        Problem: 404, there is no such check, or it may not be seen; 503 before there is a business date, or while its
            protocol is being computed.
    """
    row = visible_check(connection, present.catalogue, viewer, check_id)
    _, today = context_with_date(connection)
    of_case = select_case(connection, row["person"], row["case_id"])
    checks = [each for each in of_case if viewer.sight.sees(each["unit"], each["protected"])]
    register = {each.id for each in present.catalogue.protocols.values() if each.reads_month}
    months = {each["due"].isoformat()[:7] for each in checks if each["protocol"] in register}
    events = read_events(connection, kept, [row["person"]])[row["person"]]
    doubts: dict[EventRef, set[str]] = defaultdict(set)
    for doubtful in doubtful_of(derive_facts(events)):
        if doubtful.stands_on(today):
            for event in doubtful.events:
                doubts[event].add(doubtful.code)
    return {
        "on": today,
        "check": items_of(connection, present, viewer, [row])[0],
        "postpone_until": latest_postponement(row, today),
        "events": [each.as_json() for each in story_of(events, row["case_id"], months, doubts)],
        "checks": items_of(connection, present, viewer, [each for each in checks if each["id"] != row["id"]]),
        "notices": _notices(connection, row["person"], [each["id"] for each in checks]),
    }


def _notices(connection: Connection, person: str, checks: list[str]) -> list[dict[str, Any]]:
    """Return what staff were told of checks, in the order of its days; what was only summed up is not told of one."""
    selected = (
        select(*(notice.c[name] for name in _TOLD))
        .where(notice.c.person == person, notice.c.check_id == texts(checks).any_(), notice.c.status != "summed")
        .order_by(notice.c.send_on, notice.c.id)
    )
    return [
        {
            "to" if name == "recipient" else "check" if name == "check_id" else name: value
            for name, value in each.items()
        }
        for each in connection.execute(selected).mappings()
    ]
