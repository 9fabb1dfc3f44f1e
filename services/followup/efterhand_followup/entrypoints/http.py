"""The paths under `/followup/v1`."""

from datetime import date
from functools import partial
from threading import Lock
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from efterhand.access_log.reading import AccessFilter, read_access_log
from efterhand.timeline.checks import State
from efterhand.timeline.doubts import CODES
from efterhand.web.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from efterhand.web.problem import Problem, bad_request
from efterhand.web.rights import Principal, Right, requires
from efterhand_followup.adapters import tables
from efterhand_followup.application.audit import audit
from efterhand_followup.application.move_date import rebuild
from efterhand_followup.application.read_checks import CheckFilter, due_summary, read_checks
from efterhand_followup.application.read_doubts import DoubtFilter, read_counts, read_doubts, with_ways
from efterhand_followup.application.read_notices import NoticeFilter, Status, read_notices
from efterhand_followup.application.read_status import read_backlog, read_status
from efterhand_followup.application.reading import Asked
from efterhand_followup.application.who_is_seen import protected_among, seen_in, seen_in_notices
from efterhand_followup.application.why_check import why_check
from efterhand_followup.entrypoints.requests import (
    presenting,
    reading,
    remember,
    said,
    services_of,
    sight_now,
    write_down,
)

router = APIRouter(prefix="/followup/v1")

_one_audit = Lock()

Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]


