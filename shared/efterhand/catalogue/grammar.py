"""From catalogue entries to checked definitions: every word is known, every type fits, or the catalogue is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import cast

from efterhand.catalogue.conditions import (
    ALWAYS,
    AllOf,
    AnyOf,
    Column,
    Compare,
    Condition,
    Known,
    Not,
    OneOf,
    Order,
    Value,
)
from efterhand.catalogue.errors import nearest
from efterhand.catalogue.factkinds import ColumnType, FactKind, fact_kinds
from efterhand.catalogue.model import FEEDS, Bound, Find, Indicator, Protocol, Recipient, Step
from efterhand.catalogue.phrases import TIME_UNITS, Phrase, parse_phrase
from efterhand.catalogue.source import Place

_ORDERS = {
    "from": Order.AT_LEAST,
    "to": Order.AT_MOST,
    "above": Order.MORE,
    "below": Order.LESS,
    "after": Order.MORE,
    "before": Order.LESS,
}
_SPEC_KEYS = [*_ORDERS, "not", "in", "known"]
_PYTHON_TYPES: dict[str, type] = {"text": str, "int": int, "bool": bool, "date": date}

_DIMENSIONS = ("sex", "unit", "target_group", "age_band")
WINDOW_MONTHS = 12
_INDICATOR_TIME_UNITS = ("days", "months")
"""Those that the database can count; working days are known to protocols only."""


@dataclass(frozen=True)
class Group:
    """Codes of one list that definitions speak of together."""

    codelist: str
    codes: frozenset[str]


@dataclass(frozen=True)
class Words:
    """What definitions may refer to: code lists (with `units` and `protocols`) and groups."""

    codelists: Mapping[str, Mapping[str, str]]
    groups: Mapping[str, Group]


@dataclass(frozen=True)
class _Scope:
    """What a condition may name at one place of a definition."""

    words: Words
    columns: dict[str, ColumnType]
    days: frozenset[str]
    finds: Mapping[str, FactKind] = field(default_factory=dict)
    time_units: tuple[str, ...] = TIME_UNITS

    def with_finds(self, finds: Mapping[str, Find]) -> "_Scope":
        return replace(self, finds={name: fact_kinds()[find.fact] for name, find in finds.items()})

    def column(self, place: Place, name: str) -> tuple[Column, ColumnType | None]:
        """Return the column a key names, with its type; a find's bare name has no type."""
        find, dot, rest = name.partition(".")
        if dot:
            if find not in self.finds:
                place.fail(f"'{find}' is no find here; {nearest(find, self.finds)}")
            columns = self.finds[find].columns
            if rest not in columns:
                place.fail(f"'{rest}' is no column of {self.finds[find].name}; {nearest(rest, columns)}")
            return Column(rest, find), columns[rest]
        if name in self.columns:
            return Column(name), self.columns[name]
        if name in self.finds:
            return Column("", name), None
        place.fail(f"'{name}' is no column here; {nearest(name, [*self.columns, *self.finds, 'any', 'all', 'not'])}")

    def phrase(self, place: Place) -> Phrase:
        try:
            phrase = parse_phrase(place.text())
        except ValueError as error:
            place.fail(str(error))
        if phrase.unit not in self.time_units:
            place.fail(f"{phrase.unit} cannot be counted here; known: {', '.join(self.time_units)}")
        if phrase.name not in self.days:
            place.fail(f"'{phrase.name}' is no day here; {nearest(phrase.name, self.days)}")
        return phrase


def _date_columns(kind: FactKind) -> list[str]:
    return [name for name, column in kind.columns.items() if column.name == "date"]


# --- conditions ---------------------------------------------------------------------------------------------------


def _condition(place: Place, scope: _Scope) -> Condition:
    parts: list[Condition] = []
    for key, value in place.mapping().items():
        if key in ("any", "all"):
            members = tuple(_condition(member, scope) for member in value.items())
            parts.append(AnyOf(members) if key == "any" else AllOf(members))
        elif key == "not":
            parts.append(Not(_condition(value, scope)))
        else:
            parts.append(_test(key, value, scope))
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _test(key: str, value: Place, scope: _Scope) -> Condition:
    column, kind = scope.column(value, key)
    if kind is None:
        return _known_only(column, value)
    return _spec(column, kind, value, scope)


