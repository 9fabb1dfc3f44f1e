"""Facts laid on the tables by hand, and what the SQL and the literal engine make of them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection

from efterhand.catalogue import Catalogue, Indicator
from efterhand.database import bulk_insert
from efterhand.figures import literal
from efterhand.figures.cells import Dims, Sums, window_of
from efterhand.timeline.facts import Facts
from efterhand_indicators.adapters import figure_query, tables
from efterhand_indicators.adapters.compiler import PERSONS, compile_indicator
from efterhand_indicators.domain.rows import derived_rows

Cells = Mapping[Dims, Sums]


def lay(connection: Connection, people: Sequence[Facts], catalogue: Catalogue) -> None:
    """Write persons' facts into the stored tables."""
    rows: dict[str, list[Any]] = {}
    for facts in people:
        for kind in tables.stored.facts.keys() & facts.rows.keys() - catalogue.derived.keys():
            rows.setdefault(kind, []).extend({"person": facts.person, **fact.values} for fact in facts.of(kind))
        for kind, own in derived_rows(facts.person, facts, catalogue).items():
            rows.setdefault(kind, []).extend(own)
    for kind, own in rows.items():
        bulk_insert(connection, tables.stored.facts[kind], own)


def contribute(connection: Connection, indicator: Indicator, catalogue: Catalogue, people: Sequence[Facts]) -> None:
    """Bring the stored contributions in line with the facts."""
    compiled = compile_indicator(indicator, catalogue, tables.stored, tables.temporary)
    connection.exec_driver_sql(compiled.replace, {PERSONS: [facts.person for facts in people]})


def by_sql(
    connection: Connection, indicator: Indicator, catalogue: Catalogue, at: date, by: Sequence[str] = ()
) -> Cells:
    """The cells as the stored contributions give them."""
    ancestors = {unit: catalogue.units.ancestors_on(unit, at) for unit in catalogue.units.units}
    return figure_query.read_cells(connection, indicator, window_of(indicator, at), by, ancestors)


def literally(
    indicator: Indicator, catalogue: Catalogue, people: Sequence[Facts], at: date, by: Sequence[str] = ()
) -> Cells:
    """The cells as the literal engine gives them."""
    return literal.read_cells(indicator, people, catalogue.facts, window_of(indicator, at), by, catalogue.units)
