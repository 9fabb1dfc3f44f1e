"""Reads and writes the one row of context, and guards it against changing in the middle of a computation."""

from datetime import date
from typing import Any, Final

import orjson
from sqlalchemy import Connection, text

from efterhand.timeline.events import Event
from efterhand_followup.domain.context import Context
from efterhand_followup.domain.watermarks import WATERMARK_TYPE, Watermark

# An advisory lock and not a row lock: it queues fairly, so that a stream of batches cannot keep a new date waiting, and
# it leaves no dead rows.
_GATE: Final = 0x66_6F_6C_6C_6F_77
_SUMMING_UP: Final = _GATE + 1


def share_context(connection: Connection) -> None:
    """Let nobody change the context, or what holds for all persons, until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock_shared(:gate)"), {"gate": _GATE})


def take_context(connection: Connection) -> None:
    """Be the only one at work until the transaction ends; taken before anything else is locked."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:gate)"), {"gate": _GATE})


def be_the_only_one_summing_up(connection: Connection) -> None:
    """Let nobody else write the notices that sum up, until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:gate)"), {"gate": _SUMMING_UP})


def read_context(connection: Connection) -> Context:
    """Return the context as committed."""
    row = connection.execute(
        text("SELECT business_date, started_on, catalogue, generation, watermarks FROM followup.context")
    ).one()
    through = {feed: date.fromisoformat(day) for feed, day in row.watermarks.items()}
    return Context(row.business_date, row.started_on, row.catalogue, row.generation, through)


def move_business_date(connection: Connection, day: date) -> bool:
    """Set the business date, forward only; return whether it moved."""
    moved = connection.execute(
        text(
            "UPDATE followup.context SET business_date = :day, started_on = coalesce(started_on, :day)"
            " WHERE business_date IS NULL OR business_date < :day"
        ),
        {"day": day},
    )
    return moved.rowcount == 1


def begin_generation(connection: Connection) -> int:
    """Make everything to be computed anew; return the number of the generation that begins."""
    generation: int = connection.execute(
        text("UPDATE followup.context SET generation = generation + 1 RETURNING generation")
    ).scalar_one()
    return generation


def set_catalogue(connection: Connection, version: str) -> None:
    """Note by which catalogue everything is to be computed."""
    connection.execute(text("UPDATE followup.context SET catalogue = :version"), {"version": version})


def set_through(connection: Connection, through: dict[str, date]) -> None:
    """Note how far each feed is known."""
    connection.execute(
        text("UPDATE followup.context SET watermarks = CAST(:through AS jsonb)"),
        {"through": _json({feed: day.isoformat() for feed, day in sorted(through.items())})},
    )


def read_watermarks(connection: Connection) -> tuple[Watermark, ...]:
    """Return every watermark ever received."""
    rows = connection.execute(
        text("SELECT source, id, type, time, received, data FROM followup.event WHERE person = '' AND type = :type"),
        {"type": WATERMARK_TYPE},
    )
    return tuple(Watermark.from_event(Event("", *row)) for row in rows)


def _json(value: Any) -> str:

    return orjson.dumps(value).decode()
