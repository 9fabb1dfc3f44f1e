"""Figures made of other figures when they are read, as they are written: `{difference: closed_12m, between: …}`."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from efterhand.catalogue.errors import nearest
from efterhand.catalogue.grammar.indicators import targets_of
from efterhand.catalogue.model import Formula, Indicator, Kind, Operation
from efterhand.catalogue.source import Place

_OPTIONAL: Final = ("english", "to", "times", "over", "between", "decimals", "target", "better")
_AVERAGE: Final = "average_of"
_ENDS: Final = "month ends"


def is_formula(place: Place) -> bool:
    """Tell whether an entry of the indicators is made of others."""
    return isinstance(place.value, dict) and any(operation.value in place.value for operation in Operation)


def parse_formula(formula_id: str, place: Place, indicators: Mapping[str, Indicator]) -> Formula:
    """Read one formula.

    Raises:
        CatalogueError: an indicator or dimension is unknown, or a key is missing or does not fit.
    """
    given = [operation for operation in Operation if operation.value in place.mapping()]
    operation = given[0]
    if len(given) > 1:
        place.mapping()[given[1].value].fail(f"'{given[0]}' and '{given[1]}' exclude each other")
    entries = place.fields(required=("name", operation.value, *_needed(operation)), optional=_OPTIONAL)
    of = _indicator(entries[operation.value], indicators)
    to, to_average = _divisor(entries.get("to"), operation, indicators)
    over = _over(entries.get("over"), operation, of)
    for key, owner in (("times", Operation.RATIO), ("between", Operation.DIFFERENCE)):
        if key in entries and operation is not owner:
            entries[key].fail(f"'{key}' goes with '{owner}'")
    return Formula(
        id=formula_id,
        name=entries["name"].text(),
        english=entries.get("english", entries["name"]).text(),
        operation=operation,
        of=of.id,
        to=to,
        to_average=to_average,
        times=entries["times"].number() if "times" in entries else Decimal(1),
        over=over,
        between=_between(entries.get("between"), of),
        decimals=entries["decimals"].integer() if "decimals" in entries else 1,
        targets=targets_of(entries.get("target")),
        better=entries["better"].one_of(("higher", "lower")) if "better" in entries else "higher",
    )


def _needed(operation: Operation) -> tuple[str, ...]:
    return {
        Operation.RATIO: ("to",),
        Operation.DIFFERENCE: ("between",),
        Operation.STANDARDISE: ("over", "to"),
        Operation.MEAN_OF: ("over",),
        Operation.AVERAGE_OF: ("over",),
    }[operation]


def _indicator(place: Place, indicators: Mapping[str, Indicator]) -> Indicator:
    name = place.text()
    if name not in indicators:
        place.fail(f"'{name}' is no indicator; {nearest(name, indicators)}")
    if indicators[name].kind is Kind.SPLIT:
        place.fail(f"'{name}' is a split: it has parts and no value to go on with")
    return indicators[name]


def _divisor(place: Place | None, operation: Operation, indicators: Mapping[str, Indicator]) -> tuple[str | None, bool]:
    if operation is Operation.STANDARDISE:
        if place is not None:
            place.one_of(("all",))
        return None, False
    if place is None:
        return None, False
    if operation is not Operation.RATIO:
        place.fail(f"'to' does not go with '{operation}'")
    if isinstance(place.value, dict):
        entries = place.fields(required=(_AVERAGE, "over"))
        entries["over"].one_of((_ENDS,))
        return _indicator(entries[_AVERAGE], indicators).id, True
    return _indicator(place, indicators).id, False


def _over(place: Place | None, operation: Operation, of: Indicator) -> tuple[str, ...]:
    if place is None:
        return ()
    if operation is Operation.AVERAGE_OF:
        place.one_of((_ENDS,))
        return ()
    if operation not in (Operation.STANDARDISE, Operation.MEAN_OF):
        place.fail(f"'over' does not go with '{operation}'")
    members = place.items()
    for member in members:
        if member.one_of(of.dimensions) == "unit":
            member.fail("units lie in one another: what is added over them counts several times")
    return tuple(member.text() for member in members)


def _between(place: Place | None, of: Indicator) -> tuple[str, str, str] | None:
    if place is None:
        return None
    entries = place.mapping()
    if len(entries) != 1:
        place.fail("'between' names one dimension: {sex: [female, male]}")
    (dimension, pair), *_ = entries.items()
    if dimension not in of.dimensions:
        pair.fail(f"'{dimension}' is no dimension of {of.id}; {nearest(dimension, of.dimensions)}")
    members = pair.items()
    if len(members) != 2:
        pair.fail("a difference is between two: [female, male]")
    return dimension, members[0].text(), members[1].text()
