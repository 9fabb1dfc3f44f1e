"""Indicators as they are written."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from typing import Final

from efterhand.catalogue.conditions import ALWAYS, AllOf, Column, Condition, OneOf
from efterhand.catalogue.factkinds import ColumnType, FactKind
from efterhand.catalogue.grammar.conditions import parse_condition
from efterhand.catalogue.grammar.lookups import parse_finds
from efterhand.catalogue.grammar.measures import parse_measured, parse_split
from efterhand.catalogue.grammar.protocols import what_decides
from efterhand.catalogue.grammar.scope import AGE, Scope, Words
from efterhand.catalogue.grammar.tests import OF_FIGURES, parse_tests
from efterhand.catalogue.model import (
    FEEDS,
    Bucket,
    DerivedFact,
    Evidence,
    EvidenceWhen,
    Indicator,
    Kind,
    Measured,
    Protocol,
)
from efterhand.catalogue.phrases import Phrase, parse_phrase
from efterhand.catalogue.reading import CHECK, kinds_read, kinds_read_by_protocol, protocols_read
from efterhand.catalogue.source import Place

DIMENSIONS: Final = ("sex", "unit", "target_group", "age_band")
CLOSURE_REASON: Final = "closure_reason"
WINDOW_MONTHS: Final = 12
COVERAGE_PERCENT: Final = 80
WINDOW_END: Final = "window_end"

_VALUES: Final = ("share", "mean", "median", "split")
_OPTIONAL: Final = (
    "english", "day", "during", "window", "as_of", "once_per", "first_per", "find", "where", "unless", "reported",
    *_VALUES, "by", "coverage", "decimals", "target", "better", "settles", "tests",
)  # fmt: skip


def parse_indicator(
    indicator_id: str,
    place: Place,
    words: Words,
    protocols: Mapping[str, Protocol],
    derived: Mapping[str, DerivedFact],
) -> Indicator:
    """Read one indicator.

    Raises:
        CatalogueError: a key, fact, column, code, group or day is unknown or does not fit.
    """
    entries = place.fields(required=("name", "counts", "feed"), optional=_OPTIONAL)
    counted = words.fact(entries["counts"], entries["counts"].text())
    if not counted.has_table:
        entries["counts"].fail(f"indicators cannot count {counted.name}: it is kept for checks only")
    if ("day" in entries) == ("during" in entries):
        place.fail("an indicator needs either 'day' (a measuring day) or 'during' (a span)")
    row = Scope(words, {**counted.columns, "age": AGE})
    day = row.phrase(entries["day"]) if "day" in entries else None
    during = _during(entries["during"], row) if "during" in entries else None
    as_of = row.phrase(entries["as_of"]) if "as_of" in entries else Phrase(day.name if day else during[0].name)  # type: ignore[index]
    scope = parse_finds(entries.get("find"), _outermost(row, counted, measured=day is not None))
    _refuse_what_is_not_kept(entries, scope)

    def condition(key: str) -> Condition | None:
        return parse_condition(entries[key], scope) if key in entries else None

    where = condition("where") or ALWAYS
    kind, once_per, first_per = _kind(entries)
    evidence = _evidence(entries["share"], scope, once_per) if "share" in entries and during else None
    measured: Measured | None = None
    buckets: tuple[Bucket, ...] = ()
    if kind is Kind.SPLIT:
        measured, buckets = parse_split(entries["split"], scope)
    elif kind in (Kind.MEAN, Kind.MEDIAN):
        measured = parse_measured(entries[kind.value], scope)
    by = _by(entries.get("by"), scope)
    indicator = Indicator(
        id=indicator_id,
        name=entries["name"].text(),
        english=entries.get("english", entries["name"]).text(),
        kind=kind,
        counts=counted.name,
        day=day,
        during=during,
        as_of=as_of,
        once_per=once_per,
        first_per_person=first_per,
        finds=scope.finds,
        where=where,
        unless=condition("unless"),
        reported=condition("reported"),
        share=parse_condition(entries["share"], scope) if "share" in entries and not during else None,
        evidence=evidence,
        measured=measured,
        buckets=buckets,
        by=by,
        window_months=_window(entries.get("window")),
        settles=_settles(entries.get("settles")),
        coverage_minimum=_coverage(entries),
        decimals=_decimals(entries.get("decimals"), kind),
        feed=entries["feed"].one_of(FEEDS),
        targets=targets_of(entries.get("target")),
        better=entries["better"].one_of(("higher", "lower")) if "better" in entries else "higher",
        dimensions=_dimensions(counted, as_of, where, by, protocols),
        definition="",
        tests=parse_tests(entries.get("tests"), words, when="at", keys=OF_FIGURES, check=""),
    )
    if indicator.part in indicator.dimensions:
        entries["split"].fail(f"'{indicator.part}' is a dimension already: what splits must be something else")
    return replace(indicator, definition=_definition_hash(indicator, protocols, derived))


def _outermost(row: Scope, counted: FactKind, *, measured: bool) -> Scope:
    columns = {
        **row.columns,
        "sex": row.words.facts["person"].columns["sex"],
        "unit": ColumnType("text", codelist="units"),
        "target_group": ColumnType("text", codelist="target_groups"),
        **counted.columns,
    }
    scope = replace(row, columns=columns)
    return scope.with_days("day") if measured else scope


def _during(place: Place, scope: Scope) -> tuple[Phrase, Phrase]:
    members = place.items()
    if len(members) != 2:
        place.fail("'during' names two days: [first, last]")
    return scope.phrase(members[0]), scope.phrase(members[1])


def _refuse_what_is_not_kept(entries: Mapping[str, Place], scope: Scope) -> None:
    for name, find in scope.finds.items():
        if not scope.words.facts[find.fact].has_table:
            entries["find"].mapping()[name].fail(f"indicators cannot look up {find.fact}: it is kept for checks only")


def _kind(entries: Mapping[str, Place]) -> tuple[Kind, tuple[str, ...], bool]:
    """Return what the figure is, what is counted once, and whether a person's first thing alone counts."""
    given = [key for key in _VALUES if key in entries]
    if len(given) > 1:
        entries[given[1]].fail(f"'{given[0]}' and '{given[1]}' exclude each other")
    during = "during" in entries
    if given and given[0] != "share" and during:
        entries[given[0]].fail(f"'{given[0]}' needs a measuring day ('day'), not a span")
    once_per = _once_per(entries.get("once_per"))
    if once_per and given and given[0] != "share":
        entries["once_per"].fail(f"'{given[0]}' is of things, not of persons")
    if once_per and "share" in entries and not during:
        entries["once_per"].fail("a share of persons needs a span ('during')")
    first_per = "first_per" in entries
    if first_per:
        entries["first_per"].one_of(("person",))
        if during or once_per:
            entries["first_per"].fail("'first_per' goes with a measuring day ('day'), and without 'once_per'")
    if "reported" in entries and (not given or during):
        entries["reported"].fail("'reported' goes with a share, mean, median or split on a measuring day")
    if "coverage" in entries and "reported" not in entries:
        entries["coverage"].fail("'coverage' goes with 'reported'")
    if not given:
        return (Kind.PERSONS if once_per else Kind.COUNT), once_per, first_per
    return Kind(given[0]), once_per, first_per


