"""The constructs of the grammar, taken from the grammar's own tables, and which of them a definition uses."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from efterhand.catalogue.factkinds import FactKind, fact_kinds
from efterhand.catalogue.grammar import conditions, formulas, indicators, lookups
from efterhand.catalogue.model import DAYS_IN, Derivation, EvidenceWhen, Operation
from efterhand.catalogue.phrases import PERIODS, TIME_UNITS, parse_phrase

Entry = Mapping[str, Any]

_CONDITION: Final = ("where", "unless", "reported")
_ORDERS: Final = ("from", "to", "above", "below", "after", "before")
_REQUIRED: Final = ("name", "counts", "feed")
_A_FIND: Final = "whether something was found"
_A_NUMBER: Final = "a number or day that was looked up"
_TESTED: Final = "tested: "


def every_construct() -> set[str]:
    """Every construct of the grammar of indicators, formulas and derived facts."""
    found = {f"indicator: {key}" for key in (*_REQUIRED, *indicators._OPTIONAL)}
    found |= {f"counts a {shape}" for shape in ("point", "span", "month", "fact that is derived")}
    found |= {f"once_per: {each}" for each in ("person", "[person, …]")}
    found |= {f"window: {each}" for each in ("0", "months")}
    found |= {f"by: {each}" for each in ("a column", "a column of a find")}
    found |= {f"condition: {key}" for key in ("any", "all", "not", "some", "none", "known", "a moved day")}
    found |= {f"condition: {each}" for each in ("a value", "a list", "a truth", "a number", _A_FIND, _A_NUMBER)}
    found |= {f"condition: {{{key}: …}}" for key in conditions._SPEC_KEYS}
    found |= {f"condition: {each} inside of a look-up" for each in ("some", "none")}
    found |= {f"name: {each}" for each in ("counted.x", "outer.x", "find.x")}
    found |= {f"look-up: {verb}" for verb in lookups._VERBS if verb != "at"}
    found |= {f"look-up: {each}" for each in ("at a month", "at a span", "in")}
    found |= {f"look-up: {key}" for key in (*lookups._REST, "day")}
    found |= {f"look-up: {each}" for each in ("several columns in same", "a column for the day", "after another one")}
    found |= {f"phrase: {each}" for each in (*TIME_UNITS, "a day", "later", "earlier", "the nth period")}
    found |= {f"phrase: {each}" for each in ("of", "after", "before", "start", "end", *PERIODS)}
    found |= {
        f"share of what goes on: {key}" for key in (*(each.value for each in EvidenceWhen), "of", "same", "where")
    }
    found |= {f"number: {each}" for each in (*DAYS_IN, "a column", "minus")}
    found |= {"split: a column", "split: a number"}
    found |= {f"bucket: {key}" for key in ("from", "above", "to", "below", "known")}
    found |= {f"formula: {key}" for key in (*(each.value for each in Operation), *formulas._OPTIONAL)}
    found |= {"formula: to an average", "better: lower", "better: higher"}
    derived = (*(each.value for each in Derivation), "per", "gap", "totals", "gap: any")
    return found | {f"derived fact: {key}" for key in derived}


def constructs_of(figures: Entry, derived: Entry) -> set[str]:
    """The constructs that the entries of indicators.yaml and facts.yaml use."""
    found: set[str] = set()
    for entry in derived.values():
        found |= {f"derived fact: {key}" for key in entry}
        found |= {"derived fact: gap: any"} if entry.get("gap") == "any" else set()
    for entry in figures.values():
        if any(operation.value in entry for operation in Operation):
            found |= set(_formula(entry))
        else:
            found |= set(_indicator(entry, derived))
    return {each for each in found if not each.startswith(_TESTED)}


def _formula(entry: Entry) -> Iterator[str]:
    yield from (f"formula: {key}" for key in entry if key != "name")
    if isinstance(entry.get("to"), Mapping):
        yield "formula: to an average"


def _indicator(entry: Entry, derived: Entry) -> Iterator[str]:
    finds = entry.get("find", {})
    for each in _of_indicator(entry, derived):
        find = finds.get(each.removeprefix(_TESTED)) if each.startswith(_TESTED) else None
        if find is not None:
            yield f"condition: {_A_FIND if find.keys() & {'first', 'last', 'at', 'the'} else _A_NUMBER}"
        yield each


def _of_indicator(entry: Entry, derived: Entry) -> Iterator[str]:
    yield from (f"indicator: {key}" for key in entry)
    yield f"counts a {_shape(entry['counts'], derived)}"
    if "better" in entry:
        yield f"better: {entry['better']}"
    if "once_per" in entry:
        yield "once_per: [person, …]" if isinstance(entry["once_per"], list) else "once_per: person"
    if "window" in entry:
        yield "window: 0" if entry["window"] == 0 else "window: months"
    for phrase in (entry.get("day"), entry.get("as_of"), *entry.get("during", ())):
        if phrase is not None:
            yield from _phrase(phrase)
    if "settles" in entry:
        yield from _phrase(f"day + {entry['settles']}")
    for place, find in enumerate(entry.get("find", {}).values()):
        if place:
            yield "look-up: after another one"
        yield from _look_up(find, 0)
    for key in _CONDITION:
        if key in entry:
            yield from _condition(entry[key], 0)
    if "share" in entry:
        yield from _evidence(entry["share"]) if "during" in entry else _condition(entry["share"], 0)
    for kind in ("mean", "median"):
        if kind in entry:
            yield from _measured(entry[kind])
    if "split" in entry:
        yield from _split(entry["split"])
    for column in entry.get("by", ()):
        yield "by: a column of a find" if "." in column else "by: a column"


def _shape(fact: str, derived: Entry) -> str:
    kinds: Mapping[str, FactKind] = fact_kinds()
    return kinds[fact].shape if fact not in derived else "fact that is derived"


def _evidence(entry: Entry) -> Iterator[str]:
    yield from (f"share of what goes on: {key}" for key in entry)
    for when in EvidenceWhen:
        if when.value in entry:
            yield from _phrase(entry[when.value])
    if "where" in entry:
        yield from _condition(entry["where"], 1 if "of" in entry else 0)


def _measured(entry: Any) -> Iterator[str]:
    if not isinstance(entry, Mapping):
        yield "number: a column"
        yield from _name(entry)
    elif "minus" in entry:
        yield "number: minus"
    else:
        for unit, days in entry.items():
            yield f"number: {unit}"
            yield from (each for day in days for each in _phrase(day))


def _split(entry: Any) -> Iterator[str]:
    if not isinstance(entry, Mapping):
        yield "split: a column"
        return
    yield "split: a number"
    yield from _measured(entry["of"])
    yield from (f"bucket: {key}" for bucket in entry["buckets"].values() for key in bucket)


def _look_up(entry: Entry, depth: int) -> Iterator[str]:
    for key, value in entry.items():
        if key == "at":
            yield "look-up: at a month" if value == "assistance" else "look-up: at a span"
        elif key == "day" and "at" not in entry:
            yield "look-up: day"
        elif key == "where":
            yield "look-up: where"
            yield from _condition(value, depth + 1)
        elif key in ("from", "to", "after", "before") or key == "day":
            yield f"look-up: {key}"
            yield from _phrase(value)
        else:
            yield f"look-up: {key}"
        if key in ("first", "last", "count", "in") and "." in value:
            yield "look-up: a column for the day"
        if key == "same" and isinstance(value, list) and len(value) > 1:
            yield "look-up: several columns in same"


def _condition(entry: Entry, depth: int) -> Iterator[str]:
    for key, value in entry.items():
        if key in ("any", "all"):
            yield f"condition: {key}"
            yield from (each for part in value for each in _condition(part, depth))
        elif key == "not":
            yield "condition: not"
            yield from _condition(value, depth)
        elif key in ("some", "none"):
            yield f"condition: {key}"
            if depth:
                yield f"condition: {key} inside of a look-up"
            yield from _look_up(value, depth)
        elif " " in key:
            yield "condition: a moved day"
            yield from _phrase(key)
            yield from (each for phrase in value.values() for each in _phrase(phrase))
        else:
            yield f"{_TESTED}{key}"
            yield from _name(key)
            yield from _test(value)


def _name(name: str) -> Iterator[str]:
    row, _, _ = name.rpartition(".")
    if row:
        yield f"name: {row}.x" if row in ("counted", "outer") else "name: find.x"


def _test(value: Any) -> Iterator[str]:
    if value == "known":
        yield "condition: known"
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield f"condition: {{{key}: …}}"
            if key in _ORDERS and isinstance(each, str):
                yield from _phrase(each)
            elif key == "not":
                yield from _test(each)
            elif key == "same_as":
                yield from _name(each)
    elif isinstance(value, list):
        yield "condition: a list"
    else:
        kind = "truth" if isinstance(value, bool) else "number" if isinstance(value, int) else "value"
        yield f"condition: a {kind}"


def _phrase(text: str) -> Iterator[str]:
    phrase = parse_phrase(text)
    yield from _name(phrase.name)
    if phrase.edge is not None:
        yield f"phrase: {phrase.edge}"
        yield f"phrase: {phrase.period}"
        yield "phrase: of" if not phrase.count else "phrase: after" if phrase.count > 0 else "phrase: before"
        if abs(phrase.count) > 1:
            yield "phrase: the nth period"
    elif phrase.count:
        yield f"phrase: {phrase.unit}"
        yield "phrase: later" if phrase.count > 0 else "phrase: earlier"
    else:
        yield "phrase: a day"
