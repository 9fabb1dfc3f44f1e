"""A figure at T, broken down, as known now or on a day."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection

from efterhand.catalogue import Indicator
from efterhand.catalogue.model import Formula
from efterhand.clock import end_of_day
from efterhand.figures.cells import (
    NO_DATA,
    NOT_AVAILABLE,
    Cell,
    Dims,
    Outcome,
    Sums,
    Window,
    cell,
    cell_without_value,
    formula_cell,
    nothing,
    window_of,
    window_of_months,
)
from efterhand.figures.formulas import (
    Operand,
    formula_cells,
    formula_dimensions,
    formula_window_months,
    operand,
)
from efterhand.persons.watermarks import as_of
from efterhand_indicators.adapters import context_store, figure_query, scratch, total_query
from efterhand_indicators.adapters.compiler import CompiledIndicator
from efterhand_indicators.application.closed_figures import ClosedFigures
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.domain import totals
from efterhand_indicators.domain.closed_book import Disposed
from efterhand_indicators.domain.context import Context
from efterhand_indicators.domain.totals import DIMENSIONS, units_read


class UnknownWord(LookupError):
    """The question names something that is not there; the nearest that is may be what was meant."""

    def __init__(self, what: str, word: str, known: Sequence[str]) -> None:
        super().__init__(f"There is no {what} '{word}'.")
        self.what = what
        self.word = word
        self.known = sorted(known)
        close = get_close_matches(word, self.known, n=1, cutoff=0.5)
        self.nearest = close[0] if close else None


class NotYet(RuntimeError):
    """The question can be answered later; says why not now."""


@dataclass(frozen=True)
class Figure:
    """A figure: its window, what it rests on, and its cells; the first is the total.

    `definition` changes with whatever decides the value; `as_of` is the day up to which its feeds are known. `reason`
    says in words why a figure is not available: it rests on persons who have been disposed of.
    """

    indicator: Indicator | Formula
    definition: str
    window: Window
    known: date | None
    business_date: date
    as_of: date
    preliminary: bool
    cells: tuple[Cell, ...]
    reason: str | None = None

    def within(self, units: frozenset[str] | None) -> "Figure":
        """Return what somebody is told who has the right to some units' figures (None: to all).

        Those units' own cells, and beside them, to compare with, the total of all and by sex.
        """
        if units is None:
            return self
        return replace(self, cells=tuple(each for each in self.cells if may_be_told(each.dims, units)))

    @property
    def projection(self) -> bool:
        """Whether the window ends in the future: what will count if nothing more happens."""
        return self.window.last > self.business_date

    def as_json(self) -> dict[str, Any]:
        """Return the answer of the HTTP read."""
        return {
            "indicator": self.indicator.id,
            "name": self.indicator.name,
            "kind": kind_of(self.indicator),
            "from": self.window.first,
            "to": self.window.last,
            "known": self.known,
            "definition": self.definition,
            "business_date": self.business_date,
            "as_of": self.as_of,
            "preliminary": self.preliminary,
            "projection": self.projection,
            "better": self.indicator.better,
            "reason": self.reason,
            "rows": [
                {
                    "dims": dict(each.dims),
                    "value": each.value,
                    "numerator": each.numerator,
                    "denominator": each.denominator,
                    "expected": each.expected,
                    "sum": each.sum,
                    "coverage": each.coverage,
                    "status": each.status,
                    "target": each.target,
                    "judgement": each.judgement,
                }
                for each in self.cells
            ],
        }


def may_be_told(dims: Mapping[str, str], units: frozenset[str] | None) -> bool:
    """Tell whether a cell is one that somebody is told who has the right to some units' figures (None: to all)."""
    if units is None:
        return True
    return dims["unit"] in units if "unit" in dims else dims.keys() <= {"sex"}


class BeingComputed(NotYet):
    """The indicator has a new definition that not everybody has been computed by."""

    def __init__(self, name: str) -> None:
        super().__init__(f"'{name}' has a new definition that is still being computed.")
        self.name = name


