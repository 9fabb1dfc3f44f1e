"""What is read for a figure: sums of contributions by every combination of dimensions, in one statement."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    distinct,
    func,
    not_,
    or_,
    select,
    tuple_,
    union_all,
)

from efterhand.catalogue import Indicator
from efterhand_indicators.adapters import tables
from efterhand_indicators.adapters.compiler import COLUMNS
from efterhand_indicators.domain.figures import Sums, Window

Dims = tuple[tuple[str, str], ...]

UNSAID = {"sex": "unknown"}
"""A value that counts in totals only."""


def read_cells(
    connection: Connection,
    indicator: Indicator,
    window: Window,
    by: Sequence[str],
    ancestors: Mapping[str, Iterable[str]],
    derived_anew: Sequence[str] | None = None,
) -> dict[Dims, Sums]:
    """Return the sums of each cell in which something is counted, by what the cell is restricted to.

    Args:
        connection: on which the temporary tables hold the contributions of `derived_anew`, if it is given.
        indicator: the definition.
        window: whose contributions count.
        by: dimensions; every combination of some of them is a cell.
        ancestors: of each unit itself and the units above it; a contribution counts in each of them.
        derived_anew: persons whose stored contributions are left out for the temporary ones.
    """
    statement = _statement(indicator, by, derived_anew is not None)
    pairs: list[tuple[str, str | None]] = []
    if "unit" in by:
        pairs = [(unit, above) for unit, path in ancestors.items() for above in (None, *path)]
    rows = connection.execute(
        statement,
        {
            "indicator": indicator.id,
            "definition": indicator.definition,
            "first": window.first,
            "last": window.last,
            "leaves": [unit for unit, _ in pairs],
            "units": [above for _, above in pairs],
            "anew": list(derived_anew or ()),
        },
    )
    return dict(_cell(row, indicator, by) for row in rows)


def _cell(row: Row[Any], indicator: Indicator, by: Sequence[str]) -> tuple[Dims, Sums]:
    dims = tuple((name, value) for name in by if (value := getattr(row, name)) is not None)
    if indicator.kind != "share":
        return dims, Sums(row.counted, None, None)
    return dims, Sums(row.numerator, row.denominator, row.expected if indicator.covered else None)


def rows_in_window(derived_anew: bool = False) -> Select[Any]:
    """Return the SELECT of the contributions in a window.

    Its parameters: indicator, definition, first, last; and, where some persons were derived anew, `anew`.
    """
    stored = _in_window(tables.stored.contribution)
    if not derived_anew:
        return stored
    others = stored.where(not_(tables.stored.contribution.c.person == any_(bindparam("anew", type_=ARRAY(Text)))))
    both = union_all(others, _in_window(tables.temporary.contribution)).subquery("contribution")
    return select(both)


def _in_window(table: FromClause) -> Select[Any]:
    return select(*(table.c[name] for name in COLUMNS)).where(
        table.c.indicator == bindparam("indicator", type_=Text),
        table.c.definition == bindparam("definition", type_=Text),
        table.c.first_day <= bindparam("last"),
        table.c.last_day >= bindparam("first"),
    )


def _statement(indicator: Indicator, by: Sequence[str], derived_anew: bool) -> Select[Any]:
    counted = rows_in_window(derived_anew).cte("counted")
    names: dict[str, ColumnElement[Any]] = {name: counted.c[name] for name in by}
    source: FromClause = counted
    if "unit" in by:
        # A leaf stands in the tree once for each unit that it lies in and once for all of them; a unit that the
        # catalogue has no more counts in the totals only.
        tree = (
            func.unnest(bindparam("leaves", type_=ARRAY(Text)), bindparam("units", type_=ARRAY(Text)))
            .table_valued("leaf", "unit")
            .render_derived(name="tree")
        )
        source = counted.join(tree, tree.c.leaf == counted.c.unit, isouter=True)
        names["unit"] = tree.c.unit
    others = [names[name] for name in by if name != "unit"]
    grouping = [names["unit"]] if "unit" in by else []
    statement = select(
        *(column.label(name) for name, column in names.items()),
        func.sum(counted.c.numerator).label("numerator"),
        func.sum(counted.c.denominator).label("denominator"),
        func.sum(counted.c.expected).label("expected"),
        _count(indicator, counted).label("counted"),
    ).select_from(source)
    if others:
        statement = statement.group_by(*grouping, func.cube(*others))
    elif grouping:
        statement = statement.group_by(*grouping)
    told = [_told(name, names[name]) for name in by if name != "unit"]
    return statement.having(and_(func.count() > 0, *told))


def _count(indicator: Indicator, counted: FromClause) -> ColumnElement[Any]:
    if indicator.once_per == "person":
        return func.count(distinct(counted.c.person))
    return func.count(distinct(tuple_(counted.c.person, counted.c.protocol, counted.c.subject)))


def _told(name: str, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Leave out the cells of what is unknown: it counts in the totals only."""
    known: ColumnElement[bool] = column.is_not(None)
    if name in UNSAID:
        known = and_(known, column != UNSAID[name])
    return or_(func.grouping(column) == 1, known)
