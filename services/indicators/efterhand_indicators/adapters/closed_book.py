"""The closed book: booking what temporary contributions come to, reading it, and its control totals."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from efterhand.catalogue import Indicator
from efterhand.catalogue.model import Kind
from efterhand.figures.cells import Sums, Window
from efterhand_indicators.adapters import tables
from efterhand_indicators.adapters.figure_query import PART, dimension_columns
from efterhand_indicators.adapters.tables import ADDED, DIMENSIONS
from efterhand_indicators.domain.closed_book import BookRow, Horizon

_PLACE: Final = ", ".join(("indicator", "definition", "month", *DIMENSIONS, "more"))
_SUMS: Final = ", ".join(ADDED)
_THINGS: Final = """
    SELECT indicator, definition, date_trunc('month', first_day)::date AS month, sex, unit, target_group, age_band,
        closure_reason, more, 1 AS things, coalesce(numerator, 0) AS numerator,
        coalesce(denominator, 0) AS denominator, coalesce(expected, 0) AS expected, coalesce(sum, 0) AS sum
    FROM pg_temp.contribution
    WHERE NOT evidence AND indicator = ANY(:booked)
"""
_SUMMED: Final = ", ".join(f"sum({name}) AS {name}" for name in ADDED)
# The same on every version and machine, which PostgreSQL's own hash functions need not be.
_HASH: Final = f"('x' || substr(md5(json_build_array({_PLACE})::text), 1, 15))::bit(60)::bigint"
_SEAL: Final = """
    SELECT horizon.before, md5(json_build_array(horizon.events, horizon.missing, horizon.received_until,
        (SELECT json_agg(closing ORDER BY indicator, definition) FROM indicators.closing
         WHERE closing.before = horizon.before))::text) AS seal
    FROM indicators.horizon
"""


def book(connection: Connection, indicators: Collection[Indicator], booked: Collection[str], horizon: Horizon) -> None:
    """Add the contributions in the temporary tables to the book, and close every indicator of these events.

    Args:
        connection: on which the temporary tables hold the contributions of the events, and nothing else.
        indicators: of the catalogue.
        booked: ids of those of them that are added up.
        horizon: what is added to the horizon of that day.
    """
    chosen = bindparam("booked", sorted(booked), ARRAY(TEXT))
    more = ", ".join(f"{name} = closed_book.{name} + excluded.{name}" for name in ADDED)
    connection.execute(
        text(
            f"INSERT INTO indicators.closed_book ({_PLACE}, {_SUMS})"  # noqa: S608 - our own columns
            f" SELECT {_PLACE}, {_SUMMED} FROM ({_THINGS}) AS thing GROUP BY {_PLACE}"
            f" ON CONFLICT ({_PLACE}) DO UPDATE SET {more}"
        ).bindparams(chosen)
    )
    names = (*ADDED, "hash")
    totals = ", ".join(f"coalesce(sum({name}), 0)" for name in names)
    growing = ", ".join(f"{name} = closing.{name} + excluded.{name}" for name in ("events", *names))
    connection.execute(
        text(
            f"INSERT INTO indicators.closing (indicator, definition, before, events, {', '.join(names)})"  # noqa: S608
            f" SELECT closed.indicator, closed.definition, :before, :events, {totals}"
            f" FROM unnest(:indicators, :definitions) AS closed(indicator, definition)"
            f" LEFT JOIN (SELECT *, {_HASH} AS hash FROM ({_THINGS}) AS each) AS thing USING (indicator, definition)"
            f" GROUP BY closed.indicator, closed.definition"
            f" ON CONFLICT (indicator, definition, before) DO UPDATE SET {growing}"
        ).bindparams(
            chosen,
            bindparam("indicators", [each.id for each in indicators], ARRAY(TEXT)),
            bindparam("definitions", [each.definition for each in indicators], ARRAY(TEXT)),
            before=horizon.before,
            events=horizon.events,
        )
    )
    connection.execute(
        text(
            "INSERT INTO indicators.horizon VALUES (:before, :events, :missing, :received_until, '')"
            " ON CONFLICT (before) DO UPDATE SET events = horizon.events + excluded.events,"
            " missing = horizon.missing + excluded.missing,"
            " received_until = greatest(horizon.received_until, excluded.received_until)"
        ),
        vars_of(horizon),
    )
    connection.execute(
        text(
            f"UPDATE indicators.horizon SET seal = right_one.seal FROM ({_SEAL}) AS right_one"  # noqa: S608
            " WHERE horizon.before = :before AND right_one.before = horizon.before"
        ),
        {"before": horizon.before},
    )


def vars_of(horizon: Horizon) -> dict[str, Any]:
    """Return a horizon's columns."""
    return {name: getattr(horizon, name) for name in ("before", "events", "missing", "received_until")}