def kind_of(definition: Indicator | Formula) -> str:
    """Return what a figure is: a share, a count …, or the operation of a formula."""
    return str(definition.kind if isinstance(definition, Indicator) else definition.operation)


def shown_indicator(definitions: Definitions, context: Context, name: str) -> CompiledIndicator:
    """Return an indicator that everybody has been computed by.

    Raises:
        UnknownWord: the catalogue has none of that name.
        BeingComputed: it has a new definition that not everybody has been computed by.
    """
    if name not in definitions.indicators:
        raise UnknownWord("indicator", name, list(definitions.indicators))
    compiled = definitions.indicators[name]
    if context.definitions.get(name) != compiled.indicator.definition:
        raise BeingComputed(name)
    return compiled


def business_date_of(context: Context) -> date:
    """Return the business date. Raises NotYet while none has been announced."""
    if context.business_date is None:
        raise NotYet("The business date is not known yet.")
    return context.business_date


@dataclass(frozen=True)
class Understood:
    """A question whose words have been understood: a definition, what it is made of, and its dimensions in order."""

    definition: Indicator | Formula
    parts: tuple[CompiledIndicator, ...]
    by: tuple[str, ...]


def understand(definitions: Definitions, context: Context, name: str, by: Collection[str]) -> Understood:
    """Return what a question asks for.

    Raises:
        UnknownWord: there is no such indicator or dimension.
        BeingComputed: not everybody has been computed by the definition.
    """
    formula = definitions.catalogue.formulas.get(name)
    if formula is not None:
        parts = [shown_indicator(definitions, context, each) for each in operands_of(formula)]
        possible = formula_dimensions(formula, definitions.catalogue.indicators)
    elif name not in definitions.indicators:
        raise UnknownWord("indicator", name, [*definitions.indicators, *definitions.catalogue.formulas])
    else:
        parts = [shown_indicator(definitions, context, name)]
        possible = parts[0].indicator.dimensions
    for dimension in by:
        if dimension not in possible:
            raise UnknownWord("dimension", dimension, possible)
    return Understood(
        formula or parts[0].indicator, tuple(parts), tuple(dimension for dimension in possible if dimension in by)
    )


def read_figure(
    connection: Connection,
    definitions: Definitions,
    name: str,
    at: date | None = None,
    by: Sequence[str] = (),
    known: date | None = None,
) -> Figure:
    """Return a figure.

    Args:
        connection: in a transaction that sees one state throughout (repeatable read).
        definitions: what everything is computed by.
        name: of the indicator, or of the formula.
        at: the last day of the window; None: the business date.
        by: dimensions to break it down by.
        known: without what was received after that day; None: from everything that is known now.

    Raises:
        UnknownWord: there is no such indicator or dimension.
        BeingComputed: not everybody has been computed by the definition.
        NotYet: there is no business date yet.
        OverflowError: no window ends on that day.
    """
    context = context_store.read_context(connection)
    asked = understand(definitions, context, name, by)
    last = at or business_date_of(context)
    anew = None if known is None else derive_as_known(connection, definitions, asked.parts, known)
    return Reading(connection, definitions, context, known, anew).figure(asked, last)


def operands_of(formula: Formula) -> tuple[str, ...]:
    """Return the indicators that a formula is made of."""
    return (formula.of,) if formula.to in (None, formula.of) else (formula.of, str(formula.to))


def complete_on(indicator: Indicator, last: date) -> date:
    """Return up to which day its feed must be known for a figure whose window ends on a day to be final."""
    return last if indicator.settles is None else indicator.settles.after(last)


def _definition_of(formula: Formula | None, parts: Sequence[CompiledIndicator]) -> str:
    """Return what tells whether two figures mean the same."""
    if formula is None:
        return parts[0].indicator.definition
    rule = (formula.operation, formula.of, formula.to, formula.to_average, formula.times, formula.over, formula.between)
    return sha256(repr((rule, [part.indicator.definition for part in parts])).encode()).hexdigest()[:16]


