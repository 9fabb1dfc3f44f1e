"""Sessions of people: opened and ended where tokens are kept, so that each can be listed and made void."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from efterhand.web.rights import Grant
from efterhand.web.tokens import Tokens
from efterhand_intake.adapters import registers


def open_session(
    connection: Connection, tokens: Tokens, grants: Sequence[Grant], staff: str, name: str | None, hours: int
) -> str:
    """Return the token of a new session, and keep that there is one.

    Args:
        connection: in whose transaction it is kept.
        tokens: signs it.
        grants: what the person may do; at least one.
        staff: the person's staff id.
        name: what to call the person.
        hours: after which the session ends.

    Raises:
        TooLong: there are too many grants for one token.
    """
    valid_for = timedelta(hours=hours)
    token = tokens.issue(grants[0].role, valid_for=valid_for, grants=grants, staff=staff, name=name)
    registers.keep_token(
        connection,
        tokens.verify(token).token_id,
        grants[0].role,
        unit=grants[0].unit,
        staff=staff,
        expires=datetime.now(UTC) + valid_for,
    )
    return token