def read_horizons(connection: Connection) -> list[Horizon]:
    """Return up to which days persons were disposed of, in their order."""
    row = tables.horizon.c
    found = connection.execute(select(row.before, row.events, row.missing, row.received_until).order_by(row.before))
    return [Horizon(*each) for each in found]


def read_closed(connection: Connection, indicator: Indicator) -> dict[date, int]:
    """Return for each horizon how many of its events an indicator was closed of, by its present definition."""
    row = tables.closing.c
    found = connection.execute(
        select(row.before, row.events).where(row.indicator == indicator.id, row.definition == indicator.definition)
    )
    return {each.before: each.events for each in found}


def read_rows(connection: Connection, indicator: Indicator, window: Window, by: Sequence[str]) -> list[BookRow]:
    """Return what the book holds of an indicator for the months that begin in a window, by some dimensions."""
    held = tables.closed_book
    own = dimension_columns(indicator, held)
    names = [*by, PART] if indicator.kind is Kind.SPLIT else list(by)
    sums = [func.sum(held.c[name]).label(f"sum_of_{name}") for name in ADDED]
    rows = connection.execute(
        select(*(own[name].label(f"dim_{place}") for place, name in enumerate(names)), *sums)
        .where(
            held.c.indicator == indicator.id,
            held.c.definition == indicator.definition,
            held.c.month >= window.first,
            held.c.month <= window.last,
        )
        .group_by(*(own[name] for name in names))
        .having(func.count() > 0)
    )
    return [_book_row(row, indicator, names) for row in rows]


def _book_row(row: Row[Any], indicator: Indicator, names: Sequence[str]) -> BookRow:
    values: Mapping[str, str | None] = dict(zip(names, row, strict=False))
    dims = {name: value for name, value in values.items() if name != PART}
    numerator, denominator, expected, total = (
        int(getattr(row, f"sum_of_{name}")) for name in ("numerator", "denominator", "expected", "sum")
    )
    if indicator.kind in (Kind.COUNT, Kind.PERSONS):
        return BookRow(dims, None, Sums(numerator))
    covered = expected if indicator.covered else None
    if indicator.kind is Kind.MEAN:
        return BookRow(dims, None, Sums(None, denominator, covered, total))
    return BookRow(dims, values.get(PART), Sums(numerator, denominator, covered))


def unbalanced(connection: Connection) -> list[str]:
    """Return the indicators, with their definitions, whose rows in the book are not what the control totals say."""
    names = (*ADDED, "hash")
    booked = ", ".join(f"sum({name}) AS {name}" for name in ADDED)
    closed = ", ".join(f"sum({name}) AS {name}" for name in names)
    same = " AND ".join(f"coalesce(booked.{name}, 0) = coalesce(closed.{name}, 0)" for name in names)
    rows = connection.execute(
        text(
            "SELECT indicator, definition FROM"  # noqa: S608 - our own columns
            f" (SELECT indicator, definition, {booked}, sum(things * {_HASH}) AS hash FROM indicators.closed_book"
            " GROUP BY indicator, definition) AS booked"
            f" FULL JOIN (SELECT indicator, definition, {closed} FROM indicators.closing"
            " GROUP BY indicator, definition) AS closed USING (indicator, definition)"
            f" WHERE NOT ({same}) ORDER BY indicator, definition"
        )
    )
    return [f"{row.indicator}/{row.definition}" for row in rows]


def unsealed(connection: Connection) -> list[date]:
    """Return the horizons whose seal is not that of what is stored, and those that only closings tell of."""
    rows = connection.execute(
        text(
            "SELECT before FROM indicators.horizon AS held"  # noqa: S608
            f" FULL JOIN ({_SEAL}) AS right_one USING (before)"
            " FULL JOIN (SELECT DISTINCT before FROM indicators.closing) AS closed USING (before)"
            " WHERE held.seal IS DISTINCT FROM right_one.seal OR held.seal IS NULL ORDER BY before"
        )
    )
    return list(rows.scalars())


def count_events(connection: Connection) -> int:
    """Return how many events have been disposed of by what the horizons say."""
    return int(connection.execute(select(func.coalesce(func.sum(tables.horizon.c.events), 0))).scalar_one())
