"""Warnings: a catalogue that loads but means nonsense, told by name. Pure; nothing is refused for them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from efterhand.catalogue.conditions import (
    ALWAYS,
    AllOf,
    AnyOf,
    Column,
    Compare,
    Condition,
    Exists,
    Find,
    Known,
    Not,
    OneOf,
    Order,
)
from efterhand.catalogue.contradictions import Around, can_find, can_hold, stretch
from efterhand.catalogue.factkinds import ColumnType, FactKind
from efterhand.catalogue.grammar.scope import AGE
from efterhand.catalogue.model import Catalogue, Formula, Indicator, Kind, Protocol
from efterhand.catalogue.phrases import Phrase
from efterhand.catalogue.reading import kinds_read, kinds_read_by_protocol, look_ups
from efterhand.dates import AGE_BANDS

NAMES: Final[Mapping[str, str]] = {
    "due_before_anchor": "A check is due before the day that it follows.",
    "gives_up_before_due": "A check gives up before it is due.",
    "never_settled": "Nothing settles a check, and it never gives up.",
    "reminder_after_giving_up": "A reminder comes when the check has been given up.",
    "reminder_before_anchor": "A reminder comes before the day that the check follows.",
    "nobody_has_it": "No case or measure can ever have the check.",
    "never_counts": "Nothing can ever count in the indicator.",
    "never_in_numerator": "Nothing can ever be in the numerator, or everything that counts is.",
    "never_found": "A look-up can never find anything.",
    "never_reported": "Nothing can ever be reported, or nothing can be missing.",
    "target_year": "A target is for a year outside of 2000 to 2100.",
    "target_value": "A target lies where no value can.",
    "target_of_nothing": "A target is for an indicator that there is not.",
    "feed_without_source": "A definition waits for a feed that it reads nothing of, or not for one that it reads.",
    "coverage_without_register": "An indicator speaks of what has been reported, but reads no register and no answers.",
    "unused_codelist": "A code list is empty, or no definition reads the facts that it belongs to.",
    "unused_group": "No definition uses the group.",
    "unused_fact": "No definition reads a fact that the catalogue derives.",
    "unused_protocol_answers": "A protocol takes answers that no indicator reads.",
    "unit_alone": "A unit lies under none and none lies under it.",
    "unit_gap": "There are days on which a unit lies under none, between two stretches.",
    "bucket_overlap": "Two buckets of a split hold the same number, or one holds none.",
    "difference_of_nothing": "A difference is taken of a cell that there can never be.",
    "formula_of_other_windows": "A formula takes figures of windows of different lengths together.",
}  # fmt: skip
"""Every warning by its name, with what it means."""

_ONE_DAY: Final = timedelta(days=1)
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100


@dataclass(frozen=True)
class Caution:
    """One warning: its name, what it is about (`indicator closed_12m`), and what is odd."""

    name: str
    subject: str
    message: str

    def __str__(self) -> str:
        return f"{self.name}: {self.subject}: {self.message}"


def find_warnings(catalogue: Catalogue) -> tuple[Caution, ...]:
    """Return everything in a catalogue that loads but is hardly meant, in the order of its parts."""
    return (
        *_of_units(catalogue),
        *(caution for protocol in catalogue.protocols.values() for caution in _of_protocol(protocol, catalogue)),
        *(caution for indicator in catalogue.indicators.values() for caution in _of_indicator(indicator, catalogue)),
        *(caution for formula in catalogue.formulas.values() for caution in _of_formula(formula, catalogue)),
        *(
            Caution("target_of_nothing", f"target {name}", "there is no indicator of that name")
            for name in catalogue.stray_targets
        ),
        *_unused(catalogue),
    )


# Units


def _of_units(catalogue: Catalogue) -> Iterator[Caution]:
    units = catalogue.units
    for unit in units.units:
        own = sorted((edge for edge in units.edges if edge.child == unit), key=lambda edge: edge.from_on)
        if len(units.units) > 1 and not own and all(edge.parent != unit for edge in units.edges):
            yield Caution("unit_alone", f"unit {unit}", "it lies under no unit, and no unit lies under it")
        for before, after in pairwise(own):
            if before.to_on is not None and before.to_on + _ONE_DAY < after.from_on:
                days = f"from {before.to_on + _ONE_DAY} to {after.from_on - _ONE_DAY}"
                yield Caution(
                    "unit_gap", f"unit {unit}", f"it lies under no unit {days}; it counts where it lay before"
                )


# Protocols


def _of_protocol(protocol: Protocol, catalogue: Catalogue) -> Iterator[Caution]:
    subject = f"protocol {protocol.id}"
    kind = catalogue.facts[protocol.subject_fact]
    around = _around_protocol(protocol, kind, catalogue)
    if not can_hold([(protocol.where, True)], around):
        yield Caution("nobody_has_it", subject, f"no {kind.name} fulfils its 'where'")
    yield from _times(protocol, around, subject)
    yield from _finds_of(protocol, subject, around)
    if not (protocol.met_by or protocol.answered_by or protocol.cancelled_by or protocol.gives_up):
        yield Caution("never_settled", subject, "nothing meets, answers or cancels it, and it does not give up")
    wanted = "answers" if protocol.takes_answers else "assistance" if protocol.reads_month else "cases"
    if protocol.feed != wanted:
        yield Caution(
            "feed_without_source", subject, f"it waits for {protocol.feed}, but what settles it is of {wanted}"
        )


def _around_protocol(protocol: Protocol, kind: FactKind, catalogue: Catalogue) -> Around:
    days = {"anchor": Phrase(protocol.anchor), "due": protocol.due}
    if protocol.gives_up is not None:
        days["gives_up"] = protocol.gives_up
    known = frozenset({protocol.anchor})
    return Around(catalogue, {**kind.columns, "age": AGE}, days, protocol.finds, known, kind.name)


def _times(protocol: Protocol, around: Around, subject: str) -> Iterator[Caution]:
    anchor, due, gives_up = Phrase("anchor"), Phrase("due"), protocol.gives_up
    if not can_hold([(protocol.where, True), (Compare(due, Order.AT_LEAST, anchor), True)], around):
        yield Caution("due_before_anchor", subject, f"'{protocol.due}' is always before {protocol.anchor}")
    elif can_hold([(protocol.where, True), (Compare(due, Order.LESS, anchor), True)], around):
        yield Caution("due_before_anchor", subject, f"'{protocol.due}' can be before {protocol.anchor}")
    if gives_up is not None and not can_hold([(Compare(Phrase("gives_up"), Order.AT_LEAST, due), True)], around):
        yield Caution("gives_up_before_due", subject, f"'{gives_up}' is always before due")
    lasts = stretch(gives_up)[1] if gives_up is not None and gives_up.name == "due" else None
    begins = -stretch(protocol.due)[1] if protocol.due.name == "anchor" else None
    for step in protocol.steps:
        if lasts is not None and (
            step.offset_days > lasts or (step.offset_days == lasts and protocol.gives_up_as != "missed")
        ):
            yield Caution("reminder_after_giving_up", subject, f"the reminder {step.name} comes after '{gives_up}'")
        if begins is not None and step.offset_days < begins:
            yield Caution("reminder_before_anchor", subject, f"the reminder {step.name} comes before {protocol.anchor}")


def _finds_of(protocol: Protocol, subject: str, around: Around) -> Iterator[Caution]:
    for name, find in protocol.finds.items():
        yield from _found(find, f"the find '{name}'", subject, around)
    for word, finds in (
        ("met_by", protocol.met_by),
        ("answered_by", protocol.answered_by),
        ("cancelled_by", protocol.cancelled_by),
    ):
        for number, find in enumerate(finds, start=1):
            yield from _found(find, f"entry {number} of '{word}'", subject, around)
    yield from _inner(protocol.where, subject, around)


def _found(find: Find, called: str, subject: str, around: Around) -> Iterator[Caution]:
    if not can_find(find, around):
        yield Caution("never_found", subject, f"{called} can never find anything")
    if find.where is not None:
        yield from _inner(find.where, subject, around.inside(around.catalogue.facts[find.fact]))


def _inner(condition: Condition | None, subject: str, around: Around) -> Iterator[Caution]:
    for find in look_ups(condition):
        yield from _found(find, f"a look-up in {find.fact}", subject, around)


# Indicators


def _of_indicator(indicator: Indicator, catalogue: Catalogue) -> Iterator[Caution]:
    subject = f"indicator {indicator.id}"
    around = _around_indicator(indicator, catalogue)
    counts: list[tuple[Condition | None, bool]] = [(indicator.where, True), (indicator.unless, False)]
    if indicator.during is not None:
        counts.append((_goes_on(indicator), True))
    if not can_hold(counts, around):
        yield Caution(
            "never_counts", subject, f"no {indicator.counts} can fulfil 'where' without falling under 'unless'"
        )
    else:
        yield from _shares(indicator, counts, around, subject)
    for name, find in indicator.finds.items():
        yield from _found(find, f"the find '{name}'", subject, around)
    for condition in (indicator.where, indicator.unless, indicator.reported, indicator.share):
        yield from _inner(condition, subject, around)
    yield from _targets(indicator.targets, subject, percent=indicator.kind in (Kind.SHARE, Kind.SPLIT))
    yield from _feed(indicator, catalogue, subject)
    yield from _buckets(indicator, subject)


def _around_indicator(indicator: Indicator, catalogue: Catalogue) -> Around:
    kind = catalogue.facts[indicator.counts]
    columns = {
        "age": AGE,
        "sex": catalogue.facts["person"].columns["sex"],
        "unit": ColumnType("text", codelist="units"),
        "target_group": ColumnType("text", codelist="target_groups"),
        **kind.columns,
    }
    days = {} if indicator.day is None else {"day": indicator.day}
    measured = indicator.day or (indicator.during[0] if indicator.during is not None else None)
    known = frozenset({measured.column} if measured is not None else ())
    return Around(catalogue, columns, days, indicator.finds, known, kind.name)


def _goes_on(indicator: Indicator) -> Condition | None:
    """Return that the span does not end before it begins, where its end is known."""
    if indicator.during is None:
        return None
    begins, ends = indicator.during
    return AnyOf((Not(Known(Column(ends.column))), Compare(begins, Order.AT_MOST, ends)))


def _shares(
    indicator: Indicator, counts: list[tuple[Condition | None, bool]], around: Around, subject: str
) -> Iterator[Caution]:
    reported, share = indicator.reported, indicator.share
    if reported is not None:
        if not can_hold([*counts, (reported, True)], around):
            yield Caution("never_reported", subject, "nothing that counts can fulfil 'reported'")
            return
        if not can_hold([*counts, (reported, False)], around):
            yield Caution("never_reported", subject, "everything that counts fulfils 'reported': coverage says nothing")
    if share is not None:
        whole = [*counts, (reported, True)]
        if not can_hold([*whole, (share, True)], around):
            yield Caution("never_in_numerator", subject, "nothing that counts can fulfil 'share': it is always 0")
        elif not can_hold([*whole, (share, False)], around):
            yield Caution("never_in_numerator", subject, "everything that counts fulfils 'share': it is always 100")
    evidence = indicator.evidence
    if evidence is None or evidence.where == ALWAYS:
        return
    if evidence.fact is None:
        holds = can_hold([*counts, (evidence.where, True)], around)
    else:
        holds = can_hold([(evidence.where, True)], around.inside(around.catalogue.facts[evidence.fact]))
    if not holds:
        yield Caution("never_in_numerator", subject, "nothing can fulfil the 'where' of 'share': it is always 0")


def _targets(targets: Mapping[int, Decimal], subject: str, *, percent: bool) -> Iterator[Caution]:
    for year, goal in sorted(targets.items()):
        if not FIRST_YEAR <= year <= LAST_YEAR:
            yield Caution("target_year", subject, f"a target for {year}")
        if percent and not 0 <= goal <= 100:
            yield Caution("target_value", subject, f"a share is never {goal} per cent")


def _feed(indicator: Indicator, catalogue: Catalogue, subject: str) -> Iterator[Caution]:
    reads = _feeds_read(indicator, catalogue)
    if indicator.covered and not reads & {"assistance", "answers"}:
        yield Caution("coverage_without_register", subject, "it has 'reported', but reads no register and no answers")
    if indicator.feed != "cases" and indicator.feed not in reads:
        yield Caution("feed_without_source", subject, f"it waits for {indicator.feed}, but reads nothing of it")
    elif indicator.feed == "cases" and reads:
        late = " and ".join(sorted(reads))
        yield Caution("feed_without_source", subject, f"it reads {late}, but waits for cases only")


def _feeds_read(indicator: Indicator, catalogue: Catalogue) -> set[str]:
    """Return the feeds beside that of cases which an indicator reads."""
    kinds = kinds_read(indicator)
    reads = {"assistance"} if "assistance" in kinds else set()
    if "check" in kinds:
        for protocol in _followed(indicator, catalogue):
            reads |= {"answers"} if protocol.takes_answers else {"assistance"} if protocol.reads_month else set()
    return reads


def _followed(indicator: Indicator, catalogue: Catalogue) -> Iterable[Protocol]:
    """Return the protocols whose checks an indicator can read: those that a condition names, else all."""
    named = {
        str(value)
        for part in _parts(indicator)
        if isinstance(part, OneOf) and part.column.name == "protocol"
        for value in part.values
    }
    return [protocol for protocol in catalogue.protocols.values() if not named or protocol.id in named]


def _buckets(indicator: Indicator, subject: str) -> Iterator[Caution]:
    spans = []
    for bucket in indicator.buckets:
        if bucket.unknown:
            continue
        lower = float("-inf") if bucket.lower is None else bucket.lower + bucket.lower_open
        upper = float("inf") if bucket.upper is None else bucket.upper - bucket.upper_open
        if lower > upper:
            yield Caution("bucket_overlap", subject, f"the bucket '{bucket.name}' holds no number")
        spans.append((lower, upper, bucket.name))
    for number, (lower, upper, name) in enumerate(spans):
        for other_lower, other_upper, other in spans[number + 1 :]:
            if max(lower, other_lower) <= min(upper, other_upper):
                yield Caution(
                    "bucket_overlap", subject, f"'{name}' and '{other}' hold the same numbers; the first takes them"
                )


def _of_formula(formula: Formula, catalogue: Catalogue) -> Iterator[Caution]:
    subject = f"formula {formula.id}"
    yield from _targets(formula.targets, subject, percent=False)
    if formula.to is not None and not formula.to_average:
        lengths = {catalogue.indicators[each].window_months for each in (formula.of, formula.to)}
        if len(lengths) > 1:
            yield Caution("formula_of_other_windows", subject, f"'{formula.of}' and '{formula.to}' have other windows")
    dimension, *members = formula.between or ("",)
    known = _members(dimension, catalogue)
    for member in members:
        if known and member not in known:
            yield Caution("difference_of_nothing", subject, f"'{member}' is never a {dimension}")


def _members(dimension: str, catalogue: Catalogue) -> set[str]:
    """Return the values of a dimension that every figure has; none of another."""
    return {
        "sex": {"female", "male"},
        "unit": set(catalogue.units.units),
        "target_group": set(catalogue.codelists["target_groups"]),
        "closure_reason": set(catalogue.codelists["reasons"]),
        "age_band": {name for name, _, _ in AGE_BANDS},
    }.get(dimension, set())


# What nothing uses


def _unused(catalogue: Catalogue) -> Iterator[Caution]:
    read = _facts_read(catalogue)
    for name, codes in catalogue.codelists.items():
        holders = {
            kind.name for kind in catalogue.facts.values() if any(c.codelist == name for c in kind.columns.values())
        }
        if not codes:
            yield Caution("unused_codelist", f"code list {name}", "it has no codes")
        elif not holders & read:
            yield Caution("unused_codelist", f"code list {name}", f"no definition reads {' or '.join(sorted(holders))}")
    definitions: list[Protocol | Indicator] = [*catalogue.protocols.values(), *catalogue.indicators.values()]
    used = [
        (part.column.name, frozenset(str(value) for value in part.values))
        for definition in definitions
        for part in _parts(definition)
        if isinstance(part, OneOf)
    ]
    for group, members in catalogue.groups.items():
        if all(members != values for _, values in used):
            yield Caution("unused_group", f"group {group}", "no definition uses it")
    for fact in catalogue.derived:
        if fact not in read:
            yield Caution("unused_fact", f"fact {fact}", "no definition reads it")
    for protocol in catalogue.protocols.values():
        counted = [
            i for i in catalogue.indicators.values() if protocol in _followed(i, catalogue) and "check" in kinds_read(i)
        ]
        if protocol.takes_answers and not counted:
            yield Caution("unused_protocol_answers", f"protocol {protocol.id}", "no indicator reads what is answered")


def _facts_read(catalogue: Catalogue) -> set[str]:
    read = {"person", "case", "stay"}
    for indicator in catalogue.indicators.values():
        read |= kinds_read(indicator)
    for protocol in catalogue.protocols.values():
        read |= kinds_read_by_protocol(protocol)
    return read | {catalogue.derived[name].source for name in read if name in catalogue.derived}


def _parts(definition: Protocol | Indicator) -> Iterator[Condition]:
    """Give every plain part of every condition of a definition."""
    conditions: list[Condition | None] = [definition.where]
    finds = [*definition.finds.values()]
    if isinstance(definition, Protocol):
        finds += [*definition.met_by, *definition.answered_by, *definition.cancelled_by]
    else:
        conditions += [definition.unless, definition.reported, definition.share]
        conditions.append(definition.evidence.where if definition.evidence is not None else None)
    for condition in (*conditions, *(find.where for find in finds)):
        yield from _plain(condition)


def _plain(condition: Condition | None) -> Iterator[Condition]:
    match condition:
        case None:
            return
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _plain(part)
        case Not(part):
            yield from _plain(part)
        case Exists(find):
            yield from _plain(find.where)
        case _:
            yield condition
