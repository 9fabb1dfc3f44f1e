"""Every catalogue that intake has worked with, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select, text

from efterhand_intake.adapters.tables import catalogue


def be_alone(connection: Connection) -> None:
    """Let nobody else take over a catalogue until the transaction ends."""
    connection.execute(text("LOCK TABLE intake.catalogue IN EXCLUSIVE MODE"))


def latest(connection: Connection) -> Row[Any] | None:
    """Return the one that was taken over last; None before the first."""
    return connection.execute(select(catalogue).order_by(catalogue.c.id.desc()).limit(1)).one_or_none()


def keep(
    connection: Connection,
    version: str,
    name: str,
    texts: Mapping[str, str],
    day: date,
    changes: Sequence[Mapping[str, Any]],
) -> None:
    """Keep a catalogue that is taken over on a business date, with what changed in it."""
    connection.execute(
        catalogue.insert().values(
            version=version,
            name=name,
            files=dict(texts),
            adopted_on=day,
            adopted_at=datetime.now(UTC),
            changes=list(changes),
        )
    )


def listed(connection: Connection, before: int | None, rows: int) -> Sequence[Row[Any]]:
    """Return catalogues without their texts, the newest first, older than the one with the id `before`."""
    columns = [column for column in catalogue.c if column.name != "files"]
    selected = select(*columns).order_by(catalogue.c.id.desc()).limit(rows)
    return connection.execute(selected if before is None else selected.where(catalogue.c.id < before)).all()
