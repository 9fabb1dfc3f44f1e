"""Accepted but doubtful: what goes to the data-quality list."""

from datetime import date

from tests.reference.history import Event, History, histories, received_on

Doubt = tuple[str, str, str]
"""(kind, person, what it is about)."""


def doubts(events: list[Event], business_date: date) -> set[Doubt]:
    """Everything doubtful, as it is known on the business date."""
    found: set[Doubt] = set()
    living = {history.person: history for history in histories(events)}
    persons_of: dict[str, list[str]] = {}
    for person, history in living.items():
        for case in history.cases():
            persons_of.setdefault(case, []).append(person)
    for person, history in living.items():
        for kind, source, event_id in history.doubts():
            found.add((kind, person, f"{source} {event_id}"))
        for name in history.disagreements():
            found.add(("disagreement", person, name))
        for case in cases_waiting(history):
            first = min(received_on(e) for e in history.left if e["data"].get("case") == case)
            if (business_date - first).days >= 30:
                found.add(("waits_for_enrolment", person, case))
        for one in history.cases():
            for other in history.cases():
                if one < other and share_a_unit_on(history, one, other, business_date):
                    found.add(("two_open_at_one_unit", person, f"{one} {other}"))
        for case in history.cases():
            if len(persons_of[case]) > 1:
                found.add(("case_of_two_persons", person, case))
    return found


def cases_waiting(history: History) -> set[str]:
    """Cases that something standing speaks of and whose enrolment has not come."""
    spoken_of = {e["data"]["case"] for e in history.left if "case" in e["data"]}
    return spoken_of - set(history.cases())


def share_a_unit_on(history: History, one: str, other: str, day: date) -> bool:
    """Both open, at one unit, on a day."""
    return (
        history.is_open_on(one, day)
        and history.is_open_on(other, day)
        and history.attribute_on(one, "unit", day) == history.attribute_on(other, "unit", day)
    )
