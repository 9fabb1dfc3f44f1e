"""Persons who have to be computed anew, some at a time, beside the live traffic."""

from collections.abc import Collection

from sqlalchemy import Engine

from efterhand.persons.context import share_context
from efterhand.persons.draining import PERSONS_AT_A_TIME, CannotCompute
from efterhand.persons.store import count_stale, lock_persons, take_stale
from efterhand_indicators.adapters import context_store, person_store
from efterhand_indicators.adapters.tables import kept
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.application.recompute import recompute
from efterhand_indicators.domain.context import Progress


def drain_some(
    engine: Engine, definitions: Definitions, limit: int = PERSONS_AT_A_TIME, passed_over: Collection[str] = ()
) -> int:
    """Compute persons of an older generation in one transaction; return how many.

    When there are none left, the definitions are those that everybody has been computed by, and are shown. A process
    whose catalogue is not the one that holds does nothing.

    Args:
        engine: of the service's database.
        definitions: of this process.
        limit: persons at most.
        passed_over: persons who have turned out not to be computable.

    Raises:
        CannotCompute: one of the persons; taken one at a time, it can be told which.
    """
    with engine.begin() as connection:
        share_context(connection, kept)
        context = context_store.read_context(connection)
        if context.catalogue != definitions.fingerprint:
            return 0
        stale = person_store.stale(context.generation)
        taken = take_stale(connection, kept, stale, limit, passed_over)
        if taken:
            persons = lock_persons(connection, kept, taken, Progress)
            try:
                recompute(connection, persons, definitions, context)
            except (LookupError, TypeError, ValueError, ArithmeticError, AssertionError) as error:
                raise CannotCompute(taken) from error
        elif dict(context.definitions) != definitions.hashes() and not count_stale(connection, kept, stale):
            context_store.set_definitions(connection, definitions.hashes())
        return len(taken)
