"""Everything anew from the events held, beside live traffic."""

from sqlalchemy import Connection

from efterhand.persons.context import begin_generation, take_context
from efterhand.persons.store import count_stale
from efterhand_indicators.adapters import context_store, person_store
from efterhand_indicators.adapters.tables import kept
from efterhand_indicators.domain.totals import Totals


def rebuild(connection: Connection) -> int:
    """Ask for everybody to be computed anew, in the caller's transaction; return how many persons that are.

    What is stored for persons who are not there is deleted at once. The workers do the rest.
    """
    take_context(connection, kept)
    generation = begin_generation(connection, kept)
    context_store.set_plan(connection, context_store.read_context(connection).plan.from_scratch(generation))
    person_store.delete_rows_of_nobody(connection)
    context_store.set_totals(connection, Totals())
    return count_stale(connection, kept, person_store.stale(generation))
