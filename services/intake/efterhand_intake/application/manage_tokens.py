"""Issue tokens, list them without their secret part, and revoke them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from efterhand.web.rights import OWN_SOURCES, ROLES
from efterhand.web.tokens import Tokens
from efterhand_intake.adapters import registers

_LONGEST_SOURCE = 500


class WrongToken(ValueError):
    """No such token can be issued; says why."""


@dataclass(frozen=True)
class Issued:
    """A token that was just issued; its text is not kept and cannot be shown again."""

    id: str
    token: str
    role: str
    source: str | None
    expires_at: datetime | None


def issue(
    connection: Connection, tokens: Tokens, role: str, source: str | None = None, valid_days: int | None = None
) -> Issued:
    """Issue a token and keep that it was issued.

    Args:
        connection: in whose transaction it is kept.
        tokens: signs it.
        role: one of the roles; `source` needs a source and no other role takes one.
        source: the only source that the token may write.
        valid_days: after which it expires; never without it.

    Raises:
        WrongToken: the role, the source or the days cannot be.
    """
    if role not in ROLES:
        raise WrongToken(f"There is no role of that name. The roles are {', '.join(ROLES)}.")
    if (role == "source") != (source is not None):
        raise WrongToken("A token of the role source needs a source, and no other role takes one.")
    if source is not None and (not source or len(source.encode("utf-8", "replace")) > _LONGEST_SOURCE):
        raise WrongToken(f"A source has 1 to {_LONGEST_SOURCE} bytes.")
    if source is not None and source.startswith(OWN_SOURCES):
        raise WrongToken(f"Sources that begin with {OWN_SOURCES} are the product's own.")
    valid_for = None if valid_days is None else timedelta(days=valid_days)
    token = tokens.issue(role, source, valid_for)
    token_id = tokens.verify(token).token_id
    expires_at = None if valid_for is None else datetime.now(UTC) + valid_for
    registers.keep_token(connection, token_id, role, source, expires_at)
    return Issued(token_id, token, role, source, expires_at)
