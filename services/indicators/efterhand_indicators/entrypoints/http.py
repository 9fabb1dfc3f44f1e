"""The paths under `/indicators/v1`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from threading import Lock
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import Connection

from efterhand.access_log.lines import Seen, lines_of
from efterhand.access_log.reading import AccessFilter, read_access_log
from efterhand.persons.access import keep_access
from efterhand.persons.computing import read_computing
from efterhand.web.paging import DEFAULT_LIMIT, LARGEST_LIMIT
from efterhand.web.problem import Problem, bad_request, being_computed, disposed_of, not_available
from efterhand.web.rights import Principal, Right, requires
from efterhand.web.sight import Sight, sight_of
from efterhand_indicators.adapters.context_store import read_context
from efterhand_indicators.adapters.tables import kept
from efterhand_indicators.application.audit import audit
from efterhand_indicators.application.explaining import protected_persons
from efterhand_indicators.application.figures import (
    BeingComputed,
    NotYet,
    UnknownWord,
    business_date_of,
    list_indicators,
    read_figure,
)
from efterhand_indicators.application.rebuild import rebuild
from efterhand_indicators.application.status import read_status
from efterhand_indicators.bootstrap import Services
from efterhand_indicators.domain.closed_book import Disposed

router = APIRouter(prefix="/indicators/v1")

_one_audit = Lock()

Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]


def services_of(request: Request) -> Services:
    """Return what the app was made with."""
    services: Services = request.app.state.services
    return services


@contextmanager
def reading(services: Services) -> Iterator[Connection]:
    """Open a connection that sees one state of the database; what cannot be answered becomes a problem."""
    with services.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        try:
            yield connection
        except UnknownWord as error:
            raise _unknown(error) from None
        except BeingComputed as error:
            computing = read_computing(connection, kept, read_context(connection).generation)
            raise being_computed(f"'{error.name}'", computing.done, computing.of) from None
        except Disposed as error:
            raise disposed_of(str(error)) from None
        except NotYet as error:
            raise not_available(str(error)) from None
        except OverflowError as error:
            raise bad_request("wrong_date", f"The window lies outside of the calendar: {error}.") from None


def sight(connection: Connection, services: Services, principal: Principal, right: Right) -> Sight:
    """Return what of persons, or of which units' figures, the holder sees by today's tree. Raises NotYet."""
    today = business_date_of(read_context(connection))
    return sight_of(principal, right, services.definitions.catalogue.units, today)


def log(services: Services, principal: Principal, right: Right, kind: str, seen: Sequence[Seen]) -> None:
    """Keep who saw whom, before the answer goes out."""
    if seen:
        with services.engine.begin() as connection:
            keep_access(connection, kept, lines_of(principal, right, kind, seen))


def _unknown(error: UnknownWord) -> Problem:
    meant = f"Did you mean '{error.nearest}'?" if error.nearest else f"Known: {', '.join(error.known)}."
    extra = {"nearest": error.nearest, "known": error.known}
    status = 404 if error.what == "indicator" else 400
    return Problem(status, f"unknown_{error.what}", f"There is no such {error.what}", f"{error} {meant}", extra)


def dimensions(by: str | None) -> list[str]:
    """Return the dimensions that a parameter names, with commas between them."""
    return [each.strip() for each in (by or "").split(",") if each.strip()]


def day_of(name: str, value: str | None) -> date | None:
    """Return the day that a parameter gives, None without one. Raises Problem: 400 `wrong_date`."""
    if value is None or value == "":
        return None
    try:
        if len(value) != len("YYYY-MM-DD"):
            raise ValueError
        return date.fromisoformat(value)
    except ValueError:
        raise bad_request("wrong_date", f"'{name}' is no calendar day; write it as 2017-12-31.") from None


@router.get("/indicators")
def indicators(request: Request, _: Annotated[Principal, requires(Right.FIGURES_READ)]) -> Any:
    """List the indicators that can be asked for."""
    services = services_of(request)
    with reading(services) as connection:
        context = read_context(connection)
    return {"items": list_indicators(services.definitions, context), "next": None}


@router.get("/figures/{indicator}")
def figure(
    request: Request,
    principal: Annotated[Principal, requires(Right.FIGURES_READ)],
    indicator: str,
    at: str | None = None,
    by: str | None = None,
    known: str | None = None,
) -> Any:
    """Give a figure at T (`at`; default: the business date), by every combination of the dimensions in `by`.

    Who has the right for a part of the tree is told the units of that part, and the total of all and by sex.
    """
    days = day_of("at", at), day_of("known", known)
    services = services_of(request)
    with reading(services) as connection:
        units = sight(connection, services, principal, Right.FIGURES_READ).units
        found = read_figure(connection, services.definitions, indicator, days[0], dimensions(by), days[1])
        return found.within(units).as_json()


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
        seen_by = sight(connection, services, principal, Right.LOG_READ)
        today = business_date_of(read_context(connection))
        found, seen = read_access_log(
            connection,
            kept.access_log,
            wanted,
            seen_by,
            lambda persons: protected_persons(connection, persons, today),
            cursor,
            limit,
        )
    log(services, principal, Right.LOG_READ, "access-log", seen)
    return found


@router.get("/status")
def status(request: Request, _: Annotated[Principal, requires(Right.STATUS_READ)]) -> Any:
    """Tell how far the service has come."""
    services = services_of(request)
    # Before the database: what is applied in between is seen there, and nothing falls between the two.
    lag = services.announcements.lag()
    with reading(services) as connection:
        return {**read_status(connection, services.definitions), "lag": lag}


@router.post("/rebuild", status_code=202)
def everything_anew(request: Request, _: Annotated[Principal, requires(Right.SYSTEM_OPERATE)]) -> Any:
    """Have everything computed anew beside the live traffic."""
    services = services_of(request)
    with services.engine.begin() as connection:
        dirty = rebuild(connection)
    services.drainer.rounds.notify()
    return {"dirty": dirty}


@router.post("/audit")
def compare_everything(request: Request, _: Annotated[Principal, requires(Right.SYSTEM_OPERATE)]) -> Any:
    """Compute everything again and list what differs from what is stored."""
    services = services_of(request)
    if not _one_audit.acquire(blocking=False):
        raise Problem(409, "audit_running", "An audit is running", "Wait for its end.")
    try:
        return audit(services.engine, services.definitions, services.settings.secret.get_secret_value())
    finally:
        _one_audit.release()
