"""The paths under `/followup/v1`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from threading import Lock
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from efterhand.access_log.lines import Seen, lines_of
from efterhand.access_log.reading import AccessFilter, read_access_log
from efterhand.persons.access import keep_access
from efterhand.timeline.checks import State
from efterhand.timeline.doubts import CODES
from efterhand.web.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from efterhand.web.problem import Problem, bad_request, not_available
from efterhand.web.rights import Principal, Right, requires
from efterhand.web.sight import Sight, sight_of
from efterhand_followup.adapters import tables
from efterhand_followup.adapters.intake_client import IntakeUnavailable
from efterhand_followup.application.answer_check import answer_event
from efterhand_followup.application.audit import audit
from efterhand_followup.application.move_date import rebuild
from efterhand_followup.application.read_checks import CheckFilter, due_summary, read_checks
from efterhand_followup.application.read_doubts import DoubtFilter, read_doubts
from efterhand_followup.application.read_notices import NoticeFilter, Status, read_notices
from efterhand_followup.application.read_status import read_backlog, read_status
from efterhand_followup.application.reading import Asked, context_with_date
from efterhand_followup.application.who_is_seen import protected_among, seen_in, seen_in_notices
from efterhand_followup.application.why_check import why_check
from efterhand_followup.bootstrap import Services

router = APIRouter(prefix="/followup/v1")

_one_audit = Lock()

Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]


@contextmanager
def _reading(services: Services) -> Iterator[Connection]:
    """Open a connection that sees one state of the database."""
    with services.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        yield connection


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _said(names: str | None) -> tuple[str, ...]:
    return tuple(each for each in (names or "").split(",") if each)


def _sight(connection: Connection, services: Services, principal: Principal, right: Right) -> Sight:
    """Return what of persons the holder sees today; a case follows its transfers."""
    _, today = context_with_date(connection)
    return sight_of(principal, right, services.catalogue.units, today)


def _log(services: Services, principal: Principal, right: Right, kind: str, seen: Sequence[Seen], sight: Sight) -> None:
    """Keep who saw whom, before the answer goes out."""
    if seen:
        with services.engine.begin() as connection:
            keep_access(connection, tables.kept, lines_of(principal, right, kind, seen, sight))


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
    states = _said(state)
    if unknown := [each for each in states if each not in list(State)]:
        raise bad_request("wrong_state", f"There is no state {unknown[0]!r}; the states are {', '.join(State)}.")
    services = _services(request)
    with _reading(services) as connection:
        sight = _sight(connection, services, principal, Right.CHECKS_READ)
        found = read_checks(
            connection,
            services.catalogue,
            Asked(on, sight),
            CheckFilter(person, case, unit, _said(protocol), states),
            cursor,
            limit,
        )
    _log(services, principal, Right.CHECKS_READ, "checks", seen_in(found["items"]), sight)
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
    cursor: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Any:
    """List notices; without a status those of every status."""
    services = _services(request)
    with _reading(services) as connection:
        sight = _sight(connection, services, principal, Right.NOTICES_READ)
        found = read_notices(
            connection,
            services.catalogue,
            Asked(on, sight),
            NoticeFilter(status, unit, check, summed_into),
            cursor,
            limit,
        )
        seen = seen_in_notices(connection, found["items"])
    _log(services, principal, Right.NOTICES_READ, "notices", seen, sight)
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
    if code is not None and code not in CODES:
        raise bad_request("wrong_code", f"There is no code {code!r}; the codes are {', '.join(CODES)}.")
    services = _services(request)
    with _reading(services) as connection:
        sight = _sight(connection, services, principal, Right.CHECKS_READ)
        found = read_doubts(connection, services.catalogue, DoubtFilter(unit, source, code), sight, cursor, limit)
    _log(services, principal, Right.CHECKS_READ, "doubts", seen_in(found["items"]), sight)
    return found


@router.get("/due-summary")
def summary(
    request: Request, principal: Annotated[Principal, requires(Right.CHECKS_READ)], on: date | None = None
) -> Any:
    """Count unsettled checks by unit and state."""
    services = _services(request)
    with _reading(services) as connection:
        sight = _sight(connection, services, principal, Right.CHECKS_READ)
        return due_summary(connection, services.catalogue, Asked(on, sight))


@router.get("/checks/{check_id}/why")
def why(request: Request, principal: Annotated[Principal, requires(Right.CHECKS_READ)], check_id: str) -> Any:
    """Show the events behind a check."""
    services = _services(request)
    with _reading(services) as connection:
        sight = _sight(connection, services, principal, Right.CHECKS_READ)
        found = why_check(connection, services.catalogue, check_id, sight)
    _log(services, principal, Right.CHECKS_READ, "why", seen_in([found["check"]]), sight)
    return found


@router.post("/checks/{check_id}/answer")
def answer(
    request: Request,
    principal: Annotated[Principal, requires(Right.CHECKS_ANSWER)],
    check_id: str,
    body: Annotated[dict[str, Any], Body()],
) -> Response:
    """Answer a check. The answer goes through intake, whose refusal is passed on as it is."""
    services = _services(request)
    with _reading(services) as connection:
        event = answer_event(
            connection,
            check_id,
            body,
            _sight(connection, services, principal, Right.CHECKS_ANSWER),
            manual_clock=services.settings.clock == "manual",
        )
    # No connection is held while the door is asked.
    try:
        reply = services.intake.post(event)
    except IntakeUnavailable:
        raise not_available("The answer was not kept, because intake does not answer.") from None
    if not reply.accepted:
        return Response(reply.body, reply.status, media_type=reply.media_type)
    return JSONResponse({"event": {"source": event["source"], "id": event["id"]}}, 202)


@router.get("/access-log")
def access_log(
    request: Request,
    principal: Annotated[Principal, requires(Right.LOG_READ)],
    person: str | None = None,
    case: str | None = None,
    staff: str | None = None,
    token: str | None = None,
    day: date | None = None,
    kind: str | None = None,
    cursor: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Any:
    """List who saw whom here, the newest line first."""
    services = _services(request)
    with _reading(services) as connection:
        sight = _sight(connection, services, principal, Right.LOG_READ)
        found, seen = read_access_log(
            connection,
            tables.kept.access_log,
            AccessFilter(person, case, staff, token, day, kind),
            sight,
            partial(protected_among, connection),
            cursor,
            limit,
        )
    _log(services, principal, Right.LOG_READ, "access-log", seen, sight)
    return found


@router.get("/status")
def status(request: Request, _: Annotated[Principal, requires(Right.STATUS_READ)]) -> Any:
    """Tell how far the service has come."""
    services = _services(request)
    # Before the database: what is applied in between is seen there, and nothing falls between the two.
    lag = services.announcements.lag()
    with _reading(services) as connection:
        return read_status(connection, lag, services.catalogue.version)


@router.post("/rebuild", status_code=202)
def everything_anew(request: Request, _: Annotated[Principal, requires(Right.SYSTEM_OPERATE)]) -> Any:
    """Have everything computed anew beside the live traffic."""
    services = _services(request)
    with services.engine.begin() as connection:
        rebuild(connection)
        backlog = read_backlog(connection)
    services.clock.rounds.notify()
    return {"dirty": backlog.persons}


@router.post("/audit")
def compare_everything(request: Request, _: Annotated[Principal, requires(Right.SYSTEM_OPERATE)]) -> Any:
    """Compute everything again and list what differs from what is stored."""
    services = _services(request)
    if not _one_audit.acquire(blocking=False):
        raise Problem(409, "audit_running", "An audit is running", "Wait for its end.")
    try:
        found = audit(services.engine, services.catalogue, services.settings.secret.get_secret_value())
    finally:
        _one_audit.release()
    return {"checked": found.checked, "pending": found.pending, "differences": found.differences}