def _once_per(place: Place | None) -> tuple[str, ...]:
    if place is None:
        return ()
    members = place.items() if isinstance(place.value, list) else [place]
    once_per = tuple(member.one_of(("person", *DIMENSIONS)) for member in members)
    if once_per[0] != "person" or len(set(once_per)) != len(once_per):
        place.fail("what is counted once is a person: 'person', or [person, target_group]")
    return once_per


def _evidence(place: Place, scope: Scope, once_per: tuple[str, ...]) -> Evidence:
    """Read a share of what goes on in the window: `{within: ended_on, where: …}`, `{since: held_on, of: guidance}`."""
    words = [each.value for each in EvidenceWhen]
    entries = place.fields(optional=(*words, "of", "same", "where"))
    given = [word for word in words if word in entries]
    if len(given) != 1:
        place.fail("a share of what goes on in the window needs a day: 'within' or 'since'")
    when = EvidenceWhen(given[0])
    if "of" not in entries:
        if "same" in entries:
            entries["same"].fail("'same' goes with 'of'")
        where = parse_condition(entries["where"], scope) if "where" in entries else ALWAYS
        return Evidence(when, scope.phrase(entries[when.value]), None, (), where)
    kind = scope.words.fact(entries["of"], entries["of"].text())
    if not kind.has_table:
        entries["of"].fail(f"indicators cannot look up {kind.name}: it is kept for checks only")
    inside = scope.inside(kind)
    same: tuple[str, ...] = ()
    if "same" in entries:
        shared = [name for name in kind.columns if scope.columns.get(name) == kind.columns[name]]
        same = (entries["same"].one_of(shared),)
    if once_per and same:
        entries["same"].fail("where persons are counted once, any row of the person speaks for the person")
    where = parse_condition(entries["where"], inside) if "where" in entries else ALWAYS
    return Evidence(when, inside.phrase(entries[when.value]), kind.name, same, where)


