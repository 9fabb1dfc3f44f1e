"""Access to a unit outside of somebody's reach, for a while and with a reason."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from efterhand.catalogue.units import UnitTree
from efterhand.contracts.identity_numbers import contains_identity_number
from efterhand.web.problem import Problem
from efterhand.web.rights import Grant, Principal, Right
from efterhand.web.sight import sight_of

SHORTEST_REASON: Final = 10
LONGEST_REASON: Final = 200
"""Characters."""


def glass_grant(
    principal: Principal, unit: str, reason: str, tree: UnitTree, today: date, hours: int, now: datetime | None = None
) -> Grant:
    """Return what somebody may do in another unit for some hours: what the own role may do at home.

    Args:
        principal: who asks; a person with a role that may ask.
        unit: outside of that person's reach.
        reason: in the person's own words.
        tree: of the units.
        today: the business date, whose tree says what lies in the reach.
        hours: after which the access ends.
        now: the clock on the wall; None: now.

    Raises:
        Problem: 403, it is no person who asks; 422, the unit or the reason cannot be.
    """
    grant = next(principal.grants_with(Right.GLASS_BREAK), None)
    if grant is None or principal.staff is None:
        raise Problem(
            403, "not_signed_in", "The token does not allow this", "Only staff who are signed in take access to a unit."
        )
    if unit not in tree.units or sight_of(principal, Right.CHECKS_READ, tree, today).sees(unit):
        raise _wrong("wrong_unit", "Name a unit of the catalogue that you do not see already.")
    said = " ".join(reason.split())
    if not SHORTEST_REASON <= len(said) <= LONGEST_REASON:
        raise _wrong("wrong_reason", f"Give a reason of {SHORTEST_REASON} to {LONGEST_REASON} characters.")
    if contains_identity_number(said):
        raise _wrong("wrong_reason", "The reason holds an identity number: say it without one.")
    until = (now or datetime.now(UTC)) + timedelta(hours=hours)
    return Grant(grant.role, unit, until=until.timestamp(), reason=said)


def _wrong(code: str, detail: str) -> Problem:
    return Problem(422, code, "The access cannot be given", detail)
