"""The definitions taken literally: figures as plain loops over persons, their facts and days.

Slow and simple, and nothing is stored: what the database computes is held against it. A day is looked at by itself;
between two days on which something can change, all days are alike, so only those are looked at.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import product
from statistics import median
from typing import Any, Final

from efterhand.catalogue.conditions import Column
from efterhand.catalogue.factkinds import FactKind
from efterhand.catalogue.grammar.indicators import dimension_name
from efterhand.catalogue.model import (
    Between,
    Bucket,
    Catalogue,
    Difference,
    Evidence,
    EvidenceWhen,
    Indicator,
    Kind,
    Measured,
)
from efterhand.catalogue.units import UnitTree
from efterhand.dates import age_band, age_on
from efterhand.figures.cells import Dims, Sums, Window
from efterhand.timeline.checks import derive_checks
from efterhand.timeline.derived import with_derived
from efterhand.timeline.facts import Fact, Facts, Provenance
from efterhand.timeline.rules import Subject, find_all, holds

OLDEST: Final = 130
"""Nobody's age is asked for beyond it, so that what goes on for ever need not be looked at for ever."""

Thing = tuple[Any, ...]


def whole_facts(facts: Facts, catalogue: Catalogue) -> Facts:
    """Return a person's facts with those that the catalogue derives and the checks that its protocols ask for."""
    everything = with_derived(facts, catalogue)
    columns = catalogue.facts["check"].columns
    checks = tuple(
        Fact({name: getattr(check, name) for name in columns}, Provenance(check.because[0], check.first_received, ()))
        for check in derive_checks(facts, catalogue)
    )
    return Facts(**{**vars(everything), "rows": {**everything.rows, "check": checks}})


@dataclass(frozen=True)
class _Seen:
    """A counted thing as it is on one day: of what dimensions, and what it says."""

    thing: Thing
    dims: Mapping[str, str | None]
    reported: bool = True
    fulfils: bool = False
    number: int | None = None
    part: str | None = None


def read_cells(
    indicator: Indicator,
    people: Iterable[Facts],
    kinds: Mapping[str, FactKind],
    window: Window,
    by: Sequence[str],
    tree: UnitTree,
) -> dict[Dims, Sums]:
    """Return what each cell adds up to in which something is counted.

    Args:
        indicator: the definition.
        people: everybody, each with all facts (see `whole_facts`).
        kinds: the catalogue's kinds of facts.
        window: whose measuring days, or days on which something goes on, count.
        by: dimensions; every combination of some of them is a cell.
        tree: what lies in a unit counts in the units above it too, as they are on the window's last day.
    """
    cells: dict[Dims, list[_Seen]] = {}
    spoken_for: set[Thing] = set()
    for facts in people:
        person = _Person(indicator, facts, kinds)
        for seen in person.seen_in(window):
            for dims in _cells_of(seen, by, tree, window.last):
                cells.setdefault(dims, []).append(seen)
        if indicator.evidence is not None:
            spoken_for |= person.spoken_for(indicator.evidence, window)
    sums: dict[Dims, Sums] = {}
    for dims, seen_there in cells.items():
        sums.update(_sums(indicator, dims, seen_there, spoken_for))
    return sums


