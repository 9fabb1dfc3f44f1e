"""Persons who have to be computed anew, some at a time, beside the live traffic."""

from collections.abc import Collection

from sqlalchemy import Engine

from efterhand_indicators.adapters import context_store, person_store
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.application.recompute import recompute

PERSONS_AT_A_TIME = 200


class CannotCompute(RuntimeError):
    """The rules fail on the events of these persons; none of them has been changed."""

    def __init__(self, persons: Collection[str]) -> None:
        super().__init__(f"{len(persons)} persons cannot be computed")
        self.persons = tuple(persons)


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
        context_store.share_context(connection)
        context = context_store.read_context(connection)
        if context.catalogue != definitions.fingerprint:
            return 0
        taken = person_store.take_stale(connection, context.generation, limit, passed_over)
        if taken:
            persons = person_store.lock_persons(connection, taken)
            try:
                recompute(connection, persons, definitions, context.generation)
            except (LookupError, TypeError, ValueError, ArithmeticError, AssertionError) as error:
                raise CannotCompute(taken) from error
        elif dict(context.definitions) != definitions.hashes() and not person_store.count_stale(
            connection, context.generation
        ):
            context_store.set_definitions(connection, definitions.hashes())
        return len(taken)
