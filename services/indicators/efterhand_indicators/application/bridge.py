"""From an earlier figure to a later one: what was corrected, what came in, what went out, what counts otherwise."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Final

from sqlalchemy import Connection, RowMapping

from efterhand.catalogue import Catalogue, Indicator
from efterhand.catalogue.model import Kind
from efterhand.figures.cells import Cell, Sums, Window, cell, window_of
from efterhand.persons.watermarks import as_of
from efterhand.web.sight import EVERYTHING, Sight
from efterhand_indicators.adapters import context_store
from efterhand_indicators.adapters.thing_query import (
    BETWEEN,
    SUMMED,
    Reading,
    Restriction,
    Step,
    ThingQuery,
    after_parameters,
    counted_as,
    key_of,
)
from efterhand_indicators.application.cases import Key, check_of
from efterhand_indicators.application.closed_figures import check_nobody_is_gone
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.application.explaining import (
    added_up,
    counted_by,
    protected_persons,
    restricted,
    sees_protected,
    units_above,
)
from efterhand_indicators.application.figures import business_date_of, complete_on, derive_as_known

ADDITIVE: Final = frozenset(Kind) - {Kind.MEDIAN}
"""Kinds whose figures are sums over things; of a middle number no step can tell its part."""

_NUMBERS: Final = tuple(name for name in vars(Sums()) if name != "middle")


class WrongPeriod(ValueError):
    """The earlier window ends after the later one."""


@dataclass(frozen=True)
class Asked:
    """Which bridge: of one cell of an indicator, from the window that ends on a day to the one that ends on another.

    since, until: the last days of the windows; None: the business date for `until`, and for `since` the last day of the
    month before. known: how the earlier figure was known; None: at the end of the day `since`.
    """

    name: str
    since: date | None = None
    until: date | None = None
    known: date | None = None
    cell: Mapping[str, str] | None = None


@dataclass(frozen=True)
class End:
    """One of the two figures: its window, how many things it counts, and what is shown of it."""

    window: Window
    known: date | None
    preliminary: bool
    things: int
    shown: Cell

    def as_json(self) -> dict[str, Any]:
        """Return the end as the HTTP read tells it."""
        return {
            "from": self.window.first,
            "to": self.window.last,
            "known": self.known,
            "preliminary": self.preliminary,
            "things": self.things,
            **{name: value for name, value in asdict(self.shown).items() if name != "dims"},
        }


@dataclass(frozen=True)
class Change:
    """One step: how many things, and by how much they change what the figure is made of.

    added, taken_away, changed: of a correction, how many things each. value: the figure after this step, as shown.
    """

    step: Step
    things: int
    sums: Sums
    value: str | None
    added: int | None = None
    taken_away: int | None = None
    changed: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the step as the HTTP read tells it."""
        parts = {"added": self.added, "taken_away": self.taken_away, "changed": self.changed}
        return {
            "step": self.step,
            "things": self.things,
            **(parts if self.step is Step.CORRECTED else {}),
            **{name: getattr(self.sums, name) for name in _NUMBERS},
            "value": self.value,
        }


@dataclass(frozen=True)
class Bridge:
    """The earlier figure as it was known then, the steps, and the later figure as it is known now."""

    indicator: Indicator
    cell: Mapping[str, str]
    business_date: date
    earlier: End
    steps: tuple[Change, ...]
    later: End

    def as_json(self) -> dict[str, Any]:
        """Return the answer of the HTTP read."""
        return {
            "indicator": self.indicator.id,
            "name": self.indicator.name,
            "kind": str(self.indicator.kind),
            "definition": self.indicator.definition,
            "cell": dict(self.cell),
            "business_date": self.business_date,
            "projection": self.later.window.last > self.business_date,
            "earlier": self.earlier.as_json(),
            "steps": [step.as_json() for step in self.steps],
            "later": self.later.as_json(),
        }


@dataclass(frozen=True)
class BridgeCases:
    """The things behind one step, in the order of their keys; `next_after` when there are more."""

    step: Step
    items: tuple[dict[str, Any], ...]
    next_after: Key | None


