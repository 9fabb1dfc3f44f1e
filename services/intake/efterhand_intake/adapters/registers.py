"""Small things that intake remembers: the business date, tokens, and what must hold over restarts."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from efterhand.database import Outgoing, put_outbox
from efterhand_intake.adapters.tables import business_date, kept, outbox, parked, token, used_key

BUSINESS_DATE: Final = "business-date"
REVOCATIONS: Final = "token-revocations"


def stored_date(connection: Connection) -> date | None:
    """Return the business date."""
    return connection.execute(select(business_date.c.date)).scalar_one_or_none()


def store_date(connection: Connection, day: date) -> None:
    """Make `day` the business date and announce it."""
    connection.execute(
        insert(business_date)
        .values(the_one=True, date=day)
        .on_conflict_do_update(index_elements=["the_one"], set_={"date": day})
    )
    announce_date(connection, day)


def announce_date(connection: Connection, day: date) -> None:
    """Tell every service the business date."""
    put_outbox(
        connection, outbox, [Outgoing(BUSINESS_DATE, BUSINESS_DATE.encode(), orjson.dumps({"date": day.isoformat()}))]
    )


def remembered(connection: Connection, name: str, *, alone: bool = False) -> str | None:
    """Return what is remembered under a name; `alone` locks it until the transaction ends, if it is there."""
    statement = select(kept.c.value).where(kept.c.name == name)
    return connection.execute(statement.with_for_update() if alone else statement).scalar_one_or_none()


def remember(connection: Connection, name: str, value: str) -> None:
    """Remember a value under a name."""
    connection.execute(
        insert(kept)
        .values(name=name, value=value)
        .on_conflict_do_update(index_elements=["name"], set_={"value": value})
    )


def forget(connection: Connection, name: str) -> None:
    """Remember nothing under a name any more."""
    connection.execute(kept.delete().where(kept.c.name == name))


def keep_token(
    connection: Connection,
    token_id: str,
    role: str,
    *,
    source: str | None = None,
    unit: str | None = None,
    staff: str | None = None,
    expires: datetime | None = None,
) -> None:
    """Keep that a token was issued: with which role, for which unit or source, to whom, and until when it holds."""
    connection.execute(
        token.insert().values(
            id=token_id,
            role=role,
            source=source,
            unit=unit,
            staff=staff,
            created_at=datetime.now(UTC),
            expires_at=expires,
            revoked_at=None,
        )
    )


def tokens_after(connection: Connection, after: str | None, rows: int) -> Sequence[Row[Any]]:
    """Return issued tokens by their ids."""
    statement = select(token).order_by(token.c.id).limit(rows)
    return connection.execute(statement if after is None else statement.where(token.c.id > after)).all()


def revoke_token(connection: Connection, token_id: str) -> bool:
    """Revoke a token and announce it; False when no such token was issued. Again: nothing more happens."""
    now = datetime.now(UTC)
    changed = connection.execute(
        update(token).where(token.c.id == token_id, token.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    if changed.rowcount:
        announce_revocations(connection, [(token_id, now)])
        return True
    return connection.execute(select(token.c.id).where(token.c.id == token_id)).one_or_none() is not None


def announce_revocations(connection: Connection, revoked: Sequence[tuple[str, datetime]]) -> None:
    """Tell every service which tokens hold no more."""
    put_outbox(
        connection,
        outbox,
        [
            Outgoing(REVOCATIONS, each.encode(), orjson.dumps({"id": each, "revoked_at": when.astimezone(UTC)}))
            for each, when in revoked
        ],
    )


def revoked_tokens(connection: Connection) -> list[tuple[str, datetime]]:
    """Return every revoked token."""
    found = connection.execute(select(token.c.id, token.c.revoked_at).where(token.c.revoked_at.is_not(None)))
    return [(row.id, row.revoked_at) for row in found]


def use_key(connection: Connection, key_id: str) -> bool:
    """Use a one-time key; False when it has been used before."""
    used = connection.execute(
        insert(used_key).values(id=key_id, used_at=datetime.now(UTC)).on_conflict_do_nothing().returning(used_key.c.id)
    )
    return used.one_or_none() is not None


def outbox_state(connection: Connection) -> tuple[int, float]:
    """Return the number of rows that wait to be published, and the age of the oldest in seconds."""
    depth, age = connection.execute(
        select(
            func.count(), func.coalesce(func.extract("epoch", func.now() - func.min(outbox.c.created_at)), 0)
        ).select_from(outbox)
    ).one()
    return depth, max(0.0, float(age))


def count_parked(connection: Connection) -> int:
    """Return the number of records that were put aside."""
    return connection.execute(select(func.count()).select_from(parked)).scalar_one()