def _known_only(column: Column, value: Place) -> Condition:
    if value.value == "known":
        return Known(column)
    if isinstance(value.value, dict):
        wanted = value.fields(required=("known",))["known"].flag()
        return Known(column) if wanted else Not(Known(column))
    value.fail(f"of the find '{column.find}' it can only be asked whether it is known")


def _spec(column: Column, kind: ColumnType, place: Place, scope: _Scope) -> Condition:
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
        else:
            value.fail(f"'{key}' is no comparison; {nearest(key, _SPEC_KEYS)}")
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _value(place: Place, kind: ColumnType, scope: _Scope) -> Value:
    value = place.value
    if not isinstance(value, _PYTHON_TYPES[kind.name]) or (kind.name == "int" and isinstance(value, bool)):
        place.fail(f"{value!r} does not fit: {kind} is expected")
    if kind.codelist and value not in (codes := scope.words.codelists[kind.codelist]):
        place.fail(f"'{value}' is no code of {kind.codelist}; {nearest(value, codes)}")
    if kind.words and value not in kind.words:
        place.fail(f"'{value}' can never stand here; {nearest(value, kind.words)}")
    return cast(Value, value)


def _bound(place: Place, kind: ColumnType, scope: _Scope) -> int | Phrase:
    if kind.name == "date":
        return scope.phrase(place)
    if kind.name == "int":
        return place.integer()
    place.fail(f"{kind} has no order")


def _group(place: Place, kind: ColumnType, scope: _Scope) -> tuple[str, ...]:
    name = place.text()
    groups = scope.words.groups
    if name not in groups:
        place.fail(f"'{name}' is no group; {nearest(name, groups)}")
    if groups[name].codelist != kind.codelist:
        place.fail(f"'{name}' is a group of {groups[name].codelist}; {kind} is expected")
    return tuple(sorted(groups[name].codes))


# --- finds --------------------------------------------------------------------------------------------------------

_FIND_KEYS = ("first", "last", "at", "day", "same", "other", "from", "after", "to", "before", "where")


def _find(place: Place, counted: FactKind, scope: _Scope) -> Find:
    entries = place.fields(optional=_FIND_KEYS)
    verbs = [verb for verb in ("first", "last", "at") if verb in entries]
    if len(verbs) != 1:
        place.fail("a find needs exactly one of first, last, at")
    verb = verbs[0]
    kinds = fact_kinds()
    fact, _, day = entries[verb].text().partition(".")
    if fact not in kinds:
        entries[verb].fail(f"'{fact}' is no fact; {nearest(fact, kinds)}")
    kind = kinds[fact]
    if verb == "at":
        day, at = _month_column(entries[verb], kind), _month_day(place, entries, scope)
    else:
        at = None
        if day not in _date_columns(kind):
            entries[verb].fail(f"'{day}' is no day of {fact}; {nearest(day, _date_columns(kind))}")
        if "day" in entries:
            entries["day"].fail("'day' goes with 'at'")
    where = (
        _condition(entries["where"], _Scope(scope.words, kind.columns, scope.days, time_units=scope.time_units))
        if "where" in entries
        else None
    )
    return Find(
        verb=verb,
        fact=fact,
        day=day,
        at=at,
        same=_shared_column(entries.get("same"), counted, kind),
        other=_shared_column(entries.get("other"), counted, kind),
        lower=_limit(place, entries, "from", "after", scope),
        upper=_limit(place, entries, "to", "before", scope),
        where=where,
    )


def _month_column(place: Place, kind: FactKind) -> str:
    if "month" not in kind.columns:
        place.fail(f"'at' looks up a month; {kind.name} is not kept by month")
    return "month"


def _month_day(place: Place, entries: Mapping[str, Place], scope: _Scope) -> Phrase:
    if "day" not in entries:
        place.fail("'at' needs 'day': the day whose month is looked up")
    return scope.phrase(entries["day"])


def _shared_column(place: Place | None, counted: FactKind, found: FactKind) -> str | None:
    if place is None:
        return None
    name = place.text()
    shared = sorted(set(counted.columns) & set(found.columns))
    if found.name == "reply":
        shared.append("check")
    if name not in shared:
        place.fail(f"'{name}' is no column of both {counted.name} and {found.name}; {nearest(name, shared)}")
    return name


