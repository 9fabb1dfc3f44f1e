"""What every act on a check needs: the check, locked and seen; the key; and that the same form is the same act."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import Connection

from efterhand.catalogue import Catalogue
from efterhand.persons.store import lock_persons
from efterhand.timeline.checks import person_of
from efterhand.web.problem import Problem, not_found
from efterhand_followup.adapters.act_store import add_act, find_act
from efterhand_followup.adapters.tables import kept
from efterhand_followup.application.read_worklist import visible_check
from efterhand_followup.application.reading import context_with_date
from efterhand_followup.application.viewer import Viewer
from efterhand_followup.domain.acts import Act, recorded_at
from efterhand_followup.domain.context import Progress
from efterhand_followup.domain.standing import Row
from efterhand_followup.domain.worklist import OPEN_STATES

_KEY: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")
_DECIDED_HERE: Final = ("person", "check", "subject")


@dataclass(frozen=True)
class Acting:
    """Whoever acts, by which catalogue, and at what time.

    Attributes:
        catalogue: the installation's.
        viewer: whoever acts.
        manual_clock: whether the business date is moved by hand.
        now: the clock on the wall.
    """

    catalogue: Catalogue
    viewer: Viewer
    manual_clock: bool
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def time(self, connection: Connection, last: datetime | None = None) -> datetime:
        """Return the instant at which something is said to be recorded now, after `last`."""
        _, today = context_with_date(connection)
        return recorded_at(self.now(), today if self.manual_clock else None, last)


def locked_check(connection: Connection, acting: Acting, check_id: str) -> Row:
    """Return a check that may be seen; its person is locked until the transaction ends.

    Raises:
        Problem: 404, there is no such check, or it may not be seen; 503 before there is a business date.
    """
    if not lock_persons(connection, kept, [person_of(check_id)], Progress):
        raise not_found("There is no such check.")
    return visible_check(connection, acting.catalogue, acting.viewer, check_id)


def must_be_open(check: Row) -> None:
    """Refuse to act on a check that is settled, or that nobody has to do anything about yet.

    Raises:
        Problem: 409 `not_open`.
    """
    if check["state"] not in OPEN_STATES:
        raise Problem(409, "not_open", "The check is not open", f"Its state is {check['state']}.")


def must_leave_out(said: Mapping[str, Any]) -> None:
    """Refuse a body that says which check it is about: the path does.

    Raises:
        Problem: 422 `unknown_field`.
    """
    if wrong := [name for name in _DECIDED_HERE if name in said]:
        raise Problem(
            422,
            "unknown_field",
            "The request is not as documented",
            f"The path says which check it is about: leave out {', '.join(wrong)}.",
            {"field": wrong[0]},
        )


def must_be_key(key: object) -> str:
    """Return a form's key.

    Raises:
        Problem: 422 `wrong_value`.
    """
    if isinstance(key, str) and _KEY.fullmatch(key):
        return key
    raise Problem(
        422,
        "wrong_value",
        "The request is not as documented",
        "A key is 1 to 100 characters of A-Z a-z 0-9 . _ -",
        {"field": "key"},
    )


def day_said(said: Mapping[str, Any], field: str) -> date:
    """Return the day in a field of a form.

    Raises:
        Problem: 422 `wrong_value`.
    """
    try:
        return date.fromisoformat(said.get(field, ""))
    except (TypeError, ValueError):
        raise Problem(
            422,
            "wrong_value",
            "The request is not as documented",
            f"Give {field} as a day, YYYY-MM-DD.",
            {"field": field},
        ) from None


def done_before(connection: Connection, acting: Acting, check: Row, kind: str, key: str, said: object) -> Act | None:
    """Return the act that a form has become already, or None.

    Raises:
        Problem: 409 `key_used`, the key stands for something else.
    """
    before = find_act(connection, check, key)
    if before is not None and (before.kind, before.made_by, before.said) != (kind, acting.viewer.actor, said):
        raise Problem(409, "key_used", "The key stands for something else", "Give every form a key of its own.")
    return before


def keep(
    connection: Connection,
    acting: Acting,
    check: Row,
    *,
    kind: str,
    key: str,
    said: Mapping[str, Any],
    event: Mapping[str, Any] | None,
    undoes: str | None = None,
) -> Act:
    """Keep an act and return it. One that becomes an event counts when intake has accepted that."""
    _, today = context_with_date(connection)
    new = Act(
        person=check["person"],
        check_id=check["id"],
        key=key,
        kind=kind,
        made_by=acting.viewer.actor,
        made_at=acting.now(),
        made_on=today,
        said=said,
        event=event,
        undoes=undoes,
        accepted=event is None,
    )
    add_act(connection, new)
    return new
