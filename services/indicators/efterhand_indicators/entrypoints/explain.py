"""The SQL of an indicator, for whoever wants to know how exactly a figure comes about."""

from efterhand.catalogue import Catalogue
from efterhand_indicators.adapters.compiler import contributions_of, to_sql
from efterhand_indicators.adapters.tables import stored


def sql_of(catalogue: Catalogue, indicator_id: str) -> str:
    """Return the statement that computes an indicator's contributions from everybody's facts.

    Raises:
        KeyError: the catalogue defines no indicator of that id.
    """
    return to_sql(contributions_of(catalogue.indicators[indicator_id], catalogue, stored))
