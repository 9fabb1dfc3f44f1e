"""The business date moves forward, or the catalogue is another one: everybody concerned is found and computed anew."""

from collections.abc import Collection, Sequence
from datetime import date

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from efterhand.catalogue import Catalogue
from efterhand_followup.adapters.context_store import (
    begin_generation,
    move_business_date,
    read_context,
    set_catalogue,
    share_context,
    take_context,
)
from efterhand_followup.adapters.person_store import take_stale
from efterhand_followup.application.recompute import Recomputed, recompute


class CannotCompute(RuntimeError):
    """At least one of these persons cannot be computed; nothing has been written that may be kept."""

    def __init__(self, persons: Sequence[str]) -> None:
        """`persons`: who were to be computed together; they are not part of the message."""
        super().__init__(f"one of {len(persons)} persons cannot be computed")
        self.persons = tuple(persons)


def move_date(connection: Connection, day: date) -> bool:
    """Work with a later business date from now on; return whether it is a later one."""
    take_context(connection)
    return move_business_date(connection, day)


def adopt_catalogue(connection: Connection, catalogue: Catalogue) -> bool:
    """Compute by this catalogue from now on; return whether it is another one, so that everything is to be done."""
    take_context(connection)
    if read_context(connection).catalogue == catalogue.version:
        return False
    set_catalogue(connection, catalogue.version)
    begin_generation(connection)
    return True


def rebuild(connection: Connection) -> int:
    """Have everything computed anew beside the live traffic; return the number of the generation."""
    take_context(connection)
    return begin_generation(connection)


def drain(
    connection: Connection, catalogue: Catalogue, limit: int = 200, leave_out: Collection[str] = ()
) -> Recomputed:
    """Compute some of the persons that are due for it: dirty, touched by a new date, or of an old generation.

    Args:
        connection: in a transaction.
        catalogue: by which to compute.
        limit: how many persons at most.
        leave_out: persons who cannot be computed.

    Returns:
        What was done; nobody computed means that nobody is left, or that others are at it.
    """
    share_context(connection)
    context = read_context(connection)
    if context.business_date is None or context.catalogue != catalogue.version:
        # What another catalogue asks for is left to the process that has that one.
        return Recomputed()
    persons = take_stale(connection, context.business_date, context.generation, limit, leave_out)
    try:
        return recompute(connection, persons, context, catalogue)
    except DBAPIError:
        raise
    except Exception as error:
        raise CannotCompute(persons) from error