# --- what the numbers of things come to ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """The things of two windows held against each other, the earlier ones as known then and as known now.

    groups: how many things are in which readings and differ between which, and what they add up to in each reading (see
    `ThingQuery.totals`). middles: of medians, the middle of the numbers then and later.
    """

    indicator: Indicator
    restriction: Restriction
    groups: Sequence[Mapping[str, Any]]
    middles: Mapping[str, Fraction | None]

    @property
    def cell(self) -> dict[str, str]:
        """What the cell is restricted to, the part of a split last."""
        part = self.indicator.part
        own = {} if self.restriction.part is None or part is None else {part: self.restriction.part}
        return {**self.restriction.dims, **own}

    def things(self, reading: Reading) -> int:
        """Return how many things are counted in a reading."""
        return sum(group["things"] for group in self.groups if group[f"in_{reading}"])

    def sums(self, reading: Reading) -> Sums:
        """Return what the things of a reading add up to."""
        values = {name: sum(group[f"{name}_{reading}"] for group in self.groups) for name in SUMMED}
        return replace(added_up(self.indicator, self.restriction, values), middle=self.middles.get(reading))

    def steps(self, year: int) -> tuple[Change, ...]:
        """Return what leads from the one figure to the other, each step with the value that it leads to.

        Args:
            year: of the later figure.
        """
        reached = self.sums(Reading.THEN)
        steps = []
        for step, (before, after) in BETWEEN.items():
            own = [group for group in self.groups if _belongs(step, group)]
            change, value = Sums(), None
            if self.indicator.kind in ADDITIVE:
                values = {
                    name: sum(group[f"{name}_{after}"] - group[f"{name}_{before}"] for group in own) for name in SUMMED
                }
                change = added_up(self.indicator, self.restriction, values)
                reached = _plus(reached, change)
                value = cell(self.indicator, self.cell, reached, year).value
            steps.append(Change(step, _things(own), change, value, *_what_was_corrected(step, own)))
        return tuple(steps)


def _things(groups: Iterable[Mapping[str, Any]]) -> int:
    return sum(group["things"] for group in groups)


def _what_was_corrected(step: Step, own: Sequence[Mapping[str, Any]]) -> tuple[int | None, int | None, int | None]:
    """Return how many things a correction added, took away and changed."""
    if step is not Step.CORRECTED:
        return None, None, None
    added = _things(group for group in own if not group["in_then"])
    taken_away = _things(group for group in own if not group["in_now"])
    return added, taken_away, _things(own) - added - taken_away


def _belongs(step: Step, group: Mapping[str, Any]) -> bool:
    match step:
        case Step.CORRECTED:
            return bool(group["now_differs"])
        case Step.CAME_IN:
            return bool(group["in_later"] and not group["in_now"])
        case Step.WENT_OUT:
            return bool(group["in_now"] and not group["in_later"])
        case Step.CHANGED:
            return bool(group["in_now"] and group["in_later"] and group["later_differs"])


def _plus(sums: Sums, change: Sums) -> Sums:
    """Add what applies to the kind of figure; both have the same numbers."""
    added = {name: (getattr(sums, name), getattr(change, name)) for name in _NUMBERS}
    return Sums(**{name: None if None in pair else sum(pair) for name, pair in added.items()})


# --- reading it ---------------------------------------------------------------------------------------------------


def compare(
    connection: Connection,
    indicator: Indicator,
    restriction: Restriction,
    windows: tuple[Window, Window],
    catalogue: Catalogue,
    derived_anew: Sequence[str],
) -> Comparison:
    """Hold the things of an earlier and a later window against each other.

    Args:
        connection: on which the temporary tables hold the contributions of `derived_anew` as they were known then.
        indicator: the definition.
        restriction: the cell.
        windows: the earlier and the later one.
        catalogue: whose units lie in each other.
        derived_anew: persons of whom something was received since then.
    """
    query = ThingQuery(indicator, restriction)
    parameters = {**_parameters(query, windows, catalogue), "anew": list(derived_anew)}
    groups = connection.execute(query.totals(), parameters).mappings().all()
    middles: dict[str, Fraction | None] = {}
    if indicator.kind is Kind.MEDIAN:
        row = connection.execute(query.middles(), parameters).mappings().one()
        # Days and their halves are exact in the double precision that PostgreSQL gives.
        middles = {reading: None if row[reading] is None else Fraction(row[reading]) for reading in row}
    return Comparison(indicator, restriction, [dict(group) for group in groups], middles)


def _parameters(query: ThingQuery, windows: tuple[Window, Window], catalogue: Catalogue) -> dict[str, Any]:
    named = dict(zip(("earlier_", "later_"), windows, strict=True))
    return query.parameters(named, {name: units_above(query, catalogue, window) for name, window in named.items()})


@dataclass(frozen=True)
class _Prepared:
    """A question whose words have been understood, and the persons who are derived anew to answer it."""

    indicator: Indicator
    restriction: Restriction
    windows: tuple[Window, Window]
    known: date
    business_date: date
    as_of: date
    derived_anew: Sequence[str]


def _prepare(connection: Connection, definitions: Definitions, asked: Asked) -> _Prepared:
    context = context_store.read_context(connection)
    compiled = counted_by(definitions, context, asked.name)
    indicator = compiled.indicator
    business_date = business_date_of(context)
    until = asked.until or business_date
    since = asked.since or _month_before(until)
    if since > until:
        raise WrongPeriod(f"The earlier figure is that of {since}, the later one that of {until}: ask the other way.")
    known = asked.known or since
    windows = window_of(indicator, since), window_of(indicator, until)
    check_nobody_is_gone(connection, windows, known)
    restriction = restricted(indicator, definitions.catalogue, asked.cell or {})
    return _Prepared(
        indicator=indicator,
        restriction=restriction,
        windows=windows,
        known=known,
        business_date=business_date,
        as_of=as_of(indicator.feed, business_date, context.through),
        derived_anew=derive_as_known(connection, definitions, [compiled], known),
    )


def _month_before(day: date) -> date:
    """Return the last day of the month before a day's. Raises OverflowError: the calendar has none."""
    return day.replace(day=1) - timedelta(days=1)


