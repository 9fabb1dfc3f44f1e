"""Look-ups in SQL: each reads a person's rows of one kind by the beginning of their key."""

from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, and_, func, literal_column, or_, select
from sqlalchemy import exists as sql_exists

from efterhand.catalogue.conditions import Bound, Column, Find, Order, Verb
from efterhand.catalogue.factkinds import FactKind
from efterhand_indicators.adapters.compiling import conditions
from efterhand_indicators.adapters.compiling.days import month_of
from efterhand_indicators.adapters.compiling.literals import Uncompilable
from efterhand_indicators.adapters.compiling.rows import Found, Row

_FOLDS: Final[dict[Verb, Any]] = {Verb.SUM: func.sum, Verb.MIN: func.min, Verb.MAX: func.max}


def exists(find: Find, row: Row) -> ColumnElement[Any]:
    """Return whether a look-up finds a row."""
    looked_at = _looked_at(find, row, f"{find.fact}_rows")
    return sql_exists(
        select(literal_column("1"))
        .select_from(looked_at.source)
        .where(*_matches(find, row, looked_at))
        .correlate_except(looked_at.source)
    )


def joined(name: str, find: Find, row: Row) -> tuple[Found, ColumnElement[Any] | None]:
    """Return what a look-up finds for a row, to be joined to it so that the row stays where nothing is found.

    Returns:
        what is joined, and on which condition; None: it says by itself which row it is about.
    """
    kind = row.around.kinds[find.fact]
    if find.verb.gives_value:
        return _value(name, find, row), None
    if _is_one_row(find, kind):
        looked_at = _looked_at(find, row, name)
        return Found(looked_at.source, None), and_(*_matches(find, row, looked_at))
    looked_at = _looked_at(find, row, f"{name}_rows")
    chosen = (
        select(*looked_at.source.c)
        .where(*_matches(find, row, looked_at))
        .order_by(*_order(find, kind, looked_at.source))
        .limit(literal_column("1"))
        .correlate_except(looked_at.source)
    )
    return Found(chosen.lateral(row.around.free_name(name)), None), None


def _value(name: str, find: Find, row: Row) -> Found:
    looked_at = _looked_at(find, row, f"{name}_rows")
    fold = func.count() if find.verb is Verb.COUNT else _FOLDS[find.verb](looked_at.source.c[find.value or ""])
    number = (
        select(fold.label("value"))
        .select_from(looked_at.source)
        .where(*_matches(find, row, looked_at))
        .correlate_except(looked_at.source)
        .lateral(row.around.free_name(name))
    )
    return Found(number, number.c.value)


def _looked_at(find: Find, row: Row, name: str) -> Row:
    if find.replies:
        raise Uncompilable("the replies to a check settle it; an indicator counts the check")
    return row.inside(row.around.kinds[find.fact], row.around.rows_of(find.fact, name))


def _is_one_row(find: Find, kind: FactKind) -> bool:
    """Tell whether a person has at most one row that a look-up can mean."""
    if find.verb is Verb.AT:
        return kind.shape == "month"
    return find.verb is Verb.THE and set(kind.key) <= set(find.same)


def _order(find: Find, kind: FactKind, source: FromClause) -> list[ColumnElement[Any]]:
    key: list[ColumnElement[Any]] = [source.c[column] for column in kind.key]
    if find.day is None or find.verb not in (Verb.FIRST, Verb.LAST, Verb.AT):
        return key
    day = source.c[find.day]
    return [day if find.verb is Verb.FIRST else day.desc(), *key]


def _matches(find: Find, row: Row, looked_at: Row) -> list[ColumnElement[Any]]:
    """Return the conditions that a look-up's bounds, shared columns and `where` put on the row that is looked at."""
    rows = looked_at.source
    found = [rows.c.person == row.source.c.person]
    found += [rows.c[name] == row.value(Column(name)) for name in find.same]
    found += [rows.c[name] != row.value(Column(name)) for name in find.other]
    if find.at is not None:
        found += _at(find, row, looked_at)
    elif find.day is not None:
        day = rows.c[find.day]
        if find.verb in (Verb.FIRST, Verb.LAST):
            found.append(day.is_not(None))
        found += [*_bound(day, find.lower, Order.AT_LEAST, row), *_bound(day, find.upper, Order.AT_MOST, row)]
    if find.where is not None:
        found.append(conditions.holds(find.where, looked_at))
    return found


def _at(find: Find, row: Row, looked_at: Row) -> list[ColumnElement[Any]]:
    """Return that a row is that of the month, or holds the day, that is looked up."""
    if find.at is None or looked_at.kind.day is None:
        raise Uncompilable(f"'at' looks up a day; {find.fact} has none")
    rows, day = looked_at.source, row.day(find.at)
    begins = rows.c[looked_at.kind.day]
    if looked_at.kind.shape == "month":
        return [begins == month_of(day)]
    if looked_at.kind.ends is None:
        raise Uncompilable(f"'at' looks up a month or a span; {find.fact} is kept by its day")
    ends = rows.c[looked_at.kind.ends]
    return [begins <= day, or_(ends.is_(None), ends >= day)]


def _bound(day: ColumnElement[Any], bound: Bound | None, order: Order, row: Row) -> list[ColumnElement[Any]]:
    if bound is None:
        return []
    if bound.open:
        order = Order.MORE if order is Order.AT_LEAST else Order.LESS
    return [conditions.compare(day, order, row.day(bound.phrase))]
