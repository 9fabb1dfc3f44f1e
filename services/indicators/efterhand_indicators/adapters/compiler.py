"""From an indicator's definition to the statements that keep its contributions.

The same SELECT serves for the persons of a batch, for everybody, and over temporary tables for what is compared or
asked for as known on a day. Conditions are two-valued: an unknown value fulfils no comparison, and `not` is the
complement. Constants of the definition are written into the statement; its one parameter is the array of persons.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    any_,
    delete,
    except_,
    func,
    insert,
    literal_column,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from efterhand.catalogue import Catalogue, Indicator
from efterhand.catalogue.model import Derivation
from efterhand.catalogue.reading import kinds_read
from efterhand_indicators.adapters.compiling.literals import Uncompilable, text_constant
from efterhand_indicators.adapters.compiling.statement import (
    COLUMNS,
    KEY,
    PERSONS,
    contributions_of,
    persons_parameter,
)
from efterhand_indicators.adapters.compiling.totals import CELL, totals_of
from efterhand_indicators.adapters.tables import ADDED, MERGED, REACHED, Tables, total, total_change
from efterhand_indicators.domain import totals

__all__ = [
    "COLUMNS",
    "KEY",
    "PERSONS",
    "CompiledIndicator",
    "Uncompilable",
    "compile_indicator",
    "contributions_of",
    "tables_read",
    "to_sql",
]

_DIALECT: Final = PGDialect_psycopg()  # type: ignore[no-untyped-call]


class TotalStatements:
    """The statements that keep the totals of an indicator in line with its stored contributions.

    Each is compiled when it is first asked for: a process needs few of them, and they are long.
    """

    def __init__(self, indicator: Indicator, catalogue: Catalogue, stored: Tables) -> None:
        """The indicator is one for which totals are possible; `stored` are the tables that its contributions are in."""
        self._indicator = indicator
        self._catalogue = catalogue
        self._stored = stored
        self._id = text_constant(indicator.id)

    @cached_property
    def replace(self) -> str:
        """Does what the indicator's own `replace` does, and writes what that changes in the totals."""
        return to_sql(_replace_counting(self._indicator, _replace(self._indicator, self._catalogue, self._stored)))

    @cached_property
    def take_out(self) -> str:
        """Takes what `persons` contribute out of the totals; their contributions must go in the same transaction."""
        held = self._stored.contribution
        of_persons = _by_its_definition(self._indicator, _rows_of(held).where(*_of_persons(self._indicator, held)))
        return to_sql(_write_change(self._indicator, less=totals_of(self._indicator, of_persons)))

    @cached_property
    def fill(self) -> str:
        """Puts what everybody contributes in the place of all that is kept of the totals."""
        clearing = [delete(table).where(table.c.indicator == self._id) for table in (total, total_change)]
        return to_sql(
            _write_change(self._indicator, self._of_everybody()).add_cte(
                *(each.cte(f"cleared_{place}") for place, each in enumerate(clearing))
            )
        )

    @cached_property
    def read(self) -> str:
        """Gives the totals that the contributions come to: `CELL` and the sums."""
        return to_sql(self._of_everybody())

    def _of_everybody(self) -> Select[Any]:
        held = self._stored.contribution
        rows = _rows_of(held).where(held.c.indicator == self._id)
        return totals_of(self._indicator, _by_its_definition(self._indicator, rows))


@dataclass(frozen=True)
class CompiledIndicator:
    """An indicator with its statements for the stored tables and for the temporary ones."""

    indicator: Indicator
    reads: frozenset[str]
    """The tables of facts on which its contributions depend."""
    replace: str
    """Brings the stored contributions of `persons` in line with their facts; unchanged rows are left alone."""
    fill: str
    """Computes the contributions of all facts in the temporary tables."""
    totals: TotalStatements | None
    """Those that keep its totals; None: it has none."""


def compile_indicator(
    indicator: Indicator, catalogue: Catalogue, stored: Tables, temporary: Tables
) -> CompiledIndicator:
    """Compile an indicator once, for as long as the process lives.

    Raises:
        Uncompilable: the definition asks for what is not kept.
    """
    everybody = contributions_of(indicator, catalogue, temporary)
    return CompiledIndicator(
        indicator=indicator,
        reads=tables_read(indicator, catalogue),
        replace=to_sql(_replace(indicator, catalogue, stored).statement),
        fill=to_sql(insert(temporary.contribution).from_select(COLUMNS, everybody)),
        totals=TotalStatements(indicator, catalogue, stored) if totals.are_possible(indicator) else None,
    )


