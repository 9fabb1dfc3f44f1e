"""The definitions taken literally, and how the cells of a figure are told in words."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import orjson

from efterhand.catalogue import Catalogue
from efterhand.figures.cells import SHOWN, Cell, Dims, Sums, cell, formula_cell, nothing, window_of
from efterhand.figures.formulas import Operand, formula_cells, operand
from efterhand.figures.literal import read_cells, whole_facts
from efterhand.timeline.events import Event
from efterhand.timeline.facts import Facts, derive_facts

Sent = dict[str, Any]


def in_words(each: Cell) -> str:
    """What is told of a cell: `50.0 (1/2 of 3)` is a value, what it rests on and how many were expected.

    Of the whole of a split: `in all (2 of 3)`.
    """
    value = each.value if each.value is not None else each.status
    if each.denominator is None:
        return value
    above = each.sum if each.sum is not None else "" if each.numerator is None else each.numerator
    expected = "" if each.expected is None else f" of {each.expected}"
    if each.value is None and each.status == SHOWN:
        return f"in all ({each.denominator}{expected})"
    return f"{value} ({above}/{each.denominator}{expected})"


def dims_in_words(dims: Mapping[str, str]) -> str:
    """What a cell is restricted to: `sex=female,unit=north`; the total is `all`."""
    return ",".join(f"{name}={value}" for name, value in sorted(dims.items())) or "all"


class Literally:
    """The definitions taken literally, in memory."""

    def __init__(self, catalogue: Catalogue, events: Iterable[Sent]) -> None:
        self.catalogue = catalogue
        self.people = people(catalogue, events)

    def sums(self, figure: str, at: date, by: Sequence[str]) -> dict[Dims, Sums]:
        """What the cells of an indicator add up to."""
        indicator = self.catalogue.indicators[figure]
        window = window_of(indicator, at)
        return read_cells(indicator, self.people, self.catalogue.facts, window, by, self.catalogue.units)

    def cells(self, figure: str, at: date, by: Sequence[str]) -> dict[str, Cell]:
        """What is shown of an indicator or a formula."""
        if figure in self.catalogue.formulas:
            formula = self.catalogue.formulas[figure]
            results = formula_cells(formula, self.catalogue.indicators, at, by, self._operand)
            return {
                dims_in_words(dict(dims)): formula_cell(formula, dict(dims), result, at.year)
                for dims, result in results.items()
            }
        indicator = self.catalogue.indicators[figure]
        sums = {(): nothing(indicator), **self.sums(figure, at, by)}
        return {dims_in_words(dict(dims)): cell(indicator, dict(dims), each, at.year) for dims, each in sums.items()}

    def _operand(self, figure: str, at: date, by: Sequence[str]) -> Operand:
        return operand(self.catalogue.indicators[figure], self.sums(figure, at, by))


def people(catalogue: Catalogue, events: Iterable[Sent]) -> list[Facts]:
    """Everybody's facts."""
    own: dict[str, list[Event]] = {}
    for sent in events:
        event = Event.from_wire(orjson.dumps(sent))
        own.setdefault(event.person, []).append(event)
    return [whole_facts(derive_facts(each), catalogue) for each in own.values()]