def _limit(place: Place, entries: Mapping[str, Place], closed: str, opened: str, scope: _Scope) -> Bound | None:
    if closed in entries and opened in entries:
        place.fail(f"'{closed}' and '{opened}' exclude each other")
    if closed in entries:
        return Bound(scope.phrase(entries[closed]))
    return Bound(scope.phrase(entries[opened]), open=True) if opened in entries else None


def _finds(place: Place | None, counted: FactKind, scope: _Scope) -> dict[str, Find]:
    if place is None:
        return {}
    for name, entry in place.mapping().items():
        if name in scope.columns:
            entry.fail(f"the find '{name}' has the name of a column")
    return {name: _find(entry, counted, scope) for name, entry in place.mapping().items()}


# --- protocols ----------------------------------------------------------------------------------------------------

_PROTOCOL_KEYS = ("met_by", "answered_by", "cancelled_by", "gives_up", "tell", "none_once_closed")


def parse_protocol(protocol_id: str, place: Place, words: Words) -> Protocol:
    """Read one protocol.

    Raises:
        CatalogueError: a key, fact, column, code, group or day is unknown or does not fit.
    """
    entries = place.fields(required=("name", "feed", "after", "due"), optional=_PROTOCOL_KEYS)
    after = entries["after"].fields(required=("fact", "day"), optional=("where", "find"))
    fact = after["fact"].one_of(("case",))
    counted = fact_kinds()[fact]
    anchor = after["day"].one_of(_date_columns(counted))
    columns = {**counted.columns, "age": ColumnType("int")}
    at_anchor = _Scope(words, columns, frozenset({"anchor"}))
    finds = _finds(after.get("find"), counted, at_anchor)
    where = _condition(after["where"], at_anchor.with_finds(finds)) if "where" in after else ALWAYS
    due = at_anchor.phrase(entries["due"])
    if due.count < 0:
        entries["due"].fail("a check cannot be due before its anchor")
    at_due = _Scope(words, columns, frozenset({"anchor", "due"}))
    gives_up, gives_up_as = _gives_up(entries.get("gives_up"), at_due)
    whole = replace(at_due, days=at_due.days | {"gives_up"} if gives_up else at_due.days)

    def settling(key: str) -> tuple[Find, ...]:
        return tuple(_find(each, counted, whole) for each in entries[key].items()) if key in entries else ()

    if "met_by" in entries and "answered_by" in entries:
        entries["answered_by"].fail("a check is either met or answered")
    return Protocol(
        id=protocol_id,
        name=entries["name"].text(),
        feed=entries["feed"].one_of(FEEDS),
        subject_fact=fact,
        anchor=anchor,
        finds=finds,
        where=where,
        due=due,
        met_by=settling("met_by"),
        answered_by=settling("answered_by"),
        cancelled_by=settling("cancelled_by"),
        gives_up=gives_up,
        gives_up_as=gives_up_as,
        steps=_steps(entries.get("tell")),
        none_once_closed=entries["none_once_closed"].flag() if "none_once_closed" in entries else False,
    )


def _gives_up(place: Place | None, scope: _Scope) -> tuple[Phrase | None, str | None]:
    if place is None:
        return None, None
    entries = place.fields(required=("day", "as"))
    return scope.phrase(entries["day"]), entries["as"].one_of(("missed", "expired"))


def _steps(place: Place | None) -> tuple[Step, ...]:
    if place is None:
        return ()
    steps = []
    for entry in place.items():
        fields = entry.fields(required=("day", "who"))
        try:
            phrase = parse_phrase(fields["day"].text())
        except ValueError as error:
            fields["day"].fail(str(error))
        if phrase.name != "due" or phrase.unit != "days":
            fields["day"].fail("a reminder is so many days from due: 'due - 14 days'")
        steps.append(Step(phrase.count, Recipient(fields["who"].one_of([each.value for each in Recipient]))))
    if len({step.offset_days for step in steps}) != len(steps):
        place.fail("two reminders on the same day")
    return tuple(sorted(steps, key=lambda step: step.offset_days))


# --- indicators ---------------------------------------------------------------------------------------------------

_INDICATOR_KEYS = (
    "day", "during", "as_of", "once_per", "find", "where", "unless", "reported", "share",
    "coverage", "decimals", "target", "better",
)  # fmt: skip


