"""A line for each person that an answer shows."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from efterhand.web.rights import Principal, Right
from efterhand.web.sight import Sight


class Seen(NamedTuple):
    """A person in an answer, with the case that it was about and that case's unit, as far as there is one."""

    person: str
    case: str | None = None
    unit: str | None = None


def lines_of(
    principal: Principal, right: Right, kind: str, seen: Iterable[Seen], sight: Sight | None = None
) -> list[dict[str, Any]]:
    """Return the rows of the log that say who saw whom, each person and case once for an answer.

    Args:
        principal: who saw.
        right: by which.
        kind: of what was read, as `checks`.
        seen: whom the answer shows.
        sight: what the reader sees; tells for which of them the reader had to give a reason.
    """
    role = next((grant.role for grant in principal.grants_with(right)), principal.role)
    who = {"kind": kind, "token_id": principal.token_id, "staff": principal.staff, "role": role}
    reasons = {} if sight is None else sight.borrowed
    return [
        {**who, "person": person, "case_id": case, "unit": unit, "reason": reasons.get(unit or "")}
        for person, case, unit in dict.fromkeys(seen)
    ]