def _by(place: Place | None, scope: Scope) -> tuple[Column, ...]:
    columns = []
    for member in place.items() if place is not None else ():
        column, kind = scope.column(member, member.text())
        if kind is None or kind.name == "date":
            member.fail(f"'{member.value}' cannot be broken down by: it is {'a row' if kind is None else 'a day'}")
        columns.append(column)
    names = [dimension_name(column, columns) for column in columns]
    if place is not None and (len(set(names)) != len(names) or set(names) & {*DIMENSIONS, CLOSURE_REASON}):
        place.fail("every dimension stands once, and those that every figure has stand by themselves")
    return tuple(columns)


def dimension_name(column: Column, all_columns: "list[Column] | tuple[Column, ...]") -> str:
    """Return what a further dimension is called: its column, with the row where two would be called the same."""
    same = [each for each in all_columns if (each.name or each.row) == (column.name or column.row)]
    return (column.name or column.row) if len(same) == 1 else str(column)


def _dimensions(
    counted: FactKind, as_of: Phrase, where: Condition, by: tuple[Column, ...], protocols: Mapping[str, Protocol]
) -> tuple[str, ...]:
    further = tuple(dimension_name(column, by) for column in by)
    if counted.name == "case":
        closure = as_of == Phrase("closed_on")
    else:
        followed = [protocols[each] for each in _protocols_counted(where) if each in protocols]
        closure = counted.name == "check" and bool(followed) and all(p.anchor == "closed_on" for p in followed)
    return (*DIMENSIONS, CLOSURE_REASON, *further) if closure else (*DIMENSIONS, *further)


def _protocols_counted(where: Condition) -> tuple[str, ...]:
    """Return the protocols that a condition on checks names; none where it does not say."""
    parts = where.parts if isinstance(where, AllOf) else (where,)
    for part in parts:
        if isinstance(part, OneOf) and part.column == Column("protocol"):
            return tuple(str(value) for value in part.values)
    return ()


def _window(place: Place | None) -> int:
    if place is None:
        return WINDOW_MONTHS
    months = place.integer()
    if not 0 <= months <= 120:
        place.fail("a window is 0 (the day T alone) to 120 months long")
    return months


def _settles(place: Place | None) -> Phrase | None:
    if place is None:
        return None
    try:
        phrase = parse_phrase(f"{WINDOW_END} + {place.text()}")
    except ValueError as error:
        place.fail(str(error))
    return phrase


def _coverage(entries: Mapping[str, Place]) -> Decimal | None:
    if "reported" not in entries:
        return None
    percent = entries["coverage"].integer() if "coverage" in entries else COVERAGE_PERCENT
    if not 0 <= percent <= 100:
        entries["coverage"].fail("coverage is a percentage from 0 to 100")
    return Decimal(percent)


def _decimals(place: Place | None, kind: Kind) -> int:
    if place is None:
        return 0 if kind in (Kind.COUNT, Kind.PERSONS) else 1
    if not 0 <= place.integer() <= 6:
        place.fail("decimals are 0 to 6")
    return place.integer()


def targets_of(place: Place | None) -> dict[int, Decimal]:
    """Read targets by year. Raises CatalogueError where a year or a number is none."""
    if place is None:
        return {}
    targets = {}
    for year, value in place.mapping().items():
        if not (year.isascii() and year.isdigit() and len(year) == 4):
            value.fail(f"'{year}' is no year")
        targets[int(year)] = value.number()
    return targets


def _definition_hash(
    indicator: Indicator, protocols: Mapping[str, Protocol], derived: Mapping[str, DerivedFact]
) -> str:
    deciding = replace(
        indicator, name="", english="", decimals=0, targets={}, better="", coverage_minimum=None, feed="", settles=None,
        definition="", tests=(),
    )  # fmt: skip
    read = kinds_read(indicator)
    text = repr(deciding) + repr([derived[name] for name in sorted(read) if name in derived])
    if CHECK in read:
        # What a check comes to rests on its protocol alone, and on whatever facts that looks up.
        rest_on = [protocols[name] for name in sorted(protocols_read(indicator, protocols)) if name in protocols]
        looked_up = {kind for protocol in rest_on for kind in kinds_read_by_protocol(protocol)}
        text += repr([what_decides(protocol) for protocol in rest_on])
        text += repr([derived[name] for name in sorted(looked_up) if name in derived])
    return sha256(text.encode()).hexdigest()[:16]
