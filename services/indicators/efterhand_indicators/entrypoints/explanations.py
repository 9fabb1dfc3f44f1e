"""The paths under `/indicators/v1` that explain a figure: what it means, whom it counts, how it became another one."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection

from efterhand.web.paging import DEFAULT_LIMIT, decode_cursor, encode_cursor, page
from efterhand.web.problem import Problem, bad_request
from efterhand.web.rights import Principal, Right, requires
from efterhand.web.sight import Sight
from efterhand_indicators.adapters.thing_query import Step
from efterhand_indicators.application.bridge import Asked, WrongPeriod, read_bridge, read_bridge_cases
from efterhand_indicators.application.case_links import with_cases
from efterhand_indicators.application.cases import Key, read_cases
from efterhand_indicators.application.explaining import MadeOfOthers
from efterhand_indicators.application.figures import may_be_told
from efterhand_indicators.application.who_is_seen import seen_in
from efterhand_indicators.application.why import why_figure
from efterhand_indicators.bootstrap import Services
from efterhand_indicators.entrypoints.http import Limit, day_of, log, reading, services_of, sight

router = APIRouter(prefix="/indicators/v1/figures/{indicator}")

Day = Annotated[str | None, Query(description="A calendar day, as 2017-12-31.")]
CellText = Annotated[str | None, Query(description="One cell: dimensions with values, as sex:female,unit:north.")]

_CURSOR: Final = (str, str, str, str)
_NEXT_DIMENSION: Final = re.compile(r",(?=\s*[^\s:,]+:)")
"""The commas between dimensions, and not those within a value."""


def cell_of(written: str | None) -> dict[str, str]:
    """Return the dimensions of a cell with their values. Raises Problem: 400 `wrong_cell`."""
    cell: dict[str, str] = {}
    for each in _NEXT_DIMENSION.split(written or ""):
        name, colon, value = (part.strip() for part in each.partition(":"))
        if not each.strip():
            continue
        if not (name and colon and value) or name in cell:
            raise bad_request("wrong_cell", "Write a cell as sex:female,unit:north, each dimension once.")
        cell[name] = value
    return cell


@contextmanager
def _explaining(services: Services) -> Iterator[Connection]:
    """Open a connection as `reading` does; what has no things behind it, or no bridge, becomes a problem too."""
    with reading(services) as connection:
        try:
            yield connection
        except MadeOfOthers as error:
            extra = {"of": list(error.of)}
            raise Problem(400, "made_of_others", "The figure counts nothing itself", str(error), extra) from None
        except WrongPeriod as error:
            raise bad_request("wrong_period", str(error)) from None


def look(
    connection: Connection, services: Services, principal: Principal, right: Right, cell: Mapping[str, str]
) -> Sight:
    """Return what the holder sees by a right. Raises Problem: 403, the cell is none of what the holder may be told."""
    seen = sight(connection, services, principal, right)
    told = cell if right is Right.FIGURES_READ else {name: value for name, value in cell.items() if name == "unit"}
    if not may_be_told(told, seen.units):
        raise Problem(
            403,
            "outside_reach",
            "The token does not allow this",
            f"The right {right} holds for a part of the units, and this cell lies outside of it.",
        )
    return seen


def _cursor_of(key: Key | None) -> str | None:
    return None if key is None else encode_cursor(key)


@router.get("/why")
def why(
    request: Request,
    principal: Annotated[Principal, requires(Right.FIGURES_READ)],
    indicator: str,
    at: Day = None,
    cell: CellText = None,
    known: Day = None,
) -> Any:
    """Give one cell of a figure and its definition in words."""
    days, dims = (day_of("at", at), day_of("known", known)), cell_of(cell)
    services = services_of(request)
    with _explaining(services) as connection:
        look(connection, services, principal, Right.FIGURES_READ, dims)
        return why_figure(connection, services.definitions, indicator, days[0], dims, days[1])


@router.get("/cases")
def cases(
    request: Request,
    principal: Annotated[Principal, requires(Right.CASES_READ)],
    indicator: str,
    at: Day = None,
    cell: CellText = None,
    known: Day = None,
    cursor: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Any:
    """List what a figure, or one cell of it, counts."""
    days, dims, after = (day_of("at", at), day_of("known", known)), cell_of(cell), decode_cursor(cursor, _CURSOR)
    services = services_of(request)
    with _explaining(services) as connection:
        seen_by = look(connection, services, principal, Right.CASES_READ, dims)
        found = read_cases(
            connection,
            services.definitions,
            indicator,
            days[0],
            after,
            limit,
            cell=dims,
            known=days[1],
            sight=seen_by,
        )
        seen = seen_in(connection, found.items)
        items = with_cases(connection, found.items, services.settings.case_links)
    log(services, principal, Right.CASES_READ, "cases", seen)
    window = {"indicator": indicator, "from": found.window.first, "to": found.window.last}
    return {**window, **page(items, _cursor_of(found.next_after))}


@router.get("/bridge")
def bridge(
    request: Request,
    principal: Annotated[Principal, requires(Right.FIGURES_READ)],
    indicator: str,
    since: Annotated[str | None, Query(alias="from")] = None,
    to: Day = None,
    cell: CellText = None,
    known: Day = None,
) -> Any:
    """Tell in numbers what led from the figure of one day, as known then, to that of another as known now."""
    asked = _asked(indicator, since, to, known, cell)
    services = services_of(request)
    with _explaining(services) as connection:
        look(connection, services, principal, Right.FIGURES_READ, asked.cell or {})
        return read_bridge(connection, services.definitions, asked).as_json()


@router.get("/bridge/cases")
def bridge_cases(
    request: Request,
    principal: Annotated[Principal, requires(Right.CASES_READ)],
    indicator: str,
    step: str,
    since: Annotated[str | None, Query(alias="from")] = None,
    to: Day = None,
    cell: CellText = None,
    known: Day = None,
    cursor: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Any:
    """List the things behind one step of a bridge."""
    asked, after = _asked(indicator, since, to, known, cell), decode_cursor(cursor, _CURSOR)
    if step not in list(Step):
        raise bad_request("wrong_step", f"There is no step '{step}'; the steps are {', '.join(Step)}.")
    services = services_of(request)
    with _explaining(services) as connection:
        seen_by = look(connection, services, principal, Right.CASES_READ, asked.cell or {})
        found = read_bridge_cases(
            connection,
            services.definitions,
            asked,
            Step(step),
            after,
            limit,
            sight=seen_by,
        )
        seen = seen_in(connection, found.items)
    log(services, principal, Right.CASES_READ, "bridge-cases", seen)
    return {"indicator": indicator, "step": found.step, **page(found.items, _cursor_of(found.next_after))}


def _asked(indicator: str, since: str | None, to: str | None, known: str | None, cell: str | None) -> Asked:
    days: dict[str, date | None] = {
        "since": day_of("from", since),
        "until": day_of("to", to),
        "known": day_of("known", known),
    }
    return Asked(indicator, **days, cell=cell_of(cell))
