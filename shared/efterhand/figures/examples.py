"""Test persons of a catalogue, judged: what the definitions make of them, held against what was expected."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from efterhand.catalogue.model import FEEDS, Catalogue, Example, Indicator, Protocol
from efterhand.figures.cells import Cell, cell, nothing, window_of
from efterhand.figures.literal import read_cells, whole_facts
from efterhand.timeline.checks import derive_checks, state_on
from efterhand.timeline.events import Event
from efterhand.timeline.facts import Facts, derive_facts

_NOON: Final = time(12, tzinfo=UTC)


@dataclass(frozen=True)
class Verdict:
    """What became of one test person: `differences` says in words what is not as expected; empty: all is."""

    definition: str
    file: str
    line: int
    name: str
    differences: tuple[str, ...]


def try_examples(catalogue: Catalogue) -> Iterator[Verdict]:
    """Judge every test person of a catalogue: those of protocols by their check, those of indicators by the total."""
    for protocol in catalogue.protocols.values():
        for example in protocol.tests:
            found = _check_found(catalogue, protocol, example)
            yield Verdict(protocol.id, "protocols.yaml", example.line, example.name, _differences(example, found))
    for indicator in catalogue.indicators.values():
        for example in indicator.tests:
            found = _total_found(catalogue, indicator, example)
            yield Verdict(indicator.id, "indicators.yaml", example.line, example.name, _differences(example, found))


def facts_of(example: Example) -> Facts:
    """Return what is known of a test person; what stands later in the list was recorded later."""
    days = [date.fromisoformat(told.data["on"]) for told in example.events if "on" in told.data]
    begin = datetime.combine(max(days, default=example.day), _NOON)
    return derive_facts(
        Event(
            person=told.data["person"],
            source="/test",
            id=f"{number:06d}",
            type=told.type,
            time=begin + timedelta(seconds=number),
            received=begin + timedelta(seconds=number),
            data=told.data,
        )
        for number, told in enumerate(example.events)
    )


def _check_found(catalogue: Catalogue, protocol: Protocol, example: Example) -> Mapping[str, Any]:
    """Return the check of a protocol that a test person has on the day; several are told by their number."""
    checks = [check for check in derive_checks(facts_of(example), catalogue) if check.protocol == protocol.id]
    as_of = dict.fromkeys(FEEDS, example.day)
    standing = [
        (check, each) for check in checks if (each := state_on(check, protocol, example.day, as_of)) is not None
    ]
    if not standing:
        return {"state": None}
    if len(standing) > 1:
        return {"state": f"{len(standing)} checks"}
    check, state = standing[0]
    return {
        "state": state.state.value,
        "anchor_on": check.anchor_on,
        "due": check.due,
        "settled_on": state.settled_on,
        "late": state.late,
        "flag": state.flag,
    }


def _total_found(catalogue: Catalogue, indicator: Indicator, example: Example) -> Mapping[str, Any]:
    facts = whole_facts(facts_of(example), catalogue)
    cells = read_cells(indicator, [facts], catalogue.facts, window_of(indicator, example.day), (), catalogue.units)
    total: Cell = cell(indicator, {}, cells.get((), nothing(indicator)), example.day.year)
    return asdict(total)


def _differences(example: Example, found: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        f"{name}: expected {_text(expected)}, found {_text(found.get(name))}"
        for name, expected in example.expect.items()
        if not _same(expected, found.get(name))
    )


def _same(expected: Any, found: Any) -> bool:
    if isinstance(expected, bool) or isinstance(found, bool) or expected is None or found is None:
        return expected is found
    try:
        return Decimal(str(expected)) == Decimal(str(found))
    except InvalidOperation:
        return str(expected) == str(found)


def _text(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