class _Person:
    """One person's counted things."""

    def __init__(self, indicator: Indicator, facts: Facts, kinds: Mapping[str, FactKind]) -> None:
        self.indicator = indicator
        self.facts = facts
        self.kinds = kinds
        self.kind = kinds[indicator.counts]
        born = facts.of("person")
        self.sex: str | None = born[0].values["sex"] if born else None

    def seen_in(self, window: Window) -> Iterator[_Seen]:
        """Give every counted thing of the window: once, or, of what goes on, as it is on each day."""
        if self.indicator.during is not None:
            for row in self.facts.of(self.indicator.counts):
                for day in self._days_of(row, window.first, window.last):
                    if (subject := self._counts(row, day)) is not None:
                        yield self._seen(subject, day)
            return
        measured = sorted(
            (
                (day, self._order(row), as_of, subject)
                for row in self.facts.of(self.indicator.counts)
                for day, as_of, subject in self._measured(row)
                if window.first <= day <= window.last
            ),
            key=lambda each: each[:2],
        )
        for _, _, as_of, subject in measured[:1] if self.indicator.first_per_person else measured:
            yield self._seen(subject, as_of)

    def _measured(self, row: Fact) -> Iterator[tuple[date, date | None, Subject]]:
        """Give a row's measuring day, the day of its dimensions and what is judged, if it counts at all."""
        plain = Subject(self.facts, self.kinds, row.values)
        day = None if self.indicator.day is None else plain.day(self.indicator.day)
        as_of = plain.day(self.indicator.as_of)
        if day is not None and (subject := self._counts(row, as_of, {"day": day})) is not None:
            yield day, as_of, subject

    def _days_of(self, row: Fact, first: date, last: date) -> list[date]:
        """Return the days, between two, on which the row goes on and from which on it may be judged another way."""
        begins_phrase, ends_phrase = self.indicator.during or (self.indicator.as_of, self.indicator.as_of)
        plain = Subject(self.facts, self.kinds, row.values)
        begins, ends = plain.day(begins_phrase), plain.day(ends_phrase)
        if begins is None:
            return []
        first = max(first, begins)
        last = last if ends is None else min(last, ends)
        changes = {first, *(date(year, 1, 1) for year in range(first.year + 1, last.year + 1))}
        changes |= {stay.values["from_on"] for stay in self.facts.of("stay")}
        return sorted(day for day in changes if first <= day <= last)

    def _counts(self, row: Fact, as_of: date | None, days: Mapping[str, date] | None = None) -> Subject | None:
        """Return what is judged of a row with the dimensions of a day, if it counts then."""
        plain = Subject(self.facts, self.kinds, {**self._around(row, as_of), **row.values}, days or {})
        plain = Subject(plain.facts, plain.kinds, {**plain.values, "age": self._age(as_of)}, plain.days)
        subject = find_all(self.indicator.finds, plain)
        if not holds(self.indicator.where, subject):
            return None
        if self.indicator.unless is not None and holds(self.indicator.unless, subject):
            return None
        return subject

    def _around(self, row: Fact, as_of: date | None) -> dict[str, Any]:
        """Return sex, unit and target group; what belongs to no case has neither unit nor target group."""
        case_id = row.values.get("case_id")
        stay = None if case_id is None or as_of is None else self.facts.stay_on(case_id, as_of)
        return {
            "sex": self.sex,
            "unit": None if stay is None else stay["unit"],
            "target_group": None if stay is None else stay["target_group"],
        }

    def _age(self, day: date | None) -> int | None:
        return None if self.facts.birth_year is None or day is None else age_on(self.facts.birth_year, day)

    def _order(self, row: Fact) -> tuple[Any, ...]:
        """Return what puts things of the same day in order: a check's protocol, and the key of the thing."""
        return tuple(part.encode() if isinstance(part, str) else part for part in self._thing(row.values)[1:])

    def _thing(self, values: Mapping[str, Any]) -> Thing:
        return (self.facts.person, *(values[part] for part in self.kind.key))

    def _seen(self, subject: Subject, day: date | None) -> _Seen:
        indicator = self.indicator
        reported = indicator.reported is None or holds(indicator.reported, subject)
        number = None if indicator.measured is None else _number(indicator.measured, subject)
        return _Seen(
            thing=self._thing(subject.values),
            dims=self._dims(subject, day),
            reported=reported,
            fulfils=reported and indicator.share is not None and holds(indicator.share, subject),
            number=number if indicator.kind in (Kind.MEAN, Kind.MEDIAN) else None,
            part=_part(number, indicator.buckets) if indicator.kind is Kind.SPLIT else None,
        )

    def _dims(self, subject: Subject, day: date | None) -> dict[str, str | None]:
        values = subject.values
        dims = {
            "sex": values["sex"],
            "unit": values["unit"],
            "target_group": values["target_group"],
            "age_band": age_band(self._age(day)),
        }
        if self.indicator.by_reason:
            dims["closure_reason"] = values["reason"]
        for column in self.indicator.by:
            dims[dimension_name(column, self.indicator.by)] = _text(subject.value(column))
        return dims

    def spoken_for(self, evidence: Evidence, window: Window) -> set[Thing]:
        """Return which things, or persons where they are counted once, some day speaks for in the window."""
        found: set[Thing] = set()
        for row in self.facts.of(self.indicator.counts):
            for day in self._days_of(row, date.min, date(self._last_year(row), 12, 31)):
                subject = self._counts(row, day)
                if subject is not None and any(
                    _speaks(evidence, said_on, window) for said_on in self._said(evidence, subject)
                ):
                    found.add((self.facts.person,) if self.indicator.once_per else self._thing(row.values))
        return found

    def _last_year(self, row: Fact) -> int:
        years = [day.year for day in row.values.values() if isinstance(day, date)]
        return max(years) + OLDEST

    def _said(self, evidence: Evidence, subject: Subject) -> Iterator[date | None]:
        """Give the days that speak for a thing as it is on one of its days."""
        if evidence.fact is None:
            if holds(evidence.where, subject):
                yield subject.day(evidence.day)
            return
        for row in self.facts.of(evidence.fact):
            inside = subject.inside(row)
            shared = all(
                row.values[name] is not None and row.values[name] == subject.values[name] for name in evidence.same
            )
            if shared and holds(evidence.where, inside):
                yield inside.day(evidence.day)


