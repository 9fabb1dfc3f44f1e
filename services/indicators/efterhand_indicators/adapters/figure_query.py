"""What is read for a figure: sums of contributions by every combination of dimensions, in one statement."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    case,
    func,
    literal_column,
    not_,
    or_,
    select,
    union_all,
)

from efterhand.catalogue import Indicator
from efterhand.catalogue.model import Kind
from efterhand.figures.cells import Dims, Sums, Window
from efterhand_indicators.adapters import tables
from efterhand_indicators.adapters.compiler import COLUMNS
from efterhand_indicators.domain.totals import counts_once

UNSAID: Final = {"sex": "unknown"}
"""A value that counts in totals only."""

PART: Final = ""
"""Names the part of a split beside the dimensions, of which one may be called the same."""

_THING: Final = ("person", "protocol", "subject")
_SUMMED: Final = ("numerator", "denominator", "expected")
_ROWS: Final = func.count()


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
        by: dimensions; every combination of some of them is a cell. Of a split, every cell has its parts too.
        ancestors: of each unit itself and the units above it; a contribution counts in each of them.
        derived_anew: persons whose stored contributions are left out for the temporary ones.
    """
    statement = _Cells(indicator, by).statement(derived_anew=derived_anew is not None)
    rows = connection.execute(
        statement, {**in_window(indicator, window), **in_tree(by, ancestors), "anew": list(derived_anew or ())}
    ).all()
    names = _names(indicator, by)
    cells = {dims_of(row, names): sums_of(row, indicator) for row in rows}
    return cells if indicator.kind is not Kind.SPLIT else _parts_of_wholes(cells, indicator.part or "")


def in_tree(by: Sequence[str], ancestors: Mapping[str, Iterable[str]]) -> dict[str, list[str | None]]:
    """Return the parameters that put each unit under itself, under all those above it, and under none."""
    pairs: list[tuple[str, str | None]] = []
    if "unit" in by:
        pairs = [(unit, above) for unit, path in ancestors.items() for above in (None, *path)]
    return {"leaves": [unit for unit, _ in pairs], "units": [above for _, above in pairs]}


def dims_of(row: Row[Any], names: Sequence[str]) -> Dims:
    """Return what a row is restricted to: its first columns, the part of a split last."""
    return tuple((name, value) for name, value in zip(names, row, strict=False) if value is not None)


def sums_of(row: Row[Any], indicator: Indicator) -> Sums:
    """Return what a row adds up to, as far as it applies to the kind of figure."""
    if indicator.kind in (Kind.COUNT, Kind.PERSONS):
        return Sums(row.numerator)
    expected = row.expected if indicator.covered else None
    if indicator.kind in (Kind.SHARE, Kind.SPLIT):
        return Sums(row.numerator, row.denominator, expected)
    # Days and their halves are exact in the double precision that PostgreSQL gives.
    middle = None if indicator.kind is Kind.MEAN or row.middle is None else Fraction(row.middle)
    return Sums(None, row.denominator, expected, int(row.sum or 0), middle)


def _parts_of_wholes(cells: Mapping[Dims, Sums], name: str) -> dict[Dims, Sums]:
    """Hold each part of a split, by this name, against all of its cell; the cell itself has no numerator."""
    split = {}
    for dims, sums in cells.items():
        if dims and dims[-1][0] == PART:
            whole = cells[dims[:-1]]
            parts = (*dims[:-1], (name, dims[-1][1]))
            split[parts] = replace(sums, denominator=whole.denominator, expected=whole.expected)
        else:
            split[dims] = replace(sums, numerator=None)
    return split


def dimension_columns(indicator: Indicator, contribution: FromClause) -> dict[str, ColumnElement[Any]]:
    """Return where a contribution holds each dimension of an indicator, and the part of a split."""
    ordinary = indicator.dimensions[: len(indicator.dimensions) - len(indicator.by)]
    further = indicator.dimensions[len(ordinary) :]
    parts = [PART] if indicator.kind is Kind.SPLIT else []
    return {
        **{name: contribution.c[name] for name in ordinary},
        **{name: contribution.c.more[place] for place, name in enumerate((*parts, *further), start=1)},
    }


# --- contributions in a window ------------------------------------------------------------------------------------


def in_window(indicator: Indicator, window: Window, name: str = "") -> dict[str, Any]:
    """Return the parameters of `rows_in_window`; `name` tells the windows of a statement apart."""
    return {
        "indicator": indicator.id,
        "definition": indicator.definition,
        f"{name}first": window.first,
        f"{name}last": window.last,
    }


def rows_in_window(derived_anew: bool = False, name: str = "") -> Select[Any]:
    """Return the SELECT of what counts in a window, and of the evidence in it.

    Its parameters: those of `in_window`; and, where some persons were derived anew, `anew`.
    """
    stored = _in_window(tables.stored.contribution, name)
    if not derived_anew:
        return stored
    others = stored.where(not_(tables.stored.contribution.c.person == any_(bindparam("anew", type_=ARRAY(Text)))))
    both = union_all(others, _in_window(tables.temporary.contribution, name)).subquery("contribution")
    return select(both)


def _in_window(table: FromClause, name: str) -> Select[Any]:
    return select(*(table.c[column] for column in COLUMNS)).where(
        table.c.indicator == bindparam("indicator", type_=Text),
        table.c.definition == bindparam("definition", type_=Text),
        table.c.first_day <= bindparam(f"{name}last"),
        table.c.last_day >= bindparam(f"{name}first"),
        or_(table.c.after_day.is_(None), table.c.after_day < bindparam(f"{name}first")),
    )


def _names(indicator: Indicator, by: Sequence[str]) -> list[str]:
    return [*by, PART] if indicator.kind is Kind.SPLIT else list(by)