@router.get("/checks")
def checks(
    request: Request,
    principal: Annotated[Principal, requires(Right.CHECKS_READ)],
    on: date | None = None,
    person: str | None = None,
    case: str | None = None,
    unit: str | None = None,
    protocol: str | None = None,
    state: str | None = None,
    cursor: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Any:
    """List checks; `state` and `protocol` may name several, with commas. A unit stands for those under it too."""
    states = said(state)
    if unknown := [each for each in states if each not in list(State)]:
        raise bad_request("wrong_state", f"There is no state {unknown[0]!r}; the states are {', '.join(State)}.")
    services = services_of(request)
    with reading(services) as connection:
        sight = sight_now(connection, services, principal, Right.CHECKS_READ)
        found = read_checks(
            connection,
            services.catalogue,
            Asked(on, sight),
            CheckFilter(person, case, unit, said(protocol), states),
            cursor,
            limit,
        )
    write_down(services, principal, Right.CHECKS_READ, "checks", seen_in(found["items"]), sight)
    return found


@router.get("/notices")
def notices(
    request: Request,
    principal: Annotated[Principal, requires(Right.NOTICES_READ)],
    on: date | None = None,
    status: Status | None = None,
    unit: str | None = None,
    check: str | None = None,
    summed_into: str | None = None,
    log: bool = False,
    cursor: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Any:
    """List notices; without a status those of every status, with `log` also when they were made and withdrawn."""
    services = services_of(request)
    with reading(services) as connection:
        sight = sight_now(connection, services, principal, Right.NOTICES_READ)
        found = read_notices(
            connection,
            services.catalogue,
            Asked(on, sight),
            NoticeFilter(status, unit, check, summed_into),
            cursor,
            limit,
            log=log,
        )
        seen = seen_in_notices(connection, found["items"])
    write_down(services, principal, Right.NOTICES_READ, "notices", seen, sight)
    return found


@router.get("/doubts")
def doubts(
    request: Request,
    principal: Annotated[Principal, requires(Right.CHECKS_READ)],
    unit: str | None = None,
    source: str | None = None,
    code: str | None = None,
    cursor: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Any:
    """List what was accepted and is doubtful, with what to do about it. A unit stands for those under it too."""
    _check_code(code)
    services = services_of(request)
    with reading(services) as connection:
        sight = sight_now(connection, services, principal, Right.CHECKS_READ)
        found = read_doubts(connection, services.catalogue, DoubtFilter(unit, source, code), sight, cursor, limit)
        items = with_ways(connection, presenting(services), found["items"])
    write_down(services, principal, Right.CHECKS_READ, "doubts", seen_in(items), sight)
    remember(services, ({"person": each["person"], "id": each["check"]} for each in items if each["check"]))
    return {**found, "items": items}


@router.get("/doubts/counts")
def doubt_counts(
    request: Request,
    principal: Annotated[Principal, requires(Right.CHECKS_READ)],
    unit: str | None = None,
    source: str | None = None,
    code: str | None = None,
) -> Any:
    """Count what is doubtful by code, unit and source; a unit stands for those under it too."""
    _check_code(code)
    services = services_of(request)
    with reading(services) as connection:
        sight = sight_now(connection, services, principal, Right.CHECKS_READ)
        return read_counts(connection, services.catalogue, DoubtFilter(unit, source, code), sight)


def _check_code(code: str | None) -> None:
    if code is not None and code not in CODES:
        raise bad_request("wrong_code", f"There is no code {code!r}; the codes are {', '.join(CODES)}.")


@router.get("/due-summary")
def summary(
    request: Request, principal: Annotated[Principal, requires(Right.CHECKS_READ)], on: date | None = None
) -> Any:
    """Count unsettled checks by unit and state."""
    services = services_of(request)
    with reading(services) as connection:
        sight = sight_now(connection, services, principal, Right.CHECKS_READ)
        return due_summary(connection, services.catalogue, Asked(on, sight))


@router.get("/checks/{check_id}/why")
def why(request: Request, principal: Annotated[Principal, requires(Right.CHECKS_READ)], check_id: str) -> Any:
    """Show the events behind a check."""
    services = services_of(request)
    with reading(services) as connection:
        sight = sight_now(connection, services, principal, Right.CHECKS_READ)
        found = why_check(connection, services.catalogue, check_id, sight)
    write_down(services, principal, Right.CHECKS_READ, "why", seen_in([found["check"]]), sight)
    return found


@router.get("/access-log")
def access_log(
    request: Request,
    principal: Annotated[Principal, requires(Right.LOG_READ)],
    wanted: Annotated[AccessFilter, Depends()],
    cursor: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Any:
    """List who saw whom here, the newest line first."""
    services = services_of(request)
    with reading(services) as connection:
        sight = sight_now(connection, services, principal, Right.LOG_READ)
        found, seen = read_access_log(
            connection,
            tables.kept.access_log,
            wanted,
            sight,
            partial(protected_among, connection),
            cursor,
            limit,
        )
    write_down(services, principal, Right.LOG_READ, "access-log", seen, sight)
    return found


@router.get("/status")
def status(request: Request, _: Annotated[Principal, requires(Right.STATUS_READ)]) -> Any:
    """Tell how far the service has come."""
    services = services_of(request)
    # Before the database: what is applied in between is seen there, and nothing falls between the two.
    lag = services.announcements.lag()
    with reading(services) as connection:
        return read_status(connection, lag, services.catalogue.version)


@router.post("/rebuild", status_code=202)
def everything_anew(request: Request, _: Annotated[Principal, requires(Right.SYSTEM_OPERATE)]) -> Any:
    """Have everything computed anew beside the live traffic."""
    services = services_of(request)
    with services.engine.begin() as connection:
        rebuild(connection)
        backlog = read_backlog(connection)
    services.clock.rounds.notify()
    return {"dirty": backlog.persons}


@router.post("/audit")
def compare_everything(request: Request, _: Annotated[Principal, requires(Right.SYSTEM_OPERATE)]) -> Any:
    """Compute everything again and list what differs from what is stored."""
    services = services_of(request)
    if not _one_audit.acquire(blocking=False):
        raise Problem(409, "audit_running", "An audit is running", "Wait for its end.")
    try:
        found = audit(services.engine, services.catalogue, services.settings.secret.get_secret_value())
    finally:
        _one_audit.release()
    return {"checked": found.checked, "pending": found.pending, "differences": found.differences}
