"""The list of what was refused, in PostgreSQL."""

from collections.abc import Collection, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, and_, func, not_, or_, select, text, update

from efterhand_intake.adapters.tables import refused
from efterhand_intake.domain.refusals import Refusal


class Entry(NamedTuple):
    """What is needed of an entry to try it again."""

    id: int
    sender: str
    body: str
    is_whole: bool
    closed: bool


_KEEP = text("""
    INSERT INTO intake.refused (fingerprint, sender, source, event_id, person, outcome, codes, field, message, body,
        is_whole, times, first_received, last_received)
    VALUES (:fingerprint, :sender, :source, :id, :person, :outcome, :codes, :field, :message, :body,
        :is_whole, :times, :received, :received)
    ON CONFLICT (fingerprint) DO UPDATE SET outcome = excluded.outcome, codes = excluded.codes,
        field = excluded.field, message = excluded.message, times = refused.times + excluded.times,
        last_received = greatest(refused.last_received, excluded.last_received), closed = false
    RETURNING xmax = 0
""")


def keep(
    connection: Connection, refusals: Sequence[tuple[Refusal, datetime]], key: bytes
) -> list[tuple[Refusal, datetime]]:
    """Keep what was refused, each with intake's stamp; return those that were not in the list before.

    Args:
        connection: in the transaction of what was accepted with them.
        refusals: the same one may occur several times.
        key: of the hash by which a repeat is found.
    """
    entries: dict[bytes, tuple[Refusal, datetime, int]] = {}
    for refusal, received in refusals:
        fingerprint = blake2b(refusal.material, key=key, digest_size=16).digest()
        times = entries[fingerprint][2] if fingerprint in entries else 0
        entries[fingerprint] = (refusal, received, times + 1)
    new = []
    for fingerprint, (refusal, received, times) in sorted(entries.items(), key=lambda entry: entry[0]):
        parameters: dict[str, Any] = {
            "fingerprint": fingerprint,
            "sender": refusal.sender,
            "source": refusal.source,
            "id": refusal.id,
            "person": refusal.person,
            "outcome": refusal.outcome.value,
            "codes": list(refusal.codes),
            "field": refusal.field,
            "message": refusal.message,
            "body": refusal.body,
            "is_whole": refusal.is_whole,
            "times": times,
            "received": received,
        }
        if connection.execute(_KEEP, parameters).scalar_one():
            new.append((refusal, received))
    return new


def close(connection: Connection, entries: Collection[int]) -> None:
    """Close entries by their ids."""
    if entries:
        connection.execute(update(refused).where(refused.c.id.in_(sorted(entries))).values(closed=True))


def entry(connection: Connection, entry_id: int) -> Entry | None:
    """Return an entry, or None."""
    columns = (refused.c.id, refused.c.sender, refused.c.body, refused.c.is_whole, refused.c.closed)
    row = connection.execute(select(*columns).where(refused.c.id == entry_id)).one_or_none()
    return None if row is None else Entry(*row)


def with_unknown_code(connection: Connection, after: int, rows: int) -> list[Entry]:
    """Return the next open entries that a new catalogue may have an answer to."""
    columns = (refused.c.id, refused.c.sender, refused.c.body, refused.c.is_whole, refused.c.closed)
    found = connection.execute(
        select(*columns)
        .where(
            refused.c.id > after,
            not_(refused.c.closed),
            refused.c.is_whole,
            refused.c.codes.contains(["unknown_code"]),
            not_(refused.c.codes.contains(["source_not_allowed"])),
        )
        .order_by(refused.c.id)
        .limit(rows)
    )
    return [Entry(*row) for row in found]


def listed(
    connection: Connection,
    *,
    code: str | None,
    source: str | None,
    readers: Collection[str] | None,
    closed: bool,
    before: int | None,
    rows: int,
) -> Sequence[Row[Any]]:
    """Return entries, the newest first, locked against an erasure until the transaction ends.

    Args:
        connection: to read with.
        code: only those with this code.
        source: only those of this source.
        readers: only what the senders with these sources may see: what they sent, and what else was refused of their
            own. None: everything.
        closed: whether those that are done with are wanted instead of those that are open.
        before: only those with a lower id.
        rows: at most so many.
    """
    conditions = [refused.c.closed if closed else not_(refused.c.closed)]
    if code is not None:
        conditions.append(refused.c.codes.contains([code]))
    if source is not None:
        conditions.append(refused.c.source == source)
    conditions += _seen_by(readers)
    if before is not None:
        conditions.append(refused.c.id < before)
    # Whoever erases a person waits for the lines of the log that say who saw the entries about that person.
    selected = select(refused).where(*conditions).order_by(refused.c.id.desc()).limit(rows)
    return connection.execute(selected.with_for_update(key_share=True, read=True)).all()


def count_open_by(
    connection: Connection, *, code: str | None, source: str | None, readers: Collection[str] | None
) -> tuple[int, dict[str, int], dict[str | None, int]]:
    """Return how many open entries there are: with both code and source, by code, and by source (None: unknown).

    Args:
        connection: to read with.
        code: only those with this code; those by code are of any.
        source: only those of this source; those by source are of any.
        readers: as in `listed`.
    """
    among = [not_(refused.c.closed), *_seen_by(readers)]
    with_code = [] if code is None else [refused.c.codes.contains([code])]
    of_source = [] if source is None else [refused.c.source == source]
    whole = select(func.count()).select_from(refused).where(*among, *with_code, *of_source)
    each = select(func.unnest(refused.c.codes).label("code")).where(*among, *of_source).subquery().c.code
    by_code = select(each, func.count()).group_by(each)
    by_source = select(refused.c.source, func.count()).where(*among, *with_code)
    return (
        connection.execute(whole).scalar_one(),
        dict(connection.execute(by_code).all()),
        dict(connection.execute(by_source.group_by(refused.c.source)).all()),
    )


def _seen_by(readers: Collection[str] | None) -> list[ColumnElement[bool]]:
    if readers is None:
        return []
    own, foreign = sorted(readers), refused.c.codes.contains(["source_not_allowed"])
    return [or_(refused.c.sender.in_(own), and_(refused.c.source.in_(own), not_(foreign)))]


def count_open(connection: Connection) -> int:
    """Return the number of open entries."""
    return connection.execute(select(func.count()).select_from(refused).where(not_(refused.c.closed))).scalar_one()
