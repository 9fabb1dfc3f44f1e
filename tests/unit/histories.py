"""What must hold of the history of any built-in municipality, whichever it is."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

Received = tuple[dict[str, Any], date]
"""An event and the day on which it is received."""


def every_retraction_takes_back_what_came_before(history: Iterable[Received]) -> bool:
    """Of the same person and source; asserts it event by event."""
    seen: dict[tuple[str, str], str] = {}
    for event, _ in history:
        if event["type"] == "event.retracted":
            retracts = event["data"]["retracts"]
            assert seen[retracts["source"], retracts["id"]] == event["data"]["person"]
            assert retracts["source"] == event["source"]
        seen[event["source"], event["id"]] = event["data"].get("person", "")
    return bool(seen)


def erased_persons_of_whom_nothing_comes_later(history: Iterable[Received]) -> set[str]:
    """The erased persons; asserts that nothing about them is received afterwards."""
    erased: set[str] = set()
    for event, _ in history:
        person = event["data"].get("person")
        assert person not in erased
        if event["type"] == "person.erased":
            erased.add(person)
    return erased


def several_cases(history: Iterable[Received]) -> tuple[int, int]:
    """How many persons have several cases, and how many of these had the first two open at once."""
    enrolled: dict[str, dict[str, str]] = defaultdict(dict)
    closed: dict[str, str] = {}
    for event, _ in history:
        data = event["data"]
        if event["type"] == "case.enrolled":
            enrolled[data["person"]][data["case"]] = data["on"]
        elif event["type"] == "case.closed":
            closed[data["case"]] = data["on"]
    several = [sorted((on, case) for case, on in cases.items()) for cases in enrolled.values() if len(cases) > 1]
    return len(several), sum(closed.get(cases[0][1], "9999") > cases[1][0] for cases in several)
