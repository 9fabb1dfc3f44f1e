"""A worker's catalogue becomes the one that everything is computed by."""

from sqlalchemy import Connection

from efterhand.catalogue.fingerprints import fingerprint_of_facts
from efterhand.persons.context import begin_generation, set_catalogue, take_context
from efterhand.persons.store import count_stale
from efterhand_indicators.adapters import context_store, person_store, total_store
from efterhand_indicators.adapters.tables import kept
from efterhand_indicators.application.definitions import Definitions


def adopt_catalogue(connection: Connection, definitions: Definitions) -> bool:
    """Make these definitions the ones that hold, in the caller's transaction; return whether others held before.

    Where something differs that decides what is stored, everybody is to be computed anew: each person's facts, the
    indicators that read a kind of fact that comes out otherwise, and those whose definition is another one. An
    indicator with another definition than before is not shown until that is done. Totals that depend on something else
    now are not read from then on, and kept anew when it is done.
    """
    take_context(connection, kept)
    context = context_store.read_context(connection)
    if context.catalogue == definitions.fingerprint:
        return False
    generation = context.generation + 1
    hashes, facts = definitions.hashes(), fingerprint_of_facts(definitions.catalogue)
    plan = context.plan.followed_by(definitions.rules, facts, hashes, generation)
    if plan is context.plan:
        generation = context.generation
    else:
        begin_generation(connection, kept)
        context_store.set_plan(connection, plan)
    set_catalogue(connection, kept, definitions.fingerprint)
    total_store.set_units_above(connection, definitions.catalogue.units)
    total_store.drop_totals_of_others(connection, definitions.totals.keys())
    context_store.set_totals(connection, context.totals.only(definitions.totals))
    everybody = count_stale(connection, kept, person_store.stale(generation)) == 0
    unchanged = dict(hashes.items() & dict(context.definitions).items())
    context_store.set_definitions(connection, hashes if everybody else unchanged)
    return True
