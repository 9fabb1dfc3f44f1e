"""Which unit, target group and age a counted thing has: on one day, or from which day to which."""

from typing import Any

from sqlalchemy import Column as SqlColumn
from sqlalchemy import (
    ColumnElement,
    Date,
    FromClause,
    Integer,
    Text,
    and_,
    case,
    func,
    literal_column,
    or_,
    select,
    values,
)
from sqlalchemy import exists as sql_exists

from efterhand_indicators.adapters.compiling.literals import constant, one_row, text_or_unknown, whole
from efterhand_indicators.domain.ages import AgeClass


def stay_on(as_of: ColumnElement[Any], stay: FromClause, counted: FromClause, name: str) -> FromClause:
    """Return the stay of the counted thing's case at the end of a day; before the enrolment, the first one.

    Args:
        as_of: the day; where it is unknown there is no stay.
        stay: the rows of stays.
        counted: what has the case.
        name: of the row in the statement.
    """
    begun_first = case((stay.c.from_on <= as_of, stay.c.from_on)).desc().nulls_last()
    chosen = (
        select(stay.c.unit, stay.c.target_group)
        .where(*of_its_case(stay, counted), as_of.is_not(None))
        .order_by(begun_first, stay.c.from_on)
        .limit(literal_column("1"))
    )
    return chosen.correlate_except(stay).lateral(name)


def of_its_case(stay: FromClause, counted: FromClause) -> tuple[ColumnElement[Any], ...]:
    """Return that a stay is one of the counted thing's case."""
    return stay.c.person == counted.c.person, stay.c.case_id == counted.c.case_id


def held_from(stay: FromClause, earlier: FromClause) -> ColumnElement[Any]:
    """Return from which day on a case has the unit and group of a stay; unknown of its first: what it always had.

    Args:
        stay: the stay.
        earlier: the rows of stays once more.
    """
    has_earlier = sql_exists(
        select(literal_column("1"))
        .where(*of_its_case(earlier, stay), earlier.c.from_on < stay.c.from_on)
        .correlate_except(earlier)
    )
    return case((has_earlier, stay.c.from_on))


def age_table(classes: tuple[AgeClass, ...], name: str, *, and_none: bool = False) -> FromClause:
    """Return the classes as rows, with `and_none` also one without any age, for those of whom none is known."""
    rows = [(whole(c.first), whole(c.last), whole(c.age), text_or_unknown(c.band)) for c in classes]
    if and_none:
        rows.append((whole(None), whole(None), whole(None), text_or_unknown(None)))
    return values(
        SqlColumn("first", Integer),
        SqlColumn("last", Integer),
        SqlColumn("age", Integer),
        SqlColumn("band", Text),
        name=name,
    ).data(rows)


def has_age(classes: FromClause, age: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return whether a class is that of an age; an unknown age has none."""
    return and_(
        age.is_not(None),
        or_(classes.c.first.is_(None), age >= classes.c.first),
        or_(classes.c.last.is_(None), age <= classes.c.last),
    )


def may_have_age(classes: FromClause, birth_year: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return whether somebody born in a year comes to be of a class; who has no year of birth is of none."""
    return classes.c.age.is_(None) == birth_year.is_(None)


def first_day_of_age(birth_year: ColumnElement[Any], age: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the first day of the year in which an age is reached; unknown without an age."""
    return func.make_date(birth_year + age, constant(1), constant(1))


def last_day_of_age(birth_year: ColumnElement[Any], age: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the last day of the year in which an age is reached; unknown without an age."""
    return func.make_date(birth_year + age, constant(12), constant(31))


def stretch(
    firsts: list[ColumnElement[Any]], lasts: list[ColumnElement[Any]]
) -> tuple[FromClause, ColumnElement[Any], ColumnElement[Any]]:
    """Return the days that lie within all bounds, as a row with its first and last day; unknown bounds are none."""
    # greatest and least pass over what is unknown.
    days = one_row("stretch", {"first_day": (Date, func.greatest(*firsts)), "last_day": (Date, func.least(*lasts))})
    return days, days.c.stretch_first_day, days.c.stretch_last_day
