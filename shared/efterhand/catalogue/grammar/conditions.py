"""Conditions as they are written: `{reason: {in: livelihood}, closed_on: {to: day}}`."""

from typing import Final, cast

from efterhand.catalogue.conditions import (
    AllOf,
    AnyOf,
    Column,
    Compare,
    Condition,
    Exists,
    Known,
    Not,
    OneOf,
    Order,
    SameAs,
    Value,
)
from efterhand.catalogue.errors import nearest
from efterhand.catalogue.factkinds import ColumnType
from efterhand.catalogue.grammar import lookups
from efterhand.catalogue.grammar.scope import Scope
from efterhand.catalogue.phrases import Phrase, parse_phrase
from efterhand.catalogue.source import Place

_ORDERS: Final = {
    "from": Order.AT_LEAST,
    "to": Order.AT_MOST,
    "above": Order.MORE,
    "below": Order.LESS,
    "after": Order.MORE,
    "before": Order.LESS,
}
_SPEC_KEYS: Final = [*_ORDERS, "not", "in", "known", "same_as"]
_PYTHON_TYPES: Final[dict[str, type]] = {"text": str, "int": int, "bool": bool}


def parse_condition(place: Place, scope: Scope) -> Condition:
    """Read a mapping of tests, all of which must hold.

    Raises:
        CatalogueError: a key, column, code, group or day is unknown or does not fit.
    """
    parts: list[Condition] = []
    for key, value in place.mapping().items():
        if key in ("any", "all"):
            members = tuple(parse_condition(member, scope) for member in value.items())
            parts.append(AnyOf(members) if key == "any" else AllOf(members))
        elif key == "not":
            parts.append(Not(parse_condition(value, scope)))
        elif key in ("some", "none"):
            exists = Exists(lookups.parse_some(value, scope))
            parts.append(exists if key == "some" else Not(exists))
        else:
            parts.append(_test(key, value, scope))
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _test(key: str, place: Place, scope: Scope) -> Condition:
    if " " in key:
        return _moved_day(key, place, scope)
    column, kind = scope.column(place, key)
    if kind is None:
        return _found_or_not(column, place)
    return _spec(column, kind, place, scope)


def _moved_day(key: str, place: Place, scope: Scope) -> Condition:
    """Read a test of a day that is moved first: `assistance_since + 10 months: {before: enrolled_on}`."""
    try:
        phrase = parse_phrase(key)
    except ValueError as error:
        place.fail(str(error))
    scope.check_day(place, phrase)
    return _all(
        Compare(phrase, _ORDERS[each], scope.phrase(value)) for each, value in place.fields(optional=_ORDERS).items()
    )


def _found_or_not(column: Column, place: Place) -> Condition:
    if place.value == "known":
        return Known(column)
    if isinstance(place.value, dict):
        wanted = place.fields(required=("known",))["known"].flag()
        return Known(column) if wanted else Not(Known(column))
    place.fail(f"of the find '{column.row}' it can only be asked whether it is known")


def _spec(column: Column, kind: ColumnType, place: Place, scope: Scope) -> Condition:
    if isinstance(place.value, list):
        return OneOf(column, tuple(_value(member, kind, scope) for member in place.items()))
    if not isinstance(place.value, dict):
        return Known(column) if place.value == "known" else OneOf(column, (_value(place, kind, scope),))
    parts: list[Condition] = []
    for key, value in place.value.items():
        if key in _ORDERS:
            parts.append(Compare(column, _ORDERS[key], _bound(value, kind, scope)))
        elif key == "not":
            parts.append(Not(_spec(column, kind, value, scope)))
        elif key == "in":
            parts.append(OneOf(column, _group(value, kind, scope)))
        elif key == "known":
            parts.append(Known(column) if value.flag() else Not(Known(column)))
        elif key == "same_as":
            parts.append(SameAs(column, _other_column(value, kind, scope)))
        else:
            value.fail(f"'{key}' is no comparison; {nearest(key, _SPEC_KEYS)}")
    return _all(parts)


def _all(conditions: "list[Condition] | object") -> Condition:
    parts = tuple(cast("list[Condition]", conditions))
    return parts[0] if len(parts) == 1 else AllOf(parts)


def _value(place: Place, kind: ColumnType, scope: Scope) -> Value:
    value = place.value
    if kind.name == "date":
        place.fail("a day is compared with from, to, before or after")
    if not isinstance(value, _PYTHON_TYPES[kind.name]) or (kind.name == "int" and isinstance(value, bool)):
        place.fail(f"{place.shown} does not fit: {kind} is expected")
    if kind.codelist and value not in (codes := scope.words.codelists[kind.codelist]):
        place.fail(f"'{value}' is no code of {kind.codelist}; {nearest(str(value), codes)}")
    if kind.words and value not in kind.words:
        place.fail(f"'{value}' can never stand here; {nearest(str(value), kind.words)}")
    return cast(Value, value)


def _bound(place: Place, kind: ColumnType, scope: Scope) -> int | Phrase:
    if kind.name == "date":
        return scope.phrase(place)
    if kind.name == "int":
        return place.integer()
    place.fail(f"{kind} has no order")


def _group(place: Place, kind: ColumnType, scope: Scope) -> tuple[str, ...]:
    name = place.text()
    groups = scope.words.groups
    if name not in groups:
        place.fail(f"'{name}' is no group; {nearest(name, groups)}")
    if groups[name].codelist != kind.codelist:
        place.fail(f"'{name}' is a group of {groups[name].codelist}; {kind} is expected")
    return tuple(sorted(groups[name].codes))


def _other_column(place: Place, kind: ColumnType, scope: Scope) -> Column:
    other, other_kind = scope.column(place, place.text())
    if other_kind is None or other_kind.name != kind.name:
        place.fail(f"'{place.value}' is {other_kind or 'a row'} and cannot equal {kind}")
    return other
