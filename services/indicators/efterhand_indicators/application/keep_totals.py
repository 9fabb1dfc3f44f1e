"""Totals are begun, filled and written together, beside the live traffic."""

from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import Connection, Engine

from efterhand.persons.context import share_context, take_context
from efterhand_indicators.adapters import context_store, total_store
from efterhand_indicators.adapters.tables import kept
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.domain.totals import Totals

ROWS_AT_A_TIME: Final = 50_000
"""Changes that are added to the totals in one transaction."""


def keep_totals(engine: Engine, definitions: Definitions) -> bool:
    """Do the next thing that is to be done about totals, in one transaction; return whether there was one.

    Totals of an indicator are kept from the moment on which everybody has been computed by its definition; what was
    there before is added when they are filled, and from then on they are read.

    Args:
        engine: of the service's database.
        definitions: of this process; if others hold, it only adds changes to totals.
    """
    return any(_in_one_transaction(engine, each, definitions) for each in STEPS)


def _in_one_transaction(
    engine: Engine, step: Callable[[Connection, Definitions], bool], definitions: Definitions
) -> bool:
    with engine.begin() as connection:
        return step(connection, definitions)


def begin_totals(connection: Connection, definitions: Definitions) -> bool:
    """Have all totals kept that can be, in the caller's transaction; return whether there were more than before."""
    if not _to_begin(connection, definitions):
        return False
    # Alone for a moment: whoever changes contributions later knows that the totals are kept.
    take_context(connection, kept)
    begun = _to_begin(connection, definitions)
    totals = context_store.read_context(connection).totals
    context_store.set_totals(connection, Totals({**totals.kept, **begun}, totals.filled))
    return bool(begun)


def _to_begin(connection: Connection, definitions: Definitions) -> Mapping[str, str]:
    """Return which totals are to be kept and are not yet, with what they depend on."""
    context = context_store.read_context(connection)
    if context.catalogue != definitions.fingerprint:
        return {}
    computed = {name for name, _ in context.definitions.items() & definitions.hashes().items()}
    wanted = definitions.totals
    return {name: each for name, each in wanted.items() if name in computed and name not in context.totals.kept}


def fill_next_totals(connection: Connection, definitions: Definitions) -> bool:
    """Fill the totals of one indicator in the caller's transaction; return whether there was one."""
    # Shared, so that nobody takes over another catalogue before what is filled here is said to be.
    share_context(connection, kept)
    context = context_store.read_context(connection)
    if context.catalogue != definitions.fingerprint or context.totals.kept.keys() <= context.totals.filled.keys():
        return False
    if not total_store.begin_rewriting(connection):
        return False
    # Whoever was at it until now may have filled some.
    totals = context_store.read_context(connection).totals
    name = min(totals.kept.keys() - totals.filled.keys(), default=None)
    if name is not None:
        total_store.fill(connection, definitions.indicators[name])
        context_store.set_totals(connection, Totals(totals.kept, {**totals.filled, name: totals.kept[name]}))
    return True


def fold_totals(connection: Connection, _: Definitions) -> bool:
    """Add the oldest changes to the totals in the caller's transaction; return whether there were any."""
    return total_store.begin_rewriting(connection) and total_store.fold(connection, ROWS_AT_A_TIME) > 0


STEPS: Final = (begin_totals, fill_next_totals, fold_totals)
"""What there may be to be done, each only when there is nothing of the one before."""