class Reading:
    """Reads figures in one transaction that sees one state throughout (repeatable read)."""

    def __init__(
        self,
        connection: Connection,
        definitions: Definitions,
        context: Context,
        known: date | None = None,
        derived_anew: Sequence[str] | None = None,
    ) -> None:
        """`derived_anew`: whose contributions are temporary ones, so that they are as `known` on a day; see there."""
        self._connection = connection
        self._definitions = definitions
        self._context = context
        self._known = known
        self._anew = derived_anew
        self._totals = context.totals.filled if known is None else {}
        self._closed = ClosedFigures(connection, known)
        self._ahead: dict[tuple[str, date, tuple[str, ...]], dict[Dims, Sums]] = {}

    def read_ahead(self, indicators: Iterable[Indicator], days: Iterable[date], unit: str | None = None) -> None:
        """Read by sex, in one statement, what totals know of the windows that end on some days.

        Args:
            indicators: of which some may have no totals; those are read when they are asked for.
            days: the last days of the windows.
            unit: the only unit whose cells will be asked for; None: only those of all units will be.
        """
        tree, by = self._definitions.catalogue.units, DIMENSIONS if unit is not None else ("sex",)
        found = [
            (each, last)
            for each in indicators
            for last in days
            if each.id in self._totals and totals.answer(each, last, by)
        ]
        asked = [
            total_query.Asked(each, window_of(each, last), unit, units_read(each, tree, unit, last))
            for each, last in found
        ]
        for (each, last), sums in zip(found, total_query.read_windows(self._connection, asked), strict=True):
            self._ahead[each.id, last, tuple(name for name in each.dimensions if name in by)] = sums

    def figure(self, asked: Understood, last: date) -> Figure:
        """Return the figure whose window ends on a day. Raises OverflowError, NotYet: as `read_figure`."""
        definition, catalogue = asked.definition, self._definitions.catalogue
        business_date, reason = business_date_of(self._context), None
        if isinstance(definition, Formula):
            window = window_of_months(formula_window_months(definition, catalogue.indicators), last)
        else:
            window = window_of(definition, last)
        try:
            if isinstance(definition, Formula):
                cells = _of_formula(definition, self._definitions, last, asked.by, self)
            else:
                cells = _of_indicator(definition, last, asked.by, self)
        except Disposed as error:
            cells, reason = (cell_without_value(definition, NOT_AVAILABLE, last.year),), str(error)
        parts = [part.indicator for part in asked.parts]
        known_up_to = [as_of(part.feed, business_date, self._context.through) for part in parts]
        return Figure(
            indicator=definition,
            definition=_definition_of(definition if isinstance(definition, Formula) else None, asked.parts),
            window=window,
            known=self._known,
            business_date=business_date,
            as_of=min(known_up_to),
            preliminary=any(complete_on(part, last) > known for part, known in zip(parts, known_up_to, strict=True)),
            cells=cells,
            reason=reason,
        )

    def sums(self, indicator: Indicator, last: date, by: Sequence[str]) -> dict[Dims, Sums]:
        """Return what each cell of the window that ends on a day adds up to, the total always among them.

        Where it was read ahead for one unit, only the cells of that unit are told.

        Raises:
            Disposed: it rests on persons who have been disposed of, and cannot be told any more.
        """
        tree = self._definitions.catalogue.units
        ancestors = {unit: tree.ancestors_on(unit, last) for unit in tree.units} if "unit" in by else {}
        window = window_of(indicator, last)
        ahead = self._ahead.get((indicator.id, last, tuple(by)))
        if ahead is not None:
            sums = dict(ahead)
        elif indicator.id in self._totals and totals.answer(indicator, last, by):
            sums = total_query.read_cells_of_totals(self._connection, indicator, window, by, ancestors)
        else:
            sums = figure_query.read_cells(self._connection, indicator, window, by, ancestors, self._anew)
        sums = self._closed.complete(indicator, window, by, ancestors, sums)
        sums.setdefault((), nothing(indicator))
        return sums

    def operand(self, name: str, last: date, by: Sequence[str]) -> Operand:
        """Return an indicator as formulas take it."""
        indicator = self._definitions.indicators[name].indicator
        dimensions = [dimension for dimension in indicator.dimensions if dimension in by]
        return operand(indicator, self.sums(indicator, last, dimensions))


