"""A worker's catalogue becomes the one that everything is computed by."""

from sqlalchemy import Connection

from efterhand.persons.context import begin_generation, set_catalogue, take_context
from efterhand.persons.store import count_stale
from efterhand_indicators.adapters import context_store, person_store
from efterhand_indicators.adapters.tables import kept
from efterhand_indicators.application.definitions import Definitions


def adopt_catalogue(connection: Connection, definitions: Definitions) -> bool:
    """Make these definitions the ones that hold, in the caller's transaction; return whether others held before.

    Everybody is then to be computed anew. An indicator with another definition than before is not shown until that is
    done.
    """
    take_context(connection, kept)
    context = context_store.read_context(connection)
    if context.catalogue == definitions.fingerprint:
        return False
    generation = begin_generation(connection, kept)
    set_catalogue(connection, kept, definitions.fingerprint)
    unchanged = definitions.hashes().items() & dict(context.definitions).items()
    everybody = count_stale(connection, kept, person_store.stale(generation)) == 0
    context_store.set_definitions(connection, definitions.hashes() if everybody else dict(unchanged))
    return True
