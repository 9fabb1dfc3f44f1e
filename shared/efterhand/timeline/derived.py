"""Facts that a catalogue makes of a person's other facts: spans that are merged, numbers that are reached. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from efterhand.catalogue.model import Catalogue, Derivation, DerivedFact
from efterhand.timeline.facts import Fact, Facts


def with_derived(facts: Facts, catalogue: Catalogue) -> Facts:
    """Return a person's facts with those that the catalogue derives from them."""
    if not catalogue.derived:
        return facts
    return replace(facts, rows={**facts.rows, **derive(catalogue, facts)})


def derive(catalogue: Catalogue, facts: Facts) -> dict[str, tuple[Fact, ...]]:
    """Return the rows of every kind of fact that the catalogue derives, ordered by their keys."""
    return {name: _rows(fact, catalogue, facts) for name, fact in catalogue.derived.items()}


def _rows(derived: DerivedFact, catalogue: Catalogue, facts: Facts) -> tuple[Fact, ...]:
    source = catalogue.facts[derived.source]
    day = source.day or ""
    parts: dict[Any, list[Fact]] = {}
    for row in facts.of(derived.source):
        part = None if derived.per is None else row.values[derived.per]
        if row.values[day] is not None and (derived.per is None or part is not None):
            parts.setdefault(part, []).append(row)
    made = []
    for part, rows in sorted(parts.items(), key=lambda each: str(each[0]).encode()):
        in_order = sorted(rows, key=lambda row: (row.values[day], row.rank))
        named = {} if derived.per is None else {derived.per: part}
        if derived.derivation is Derivation.REACHES:
            made += [
                Fact(
                    {**named, "total": total, "reached_on": in_order[total - 1].values[day]}, in_order[total - 1].origin
                )
                for total in derived.totals
                if total <= len(in_order)
            ]
        else:
            made += _merged(derived, in_order, day, source.ends, named)
    return tuple(made)


def _merged(
    derived: DerivedFact, in_order: Iterable[Fact], day: str, ends: str | None, named: dict[str, Any]
) -> Iterable[Fact]:
    """Join rows, ordered by their first day, that lie no further apart than the gap; what goes on takes all later."""
    begun: Fact | None = None
    last = None
    for row in in_order:
        begins = row.values[day]
        end = row.values[ends] if ends is not None else begins
        if begun is not None and (
            last is None or derived.gap_days is None or begins <= last + timedelta(days=derived.gap_days)
        ):
            last = None if last is None or end is None else max(last, end)
            continue
        if begun is not None:
            yield Fact({**named, "began_on": begun.values[day], "ended_on": last}, begun.origin)
        begun, last = row, end
    if begun is not None:
        yield Fact({**named, "began_on": begun.values[day], "ended_on": last}, begun.origin)
