"""What every path needs of its request: the services, a connection to read by, and who asks."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Request
from sqlalchemy import Connection

from efterhand.web.rights import Principal, Right
from efterhand_followup.application.reach import Viewer
from efterhand_followup.bootstrap import Services


def services_of(request: Request) -> Services:
    """Return the services of the app that was asked."""
    services: Services = request.app.state.services
    return services


@contextmanager
def reading(services: Services) -> Iterator[Connection]:
    """Open a connection that sees one state of the database."""
    with services.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        yield connection


def said(names: str | None) -> tuple[str, ...]:
    """Return the names in a parameter that may hold several, with commas."""
    return tuple(each for each in (names or "").split(",") if each)


def viewer_of(principal: Principal) -> Viewer:
    """Return whoever asks as the worklist knows them."""
    staff = staff_of(principal)
    return Viewer(
        actor=staff or f"token:{principal.token_id}",
        staff=staff,
        reach=reach_of(principal),
        sees_protected=principal.may(Right.PROTECTED_READ),
    )


def reach_of(_: Principal) -> frozenset[str] | None:
    """Return the units at the top of what is in reach; None: everywhere."""
    return None


def staff_of(_: Principal) -> str | None:
    """Return the id by which cases name the holder as their worker; None: not known."""
    return None
