"""What a mean, a median or a split is taken of, as it is written: `{days: [enrolled_on, closed_on]}`."""

from efterhand.catalogue.conditions import Column
from efterhand.catalogue.grammar.scope import Scope
from efterhand.catalogue.model import DAYS_IN, Between, Bucket, Difference, Measured
from efterhand.catalogue.source import Place


def parse_measured(place: Place, scope: Scope) -> Measured:
    """Read a number of the counted thing: days between two days, a column, or the difference of two.

    Raises:
        CatalogueError: a key, column or day is unknown or does not fit.
    """
    if not isinstance(place.value, dict):
        return _number(place, scope)
    entries = place.fields(optional=(*DAYS_IN, "minus"))
    if len(entries) != 1:
        place.fail(f"one of {', '.join(DAYS_IN)} or minus is expected: {{days: [enrolled_on, closed_on]}}")
    (key, value), *_ = entries.items()
    members = value.items()
    if len(members) != 2:
        value.fail(f"'{key}' names two: [first, last]")
    if key == "minus":
        return Difference(_number(members[0], scope), _number(members[1], scope))
    return Between(scope.phrase(members[0]), scope.phrase(members[1]), key)


def parse_split(place: Place, scope: Scope) -> tuple[Measured, tuple[Bucket, ...]]:
    """Read what splits: a column by its values, or a number by buckets.

    Raises:
        CatalogueError: a key, column or day is unknown or does not fit.
    """
    if not isinstance(place.value, dict):
        column, kind = scope.column(place, place.text())
        if kind is None or kind.name == "date":
            place.fail(f"'{place.value}' cannot split: it is {'a row' if kind is None else 'a day'}")
        return column, ()
    entries = place.fields(required=("of", "buckets"))
    buckets = tuple(_bucket(name, value) for name, value in entries["buckets"].mapping().items())
    if not buckets:
        entries["buckets"].fail("a split needs a bucket")
    return parse_measured(entries["of"], scope), buckets


def _number(place: Place, scope: Scope) -> Column:
    column, kind = scope.column(place, place.text())
    if kind is None or kind.name != "int":
        place.fail(f"a number is expected; '{place.value}' is {kind or 'a row'}")
    return column


def _bucket(name: str, place: Place) -> Bucket:
    entries = place.fields(optional=("from", "above", "to", "below", "known"))
    if "known" in entries:
        if len(entries) > 1 or entries["known"].flag():
            place.fail("the bucket of what is not known is written {known: false}")
        return Bucket(name, unknown=True)
    for closed, opened in (("from", "above"), ("to", "below")):
        if closed in entries and opened in entries:
            place.fail(f"'{closed}' and '{opened}' exclude each other")
    if not entries:
        place.fail("a bucket needs a bound: from, above, to or below")
    lower = entries.get("from") or entries.get("above")
    upper = entries.get("to") or entries.get("below")
    return Bucket(
        name=name,
        lower=lower.integer() if lower else None,
        lower_open="above" in entries,
        upper=upper.integer() if upper else None,
        upper_open="below" in entries,
    )
