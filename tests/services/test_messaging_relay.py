"""The relay on real Kafka and PostgreSQL: nothing in the outbox is ever lost, and nothing stops the rest."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.schema import CreateSchema

from efterhand.database import Outgoing, create_engine, put_outbox
from efterhand.embedded import ports
from efterhand.embedded.testing import running_kafka
from efterhand.messaging.relay import Relay
from tests.services.messaging_reader import METADATA, OUTBOX, PARKED, SCHEMA
from tests.services.messaging_tools import consume, create_topic, unique, until

StartRelay = Callable[..., Relay]


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[Engine]:
    """An engine of a database with an outbox."""
    engine = create_engine(empty_database_url, SCHEMA)
    with engine.begin() as connection:
        connection.execute(CreateSchema(SCHEMA))
        METADATA.create_all(connection)
    yield engine
    engine.dispose()


@pytest.fixture
def start_relay(engine: Engine) -> Iterator[StartRelay]:
    """Start relays that are stopped with the test."""
    started: list[Relay] = []

    def start(kafka: str, **settings: float) -> Relay:
        relay = Relay(engine, OUTBOX, kafka, parked=PARKED, **settings)  # type: ignore[arg-type]
        started.append(relay)
        relay.start()
        return relay

    yield start
    for relay in started:
        assert relay.stop(10)


def _put(engine: Engine, topic: str, first: int, last: int) -> list[bytes]:
    values = [b"n-%d" % number for number in range(first, last)]
    with engine.begin() as connection:
        put_outbox(connection, OUTBOX, [Outgoing(topic, b"k-%d" % (n % 7), value) for n, value in enumerate(values)])
    return values


def _depth(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(OUTBOX)).scalar_one()


def test_rows_reach_their_topic_in_order_and_leave_the_outbox(
    kafka: str, engine: Engine, start_relay: StartRelay
) -> None:
    topic = unique("relayed")
    create_topic(kafka, topic, partitions=1)
    values = _put(engine, topic, 0, 5000)
    relay = start_relay(kafka, rows_in_flight=700)
    until(lambda: relay.depth() == 0)
    assert consume(kafka, topic) == values


def test_a_relay_that_is_told_of_a_row_publishes_it_at_once(
    kafka: str, engine: Engine, start_relay: StartRelay
) -> None:
    topic = unique("prompt")
    create_topic(kafka, topic, partitions=1)
    relay = start_relay(kafka, poll_seconds=30.0)
    _put(engine, topic, 0, 1)
    relay.notify()
    until(lambda: relay.depth() == 0)
    started = time.monotonic()
    _put(engine, topic, 1, 2)
    relay.notify()
    until(lambda: relay.depth() == 0, every=0.005)
    assert time.monotonic() - started < 1.0
    assert consume(kafka, topic) == [b"n-0", b"n-1"]


def test_nothing_is_missing_when_the_broker_goes_and_comes_back(
    tmp_path: Path, engine: Engine, start_relay: StartRelay
) -> None:
    topic, port = unique("outage"), ports.choose()
    with running_kafka(tmp_path / "kafka", port=port) as own:
        create_topic(own, topic)
        relay = start_relay(own, rows_in_flight=500)
        values = _put(engine, topic, 0, 2000)
        until(lambda: relay.depth() < 2000, every=0.001)
    values += _put(engine, topic, 2000, 4000)
    until(lambda: relay.depth() > 0)
    with running_kafka(tmp_path / "kafka", port=port) as own:
        until(lambda: relay.depth() == 0)
        published = Counter(consume(own, topic))
        assert relay.stop(10)
    assert set(published) == set(values)
    assert published == Counter(values)


def test_an_outage_longer_than_a_producer_lives_loses_nothing(
    tmp_path: Path, engine: Engine, start_relay: StartRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, port = unique("long-outage"), ports.choose()
    dropped: list[float] = []
    drop = Relay._drop_producer
    monkeypatch.setattr(Relay, "_drop_producer", lambda relay: (dropped.append(time.monotonic()), drop(relay))[1])
    with running_kafka(tmp_path / "kafka", port=port) as own:
        create_topic(own, topic)
        relay = start_relay(own, delivery_seconds=3.0)
        values = _put(engine, topic, 0, 10)
        until(lambda: relay.depth() == 0)
    values += _put(engine, topic, 10, 1000)
    until(lambda: len(dropped) >= 2)
    assert relay.depth() == 990
    with running_kafka(tmp_path / "kafka", port=port) as own:
        until(lambda: relay.depth() == 0)
        assert set(consume(own, topic)) == set(values)
        assert relay.stop(10)


def test_a_crash_between_sending_and_deleting_only_repeats(
    kafka: str, engine: Engine, start_relay: StartRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = unique("repeated")
    create_topic(kafka, topic)
    values = _put(engine, topic, 0, 300)
    crashes = [RuntimeError("crashed"), RuntimeError("crashed again")]
    forget = Relay._forget

    def crash_first(relay: Relay, connection: object, rows: object) -> None:
        if crashes:
            raise crashes.pop()
        forget(relay, connection, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(Relay, "_forget", crash_first)
    relay = start_relay(kafka)
    until(lambda: relay.depth() == 0)
    assert Counter(consume(kafka, topic)) == Counter(dict.fromkeys(values, 3))


def test_a_row_that_the_broker_never_takes_is_parked_and_the_rest_goes_on(
    kafka: str, engine: Engine, start_relay: StartRelay
) -> None:
    topic, narrow = unique("wide"), unique("narrow")
    create_topic(kafka, topic, partitions=1)
    create_topic(kafka, narrow, partitions=1, config={"max.message.bytes": "20000"})
    values = _put(engine, topic, 0, 100) + _put(engine, narrow, 100, 200)
    with engine.begin() as connection:
        put_outbox(
            connection,
            OUTBOX,
            [
                Outgoing(topic, b"k", b"x" * 2_000_000, "p-1"),
                Outgoing(narrow, b"k", b"y" * 30_000, "p-2"),
                Outgoing("no topic of this name!", b"k", b"z", "p-3"),
                Outgoing(topic, None, None, "p-4"),
            ],
        )
    values += _put(engine, topic, 200, 300) + _put(engine, narrow, 300, 400)
    relay = start_relay(kafka)
    until(lambda: relay.depth() == 0)
    assert Counter(consume(kafka, topic) + consume(kafka, narrow)) == Counter(values)
    with engine.connect() as connection:
        parked = connection.execute(select(PARKED).order_by(PARKED.c.id)).all()
    assert {(row.person, row.reason) for row in parked} == {
        ("p-1", "MessageSizeTooLargeError"),
        ("p-2", "MessageSizeTooLargeError"),
        ("p-3", "ValueError"),
        ("p-4", "ValueError"),
    }
    assert {len(row.value) for row in parked if row.value} == {2_000_000, 30_000, 1}


def test_rows_of_a_missing_topic_wait_and_the_rest_goes_on(
    kafka: str, engine: Engine, start_relay: StartRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("efterhand.messaging.relay._SECONDS_WITHOUT_TOPIC", 1.0)
    missing, topic = unique("missing"), unique("present")
    create_topic(kafka, topic)
    waiting = _put(engine, missing, 0, 10)
    values = _put(engine, topic, 10, 20)
    relay = start_relay(kafka)
    until(lambda: relay.depth() == 10)
    assert set(consume(kafka, topic)) == set(values)
    create_topic(kafka, missing)
    until(lambda: relay.depth() == 0)
    assert set(consume(kafka, missing)) == set(waiting)


def test_of_two_relays_one_works_and_the_other_takes_over(kafka: str, engine: Engine, start_relay: StartRelay) -> None:
    topic = unique("two")
    create_topic(kafka, topic)
    first = start_relay(kafka)
    _put(engine, topic, 0, 100)
    until(lambda: first.depth() == 0)
    second = start_relay(kafka)
    for number in range(1, 20):
        _put(engine, topic, number * 100, number * 100 + 100)
    until(lambda: first.depth() == 0)
    assert len(consume(kafka, topic)) == 2000
    assert first.stop(10)
    _put(engine, topic, 2000, 2100)
    until(lambda: second.depth() == 0)
    assert len(consume(kafka, topic)) == 2100


def test_a_relay_outlives_the_connections_that_postgresql_ends(
    kafka: str, engine: Engine, start_relay: StartRelay
) -> None:
    topic = unique("cut")
    create_topic(kafka, topic)
    start_relay(kafka)
    others = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database() AND application_name = 'efterhand reader'"
    )
    values: list[bytes] = []
    for first in range(0, 1000, 200):
        values += _put(engine, topic, first, first + 200)
        with engine.connect() as connection:
            connection.execute(others)
    until(lambda: _depth(engine) == 0)
    assert set(consume(kafka, topic)) == set(values)


def test_a_relay_holds_no_transaction_open_while_it_waits_for_the_broker(
    tmp_path: Path, engine: Engine, start_relay: StartRelay
) -> None:
    topic, port = unique("patient"), ports.choose()
    with running_kafka(tmp_path / "kafka", port=port) as own:
        create_topic(own, topic)
        relay = start_relay(own)
        _put(engine, topic, 0, 10)
        until(lambda: relay.depth() == 0)
    _put(engine, topic, 10, 20)
    relay.notify()
    open_transactions = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
        " AND pid <> pg_backend_pid()"
    )
    with engine.connect() as connection:
        for _ in range(20):
            assert connection.execute(open_transactions).scalar_one() == 0
            connection.rollback()
    started = time.monotonic()
    assert relay.stop(10)
    assert time.monotonic() - started < 5
    assert _depth(engine) == 10