def tables_read(indicator: Indicator, catalogue: Catalogue) -> frozenset[str]:
    """Return the tables of facts on which an indicator's contributions depend; derived facts share two of them."""

    def table(kind: str) -> str:
        derived = catalogue.derived.get(kind)
        if derived is None:
            return kind
        return MERGED if derived.derivation is Derivation.MERGE else REACHED

    return frozenset(table(kind) for kind in kinds_read(indicator))


def to_sql(statement: Any) -> str:
    """Return a statement as psycopg takes it, with its parameter by name."""
    return str(statement.compile(dialect=_DIALECT))


@dataclass(frozen=True)
class _Replacing:
    """The statement that deletes what should no longer be there and inserts what is not there yet, and its parts.

    The difference is taken by EXCEPT: it knows nothing from nothing apart, and its cost does not hang on an estimate of
    how many persons there are.
    """

    before: CTE
    fresh: CTE
    superfluous: CTE
    missing: CTE
    statement: Any


def _replace(indicator: Indicator, catalogue: Catalogue, stored: Tables) -> _Replacing:
    held = stored.contribution
    fresh = contributions_of(indicator, catalogue, stored, of_persons=True).cte("fresh")
    before = select(*(held.c[name] for name in COLUMNS)).where(*_of_persons(indicator, held)).cte("before")
    superfluous = except_(_rows_of(before), _rows_of(fresh)).cte("superfluous")
    missing = except_(_rows_of(fresh), _rows_of(before)).cte("missing")
    gone = (
        delete(held).where(*(held.c[name] == superfluous.c[name] for name in KEY)).returning(held.c.person).cte("gone")
    )
    # Counting what is gone makes PostgreSQL delete it first: a row that changed takes the place of its predecessor.
    first = select(func.count()).select_from(gone).scalar_subquery() >= literal_column("0")
    statement = insert(held).from_select(COLUMNS, _rows_of(missing).where(first))
    return _Replacing(before, fresh, superfluous, missing, statement)


def _of_persons(indicator: Indicator, held: FromClause) -> tuple[ColumnElement[bool], ...]:
    return held.c.person == any_(persons_parameter()), held.c.indicator == text_constant(indicator.id)


def _rows_of(table: FromClause) -> Select[Any]:
    return select(*(table.c[name] for name in COLUMNS))


# --- totals -------------------------------------------------------------------------------------------------------


def _replace_counting(indicator: Indicator, replacing: _Replacing) -> Any:
    come: FromClause = replacing.missing
    gone: FromClause = replacing.superfluous
    if totals.counts_once(indicator):
        # Whether a thing counts in a cell depends on all that there is of it, not on a changed row alone.
        changed = union(select(come.c.person), select(gone.c.person)).cte("changed")
        come, gone = (
            _rows_of(each).where(each.c.person.in_(select(changed.c.person))).subquery(name)
            for name, each in (("now", replacing.fresh), ("then", replacing.before))
        )
    then = _by_its_definition(indicator, _rows_of(gone))
    change = _write_change(indicator, totals_of(indicator, come), totals_of(indicator, then))
    return replacing.statement.add_cte(change.cte("counted_in"))


def _by_its_definition(indicator: Indicator, rows: Select[Any]) -> FromClause:
    """Return the rows that the totals are about: those by another definition were never among them."""
    return rows.where(rows.selected_columns.definition == text_constant(indicator.definition)).subquery("by_definition")


def _write_change(indicator: Indicator, more: Select[Any] | None = None, less: Select[Any] | None = None) -> Any:
    parts = []
    for sign, part in (("", more), ("-", less)):
        if part is not None:
            each = part.subquery()
            sums: list[ColumnElement[Any]] = [literal_column(f"{sign}1") * each.c[name] for name in ADDED]
            parts.append(
                select(
                    *(each.c[name] for name in CELL),
                    *(value.label(name) for name, value in zip(ADDED, sums, strict=True)),
                )
            )
    both = union_all(*parts).subquery("change")
    summed = [func.sum(both.c[name]).label(name) for name in ADDED]
    cell = [both.c[name] for name in CELL]
    changed = (
        select(text_constant(indicator.id).label("indicator"), *cell, *summed)
        .group_by(*cell)
        .having(or_(*(func.sum(both.c[name]) != literal_column("0") for name in ADDED)))
    )
    return insert(total_change).from_select(("indicator", *CELL, *ADDED), changed)
