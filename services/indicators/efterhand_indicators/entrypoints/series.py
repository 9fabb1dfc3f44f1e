"""The paths under `/indicators/v1` that give several windows at once: a figure month by month, and the whole table."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from efterhand.web.rights import Principal, Right, requires
from efterhand_indicators.application.series import LONGEST, read_series, read_table
from efterhand_indicators.entrypoints.explanations import CellText, Day, cell_of, look
from efterhand_indicators.entrypoints.http import day_of, dimensions, reading, services_of

router = APIRouter(prefix="/indicators/v1/figures")

By = Annotated[str | None, Query(description="Dimensions to break the cell down by, as sex or sex,unit.")]


@router.get("")
def table(
    request: Request,
    principal: Annotated[Principal, requires(Right.FIGURES_READ)],
    at: Day = None,
    earlier: Annotated[int | None, Query(ge=1, le=LONGEST, description="Months before: a second window.")] = None,
    by: By = None,
    cell: CellText = None,
) -> Any:
    """Give every figure at T, and perhaps at an earlier T, all read from one state."""
    day, dims = day_of("at", at), cell_of(cell)
    services = services_of(request)
    with reading(services) as connection:
        units = look(connection, services, principal, Right.FIGURES_READ, dims).units
        found = read_table(connection, services.definitions, day, earlier, by=dimensions(by), cell=dims, units=units)
        return found.as_json()


@router.get("/{indicator}/series")
def series(
    request: Request,
    principal: Annotated[Principal, requires(Right.FIGURES_READ)],
    indicator: str,
    at: Day = None,
    months: Annotated[int, Query(ge=1, le=LONGEST, description="How many windows, each a month later.")] = 24,
    by: By = None,
    cell: CellText = None,
) -> Any:
    """Give a figure over the windows that end with each of so many months, the last at T."""
    day, dims = day_of("at", at), cell_of(cell)
    services = services_of(request)
    with reading(services) as connection:
        units = look(connection, services, principal, Right.FIGURES_READ, dims).units
        found = read_series(
            connection, services.definitions, indicator, day, months, by=dimensions(by), cell=dims, units=units
        )
        return found.as_json()
