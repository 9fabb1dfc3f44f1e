"""A worker's catalogue becomes the one that everything is computed by."""

from sqlalchemy import Connection

from efterhand_indicators.adapters import context_store, person_store
from efterhand_indicators.application.definitions import Definitions


def adopt_catalogue(connection: Connection, definitions: Definitions) -> bool:
    """Make these definitions the ones that hold, in the caller's transaction; return whether others held before.

    Everybody is then to be computed anew. An indicator with another definition than before is not shown until that is
    done.
    """
    context_store.take_context(connection)
    context = context_store.read_context(connection)
    if context.catalogue == definitions.fingerprint:
        return False
    generation = context_store.begin_generation(connection)
    context_store.set_catalogue(connection, definitions.fingerprint)
    unchanged = definitions.hashes().items() & dict(context.definitions).items()
    everybody = person_store.count_stale(connection, generation) == 0
    context_store.set_definitions(connection, definitions.hashes() if everybody else dict(unchanged))
    return True
