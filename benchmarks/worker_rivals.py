"""The processes that the real workers are compared with; run by worker_throughput.

`plain` is Faust as it comes: one event a message, one transaction an event, with the product's own rules and tables.
`store` is the product's reading of the topic without any rules: a batch becomes rows, and nothing more.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import faust
import orjson
from sqlalchemy import BigInteger, Column, Connection, Engine, Integer, MetaData, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from efterhand.catalogue import load_catalogue
from efterhand.database import bulk_insert, create_engine
from efterhand.messaging.parking import Parking
from efterhand.messaging.positions import Positions
from efterhand.messaging.records import Record
from efterhand.messaging.worker import run_worker
from efterhand.settings import Settings

TOPIC = "case-events"

stored = Table(
    "bench_stored",
    MetaData(),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("person", Text, nullable=False),
    Column("value", JSONB, nullable=False),
    PrimaryKeyConstraint("partition", "offset", name="bench_stored_pkey"),
    schema="followup",
)


def apply_for(service: str, settings: Settings) -> tuple[Engine, Callable[[Connection, Sequence[Record]], Any]]:
    """The product's own way from records to rows, for a service, with the engine that its worker has."""
    secret = settings.secret.get_secret_value()
    if service == "followup":
        from efterhand_followup.application.apply_events import apply_events

        catalogue = load_catalogue(settings.catalogue)
        engine = create_engine(settings.database_url, "followup")
        return engine, lambda connection, records: apply_events(connection, records, catalogue, secret)

    from efterhand_indicators.application.adopt_catalogue import adopt_catalogue
    from efterhand_indicators.application.apply_events import ApplyEvents
    from efterhand_indicators.bootstrap import make_computing_engine, make_definitions

    definitions = make_definitions(settings)
    engine = make_computing_engine(settings.database_url)
    with engine.begin() as connection:
        adopt_catalogue(connection, definitions)
    return engine, ApplyEvents(definitions, secret)


def run_plain(service: str, group: str, expected: int, progress: Path) -> None:
    """Read the topic with a plain agent; write down when the first event was applied and when the last one."""
    settings = Settings()
    engine, apply = apply_for(service, settings)
    app = faust.App(
        group,
        broker=f"kafka://{settings.kafka}",
        store="memory://",
        datadir=tempfile.mkdtemp(prefix="faust-", dir=progress.parent),
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
    )
    times: dict[str, float] = {}
    done = 0

    @app.agent(app.topic(TOPIC, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"))  # type: ignore[untyped-decorator]
    async def read(stream: Any) -> None:
        nonlocal done
        async for event in stream.events():
            message = event.message
            record = Record(TOPIC, message.partition, message.offset, event.key, event.value, 0)
            with engine.begin() as connection:
                apply(connection, [record])
            done += 1
            if done == 1:
                times["first"] = time.time()
            if done == expected:
                times["ended"] = time.time()
                draft = progress.with_suffix(".new")
                await asyncio.to_thread(draft.write_text, json.dumps(times))
                draft.replace(progress)

    app.worker_init()
    faust.Worker(app, loglevel="WARNING", redirect_stdouts=False).execute_from_commandline()


def run_store() -> None:
    """Read the topic as the product's workers do, and only keep what comes."""
    from efterhand_followup.adapters import tables

    settings = Settings()
    engine = create_engine(settings.database_url, "followup")
    with engine.begin() as connection:
        stored.create(connection, checkfirst=True)

    def apply(connection: Connection, records: Sequence[Record]) -> None:
        bulk_insert(
            connection,
            stored,
            [
                {
                    "partition": r.partition,
                    "offset": r.offset,
                    "person": (r.key or b"").decode(),
                    "value": orjson.Fragment(r.value or b"null"),
                }
                for r in records
            ],
        )

    run_worker(
        settings=settings,
        group="store",
        topic=TOPIC,
        engine=engine,
        positions=Positions(tables.position),
        parking=Parking(tables.parked, tables.outbox, "followup"),
        apply=apply,
        business_date=lambda _connection: None,
    )


if __name__ == "__main__":
    if sys.argv[1] == "store":
        run_store()
    else:
        run_plain(sys.argv[2], sys.argv[3], int(sys.argv[4]), Path(sys.argv[5]))
