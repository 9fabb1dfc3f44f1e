"""Test persons as they are written beside a definition: what is told of somebody, and what must come of it.

`tests: [{name: …, events: [case.enrolled 2017-01-01: {birth_year: 1995}], on: 2017-04-01, expect: {state: met}}]`
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final

from efterhand.catalogue.errors import nearest
from efterhand.catalogue.grammar.scope import Words
from efterhand.catalogue.model import Example, Told
from efterhand.catalogue.source import Place
from efterhand.contracts.event_types import Contract, event_types
from efterhand.contracts.faults import find_faults

OF_CHECKS: Final = ("state", "anchor_on", "due", "settled_on", "late", "flag")
"""What can be expected of a check."""
OF_FIGURES: Final = ("numerator", "denominator", "expected", "sum", "value", "coverage", "status")
"""What can be expected of the total of a figure."""
NOTHING: Final = "none"
"""What is expected where there is no check, no value, no such day."""

EARLIEST: Final = date(1990, 1, 1)
LATEST: Final = date(2199, 12, 31)
PERSON: Final = "p-1"
_DEFAULTS: Final[Mapping[str, Any]] = {"case": "c-1", "measure": "m-1", "sex": "female", "birth_year": 1990}
_FIRST_CODES: Final = ("unit", "target_group", "kind")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_MONTH: Final = re.compile(r"\d{4}-\d\d")
_ENOUGH: Final = datetime.combine(date(2200, 1, 1), time(), UTC)
"""Later than anything that a test person lives through."""


def parse_tests(
    place: Place | None, words: Words, *, when: str, keys: Iterable[str], check: str
) -> tuple[Example, ...]:
    """Read the test persons of a definition.

    Args:
        place: the list, if there is one.
        words: what may be referred to.
        when: the key of the day that is looked at: `on` for protocols, `at` for indicators.
        keys: what can be expected.
        check: the protocol that answers are given to where an event does not say; "" where it must.

    Raises:
        CatalogueError: a key is unknown or missing, or an event would be refused at the door.
    """
    if place is None:
        return ()
    examples = tuple(_example(entry, words, when, list(keys), check) for entry in place.items())
    names = [example.name for example in examples]
    for number, name in enumerate(names):
        if name in names[:number]:
            place.items()[number].fail(f"there are two test persons '{name}'")
    return examples


def _example(place: Place, words: Words, when: str, keys: list[str], check: str) -> Example:
    entries = place.fields(required=("name", "events", when, "expect"))
    day = entries[when].day()
    if not EARLIEST <= day <= LATEST:
        entries[when].fail(f"a test person is looked at from {EARLIEST} to {LATEST}")
    return Example(
        name=entries["name"].text(),
        events=tuple(_told(entry, words, check) for entry in entries["events"].items()),
        day=day,
        expect=_expected(entries["expect"], keys),
        line=place.line,
    )


def _expected(place: Place, keys: list[str]) -> dict[str, Any]:
    if place.value == NOTHING and "state" in keys:
        return {"state": None}
    entries = place.fields(optional=keys)
    if not entries:
        place.fail(f"something must be expected: {', '.join(keys)}")
    expected = {}
    for key, value in entries.items():
        if isinstance(value.value, dict | list):
            value.fail(f"'{key}' is a single value")
        expected[key] = None if value.value == NOTHING else value.value
    return expected


def _told(place: Place, words: Words, check: str) -> Told:
    if isinstance(place.value, str):
        heading, given = place.value, {}
    else:
        entries = place.mapping()
        if len(entries) != 1:
            place.fail("an event is written 'case.enrolled 2017-01-01: {…}', one at a time")
        (heading, data), *_ = entries.items()
        given = {name: _value(value) for name, value in data.mapping().items()}
    type_, _, day = heading.partition(" ")
    if type_ not in event_types():
        place.fail(f"'{type_}' is no type of event; {nearest(type_, event_types())}")
    contract = event_types()[type_]
    if not contract.person_required:
        place.fail(f"'{type_}' is told of no person")
    told = {**_defaults(contract, words, check), **given, "person": PERSON, **_when(place, contract, day)}
    _refuse_faults(place, type_, told, words)
    return Told(type_, told)


def _value(place: Place) -> Any:
    value = place.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict | list):
        place.fail("a single value is expected here")
    return value


def _defaults(contract: Contract, words: Words, check: str) -> dict[str, Any]:
    """Return what an event that must have a field has where nothing is said of it."""
    needed = contract.schema["required"]
    data = {name: value for name, value in _DEFAULTS.items() if name in needed}
    for name in _FIRST_CODES:
        codes = words.codelists.get(contract.codelist_fields.get(name, ""), {})
        if name in needed and codes:
            data[name] = next(iter(codes))
    if contract.type.startswith("followup.") and check:
        data["check"] = check
    return data


def _when(place: Place, contract: Contract, text: str) -> dict[str, str]:
    field = next((name for name in ("on", "month") if name in contract.properties), None)
    if field is None:
        if text:
            place.fail(f"'{contract.type}' has no day")
        return {}
    pattern, example = (_DAY, "2017-01-31") if field == "on" else (_MONTH, "2017-01")
    if not pattern.fullmatch(text):
        place.fail(f"'{contract.type}' needs its {'day' if field == 'on' else 'month'}: '{contract.type} {example}'")
    return {field: text}


@dataclass(frozen=True)
class _Codes:
    """The codes as the door asks for them."""

    words: Words

    def has(self, list_name: str, code: str, /) -> bool:
        name = "protocols" if list_name == "answerable_protocols" else list_name
        return code in self.words.codelists[name]

    def nearest(self, list_name: str, code: str) -> str:
        name = "protocols" if list_name == "answerable_protocols" else list_name
        return nearest(code, self.words.codelists[name])


def _refuse_faults(place: Place, type_: str, data: dict[str, Any], words: Words) -> None:
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "/test",
        "type": type_,
        "time": _ENOUGH.isoformat(),
        "data": data,
    }
    codes = _Codes(words)
    faults = find_faults(event, received=_ENOUGH, business_date=_ENOUGH.date(), codes=codes)
    if not faults:
        return
    fault = faults[0]
    field = (fault.field or "").removeprefix("data.")
    listed = event_types()[type_].codelist_fields.get(field)
    if fault.code == "unknown_code" and listed is not None:
        place.fail(f"'{data[field]}' is no code of {listed}; {codes.nearest(listed, str(data[field]))}")
    if fault.code == "unknown_field":
        place.fail(f"'{field}' is no field of {type_}; {nearest(field, event_types()[type_].properties)}")
    place.fail(f"this event would be refused: {fault.message}")
