"""The paths of the register owner: the months, and the list to match of one."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from efterhand.web.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from efterhand.web.references import reference_of
from efterhand.web.rights import Principal, Right, requires
from efterhand_followup.application.read_register import as_csv, month_of, read_month, read_months
from efterhand_followup.application.who_is_seen import seen_in
from efterhand_followup.entrypoints.requests import reading, remember, services_of, sight_now, write_down

router = APIRouter(prefix="/followup/v1")

Owner = Annotated[Principal, requires(Right.REGISTER_READ)]


@router.get("/register")
def months(request: Request, principal: Owner, cursor: str | None = None) -> Any:
    """List the months to match, the last one first, with how much has been reported of each."""
    services = services_of(request)
    with reading(services) as connection:
        sight = sight_now(connection, services, principal, Right.REGISTER_READ)
        return read_months(connection, services.catalogue, sight, cursor)


@router.get("/register/{month}")
def month(
    request: Request,
    principal: Owner,
    month: str,
    left: bool = False,
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_LIMIT)] = DEFAULT_LIMIT,
) -> Any:
    """List the checks that look at a month (`YYYY-MM`); `format=csv` gives all of them as a file."""
    asked, whole = month_of(month), form == "csv"
    services = services_of(request)
    with reading(services) as connection:
        sight = sight_now(connection, services, principal, Right.REGISTER_READ)
        found = read_month(
            connection,
            services.catalogue,
            sight,
            asked,
            left=left,
            cursor=None if whole else cursor,
            limit=None if whole else limit,
        )
    write_down(services, principal, Right.REGISTER_READ, "register", seen_in(found["items"]), sight)
    if not whole:
        remember(services, found["items"])
        items = [{**each, "ref": reference_of(services.tokens, each["id"])} for each in found["items"]]
        return {**found, "items": items}
    headers = {"content-disposition": f'attachment; filename="register-{month}.csv"', "cache-control": "no-store"}
    return Response(as_csv(found), headers=headers, media_type="text/csv; charset=utf-8")