def _speaks(evidence: Evidence, day: date | None, window: Window) -> bool:
    if day is None or day > window.last:
        return False
    return evidence.when is EvidenceWhen.SINCE or day >= window.first


def _number(measured: Measured, subject: Subject) -> Any:
    """Return the number (of a split without buckets: the value) that is taken of a thing; None where it is unknown."""
    match measured:
        case Column():
            return subject.value(measured)
        case Between(begins, ends, _):
            first, last = subject.day(begins), subject.day(ends)
            return None if first is None or last is None else (last - first).days
        case Difference(of, less):
            minuend, subtrahend = subject.value(of), subject.value(less)
            return None if minuend is None or subtrahend is None else minuend - subtrahend


def _part(value: Any, buckets: Sequence[Bucket]) -> str | None:
    """Return the part of a split that a value belongs to; None: to none."""
    if not buckets:
        return _text(value)
    return next((bucket.name for bucket in buckets if _lies_in(value, bucket)), None)


def _lies_in(number: int | None, bucket: Bucket) -> bool:
    if bucket.unknown or number is None:
        return bucket.unknown and number is None
    above = bucket.lower is None or number > bucket.lower or (number == bucket.lower and not bucket.lower_open)
    below = bucket.upper is None or number < bucket.upper or (number == bucket.upper and not bucket.upper_open)
    return above and below


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cells_of(seen: _Seen, by: Sequence[str], tree: UnitTree, day: date) -> Iterator[Dims]:
    """Give every cell that something lies in; what is unknown of it, and unknown sex, counts in the totals only."""
    choices: list[list[str | None]] = []
    for name in by:
        value = seen.dims[name]
        known = value is not None and not (name == "sex" and value == "unknown")
        if name == "unit":
            choices.append([None, *(tree.ancestors_on(value or "", day) if value in tree.units else ())])
        else:
            choices.append([None, *([value] if known else [])])
    for chosen in product(*choices):
        yield tuple((name, value) for name, value in zip(by, chosen, strict=True) if value is not None)


def _sums(indicator: Indicator, dims: Dims, seen: Sequence[_Seen], spoken_for: set[Thing]) -> dict[Dims, Sums]:
    """Return what a cell adds up to; of a split, its parts too."""
    counted = {_once(indicator, each) for each in seen}
    match indicator.kind:
        case Kind.COUNT | Kind.PERSONS:
            return {dims: Sums(numerator=len(counted))}
        case Kind.SHARE if indicator.evidence is not None:
            numerator = sum(1 for each in counted if (each[:1] if indicator.once_per else each) in spoken_for)
            return {dims: Sums(numerator, len(counted))}
    expected = len(seen) if indicator.covered else None
    reported = [each for each in seen if each.reported]
    if indicator.kind is Kind.SHARE:
        return {dims: Sums(sum(1 for each in reported if each.fulfils), len(reported), expected)}
    if indicator.kind is Kind.SPLIT:
        parts = sorted({each.part for each in reported if each.part is not None})
        return {dims: Sums(None, len(reported), expected)} | {
            (*dims, (indicator.part or "", part)): Sums(
                sum(1 for each in reported if each.part == part), len(reported), expected
            )
            for part in parts
        }
    numbers = [each.number for each in reported if each.number is not None]
    middle = Fraction(median(map(Fraction, numbers))) if indicator.kind is Kind.MEDIAN and numbers else None
    return {dims: Sums(None, len(numbers), expected, sum(numbers), middle)}


def _once(indicator: Indicator, seen: _Seen) -> Thing:
    """Return what a thing is counted as: itself, its person, or its person in some dimensions."""
    if not indicator.once_per:
        return seen.thing
    return (seen.thing[0], *(seen.dims[name] for name in indicator.once_per[1:]))
