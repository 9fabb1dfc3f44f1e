"""Everything anew from the events held, beside live traffic."""

from sqlalchemy import Connection

from efterhand_indicators.adapters import context_store, person_store


def rebuild(connection: Connection) -> int:
    """Ask for everybody to be computed anew, in the caller's transaction; return how many persons that are.

    What is stored for persons who are not there is deleted at once. The workers do the rest.
    """
    context_store.take_context(connection)
    generation = context_store.begin_generation(connection)
    person_store.delete_rows_of_nobody(connection)
    return person_store.count_stale(connection, generation)
