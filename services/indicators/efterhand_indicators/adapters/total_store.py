"""Writes the totals by month, sex and unit."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, select, text, union

from efterhand.catalogue import UnitTree
from efterhand.database import bulk_insert
from efterhand_indicators.adapters.compiler import PERSONS, CompiledIndicator
from efterhand_indicators.adapters.compiling.totals import CELL
from efterhand_indicators.adapters.tables import ADDED, total, total_change, unit_above
from efterhand_indicators.domain.totals import units_above

_GATE: Final = 0x69_6E_64_74_6F
"""Number of the advisory lock of whoever rewrites totals."""

_KEY: Final = ", ".join(("indicator", *CELL))
_SUMS: Final = ", ".join(ADDED)

_FOLD: Final = f"""
    WITH taken AS (
        DELETE FROM indicators.total_change
        WHERE id IN (SELECT id FROM indicators.total_change ORDER BY id LIMIT :rows) RETURNING *
    ), folded AS (
        INSERT INTO indicators.total ({_KEY}, {_SUMS})
        SELECT {_KEY}, {", ".join(f"sum({name})" for name in ADDED)} FROM taken GROUP BY {_KEY}
        ON CONFLICT ({_KEY}) DO UPDATE
        SET {", ".join(f"{name} = total.{name} + excluded.{name}" for name in ADDED)}
    )
    SELECT count(*) FROM taken
"""  # noqa: S608 - names of our own columns

_STORED: Final = f"""
    SELECT {", ".join(CELL)}, {", ".join(f"sum({name})" for name in ADDED)}
    FROM (
        SELECT {_KEY}, {_SUMS} FROM indicators.total UNION ALL SELECT {_KEY}, {_SUMS} FROM indicators.total_change
    ) AS kept
    WHERE indicator = %(indicator)s GROUP BY {", ".join(CELL)}
"""  # noqa: S608


def set_units_above(connection: Connection, tree: UnitTree) -> None:
    """Keep in whose cells each unit counts."""
    connection.execute(delete(unit_above))
    names = [each.name for each in unit_above.columns]
    bulk_insert(connection, unit_above, [dict(zip(names, row, strict=True)) for row in units_above(tree)])


def read_units_above(connection: Connection) -> set[tuple[str, str, int, int]]:
    """Return in whose cells each unit counts, as it is kept; see `efterhand_indicators.domain.totals.units_above`."""
    return {(unit, above, first, until) for unit, above, first, until in connection.execute(select(unit_above))}


def begin_rewriting(connection: Connection) -> bool:
    """Be the only one who rewrites totals until the transaction ends; False: somebody else is."""
    alone: bool = connection.execute(select(func.pg_try_advisory_xact_lock(_GATE))).scalar_one()
    return alone


def fill(connection: Connection, compiled: CompiledIndicator) -> None:
    """Put what the contributions to an indicator come to in the place of all that is kept of its totals.

    The caller is the only one who rewrites totals. Those who change contributions meanwhile need not wait: the one
    statement sees neither what they change nor what they write of it, so that the latter is added to what it finds.
    """
    if compiled.totals is not None:
        connection.exec_driver_sql(compiled.totals.fill)


def fold(connection: Connection, rows: int) -> int:
    """Add the oldest changes, so many rows at most, to the totals; return how many that were.

    The caller is the only one who rewrites totals.
    """
    folded: int = connection.execute(text(_FOLD), {"rows": rows}).scalar_one()
    return folded


def take_out(connection: Connection, compiled: CompiledIndicator, persons: Collection[str]) -> None:
    """Take what some persons contribute to an indicator out of its totals, before it is deleted."""
    if compiled.totals is not None:
        connection.exec_driver_sql(compiled.totals.take_out, {PERSONS: list(persons)})


def drop_totals_of_others(connection: Connection, indicators: Collection[str]) -> None:
    """Delete the totals of other indicators than these: the catalogue has them no more."""
    for table in (total, total_change):
        connection.execute(delete(table).where(table.c.indicator.not_in(sorted(indicators))))


def indicators_with_totals(connection: Connection) -> list[str]:
    """Return the indicators of which there are totals, whether or not they may be read."""
    each = (select(table.c.indicator) for table in (total, total_change))
    return sorted(connection.execute(union(*each)).scalars())


def wrong_totals(connection: Connection, compiled: CompiledIndicator) -> Iterator[tuple[tuple[str, ...], bool, bool]]:
    """Give sex, unit and month of the totals of an indicator that its contributions do not come to.

    With each: whether there is such a total, and whether there should be one.
    """
    if compiled.totals is None:
        return
    stored = _counting(connection.exec_driver_sql(_STORED, {"indicator": compiled.indicator.id}))
    right = _counting(connection.exec_driver_sql(compiled.totals.read))
    for cell in sorted({cell for cell, _ in stored.items() ^ right.items()}):
        yield tuple(map(str, cell)), cell in stored, cell in right


def _counting(rows: Iterable[Row[Any]]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Return the sums by cell, without the totals that are 0 throughout."""
    found = {tuple(row[: len(CELL)]): tuple(row[len(CELL) :]) for row in rows}
    return {cell: sums for cell, sums in found.items() if any(sums)}
