"""The path under `/indicators/v1` that tells whom intake may dispose of."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request

from efterhand.disposal import WrongHorizon
from efterhand.web.paging import decode_cursor, encode_cursor, page
from efterhand.web.problem import bad_request
from efterhand.web.rights import Principal, Right, requires
from efterhand_indicators.application.list_disposable import list_disposable
from efterhand_indicators.entrypoints.http import day_of, reading, services_of

router = APIRouter(prefix="/indicators/v1")

_CURSOR: Final = (str,)


@router.get("/disposable")
def disposable(
    request: Request,
    _: Annotated[Principal, requires(Right.SYSTEM_OPERATE)],
    before: str | None = None,
    cursor: str | None = None,
) -> Any:
    """List persons of whom nothing lies on or after a day (`before`; default: the latest), by keyed hashes only.

    A page may be empty and yet not the last one.
    """
    day, after = day_of("before", before), decode_cursor(cursor, _CURSOR)
    services = services_of(request)
    with reading(services) as connection:
        try:
            found = list_disposable(
                connection, services.definitions, services.settings.retention_years, day, after[0] if after else ""
            )
        except WrongHorizon as error:
            raise bad_request("wrong_horizon", str(error)) from None
    return {
        "before": found.before,
        **page(found.items, None if found.next_after is None else encode_cursor([found.next_after])),
    }
