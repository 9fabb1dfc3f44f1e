"""From an indicator's definition to the statements that keep its contributions.

The same SELECT serves for the persons of a batch, for everybody, and over temporary tables for what is compared or
asked for as known on a day. Conditions are two-valued: an unknown value fulfils no comparison, and `not` is the
complement. Constants of the definition are written into the statement; its one parameter is the array of persons.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import FromClause, Select, any_, delete, except_, func, insert, literal_column, select
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
from efterhand_indicators.adapters.tables import MERGED, REACHED, Tables

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
        replace=to_sql(_replace(indicator, catalogue, stored)),
        fill=to_sql(insert(temporary.contribution).from_select(COLUMNS, everybody)),
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


def _replace(indicator: Indicator, catalogue: Catalogue, stored: Tables) -> Any:
    """Delete what should no longer be there and insert what is not there yet, in one statement.

    The difference is taken by EXCEPT: it knows nothing from nothing apart, and its cost does not hang on an estimate of
    how many persons there are.
    """
    held = stored.contribution
    of_persons = (held.c.person == any_(persons_parameter()), held.c.indicator == text_constant(indicator.id))
    fresh = contributions_of(indicator, catalogue, stored, of_persons=True).cte("fresh")
    before = select(*(held.c[name] for name in COLUMNS)).where(*of_persons).cte("before")
    superfluous = except_(_rows_of(before), _rows_of(fresh)).cte("superfluous")
    missing = except_(_rows_of(fresh), _rows_of(before)).cte("missing")
    gone = (
        delete(held).where(*(held.c[name] == superfluous.c[name] for name in KEY)).returning(held.c.person).cte("gone")
    )
    # Counting what is gone makes PostgreSQL delete it first: a row that changed takes the place of its predecessor.
    first = select(func.count()).select_from(gone).scalar_subquery() >= literal_column("0")
    return insert(held).from_select(COLUMNS, _rows_of(missing).where(first))


def _rows_of(table: FromClause) -> Select[Any]:
    return select(*(table.c[name] for name in COLUMNS))