def with_evidence(indicator: Indicator, contribution: CTE) -> tuple[FromClause, ColumnElement[Any]]:
    """Return contributions joined with what speaks for them, and their numerators."""
    if indicator.evidence is None:
        return contribution, contribution.c.numerator
    said = contribution.alias(f"said_{contribution.name}")
    key = _THING[:1] if indicator.once_per else _THING
    evidence = select(*(said.c[name] for name in key)).where(said.c.evidence).distinct().subquery("evidence")
    spoken_for = and_(*(evidence.c[name] == contribution.c[name] for name in key))
    return contribution.outerjoin(evidence, spoken_for), case((evidence.c.person.is_not(None), 1), else_=0)


# --- cells --------------------------------------------------------------------------------------------------------


class Cube:
    """Groups by every combination of dimensions, which are called `dim_0`, `dim_1`, … in the statement."""

    def __init__(self, names: Sequence[str]) -> None:
        """`names`: of the dimensions, in the order of the cells' dims."""
        self.labels = {name: f"dim_{place}" for place, name in enumerate(names)}

    def placed(self, counted: CTE) -> tuple[FromClause, dict[str, ColumnElement[Any]]]:
        """Put each thing into all units above its own; return what to read from, and the dimensions in it."""
        columns = self.labels_in(counted)
        if "unit" not in columns:
            return counted, columns
        # A leaf stands in the tree once for each unit that it lies in and once for all of them; a unit that the
        # catalogue has no more counts in the totals only.
        tree = (
            func.unnest(bindparam("leaves", type_=ARRAY(Text)), bindparam("units", type_=ARRAY(Text)))
            .table_valued("leaf", "unit")
            .render_derived(name="tree")
        )
        source = counted.outerjoin(tree, tree.c.leaf == columns["unit"])
        return source, {**columns, "unit": tree.c.unit}

    def labels_in(self, counted: CTE) -> dict[str, ColumnElement[Any]]:
        """Return the dimensions as a statement's part has them."""
        return {name: counted.c[label] for name, label in self.labels.items()}

    def cubed(
        self,
        statement: Select[Any],
        columns: Mapping[str, ColumnElement[Any]],
        keys: Sequence[ColumnElement[Any]],
        things: ColumnElement[int] = _ROWS,
    ) -> Select[Any]:
        """Group by keys and every combination of the dimensions; what is unknown counts in the totals only.

        A cell without any `things` is left out.
        """
        # The units above a thing stand for the combinations of its unit already.
        units = [columns["unit"]] if "unit" in columns else []
        others = {name: column for name, column in columns.items() if name != "unit"}
        grouping = [*keys, *units, *([func.cube(*others.values())] if others else [])]
        told = [_told(name, column) for name, column in others.items()]
        return statement.group_by(*grouping).having(and_(things > 0, *told))

    def labelled(self, columns: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[Any]]:
        """Return the dimensions under their names in the statement."""
        return [column.label(self.labels[name]) for name, column in columns.items()]


class _Cells(Cube):
    """The statement of one figure."""

    def __init__(self, indicator: Indicator, by: Sequence[str]) -> None:
        super().__init__(_names(indicator, by))
        self.indicator = indicator
        # What goes on, and who is counted once, may have several contributions in a cell and counts once in it.
        self.once = counts_once(indicator)

    def statement(self, *, derived_anew: bool) -> Select[Any]:
        """Return the statement, with the dimensions first."""
        counted = self._counted(rows_in_window(derived_anew).cte("contribution"))
        source, columns = self.placed(counted)
        if self.once:
            each = self._each_once(counted, source, columns)
            columns = {name: each.c[label] for name, label in self.labels.items()}
            cells = select(*self.labelled(columns), *(func.sum(each.c[name]).label(name) for name in _SUMMED))
            return cells.select_from(each).group_by(*columns.values()).having(func.count() > 0)
        cells = select(
            *self.labelled(columns),
            *(func.sum(counted.c[name]).label(name) for name in (*_SUMMED, "sum")),
            *self._middle(counted),
        )
        return self.cubed(cells.select_from(source), columns, [])

    def _counted(self, contribution: CTE) -> CTE:
        """Return the counted things; where days speak for them, the numerator says whether one does."""
        source, numerator = with_evidence(self.indicator, contribution)
        own = dimension_columns(self.indicator, contribution)
        columns = [own[name].label(label) for name, label in self.labels.items()]
        kept = [contribution.c[name] for name in (*_THING, *self.indicator.once_per[1:])]
        sums = [numerator.label("numerator"), *(contribution.c[name] for name in ("denominator", "expected", "sum"))]
        counted = select(*columns, *kept, *sums).select_from(source).where(not_(contribution.c.evidence))
        return counted.cte("counted")

    def _each_once(self, counted: CTE, source: FromClause, columns: Mapping[str, ColumnElement[Any]]) -> FromClause:
        """Return each thing once in each cell, with what it adds to it."""
        key = ("person", *self.indicator.once_per[1:]) if self.indicator.once_per else _THING
        once = select(*self.labelled(columns), *(func.max(counted.c[name]).label(name) for name in _SUMMED))
        return self.cubed(once.select_from(source), columns, [counted.c[name] for name in key]).subquery("each")

    def _middle(self, counted: CTE) -> list[ColumnElement[Any]]:
        if self.indicator.kind is not Kind.MEDIAN:
            return []
        half = func.percentile_cont(literal_column("0.5"))
        return [half.within_group(counted.c.sum).label("middle")]


def _told(name: str, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Leave out the cells of what is unknown: it counts in the totals only."""
    known: ColumnElement[bool] = column.is_not(None)
    if name in UNSAID:
        known = and_(known, column != UNSAID[name])
    return or_(func.grouping(column) == 1, known)
