"""The paths of the worklist: reads, and the views that users keep."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Request
from starlette.responses import Response

from efterhand.timeline.misses import Why
from efterhand.web.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from efterhand.web.problem import bad_request
from efterhand.web.rights import Principal, Right, requires
from efterhand_followup.application.keep_view import keep_view, list_views, remove_view
from efterhand_followup.application.read_story import read_story
from efterhand_followup.application.read_worklist import Wanted, read_counts, read_worklist
from efterhand_followup.application.references import resolve
from efterhand_followup.application.who_is_seen import seen_in, seen_in_ids
from efterhand_followup.domain.worklist import Group, Late, Missed
from efterhand_followup.entrypoints.requests import (
    actor_of,
    presenting,
    reading,
    remember,
    said,
    services_of,
    sight_now,
    viewer_of,
    write_down,
)

router = APIRouter(prefix="/followup/v1")

Reader = Annotated[Principal, requires(Right.CHECKS_READ)]


@router.get("/worklist")
def worklist(
    request: Request,
    principal: Reader,
    group: str | None = None,
    mine: bool = False,
    unit: str | None = None,
    worker: str | None = None,
    protocol: str | None = None,
    case: Annotated[str | None, Query(max_length=100)] = None,
    sort: Literal["due", "-due", "case"] = "due",
    nobodys: bool = False,
    late: Late | None = None,
    missed: Missed | None = None,
    why: Why | None = None,
    listed_in: Annotated[str | None, Query(alias="list", max_length=300)] = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_LIMIT)] = DEFAULT_LIMIT,
) -> Any:
    """List what is to be done; `group` and `protocol` may name several, with commas; `case` is a part of a number.

    With `missed`, or the `list` of a catch-up notice, what is listed is of any group.
    """
    groups = said(group)
    if unknown := [each for each in groups if each not in list(Group)]:
        raise bad_request("wrong_group", f"There is no group {unknown[0]!r}; the groups are {', '.join(Group)}.")
    services = services_of(request)
    wanted = Wanted(
        tuple(Group(each) for each in groups),
        mine,
        unit,
        worker,
        said(protocol),
        case or None,
        sort,
        nobodys=nobodys,
        late=late,
        missed=missed,
        why=why,
        listed_in=listed_in,
    )
    with reading(services) as connection:
        viewer = viewer_of(connection, services, principal, Right.CHECKS_READ)
        found = read_worklist(connection, presenting(services), viewer, wanted, cursor, limit)
    write_down(services, principal, Right.CHECKS_READ, "worklist", seen_in(found["items"]), viewer.sight)
    remember(services, found["items"])
    return found


@router.get("/worklist/counts")
def counts(request: Request, principal: Reader) -> Any:
    """Count what is to be done by unit and group; every unit by itself."""
    services = services_of(request)
    with reading(services) as connection:
        viewer = viewer_of(connection, services, principal, Right.CHECKS_READ)
        return read_counts(connection, services.catalogue, viewer)


@router.get("/references")
def references(request: Request, principal: Reader, ref: str) -> Any:
    """Tell which checks the references (several, with commas) of addresses stand for."""
    services = services_of(request)
    with reading(services) as connection:
        sight = sight_now(connection, services, principal, Right.CHECKS_READ)
        found = resolve(connection, sight, said(ref))
        seen = seen_in_ids(connection, [each["check"] for each in found["items"]])
    write_down(services, principal, Right.CHECKS_READ, "references", seen, sight)
    return found


@router.get("/checks/{check_id}/story")
def story(request: Request, principal: Reader, check_id: str) -> Any:
    """Show a check and its whole case: what happened, what is expected, what was told to whom."""
    services = services_of(request)
    with reading(services) as connection:
        viewer = viewer_of(connection, services, principal, Right.CHECKS_READ)
        found = read_story(connection, presenting(services), viewer, check_id)
    shown = [found["check"], *found["checks"]]
    write_down(services, principal, Right.CHECKS_READ, "story", seen_in(shown), viewer.sight)
    remember(services, shown)
    return found


@router.get("/views")
def views(request: Request, principal: Reader) -> Any:
    """List the user's saved views of the worklist."""
    services = services_of(request)
    with reading(services) as connection:
        return list_views(connection, actor_of(principal))


@router.put("/views/{name}", status_code=204)
def save_view(request: Request, principal: Reader, name: str, query: Annotated[str, Body(embed=True)]) -> Response:
    """Keep the query of a worklist's address under a name."""
    with services_of(request).engine.begin() as connection:
        keep_view(connection, actor_of(principal), name, query)
    return Response(status_code=204)


@router.delete("/views/{name}", status_code=204)
def forget_view(request: Request, principal: Reader, name: str) -> Response:
    """Take a saved view away."""
    with services_of(request).engine.begin() as connection:
        remove_view(connection, actor_of(principal), name)
    return Response(status_code=204)
