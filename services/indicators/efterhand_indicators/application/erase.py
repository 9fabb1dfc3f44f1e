"""Everything about a person goes, and what the person counted for with it."""

from collections.abc import Collection

from sqlalchemy import Connection

from efterhand_indicators.adapters import context_store, person_store, total_store
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.domain.totals import Totals


def erase(connection: Connection, persons: Collection[str], definitions: Definitions) -> None:
    """Delete every row about persons, and take what they contributed out of the totals.

    Args:
        connection: in a transaction that has taken the context.
        persons: whom nothing is kept of any more.
        definitions: of this process. If others hold, it does not know how to take anything out of the totals: they are
            kept anew by whoever does.
    """
    context = context_store.read_context(connection)
    if context.catalogue != definitions.fingerprint:
        context_store.set_totals(connection, Totals())
    else:
        for name in context.totals.kept:
            total_store.take_out(connection, definitions.indicators[name], persons)
    person_store.delete_persons(connection, persons)
