"""Events from the topic case-events-inbound pass the same door as those that are posted."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, text

from efterhand.catalogue import load_catalogue
from efterhand.messaging.records import Record
from efterhand_intake.application import keep_the_date
from efterhand_intake.bootstrap import INBOUND, engine, receiver
from efterhand_intake.entrypoints.worker import apply_with
from tests.services.intake_running import DAY, event, settings


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    """The database of an intake whose date is known."""
    made = engine(settings(database_url))
    with made.begin() as connection:
        keep_the_date.begin_with(connection, DAY)
    yield made
    made.dispose()


def records(*values: Any) -> list[Record]:
    """Records of one partition; bytes stay as they are."""
    return [
        Record(INBOUND, 0, offset, b"k", value if isinstance(value, bytes | None) else json.dumps(value).encode(), 0)
        for offset, value in enumerate(values)
    ]


def test_records_are_judged_like_events_that_are_posted(database: Engine, database_url: str) -> None:
    apply = apply_with(receiver(settings(database_url), load_catalogue("stockholm")))
    batch = records(
        event("a"),
        event("a"),
        [event("b"), event("c", data={"reason": "gone"})],
        b"{",
        None,
        b"\xff\xfe",
        event("a", data={"reason": "studies"}),
    )
    for _ in range(2):
        with database.begin() as connection:
            apply(connection, batch)
    with database.connect() as connection:
        assert list(connection.execute(text("SELECT id FROM event ORDER BY id"))) == [("a",), ("b",)]
        kept = connection.execute(text("SELECT codes, times FROM refused ORDER BY codes, id"))
        assert [tuple(row) for row in kept] == [
            (["conflict"], 2),
            (["not_json"], 2),
            (["not_json"], 2),
            (["not_json"], 2),
            (["unknown_code"], 2),
        ]
        sent = {row[0]: row[1] for row in connection.execute(text("SELECT topic, count(*) FROM outbox GROUP BY topic"))}
        assert sent == {"business-date": 1, "case-events": 2, "case-events-refused": 5}


def test_who_writes_to_the_topic_has_been_heard(database: Engine, database_url: str) -> None:
    apply = apply_with(receiver(settings(database_url), load_catalogue("stockholm")))
    refused = event("c", source="/stockholm/unheard", data={"reason": "gone"})
    with database.begin() as connection:
        apply(connection, records(event("a"), event("b", "source.reported_through"), refused))
    with database.connect() as connection:
        heard = connection.execute(text("SELECT kind, name FROM heard ORDER BY kind"))
        assert [tuple(row) for row in heard] == [("feed", "cases"), ("source", event()["source"])]


def test_without_a_date_the_batch_waits(database_url: str) -> None:
    apply = apply_with(receiver(settings(database_url), load_catalogue("stockholm")))
    made = engine(settings(database_url))
    with pytest.raises(ConnectionError), made.begin() as connection:
        apply(connection, records(event("a")))
    with made.begin() as connection:
        keep_the_date.begin_with(connection, date(2017, 3, 1))
        apply(connection, records(event("a")))
    made.dispose()
