"""Day phrases in SQL: PostgreSQL's months clamp as the calendar's do, and working days are looked up."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Interval,
    Table,
    cast,
    extract,
    func,
    literal_column,
    select,
)
from sqlalchemy.types import TIMESTAMP

from efterhand.catalogue.phrases import MONTHS_IN, PERIODS, Phrase
from efterhand_indicators.adapters.compiling.literals import constant, text_constant


def moved(day: ColumnElement[Any], phrase: Phrase, working_day: Table) -> ColumnElement[Any]:
    """Return the day that a phrase means when its name stands for `day`; unknown where that is.

    Args:
        day: a column, because the statement may say it more than once.
        phrase: how it is moved.
        working_day: the table of working days, numbered.
    """
    if phrase.edge is not None:
        return _edge(day, phrase)
    if not phrase.count:
        return day
    if phrase.unit in MONTHS_IN:
        return _months_later(day, phrase.count * MONTHS_IN[phrase.unit])
    if phrase.unit == "working days":
        return _working_days_later(day, phrase.count, working_day)
    return day + constant(phrase.count * (7 if phrase.unit == "weeks" else 1))


def month_of(day: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the first day of a day's month."""
    return cast(func.date_trunc(text_constant("month"), cast(day, TIMESTAMP)), Date)


def year_of(day: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the year of a day."""
    return cast(extract("year", day), Integer)


def _months_later(day: ColumnElement[Any], months: int) -> ColumnElement[Any]:
    return cast(day + literal_column(f"INTERVAL '{months} months'", Interval), Date)


def _edge(day: ColumnElement[Any], phrase: Phrase) -> ColumnElement[Any]:
    length = PERIODS[phrase.period]
    month = cast(extract("month", day), Integer)
    first_month = month if length == 1 else (month - constant(1)) // constant(length) * constant(length) + constant(1)
    first = func.make_date(year_of(day), first_month, constant(1))
    begins = _months_later(first, phrase.count * length)
    if phrase.edge == "start":
        return begins
    return _months_later(first, (phrase.count + 1) * length) - constant(1)


def _working_days_later(day: ColumnElement[Any], count: int, table: Table) -> ColumnElement[Any]:
    """Count from the last working day up to the day (back from the first one on or after it)."""
    near = table.alias("near")
    before = count > 0
    nearest = (
        select(near.c.number + constant(count))
        .where(near.c.day <= day if before else near.c.day >= day)
        .order_by(near.c.day.desc() if before else near.c.day)
        .limit(literal_column("1"))
        .correlate_except(near)
        .scalar_subquery()
    )
    wanted = table.alias("wanted")
    return select(wanted.c.day).where(wanted.c.number == nearest).correlate_except(wanted).scalar_subquery()
