"""What becomes of what is sent, by order of receipt: accepted, duplicate, conflict, refused after an erasure.

Only these: that a body is well formed and its codes are known is taken for granted here.
"""

from typing import Any

from tests.reference.days import instant_of

Sent = dict[str, Any]


def same_json(one: Any, other: Any) -> bool:
    """Equal as JSON values: a truth is no number, and 1 and 1.0 are one number."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same_json(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    return type(one) is type(other) and one == other


def same_content(one: Sent, other: Sent) -> bool:
    """The same content: equal in specversion, id, source, type, time (as an instant), dataschema and data."""
    for name in ("specversion", "id", "source", "type", "dataschema", "data"):
        if not same_json(one.get(name), other.get(name)):
            return False
    return instant_of(one["time"]) == instant_of(other["time"])


def receive(sent: list[Sent]) -> tuple[list[tuple[str, list[str]]], list[Sent]]:
    """Take events one after the other, in the order in which they were received.

    Gives for each what came of it with its codes, and what is held in the end. The same pair (source, id) again with
    the same content changes nothing; with other content the first stands. After an erasure nothing is accepted for
    that person any more, and nothing of it is held but the erasure itself.
    """
    outcomes: list[tuple[str, list[str]]] = []
    held: list[Sent] = []
    erased: list[str] = []
    for event in sent:
        person = event["data"].get("person")
        first = None
        for other in held:
            if (other["source"], other["id"]) == (event["source"], event["id"]):
                first = other
        again = first is not None and same_content(first, event)
        if again:
            outcomes.append(("duplicate", []))
            continue
        codes = []
        if person in erased:
            codes.append("person_erased")
        if first is not None:
            codes.append("conflict")
        if codes:
            outcomes.append(("conflict" if "conflict" in codes else "refused", codes))
            continue
        outcomes.append(("accepted", []))
        if event["type"] == "person.erased":
            erased.append(person)
            held = [other for other in held if other["data"].get("person") != person]
        held.append(event)
    return outcomes, held
