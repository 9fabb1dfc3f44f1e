"""From contributions to totals by month, sex and unit: the SELECT of one indicator's, over any rows of the same form.

Of what is measured on a day, a total is what its month adds: a figure is the sum over the months of its window, and the
unit is the case's own. Of what is counted once, a total is a step: by how much what counts changes with the window that
ends with the month. A thing is seen in a stretch of months; where stretches in one cell meet, they are one. A figure is
the sum of all steps up to the window's end. The unit is the cell's: what counts once in each unit does not add up.
"""

from typing import Any, Final

from sqlalchemy import Column as SqlColumn
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Numeric,
    Select,
    Text,
    and_,
    cast,
    extract,
    func,
    literal_column,
    not_,
    select,
    true,
    union_all,
    values,
)
from sqlalchemy.dialects.postgresql import INT4MULTIRANGE, INT4RANGE

from efterhand.catalogue import Indicator
from efterhand_indicators.adapters.compiling.literals import constant, text_constant
from efterhand_indicators.adapters.tables import ADDED, unit_above
from efterhand_indicators.domain.totals import EVERYWHERE, LAST_MONTH, counts_once

CELL: Final = ("sex", "unit", "month")
"""What a total is of, beside the indicator."""

_COUNTED: Final = ADDED[:-1]
"""What a total counts; the last is a sum of numbers."""


def totals_of(indicator: Indicator, rows: FromClause) -> Select[Any]:
    """Return the SELECT of the totals that an indicator's contributions come to.

    Args:
        indicator: one for which totals are possible.
        rows: contributions to it by its definition, with all their columns; of what is counted once, all of the things
            (or persons) that they are about.
    """
    return _steps(indicator, rows) if counts_once(indicator) else _months(rows)


def _months(rows: FromClause) -> Select[Any]:
    cell = [_said(rows.c.sex).label("sex"), _said(rows.c.unit).label("unit"), _month(rows.c.first_day).label("month")]
    sums = [_or_none(func.sum(rows.c[name])).label(name) for name in ADDED[1:]]
    return select(*cell, func.count().label("things"), *sums).where(not_(rows.c.evidence)).group_by(*cell)


def _steps(indicator: Indicator, rows: FromClause) -> Select[Any]:
    pieces = _pieces(indicator, rows)
    begins_and_ends = [(func.lower(pieces.c.piece), constant(1)), (func.upper(pieces.c.piece), constant(-1))]
    step = values(SqlColumn("month", Integer), SqlColumn("sign", Integer)).data(begins_and_ends).lateral("step")
    cell = [pieces.c.sex, pieces.c.unit, step.c.month]
    counts = [
        _or_none(func.sum(step.c.sign).filter(pieces.c.what == text_constant(name))).label(name) for name in _COUNTED
    ]
    return (
        select(*cell, *counts, cast(constant(0), Numeric).label(ADDED[-1]))
        .select_from(pieces.join(step, true()))
        .where(step.c.month <= constant(LAST_MONTH))
        .group_by(*cell)
    )


def _pieces(indicator: Indicator, rows: FromClause) -> FromClause:
    """Return each stretch of months in which a thing is seen in a cell, and in which it counts how (`what`)."""
    seen = _seen(indicator, rows)
    columns = [
        seen.c.sex,
        seen.c.unit,
        *(func.range_agg(seen.c.months).filter(each).label(name) for name, each in _counting(seen).items()),
    ]
    key = [seen.c[name] for name in _labels(_thing(indicator))]
    each = select(*key, *columns).group_by(seen.c.sex, seen.c.unit, *key).subquery("thing")
    source: FromClause = each
    numerator: ColumnElement[Any] = each.c.numerator
    if indicator.evidence is not None:
        spoken = _spoken_for(indicator, rows)
        shared = _labels(_spoken_about(indicator))
        source = each.outerjoin(spoken, and_(true(), *(spoken.c[name] == each.c[name] for name in shared)))
        none = cast(text_constant("{}"), INT4MULTIRANGE)
        numerator = each.c.things.op("*", return_type=INT4MULTIRANGE())(func.coalesce(spoken.c.months, none))
    ranges = {**{name: each.c[name] for name in _COUNTED}, "numerator": numerator}
    named = [(text_constant(name), ranges[name]) for name in _COUNTED]
    what = values(SqlColumn("what", Text), SqlColumn("ranges", INT4MULTIRANGE)).data(named).lateral("counting")
    piece = func.unnest(what.c.ranges).table_valued(SqlColumn("piece", INT4RANGE)).render_derived(name="pieces")
    return (
        select(each.c.sex, each.c.unit, what.c.what, piece.c.piece)
        .select_from(source.join(what, true()).join(piece, true()))
        .subquery("piece")
    )


def _seen(indicator: Indicator, rows: FromClause) -> FromClause:
    """Return each contribution in each cell that it counts in, with the months whose windows see it there."""
    above = unit_above.alias("above")
    key = _labelled(rows, _thing(indicator))
    sums = [rows.c[name] for name in ("numerator", "denominator", "expected")]
    sex = _said(rows.c.sex).label("sex")
    months = _months_seen(indicator, rows)
    everywhere = select(*key, *sums, sex, text_constant(EVERYWHERE).label("unit"), months.label("months")).where(
        not_(rows.c.evidence)
    )
    within = func.int4range(above.c.from_month, above.c.until_month, type_=INT4RANGE)
    in_units = (
        select(*key, *sums, sex, above.c.above, months.op("*", return_type=INT4RANGE())(within))
        .select_from(rows.join(above, above.c.unit == rows.c.unit))
        .where(not_(rows.c.evidence), above.c.above != text_constant(EVERYWHERE))
    )
    return union_all(everywhere, in_units).subquery("seen")


def _counting(seen: FromClause) -> dict[str, ColumnElement[bool]]:
    one = constant(1)
    return {"things": true(), **{name: seen.c[name] == one for name in _COUNTED[1:]}}


def _spoken_for(indicator: Indicator, rows: FromClause) -> FromClause:
    """Return the months whose windows hold something that speaks for a thing, or for a person."""
    key = _labelled(rows, _spoken_about(indicator))
    months = func.range_agg(_months_seen(indicator, rows)).label("months")
    return select(*key, months).where(rows.c.evidence).group_by(*key).subquery("spoken")


def _thing(indicator: Indicator) -> tuple[str, ...]:
    return indicator.once_per or ("person", "protocol", "subject")


def _spoken_about(indicator: Indicator) -> tuple[str, ...]:
    return ("person",) if indicator.once_per else _thing(indicator)


def _labels(names: tuple[str, ...]) -> list[str]:
    # One of the names may be that of a part of the cell.
    return [f"key_{name}" for name in names]


def _labelled(rows: FromClause, names: tuple[str, ...]) -> list[ColumnElement[Any]]:
    return [rows.c[name].label(label) for name, label in zip(names, _labels(names), strict=True)]


def _months_seen(indicator: Indicator, rows: FromClause) -> ColumnElement[Any]:
    """Return the months whose windows see something of the days from `first_day` to `last_day`."""
    until = _month(rows.c.last_day) + constant(indicator.window_months)
    return func.int4range(_month(rows.c.first_day), until, type_=INT4RANGE)


def _month(day: ColumnElement[Any]) -> ColumnElement[Any]:
    year, month = (cast(extract(part, day), Integer) for part in ("year", "month"))
    return year * constant(12) + month


def _said(value: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(value, literal_column("''"))


def _or_none(number: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(number, constant(0))
