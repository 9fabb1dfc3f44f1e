"""What every explanation of a figure begins with: one indicator, one cell of it, and the persons in it."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from efterhand.catalogue import Catalogue, Indicator
from efterhand.catalogue.model import Kind
from efterhand.dates import AGE_BANDS
from efterhand.figures.cells import Sums, Window
from efterhand.persons.store import read_events
from efterhand.timeline.facts import derive_facts
from efterhand.web.sight import Sight
from efterhand_indicators.adapters import tables
from efterhand_indicators.adapters.compiler import CompiledIndicator
from efterhand_indicators.adapters.thing_query import Restriction, ThingQuery
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.application.figures import UnknownWord, operands_of, shown_indicator
from efterhand_indicators.domain.context import Context

_SEXES: Final = ("female", "male")


class MadeOfOthers(LookupError):
    """The figure counts nothing itself: it is made of others when it is read."""

    def __init__(self, name: str, of: tuple[str, ...]) -> None:
        super().__init__(f"'{name}' counts nothing itself, it is made of {' and '.join(of)}: ask what is behind those.")
        self.of = of


def counted_by(definitions: Definitions, context: Context, name: str) -> CompiledIndicator:
    """Return an indicator that counts things and that everybody has been computed by.

    Raises:
        MadeOfOthers: the name is that of a formula.
        UnknownWord, NotYet: as `shown_indicator`.
    """
    formula = definitions.catalogue.formulas.get(name)
    if formula is not None:
        raise MadeOfOthers(name, operands_of(formula))
    return shown_indicator(definitions, context, name)


def restricted(
    indicator: Indicator, catalogue: Catalogue, cell: Mapping[str, str], within: frozenset[str] | None = None
) -> Restriction:
    """Return the cell that is restricted to values of dimensions, of a split perhaps also to a part.

    Args:
        indicator: the definition.
        catalogue: whose units there are.
        cell: dimensions and their values.
        within: only what is counted in one of these units; None: in any.

    Raises:
        UnknownWord: there is no such dimension, or no cell of that value: what is unknown counts in the totals only.
    """
    part = indicator.part
    names = [*indicator.dimensions, *([] if part is None else [part])]
    known = {
        "sex": _SEXES,
        "unit": tuple(catalogue.units.units),
        "age_band": tuple(name for name, _, _ in AGE_BANDS),
    }
    for name, value in cell.items():
        if name not in names:
            raise UnknownWord("dimension", name, names)
        if name in indicator.dimensions and value not in known.get(name, (value,)):
            raise UnknownWord(name, value, known[name])
    dims = {name: cell[name] for name in indicator.dimensions if name in cell}
    return Restriction(dims, cell.get(part) if part is not None and part not in dims else None, within)


def units_above(query: ThingQuery, catalogue: Catalogue, window: Window) -> Mapping[str, tuple[str, ...]]:
    """Return of each unit itself and the units above it on the window's last day, where the cell is one of a unit."""
    tree = catalogue.units
    if "unit" not in query.restriction.dims:
        return {}
    return {unit: tree.ancestors_on(unit, window.last) for unit in tree.units}


def added_up(indicator: Indicator, restriction: Restriction, values: Mapping[str, Any]) -> Sums:
    """Return what things add up to, of the numbers that apply to the kind of figure.

    Args:
        indicator: the definition.
        restriction: the cell.
        values: the sums of what the things add, by name.
    """
    numerator, denominator, total = (int(values[name] or 0) for name in ("numerator", "denominator", "sum"))
    if indicator.kind in (Kind.COUNT, Kind.PERSONS):
        return Sums(numerator)
    expected = int(values["expected"] or 0) if indicator.covered else None
    if indicator.kind in (Kind.MEAN, Kind.MEDIAN):
        return Sums(None, denominator, expected, total)
    has_numerator = indicator.kind is Kind.SHARE or restriction.part is not None
    return Sums(numerator if has_numerator else None, denominator, expected)


def sees_protected(sight: Sight, units: Collection[str | None]) -> bool:
    """Tell whether a reader sees somebody with a protected identity who is counted in some units: in all of them."""
    return all(sight.sees(unit, True) for unit in units)


def protected_persons(connection: Connection, persons: Collection[str], day: date) -> set[str]:
    """Return those of the persons whose identity is protected on a day."""
    concerned = connection.execute(
        text(
            "SELECT DISTINCT person FROM indicators.event WHERE person = ANY(:persons) AND type = 'person.protected'"
        ).bindparams(bindparam("persons", sorted(set(persons)), ARRAY(TEXT)))
    ).scalars()
    events = read_events(connection, tables.kept, list(concerned))
    return {person for person, own in events.items() if derive_facts(own).protected_on(day)}