def _of_indicator(indicator: Indicator, last: date, by: Sequence[str], reading: Reading) -> tuple[Cell, ...]:
    sums = reading.sums(indicator, last, by)
    part = indicator.part
    names = [*by, *([] if part is None else [part])]
    return tuple(cell(indicator, dict(dims), sums[dims], last.year) for dims in _in_order(sums, names))


def _of_formula(
    formula: Formula, definitions: Definitions, last: date, by: Sequence[str], reading: Reading
) -> tuple[Cell, ...]:
    outcomes = formula_cells(formula, definitions.catalogue.indicators, last, by, reading.operand)
    return tuple(formula_cell(formula, dict(dims), outcomes[dims], last.year) for dims in _in_order(outcomes, by))


def empty_cell(figure: Figure, dims: Mapping[str, str]) -> Cell:
    """Return a cell of a figure in which nothing is counted."""
    year = figure.window.last.year
    if isinstance(figure.indicator, Formula):
        return formula_cell(figure.indicator, dims, Outcome(None, NO_DATA), year)
    return cell(figure.indicator, dims, nothing(figure.indicator), year)


def _in_order(cells: Iterable[Dims], names: Sequence[str]) -> list[Dims]:
    """Sort the total first, then by how many and which dimensions a cell is restricted to, then by their values."""
    return sorted(
        cells, key=lambda dims: (len(dims), [names.index(name) for name, _ in dims], [value for _, value in dims])
    )


def derive_as_known(
    connection: Connection, definitions: Definitions, parts: Sequence[CompiledIndicator], known: date
) -> Sequence[str]:
    """Derive anew those of whom more was received later, without that; return them."""
    instant = end_of_day(known)
    persons = scratch.received_later(connection, instant)
    scratch.create_scratch(connection)
    scratch.fill_scratch(connection, persons, definitions.catalogue, parts, instant)
    return persons


def list_indicators(definitions: Definitions, context: Context) -> list[dict[str, Any]]:
    """Return what can be asked for."""
    catalogue = definitions.catalogue
    shown = [
        _listed(each.indicator, each.indicator.dimensions, [each], context) for each in definitions.indicators.values()
    ]
    for formula in catalogue.formulas.values():
        parts = [definitions.indicators[name] for name in operands_of(formula)]
        shown.append(_listed(formula, formula_dimensions(formula, catalogue.indicators), parts, context))
    return shown


def _listed(
    definition: Indicator | Formula, dimensions: Sequence[str], parts: Sequence[CompiledIndicator], context: Context
) -> dict[str, Any]:
    indicators = [part.indicator for part in parts]
    formula = definition if isinstance(definition, Formula) else None
    of = {each.id: each for each in indicators}
    minimum = indicators[0].coverage_minimum
    return {
        "id": definition.id,
        "name": definition.name,
        "kind": kind_of(definition),
        "feed": indicators[0].feed,
        "definition": _definition_of(formula, parts),
        "dimensions": list(dimensions),
        "decimals": definition.decimals,
        "better": definition.better,
        "targets": _targets(definition.targets),
        "coverage_minimum": None if minimum is None or formula is not None else format(minimum, "f"),
        "window_months": indicators[0].window_months if formula is None else formula_window_months(formula, of),
        "complete": all(context.definitions.get(each.id) == each.definition for each in indicators),
    }


def _targets(targets: Mapping[int, Any]) -> dict[str, str]:
    return {str(year): format(target, "f") for year, target in sorted(targets.items())}
