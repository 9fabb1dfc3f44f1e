"""A worker for the tests of messaging, run as `python -m tests.services.messaging_reader GROUP TOPIC`.

What it applies it writes to a table without a key, so that whatever is applied twice is seen twice.
"""

import sys
from collections.abc import Sequence
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, Identity, Integer, LargeBinary, MetaData, Table, Text

from efterhand.database import bulk_insert, create_engine, outbox_table, parked_table, position_table
from efterhand.logs import configure_logs
from efterhand.messaging.parking import Parking
from efterhand.messaging.positions import Positions
from efterhand.messaging.records import Record, Unreadable
from efterhand.messaging.worker import run_worker
from efterhand.settings import Settings

SCHEMA: Final = "reader"
METADATA: Final = MetaData()
OUTBOX: Final = outbox_table(METADATA, SCHEMA)
POSITION: Final = position_table(METADATA, SCHEMA)
PARKED: Final = parked_table(METADATA, SCHEMA)
APPLIED: Final = Table(
    "applied",
    METADATA,
    Column("partition", Integer),
    Column("offset", BigInteger),
    Column("value", LargeBinary),
    Column("instance", Text),
    schema=SCHEMA,
)
BATCHES: Final = Table(
    "batches", METADATA, Column("id", BigInteger, Identity(), primary_key=True), Column("size", Integer), schema=SCHEMA
)


def applier(instance: str):
    """Return the function that stores what is read, and refuses what says so of itself."""

    def apply(connection: Connection, records: Sequence[Record]) -> None:
        for record in records:
            if record.value is None or record.value.startswith(b"unreadable"):
                raise Unreadable("it says so itself")
            if record.value.startswith(b"faulty"):
                raise KeyError("p-secret")
        bulk_insert(
            connection,
            APPLIED,
            [{"partition": r.partition, "offset": r.offset, "value": r.value, "instance": instance} for r in records],
        )
        for record in records:
            if record.value.startswith(b"nul"):
                bulk_insert(connection, APPLIED, [{"instance": "\0"}])
        bulk_insert(connection, BATCHES, [{"size": len(records)}])

    return apply


def main() -> None:
    """Run the worker with the settings in the environment."""
    group, topic = sys.argv[1:]
    settings = Settings()
    configure_logs(settings.instance)
    engine = create_engine(settings.database_url, SCHEMA)
    run_worker(
        settings=settings,
        group=group,
        topic=topic,
        engine=engine,
        positions=Positions(POSITION),
        parking=Parking(PARKED, OUTBOX, SCHEMA),
        apply=applier(settings.instance),
        business_date=lambda _connection: None,
        stalled_seconds=8.0,
    )


if __name__ == "__main__":
    main()