def read_bridge(connection: Connection, definitions: Definitions, asked: Asked) -> Bridge:
    """Return what led from the earlier figure, as it was known then, to the later one as it is known now.

    The steps follow each other: what has been learnt of the earlier window since (`corrected`), what only the later
    window holds (`came_in`), what only the earlier one holds (`went_out`), and what both hold and counts otherwise
    (`changed`). The earlier figure's numbers and the changes of the steps add up to the later figure's exactly. Of
    medians only the two values and the numbers of things are told.

    Args:
        connection: in a transaction that sees one state throughout (repeatable read).
        definitions: what everything is computed by; also the earlier figure is, as in any figure as known on a day.
        asked: which bridge.

    Raises:
        UnknownWord, NotYet, OverflowError: as `read_figure`.
        MadeOfOthers: the figure is a formula.
        WrongPeriod: the earlier window ends after the later one.
        Disposed: persons who may have counted have been disposed of.
    """
    prepared = _prepare(connection, definitions, asked)
    comparison = compare(
        connection,
        prepared.indicator,
        prepared.restriction,
        prepared.windows,
        definitions.catalogue,
        prepared.derived_anew,
    )
    earlier, later = prepared.windows
    return Bridge(
        indicator=prepared.indicator,
        cell=comparison.cell,
        business_date=prepared.business_date,
        earlier=_end(prepared, comparison, earlier, Reading.THEN),
        steps=comparison.steps(later.last.year),
        later=_end(prepared, comparison, later, Reading.LATER),
    )


def _end(prepared: _Prepared, comparison: Comparison, window: Window, reading: Reading) -> End:
    indicator = prepared.indicator
    return End(
        window=window,
        known=prepared.known if reading is Reading.THEN else None,
        preliminary=complete_on(indicator, window.last) > prepared.as_of,
        things=comparison.things(reading),
        shown=cell(indicator, comparison.cell, comparison.sums(reading), window.last.year),
    )


# --- the things behind a step -------------------------------------------------------------------------------------


def read_bridge_cases(
    connection: Connection,
    definitions: Definitions,
    asked: Asked,
    step: Step,
    after: Sequence[str] | None = None,
    limit: int = 100,
    *,
    sight: Sight = EVERYTHING,
) -> BridgeCases:
    """Return the things behind one step of a bridge, each with what it added before and what it adds after.

    Args:
        connection, definitions, asked: as for `read_bridge`.
        step: whose things.
        after: key of the last item of the page before.
        limit: items on this page.
        sight: what of persons the reader sees; only what is counted in those units is listed, and persons with a
            protected identity where all that the reader sees is open for them too.

    Raises:
        UnknownWord, NotYet, OverflowError, MadeOfOthers, WrongPeriod, Disposed: as `read_bridge`.
    """
    prepared = _prepare(connection, definitions, asked)
    query = ThingQuery(prepared.indicator, replace(prepared.restriction, within=sight.units))
    parameters = {
        **_parameters(query, prepared.windows, definitions.catalogue),
        **after_parameters(after or ()),
        "anew": list(prepared.derived_anew),
    }
    statement = query.differing(step, after=after is not None).limit(limit + 1)
    found = connection.execute(statement, parameters).mappings().all()
    shown = found[:limit]
    protected = protected_persons(connection, {row["person"] for row in shown}, prepared.business_date)
    lists_protected = sees_protected(sight, sight.units or {None})
    items = []
    for row in shown:
        if row["person"] in protected and not lists_protected:
            continue
        item = _item(prepared.indicator, step, row)
        items.append({**item, "protected": True} if row["person"] in protected else item)
    return BridgeCases(step, tuple(items), key_of(shown[-1]) if len(found) > limit else None)


def _item(indicator: Indicator, step: Step, row: RowMapping) -> dict[str, Any]:
    before, after = (_counted(indicator, row, reading) for reading in BETWEEN[step])
    item = {
        "person": row["person"],
        # Of a person who is counted once there is no single case or check.
        "subject": None if indicator.once_per else row["subject"],
        "check": check_of(row["protocol"], row["person"], row["subject"]),
        "what": "added" if before is None else "taken_away" if after is None else "changed",
        "before": before,
        "after": after,
    }
    return {**item, "counted_as": counted_as(indicator, row)} if indicator.once_per[1:] else item


def _counted(indicator: Indicator, row: RowMapping, reading: Reading) -> dict[str, Any] | None:
    """Return what a thing adds in a reading; None where it is not there."""
    if not row[f"in_{reading}"]:
        return None
    total = row[f"sum_{reading}"]
    told = {
        "day": row[f"first_day_{reading}"],
        "until": row[f"last_day_{reading}"],
        "numerator": row[f"numerator_{reading}"],
        "denominator": row[f"denominator_{reading}"],
        "expected": row[f"expected_{reading}"],
        "sum": None if total is None else int(total),
    }
    return told if indicator.kind is not Kind.SPLIT else {**told, "part": row[f"part_{reading}"]}
