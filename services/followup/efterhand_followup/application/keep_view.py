"""Saved views: what a user chose in the worklist, under a name of the user's own."""

from typing import Any, Final

from sqlalchemy import Connection, delete, select

from efterhand.database import bulk_insert
from efterhand.web.problem import Problem, not_found
from efterhand_followup.adapters.tables import saved_view

MOST_VIEWS: Final = 30
LONGEST_NAME: Final = 60
LONGEST_QUERY: Final = 1000


def list_views(connection: Connection, owner: str) -> dict[str, Any]:
    """Return a user's views, by name."""
    found = select(saved_view.c.name, saved_view.c.query).where(saved_view.c.owner == owner)
    return {"items": [dict(row) for row in connection.execute(found.order_by(saved_view.c.name)).mappings()]}


def keep_view(connection: Connection, owner: str, name: str, query: str) -> None:
    """Keep what was chosen under a name; another one of the same name goes.

    Raises:
        Problem: 422, the name or the query is too long or empty, or there are too many.
    """
    if not 0 < len(name) <= LONGEST_NAME or "\0" in name + query or len(query) > LONGEST_QUERY:
        raise _wrong(f"Give a name of 1 to {LONGEST_NAME} characters, and a query of at most {LONGEST_QUERY}.")
    names = {each["name"] for each in list_views(connection, owner)["items"]}
    if name not in names and len(names) >= MOST_VIEWS:
        raise _wrong(f"There can be {MOST_VIEWS} saved views: take one away first.")
    bulk_insert(connection, saved_view, [{"owner": owner, "name": name, "query": query}], on_conflict="update")


def remove_view(connection: Connection, owner: str, name: str) -> None:
    """Take a view away.

    Raises:
        Problem: 404, there is none of that name.
    """
    gone = delete(saved_view).where(saved_view.c.owner == owner, saved_view.c.name == name)
    if not connection.execute(gone).rowcount:
        raise not_found("There is no saved view of that name.")


def _wrong(detail: str) -> Problem:
    return Problem(422, "wrong_value", "The view cannot be kept", detail)
