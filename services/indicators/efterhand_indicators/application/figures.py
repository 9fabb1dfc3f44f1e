"""A figure at T, broken down, as known now or on a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection

from efterhand.catalogue import Indicator
from efterhand.clock import end_of_day
from efterhand.persons.watermarks import as_of
from efterhand_indicators.adapters import context_store, figure_query, scratch
from efterhand_indicators.adapters.compiler import CompiledIndicator
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.domain.context import Context
from efterhand_indicators.domain.figures import Cell, Window, cell, nothing, window_of


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
    """A figure: its window, what it rests on, and its cells; the first is the total."""

    indicator: Indicator
    window: Window
    known: date | None
    business_date: date
    as_of: date
    cells: tuple[Cell, ...]

    @property
    def preliminary(self) -> bool:
        """Whether the window ends later than the feed is known."""
        return self.window.last > self.as_of

    @property
    def projection(self) -> bool:
        """Whether the window ends in the future: what will count if nothing more happens."""
        return self.window.last > self.business_date

    def as_json(self) -> dict[str, Any]:
        """Return the answer of the HTTP read."""
        return {
            "indicator": self.indicator.id,
            "name": self.indicator.name,
            "kind": self.indicator.kind,
            "from": self.window.first,
            "to": self.window.last,
            "known": self.known,
            "definition": self.indicator.definition,
            "business_date": self.business_date,
            "as_of": self.as_of,
            "preliminary": self.preliminary,
            "projection": self.projection,
            "better": self.indicator.better,
            "rows": [
                {
                    "dims": dict(each.dims),
                    "value": each.value,
                    "numerator": each.numerator,
                    "denominator": each.denominator,
                    "expected": each.expected,
                    "sum": None,
                    "coverage": each.coverage,
                    "status": each.status,
                    "target": each.target,
                    "judgement": each.judgement,
                }
                for each in self.cells
            ],
        }


def shown_indicator(definitions: Definitions, context: Context, name: str) -> CompiledIndicator:
    """Return an indicator that everybody has been computed by.

    Raises:
        UnknownWord: the catalogue has none of that name.
        NotYet: it has a new definition that not everybody has been computed by.
    """
    if name not in definitions.indicators:
        raise UnknownWord("indicator", name, list(definitions.indicators))
    compiled = definitions.indicators[name]
    if context.definitions.get(name) != compiled.indicator.definition:
        raise NotYet(f"'{name}' has a new definition that is still being computed.")
    return compiled


def business_date_of(context: Context) -> date:
    """Return the business date. Raises NotYet while none has been announced."""
    if context.business_date is None:
        raise NotYet("The business date is not known yet.")
    return context.business_date


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
        name: of the indicator.
        at: the last day of the window; None: the business date.
        by: dimensions to break it down by.
        known: without what was received after that day; None: from everything that is known now.

    Raises:
        UnknownWord: there is no such indicator or dimension.
        NotYet: the figure is still being computed, or there is no business date yet.
        OverflowError: no window ends on that day.
    """
    context = context_store.read_context(connection)
    compiled = shown_indicator(definitions, context, name)
    indicator = compiled.indicator
    for dimension in by:
        if dimension not in indicator.dimensions:
            raise UnknownWord("dimension", dimension, indicator.dimensions)
    business_date = business_date_of(context)
    window = window_of(indicator, at or business_date)
    dimensions = [dimension for dimension in indicator.dimensions if dimension in by]
    tree = definitions.catalogue.units
    ancestors = {unit: tree.ancestors_on(unit, window.last) for unit in tree.units}
    anew = None if known is None else _derive_as_known(connection, definitions, compiled, known)
    sums = figure_query.read_cells(connection, indicator, window, dimensions, ancestors, anew)
    sums.setdefault((), nothing(indicator))
    return Figure(
        indicator=indicator,
        window=window,
        known=known,
        business_date=business_date,
        as_of=as_of(indicator.feed, business_date, context.through),
        cells=tuple(
            cell(indicator, dict(dims), sums[dims], window.last.year)
            for dims in sorted(sums, key=lambda dims: _order(dims, dimensions))
        ),
    )


def _order(dims: figure_query.Dims, dimensions: Sequence[str]) -> tuple[Any, ...]:
    """Sort the total first, then by how many and which dimensions a cell is restricted to, then by their values."""
    return (len(dims), [dimensions.index(name) for name, _ in dims], [value for _, value in dims])


def _derive_as_known(
    connection: Connection, definitions: Definitions, compiled: CompiledIndicator, known: date
) -> Sequence[str]:
    """Derive anew those of whom more was received later, without that; return them."""
    instant = end_of_day(known)
    persons = scratch.received_later(connection, instant)
    scratch.create_scratch(connection)
    scratch.fill_scratch(connection, persons, definitions.catalogue, [compiled], instant)
    return persons


def list_indicators(definitions: Definitions, context: Context) -> list[dict[str, Any]]:
    """Return what can be asked for."""
    return [
        {
            "id": each.id,
            "name": each.name,
            "kind": each.kind,
            "feed": each.feed,
            "definition": each.definition,
            "dimensions": list(each.dimensions),
            "decimals": each.decimals,
            "better": each.better,
            "targets": _targets(each.targets),
            "coverage_minimum": None if each.coverage_minimum is None else format(each.coverage_minimum, "f"),
            "window_months": each.window_months,
            "complete": context.definitions.get(each.id) == each.definition,
        }
        for each in (compiled.indicator for compiled in definitions.indicators.values())
    ]


def _targets(targets: Mapping[int, Any]) -> dict[str, str]:
    return {str(year): format(target, "f") for year, target in sorted(targets.items())}
