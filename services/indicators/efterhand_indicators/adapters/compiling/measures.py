"""What a counted thing adds to a figure: numerator, denominator, expected, number; and its further dimensions."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Integer, Numeric, Text, and_, case, cast
from sqlalchemy.dialects.postgresql import array

from efterhand.catalogue.conditions import Column, Order
from efterhand.catalogue.model import Between, Bucket, Difference, Indicator, Kind, Measured
from efterhand_indicators.adapters.compiling.conditions import compare, holds
from efterhand_indicators.adapters.compiling.literals import Uncompilable, constant, text_constant, unknown
from efterhand_indicators.adapters.compiling.rows import Row


@dataclass(frozen=True)
class Sums:
    """What one counted thing adds."""

    numerator: ColumnElement[Any]
    denominator: ColumnElement[Any]
    expected: ColumnElement[Any]
    sum: ColumnElement[Any]


def sums_of(indicator: Indicator, row: Row) -> Sums:
    """Return what the counted thing adds to an indicator; unknown what does not apply to its kind."""
    one, nothing = constant(1), constant(0)
    no_number = unknown(Numeric)
    if indicator.kind in (Kind.COUNT, Kind.PERSONS):
        return Sums(one, unknown(Integer), unknown(Integer), no_number)
    if indicator.evidence is not None:
        return Sums(nothing, one, unknown(Integer), no_number)
    reported = [] if indicator.reported is None else [holds(indicator.reported, row)]
    expected = one if indicator.covered else unknown(Integer)
    if indicator.kind in (Kind.SHARE, Kind.SPLIT):
        fulfils = [] if indicator.share is None else [holds(indicator.share, row)]
        return Sums(_one_if(*reported, *fulfils), _one_if(*reported), expected, no_number)
    number = number_of(_measured(indicator), row)
    known = [*reported, number.is_not(None)]
    return Sums(unknown(Integer), _one_if(*known), expected, cast(case((and_(*known), number)), Numeric))


def _one_if(*conditions: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((and_(*conditions), constant(1)), else_=constant(0)) if conditions else constant(1)


def _measured(indicator: Indicator) -> Measured:
    if indicator.measured is None:
        raise Uncompilable(f"'{indicator.id}': a {indicator.kind} needs a number")
    return indicator.measured


def number_of(measured: Measured, row: Row) -> ColumnElement[Any]:
    """Return the number (of a split by values: the value) that is taken of the counted thing."""
    match measured:
        case Column():
            return row.value(measured)
        case Between(begins, ends, _):
            return row.day(ends) - row.day(begins)
        case Difference(of, less):
            return row.value(of) - row.value(less)


def further_dimensions(indicator: Indicator, row: Row) -> ColumnElement[Any]:
    """Return the values, as texts, of the part of a split and of the indicator's own dimensions, in this order."""
    texts: list[ColumnElement[Any]] = [cast(row.value(column), Text) for column in indicator.by]
    if indicator.kind is Kind.SPLIT:
        texts.insert(0, _part(indicator, row))
    return cast(array(texts), ARRAY(Text)) if texts else unknown(ARRAY(Text))


def _part(indicator: Indicator, row: Row) -> ColumnElement[Any]:
    """Return the part of a split that the thing belongs to; unknown where it is not reported."""
    number = number_of(_measured(indicator), row)
    if indicator.buckets:
        part: ColumnElement[Any] = case(
            *((_lies_in(number, bucket), text_constant(bucket.name)) for bucket in indicator.buckets)
        )
    else:
        part = cast(number, Text)
    return part if indicator.reported is None else case((holds(indicator.reported, row), part))


def _lies_in(number: ColumnElement[Any], bucket: Bucket) -> ColumnElement[Any]:
    if bucket.unknown:
        return number.is_(None)
    bounds = []
    if bucket.lower is not None:
        bounds.append(compare(number, Order.MORE if bucket.lower_open else Order.AT_LEAST, constant(bucket.lower)))
    if bucket.upper is not None:
        bounds.append(compare(number, Order.LESS if bucket.upper_open else Order.AT_MOST, constant(bucket.upper)))
    return and_(number.is_not(None), *bounds)
