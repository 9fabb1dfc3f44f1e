"""Issue tokens, list them without their secret part, and revoke them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from efterhand.catalogue.errors import nearest
from efterhand.web.rights import OWN_SOURCES, ROLES, Grant
from efterhand.web.signin.staff import ROLES_OF_PEOPLE, ROLES_OF_UNITS
from efterhand.web.tokens import Tokens
from efterhand_intake.adapters import registers

_LONGEST_SOURCE = 500
_LONGEST_STAFF = 100


class WrongToken(ValueError):
    """No such token can be issued; says why."""


@dataclass(frozen=True)
class Issued:
    """A token that was just issued; its text is not kept and cannot be shown again."""

    id: str
    token: str
    role: str
    source: str | None
    unit: str | None
    staff: str | None
    expires_at: datetime | None


def issue(
    connection: Connection,
    tokens: Tokens,
    role: str,
    source: str | None = None,
    valid_days: int | None = None,
    *,
    unit: str | None = None,
    staff: str | None = None,
    units: Collection[str] = (),
) -> Issued:
    """Issue a token and keep that it was issued.

    Args:
        connection: in whose transaction it is kept.
        tokens: signs it.
        role: one of the roles; `source` needs a source, `integrator` may have one, and no other role takes one.
        source: the only source that the token may write, or whose refused events it shows.
        valid_days: after which it expires; never without it.
        unit: the unit, with those below it, that a role of units is for; None: all.
        staff: the staff id of whoever gets it.
        units: those that there are.

    Raises:
        WrongToken: the role, the source, the unit, the staff id or the days cannot be.
    """
    if role not in ROLES:
        raise WrongToken(f"There is no role of that name. The roles are {', '.join(ROLES)}.")
    if role == "source" and source is None:
        raise WrongToken("A token of the role source needs a source.")
    if source is not None and role not in ("source", "integrator"):
        raise WrongToken("Only the roles source and integrator take a source.")
    if unit is not None and role not in ROLES_OF_UNITS:
        raise WrongToken(f"The role {role} takes no unit.")
    if unit is not None and unit not in units:
        raise WrongToken(f"There is no unit of that name. {nearest(unit, units).capitalize()}")
    if staff is not None and (role not in ROLES_OF_PEOPLE or not 1 <= len(staff) <= _LONGEST_STAFF):
        raise WrongToken(f"A staff id has 1 to {_LONGEST_STAFF} characters, and only roles of people have one.")
    if source is not None and (not source or len(source.encode("utf-8", "replace")) > _LONGEST_SOURCE):
        raise WrongToken(f"A source has 1 to {_LONGEST_SOURCE} bytes.")
    if source is not None and source.startswith(OWN_SOURCES):
        raise WrongToken(f"Sources that begin with {OWN_SOURCES} are the product's own.")
    valid_for = None if valid_days is None else timedelta(days=valid_days)
    grants = [] if unit is None else [Grant(role, unit)]
    token = tokens.issue(role, source, valid_for, grants=grants, staff=staff)
    token_id = tokens.verify(token).token_id
    expires_at = None if valid_for is None else datetime.now(UTC) + valid_for
    registers.keep_token(connection, token_id, role, source=source, unit=unit, staff=staff, expires=expires_at)
    return Issued(token_id, token, role, source, unit, staff, expires_at)
