"""What every path needs: the services, a connection to read by, who asks, and a line of whom they saw."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import Request
from sqlalchemy import Connection

from efterhand.access_log.lines import Seen, lines_of
from efterhand.persons.access import keep_access
from efterhand.web.rights import Principal, Right
from efterhand.web.sight import Sight, sight_of
from efterhand_followup.adapters import tables
from efterhand_followup.application.read_worklist import Presenting
from efterhand_followup.application.reading import context_with_date
from efterhand_followup.application.references import note_references
from efterhand_followup.application.viewer import Viewer
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


def sight_now(connection: Connection, services: Services, principal: Principal, right: Right) -> Sight:
    """Return what of persons the holder sees today; a case follows its transfers.

    Raises:
        Problem: 503 before there is a business date.
    """
    _, today = context_with_date(connection)
    return sight_of(principal, right, services.catalogue.units, today)


def viewer_of(connection: Connection, services: Services, principal: Principal, right: Right) -> Viewer:
    """Return whoever asks as the worklist knows them.

    Raises:
        Problem: 503 before there is a business date.
    """
    return Viewer(actor_of(principal), principal.staff, sight_now(connection, services, principal, right))


def actor_of(principal: Principal) -> str:
    """Return whose acts and views the holder's are: a member of staff's in every session, else the token's."""
    return f"token:{principal.token_id}" if principal.staff is None else f"staff:{principal.staff}"


def write_down(
    services: Services, principal: Principal, right: Right, kind: str, seen: Sequence[Seen], sight: Sight
) -> None:
    """Keep in the log who saw whom, before the answer goes out."""
    if seen:
        with services.engine.begin() as connection:
            keep_access(connection, tables.kept, lines_of(principal, right, kind, seen, sight))


def presenting(services: Services) -> Presenting:
    """Return what the items of lists are made with."""
    return Presenting(services.catalogue, services.tokens, services.settings.case_links)


def remember(services: Services, checks: Iterable[Mapping[str, Any]]) -> None:
    """Keep the references that are given out, so that addresses with them lead back; checks have `person` and `id`."""
    with services.engine.begin() as connection:
        note_references(connection, services.tokens, checks)