def parse_indicator(indicator_id: str, place: Place, words: Words, protocols: Mapping[str, Protocol]) -> Indicator:
    """Read one indicator.

    Raises:
        CatalogueError: a key, fact, column, code, group or day is unknown or does not fit.
    """
    entries = place.fields(required=("name", "counts", "feed"), optional=_INDICATOR_KEYS)
    counted = fact_kinds()[entries["counts"].one_of(["case", "stay", "check"])]
    if ("day" in entries) == ("during" in entries):
        place.fail("an indicator needs either 'day' (a measuring day) or 'during' (a span)")
    own_days = frozenset(_date_columns(counted))
    first = _Scope(words, {**counted.columns, "age": ColumnType("int")}, own_days, time_units=_INDICATOR_TIME_UNITS)
    day = first.phrase(entries["day"]) if "day" in entries else None
    during = _during(entries["during"], first) if "during" in entries else None
    as_of = entries["as_of"].one_of(own_days) if "as_of" in entries else (day.name if day else during[0].name)  # type: ignore[index]
    columns = {
        **first.columns,
        "sex": fact_kinds()["person"].columns["sex"],
        "unit": ColumnType("text", codelist="units"),
        "target_group": ColumnType("text", codelist="target_groups"),
    }
    scope = replace(first, columns=columns, days=own_days | {"day"} if day else own_days)
    finds = _finds(entries.get("find"), counted, scope)
    scope = scope.with_finds(finds)

    def condition(key: str) -> Condition | None:
        return _condition(entries[key], scope) if key in entries else None

    if "once_per" in entries:
        entries["once_per"].one_of(("person",))
    if "share" in entries and during:
        entries["share"].fail("'share' needs a measuring day ('day'), not a span")
    for name, find in finds.items():
        if not fact_kinds()[find.fact].has_table:
            entries["find"].mapping()[name].fail(f"indicators cannot look up {find.fact}: it is kept for checks only")
    if "coverage" in entries and "reported" not in entries:
        entries["coverage"].fail("'coverage' goes with 'reported'")
    if "reported" in entries and "share" not in entries:
        entries["reported"].fail("'reported' goes with 'share'")
    indicator = Indicator(
        id=indicator_id,
        name=entries["name"].text(),
        kind="share" if "share" in entries else "persons" if "once_per" in entries else "count",
        counts=counted.name,
        day=day,
        during=during,
        as_of=Column(as_of),
        once_per="person" if "once_per" in entries else None,
        finds=finds,
        where=condition("where") or ALWAYS,
        unless=condition("unless"),
        reported=condition("reported"),
        share=condition("share"),
        window_months=WINDOW_MONTHS,
        coverage_minimum=_coverage(entries),
        decimals=entries["decimals"].integer() if "decimals" in entries else 1,
        feed=entries["feed"].one_of(FEEDS),
        targets=_targets(entries.get("target")),
        better=entries["better"].one_of(("higher", "lower")) if "better" in entries else "higher",
        dimensions=(*_DIMENSIONS, "closure_reason") if as_of == "closed_on" else _DIMENSIONS,
        definition="",
    )
    return replace(indicator, definition=_definition_hash(indicator, protocols))


def _during(place: Place, scope: _Scope) -> tuple[Phrase, Phrase]:
    members = place.items()
    if len(members) != 2:
        place.fail("'during' names two days: [first, last]")
    return scope.phrase(members[0]), scope.phrase(members[1])


def _coverage(entries: Mapping[str, Place]) -> Decimal | None:
    if "reported" not in entries:
        return None
    percent = entries["coverage"].integer() if "coverage" in entries else 80
    if not 0 <= percent <= 100:
        entries["coverage"].fail("coverage is a percentage from 0 to 100")
    return Decimal(percent)


def _targets(place: Place | None) -> dict[int, Decimal]:
    if place is None:
        return {}
    targets = {}
    for year, value in place.mapping().items():
        if not (year.isdigit() and len(year) == 4):
            value.fail(f"'{year}' is no year")
        targets[int(year)] = Decimal(value.integer())
    return targets


def _definition_hash(indicator: Indicator, protocols: Mapping[str, Protocol]) -> str:
    deciding = replace(
        indicator, name="", decimals=0, targets={}, better="", coverage_minimum=None, feed="", definition=""
    )
    text = repr(deciding)
    if indicator.counts == "check":
        text += repr([replace(p, name="", feed="", steps=(), none_once_closed=False) for p in protocols.values()])
    return sha256(text.encode()).hexdigest()[:16]
