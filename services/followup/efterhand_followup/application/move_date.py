"""The business date moves forward, or the catalogue is another one: everybody concerned is found and computed anew."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from efterhand.catalogue import Catalogue
from efterhand.catalogue.fingerprints import fingerprints_of_protocols
from efterhand.persons.context import begin_generation, set_catalogue, share_context, take_context
from efterhand.persons.draining import PERSONS_AT_A_TIME, CannotCompute
from efterhand.persons.store import count_stale, take_stale
from efterhand_followup.adapters.context_store import (
    move_business_date,
    read_context,
    set_definitions,
    set_protocols,
)
from efterhand_followup.adapters.person_store import behind, stale
from efterhand_followup.adapters.tables import kept
from efterhand_followup.application.recompute import Recomputed, recompute


def move_date(connection: Connection, day: date) -> bool:
    """Work with a later business date from now on; return whether it is a later one."""
    take_context(connection, kept)
    return move_business_date(connection, day)


def adopt_catalogue(connection: Connection, catalogue: Catalogue) -> bool:
    """Compute by this catalogue from now on; return whether it is another one.

    Where the protocols differ in what decides checks or notices, everybody is to be computed anew; checks and notices
    of a protocol that differs are not shown until that is done. Units decide nothing that is stored.
    """
    take_context(connection, kept)
    context = read_context(connection)
    if context.catalogue == catalogue.version:
        return False
    set_catalogue(connection, kept, catalogue.version)
    protocols, generation = fingerprints_of_protocols(catalogue), context.generation
    if protocols != dict(context.protocols):
        generation = begin_generation(connection, kept)
        set_protocols(connection, protocols)
    unchanged = dict(protocols.items() & dict(context.definitions).items())
    everybody = count_stale(connection, kept, behind(generation)) == 0
    set_definitions(connection, protocols if everybody else unchanged)
    return True


def rebuild(connection: Connection) -> int:
    """Have everything computed anew beside the live traffic; return the number of the generation."""
    take_context(connection, kept)
    return begin_generation(connection, kept)


def drain(
    connection: Connection, catalogue: Catalogue, limit: int = PERSONS_AT_A_TIME, leave_out: Collection[str] = ()
) -> Recomputed:
    """Compute some of the persons that are due for it: dirty, touched by a new date, or of an old generation.

    Args:
        connection: in a transaction.
        catalogue: by which to compute.
        limit: how many persons at most.
        leave_out: persons who cannot be computed.

    When nobody is left, the protocols are those that everybody has been computed by, and are shown.

    Returns:
        What was done; nobody computed means that nobody is left, or that others are at it.

    Raises:
        CannotCompute: one of the persons; taken one at a time, it can be told which.
    """
    share_context(connection, kept)
    context = read_context(connection)
    if context.business_date is None or context.catalogue != catalogue.version:
        # What another catalogue asks for is left to the process that has that one.
        return Recomputed()
    due = stale(context.business_date, context.generation)
    persons = take_stale(connection, kept, due, limit, leave_out)
    if not persons and context.definitions != context.protocols:
        if not count_stale(connection, kept, behind(context.generation)):
            set_definitions(connection, context.protocols)
        return Recomputed()
    try:
        return recompute(connection, persons, context, catalogue)
    except DBAPIError:
        raise
    except Exception as error:
        raise CannotCompute(persons) from error
