"""Figures over several windows, read from one state: the months behind a curve, or a year's table beside the last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection

from efterhand.catalogue import Indicator
from efterhand.figures.cells import NOT_AVAILABLE
from efterhand.figures.formulas import month_ends
from efterhand_indicators.adapters import context_store
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.application.explaining import restricted
from efterhand_indicators.application.figures import (
    BeingComputed,
    Figure,
    Reading,
    Understood,
    UnknownWord,
    business_date_of,
    empty_cell,
    may_be_told,
    understand,
)
from efterhand_indicators.domain.context import Context

LONGEST: Final = 60
"""Months that one series can have."""


@dataclass(frozen=True)
class Series:
    """One figure in one cell, over several windows, the earliest first.

    Each figure holds the cell and what it is broken down by in it, or what says that it is not available.
    """

    cell: Mapping[str, str]
    figures: tuple[Figure, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the answer of the HTTP read: what is the same for all windows, and each window with its rows."""
        shared = ("indicator", "name", "kind", "definition", "business_date", "as_of", "better")
        of_window = ("from", "to", "preliminary", "projection", "reason", "rows")
        told = [each.as_json() for each in self.figures]
        return {
            **{name: told[-1][name] for name in shared},
            "cell": dict(self.cell),
            "windows": [{name: each[name] for name in of_window} for each in told],
        }


def read_series(
    connection: Connection,
    definitions: Definitions,
    name: str,
    at: date | None = None,
    months: int = 24,
    *,
    by: Sequence[str] = (),
    cell: Mapping[str, str] | None = None,
    units: frozenset[str] | None = None,
) -> Series:
    """Return a figure over the windows that end with each of so many months.

    Every one of them is exactly what `read_figure` tells of that window.

    Args:
        connection: in a transaction that sees one state throughout (repeatable read).
        definitions: what everything is computed by.
        name: of the indicator, or of the formula.
        at: the last day of the last window; None: the business date.
        months: how many windows, at least one; the one before ends a month earlier.
        by: dimensions to break the cell down by.
        cell: dimensions and their values; None: the total.
        units: whose cells may be told (None: all), beside the total of all and by sex.

    Raises:
        UnknownWord, BeingComputed, NotYet, OverflowError: as `read_figure`.
    """
    context = context_store.read_context(connection)
    wanted = dict(cell or {})
    asked = _understand(definitions, context, name, by, wanted)
    days = month_ends(at or business_date_of(context), months)
    reading = Reading(connection, definitions, context)
    _read_ahead(reading, [asked], days, wanted)
    return _series(reading, asked, days, wanted, units)


@dataclass(frozen=True)
class Table:
    """Every figure of the catalogue in one cell: its windows, or why there are none."""

    cell: Mapping[str, str]
    series: Mapping[str, Series]
    missing: Mapping[str, str]
    """Figure → `being_computed`, or `no_such_cell`: it is not broken down by what the cell is restricted to."""

    def as_json(self) -> dict[str, Any]:
        """Return the answer of the HTTP read."""
        absent = [{"indicator": name, "missing": why} for name, why in self.missing.items()]
        return {"cell": dict(self.cell), "items": [*(each.as_json() for each in self.series.values()), *absent]}


def read_table(
    connection: Connection,
    definitions: Definitions,
    at: date | None = None,
    earlier: int | None = None,
    *,
    by: Sequence[str] = (),
    cell: Mapping[str, str] | None = None,
    units: frozenset[str] | None = None,
) -> Table:
    """Return every figure in one cell, for the window that ends on a day and perhaps for an earlier one.

    Args:
        connection, definitions, by, cell, units: as for `read_series`.
        at: the last day of the windows; None: the business date.
        earlier: how many months before that the earlier windows end; None: there are none.

    Raises:
        UnknownWord: no figure has such a dimension, or the dimension no such value.
        NotYet, OverflowError: as `read_figure`.
    """
    context = context_store.read_context(connection)
    wanted = dict(cell or {})
    last = at or business_date_of(context)
    days = (last,) if not earlier else (month_ends(last, earlier + 1)[0], last)
    understood: dict[str, Understood] = {}
    missing: dict[str, str] = {}
    unknown = None
    for name in (*definitions.indicators, *definitions.catalogue.formulas):
        try:
            understood[name] = _understand(definitions, context, name, by, wanted)
        except BeingComputed:
            missing[name] = "being_computed"
        except UnknownWord as error:
            missing[name], unknown = "no_such_cell", error
    if unknown is not None and set(missing.values()) == {"no_such_cell"} and not understood:
        raise unknown
    reading = Reading(connection, definitions, context)
    _read_ahead(reading, list(understood.values()), days, wanted)
    series = {name: _series(reading, each, days, wanted, units) for name, each in understood.items()}
    return Table(wanted, series, missing)


def _understand(
    definitions: Definitions, context: Context, name: str, by: Sequence[str], cell: Mapping[str, str]
) -> Understood:
    compiled = definitions.indicators.get(name)
    dims: Sequence[str] = list(cell)
    if compiled is not None:
        # Of a split, the cell may be one of its parts, which is no dimension to break down by.
        dims = list(restricted(compiled.indicator, definitions.catalogue, cell).dims)
    return understand(definitions, context, name, {*dims, *by})


def _read_ahead(reading: Reading, asked: Sequence[Understood], days: Sequence[date], cell: Mapping[str, str]) -> None:
    """Read at once what totals know; what they do not, and formulas, are read window by window."""
    indicators = [each.definition for each in asked if isinstance(each.definition, Indicator)]
    if cell.keys() <= {"unit"}:
        reading.read_ahead(indicators, days, cell.get("unit"))


def _series(
    reading: Reading,
    asked: Understood,
    days: Sequence[date],
    cell: Mapping[str, str],
    units: frozenset[str] | None,
) -> Series:
    return Series(cell, tuple(_within(reading.figure(asked, day), cell, units) for day in days))


def _within(figure: Figure, cell: Mapping[str, str], units: frozenset[str] | None) -> Figure:
    """Return what of a figure lies in a cell and may be told; the cell is there also where nothing is counted in it."""
    if figure.cells[0].status == NOT_AVAILABLE:
        return figure
    inside = [each for each in figure.cells if cell.items() <= each.dims.items() and may_be_told(each.dims, units)]
    if not any(dict(each.dims) == cell for each in inside):
        inside.insert(0, empty_cell(figure, cell))
    return replace(figure, cells=tuple(inside))
