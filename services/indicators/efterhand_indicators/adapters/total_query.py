"""What is read of totals: one window by units and sex, or many windows of many figures at once, by sex."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Select, Table, bindparam, cast, func, select, text, union_all
from sqlalchemy.dialects.postgresql import ARRAY, INTEGER, TEXT

from efterhand.catalogue import Indicator
from efterhand.figures.cells import Dims, Sums, Window
from efterhand_indicators.adapters import tables
from efterhand_indicators.adapters.figure_query import UNSAID, Cube, dims_of, in_tree, sums_of
from efterhand_indicators.domain.totals import EVERYWHERE, FIRST_MONTH, counts_once, month_number

_SUMMED: Final = ", ".join(f"sum(counted.{name})::bigint AS {name}" for name in tables.SUMS)
_KEPT: Final = f"indicator, month, sex, unit, {', '.join(tables.ADDED)}"

_WINDOWS: Final = text(
    f"""
    SELECT asked.number, counted.sex, {_SUMMED}
    FROM unnest(:numbers, :indicators, :units, :from_months, :to_months)
        AS asked(number, indicator, unit, from_month, to_month)
    JOIN (
        SELECT {_KEPT} FROM indicators.total UNION ALL SELECT {_KEPT} FROM indicators.total_change
    ) AS counted
        ON counted.indicator = asked.indicator
        AND counted.month BETWEEN asked.from_month AND asked.to_month
        AND (asked.unit IS NULL OR counted.unit = asked.unit)
    GROUP BY asked.number, CUBE (counted.sex)
    HAVING sum(counted.things) > 0 AND (GROUPING(counted.sex) = 1 OR counted.sex NOT IN (:unsaid, :unknown))
    """  # noqa: S608 - names of our own columns
).bindparams(
    bindparam("numbers", type_=ARRAY(INTEGER)),
    bindparam("indicators", type_=ARRAY(TEXT)),
    bindparam("units", type_=ARRAY(TEXT)),
    bindparam("from_months", type_=ARRAY(INTEGER)),
    bindparam("to_months", type_=ARRAY(INTEGER)),
    unsaid=UNSAID["sex"],
    unknown=EVERYWHERE,
)


def read_cells_of_totals(
    connection: Connection,
    indicator: Indicator,
    window: Window,
    by: Sequence[str],
    ancestors: Mapping[str, Iterable[str]],
) -> dict[Dims, Sums]:
    """Return what `figure_query.read_cells` does, from the totals of an indicator.

    Args:
        connection: to read from.
        indicator: whose totals are filled.
        window: of whole months.
        by: among the dimensions of totals.
        ancestors: as of `read_cells`.
    """
    rows = connection.execute(
        _statement(tuple(by), counts_once(indicator)),
        {
            "indicator": indicator.id,
            "from_month": month_number(window.first),
            "to_month": month_number(window.last),
            **in_tree(by, ancestors),
        },
    ).all()
    return {dims_of(row, by): sums_of(row, indicator) for row in rows}


@lru_cache(maxsize=64)
def _statement(by: tuple[str, ...], once: bool) -> Select[Any]:
    """Return the statement of one window, with the dimensions first.

    Made once for each kind of question: making it costs more than carrying it out.
    """
    cube = Cube(by)
    kept = [_kept_in(table, cube, once) for table in (tables.total, tables.total_change)]
    counted = union_all(*kept).cte("counted")
    # What counts once has totals for each unit's cell; all else those of the things' own units.
    placed = once or "unit" not in cube.labels
    source, columns = (counted, cube.labels_in(counted)) if placed else cube.placed(counted)
    sums = [cast(func.sum(counted.c[name]), BigInteger).label(name) for name in tables.SUMS]
    cells = select(*cube.labelled(columns), *sums).select_from(source)
    return cube.cubed(cells, columns, [], func.sum(counted.c.things))


def _kept_in(table: Table, cube: Cube, once: bool) -> Select[Any]:
    own = [func.nullif(table.c[name], EVERYWHERE).label(label) for name, label in cube.labels.items()]
    in_window = [table.c.indicator == bindparam("indicator"), table.c.month <= bindparam("to_month")]
    if not once:
        in_window.append(table.c.month >= bindparam("from_month"))
    elif "unit" not in cube.labels:
        in_window.append(table.c.unit == EVERYWHERE)
    return select(*own, *(table.c[name] for name in tables.ADDED)).where(*in_window)


@dataclass(frozen=True)
class Asked:
    """One window of an indicator whose totals are filled, in the cell of a unit (None: of all).

    `read`: the units whose totals make up the cell; None: those of every unit.
    """

    indicator: Indicator
    window: Window
    unit: str | None
    read: Collection[str] | None


def read_windows(connection: Connection, asked: Sequence[Asked]) -> list[dict[Dims, Sums]]:
    """Return for each window what its cell and the cells by sex in it add up to, all read in one statement.

    A cell in which nothing is counted is left out.
    """
    rows: list[tuple[int, str, str | None, int, int]] = []
    for number, each in enumerate(asked):
        # What counts once is kept as steps, of which all up to the window's end are added.
        first = FIRST_MONTH if counts_once(each.indicator) else month_number(each.window.first)
        last = month_number(each.window.last)
        units: list[str | None] = [None] if each.read is None else [*sorted(each.read)]
        rows += [(number, each.indicator.id, unit, first, last) for unit in units]
    names = ("numbers", "indicators", "units", "from_months", "to_months")
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    found = connection.execute(_WINDOWS, dict(zip(names, map(list, columns), strict=True)))
    cells: list[dict[Dims, Sums]] = [{} for _ in asked]
    for row in found:
        each = asked[row.number]
        values = {"sex": row.sex, "unit": each.unit}
        dims = tuple((name, value) for name in each.indicator.dimensions if (value := values.get(name)) is not None)
        cells[row.number][dims] = sums_of(row, each.indicator)
    return cells
