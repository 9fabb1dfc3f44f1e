"""The paths of units in sum, for those who lead them: counts, and nothing about a person."""

from typing import Annotated, Any

from fastapi import APIRouter, Request

from efterhand.web.rights import Principal, Right, requires
from efterhand_followup.application.read_units import read_unit, read_units
from efterhand_followup.entrypoints.requests import reading, services_of, sight_now

router = APIRouter(prefix="/followup/v1")

Leader = Annotated[Principal, requires(Right.UNITS_READ)]


@router.get("/units")
def units(request: Request, principal: Leader) -> Any:
    """List the units of the reach with what waits, how late it is, and what was missed; with those under each."""
    services = services_of(request)
    with reading(services) as connection:
        sight = sight_now(connection, services, principal, Right.UNITS_READ)
        return read_units(connection, services.catalogue, sight)


@router.get("/units/{unit}/summary")
def summary(request: Request, principal: Leader, unit: str) -> Any:
    """Sum a unit up, with those under it: by protocol and worker, what was missed and why, what is late."""
    services = services_of(request)
    with reading(services) as connection:
        sight = sight_now(connection, services, principal, Right.UNITS_READ)
        return read_unit(connection, services.catalogue, sight, unit)
