"""Reads and writes the one row of context, and guards it against changing in the middle of a computation."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

import orjson
from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from efterhand.timeline.events import Event
from efterhand_indicators.domain.context import Context
from efterhand_indicators.domain.watermarks import WATERMARK_TYPE

# An advisory lock and not a row lock: it queues fairly, so that a stream of batches cannot keep a rebuild waiting, and
# it leaves no dead rows.
_GATE: Final = 0x69_6E_64_69_63


def share_context(connection: Connection) -> None:
    """Let nobody change what holds for all persons until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock_shared(:gate)"), {"gate": _GATE})


def take_context(connection: Connection) -> None:
    """Be the only one at work until the transaction ends; taken before anything else is locked."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:gate)"), {"gate": _GATE})


def read_context(connection: Connection) -> Context:
    """Return the context as committed."""
    row = connection.execute(
        text("SELECT business_date, catalogue, generation, definitions, watermarks FROM indicators.context")
    ).one()
    through = {feed: date.fromisoformat(day) for feed, day in row.watermarks.items()}
    return Context(row.business_date, row.catalogue, row.generation, row.definitions, through)


def move_business_date(connection: Connection, day: date) -> bool:
    """Set the business date, forward only; return whether it moved."""
    moved = connection.execute(
        text("UPDATE indicators.context SET business_date = :day WHERE business_date IS NULL OR business_date < :day"),
        {"day": day},
    )
    return moved.rowcount == 1


def begin_generation(connection: Connection) -> int:
    """Make everything to be computed anew; return the number of the generation that begins."""
    generation: int = connection.execute(
        text("UPDATE indicators.context SET generation = generation + 1 RETURNING generation")
    ).scalar_one()
    return generation


def set_catalogue(connection: Connection, fingerprint: str) -> None:
    """Note by which definitions everything is to be computed."""
    connection.execute(text("UPDATE indicators.context SET catalogue = :fingerprint"), {"fingerprint": fingerprint})


def set_definitions(connection: Connection, definitions: Mapping[str, str]) -> None:
    """Note the definitions that everybody has been computed by."""
    connection.execute(
        text("UPDATE indicators.context SET definitions = CAST(:definitions AS jsonb)"),
        {"definitions": _json(dict(definitions))},
    )


def lock_watermarks(connection: Connection) -> None:
    """Let nobody else add watermarks until the transaction ends."""
    connection.execute(text("SELECT 1 FROM indicators.context FOR UPDATE"))


def set_through(connection: Connection, through: Mapping[str, date]) -> None:
    """Note how far each feed is known."""
    connection.execute(
        text("UPDATE indicators.context SET watermarks = CAST(:through AS jsonb)"),
        {"through": _json({feed: day.isoformat() for feed, day in through.items()})},
    )


def read_watermarks(connection: Connection) -> tuple[Event, ...]:
    """Return every watermark ever received."""
    rows = connection.execute(
        text("SELECT source, id, type, time, received, data FROM indicators.event WHERE person = '' AND type = :type"),
        {"type": WATERMARK_TYPE},
    )
    return tuple(Event("", *row) for row in rows)


def revoke(connection: Connection, token_ids: Iterable[str]) -> None:
    """Note tokens that are no longer valid."""
    connection.execute(
        text("INSERT INTO indicators.revoked_token (token_id) SELECT unnest(:ids) ON CONFLICT DO NOTHING").bindparams(
            bindparam("ids", sorted(set(token_ids)), ARRAY(TEXT))
        )
    )


def read_revoked(connection: Connection) -> frozenset[str]:
    """Return the ids of the tokens that are no longer valid."""
    return frozenset(connection.execute(text("SELECT token_id FROM indicators.revoked_token")).scalars())


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
