"""The Faust worker on real Kafka and PostgreSQL: exact, whatever is killed and when."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, TopicPartition
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.schema import CreateSchema

from efterhand.database import create_engine
from efterhand.embedded import ports
from efterhand.embedded.testing import running_kafka
from efterhand.messaging.topics import topic_id
from tests.services.messaging_reader import APPLIED, BATCHES, METADATA, OUTBOX, PARKED, POSITION, SCHEMA
from tests.services.messaging_tools import (
    WorkerProcess,
    create_topic,
    delete_topic,
    produce,
    unique,
    until,
)

StartWorker = Callable[..., WorkerProcess]


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[Engine]:
    """An engine of a database with the reader's tables."""
    engine = create_engine(empty_database_url, SCHEMA)
    with engine.begin() as connection:
        connection.execute(CreateSchema(SCHEMA))
        METADATA.create_all(connection)
    yield engine
    engine.dispose()


@pytest.fixture
def start_worker(engine: Engine, empty_database_url: str, tmp_path: Path) -> Iterator[StartWorker]:
    """Start worker processes that are ended with the test; what they said is shown when it fails."""
    started: list[WorkerProcess] = []

    def start(kafka: str, topic: str, group: str, instance: str = "reader-0") -> WorkerProcess:
        worker = WorkerProcess(tmp_path, empty_database_url, kafka, group, topic, instance)
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.end()
        print(f"--- {worker.instance}\n{worker.log.read_text()}")


def _applied(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(APPLIED)).scalar_one()


def _values(engine: Engine) -> Counter[bytes]:
    with engine.connect() as connection:
        return Counter(connection.execute(select(APPLIED.c.value)).scalars())


def _positions(engine: Engine) -> dict[int, int]:
    with engine.connect() as connection:
        return dict(connection.execute(select(POSITION.c.partition, POSITION.c.next_offset)).all())


def _numbers(first: int, last: int) -> list[bytes]:
    return [b"n-%d" % number for number in range(first, last)]


def _committed(kafka: str, group: str, topic: str) -> dict[int, int]:
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    try:
        offsets = admin.list_group_offsets([group])[group]
    finally:
        admin.close()
    return {p.partition: o.offset for p, o in offsets.items() if p.topic == topic and o.offset > 0}


def _members(kafka: str, group: str) -> int:
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    try:
        described = admin.describe_groups([group])[group]
    finally:
        admin.close()
    return len(described["members"]) if described["group_state"] == "Stable" else 0


def test_a_batch_arrives_as_a_list_and_the_commit_equals_the_position(
    kafka: str, engine: Engine, start_worker: StartWorker
) -> None:
    topic, group = unique("listed"), unique("group")
    create_topic(kafka, topic)
    produce(kafka, topic, _numbers(0, 3000))
    worker = start_worker(kafka, topic, group)
    until(lambda: _applied(engine) == 3000)
    assert _values(engine) == Counter(_numbers(0, 3000))
    with engine.connect() as connection:
        sizes = connection.execute(select(BATCHES.c.size)).scalars().all()
    assert sum(sizes) == 3000
    assert len(sizes) < 60
    positions = _positions(engine)
    assert sum(positions.values()) == 3000
    until(lambda: _committed(kafka, group, topic) == positions, timeout=10)
    assert worker.terminate(10) == 0


def test_what_is_applied_is_exact_when_workers_are_killed_at_any_moment(
    kafka: str, engine: Engine, start_worker: StartWorker
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    topic, group, total = unique("killed"), unique("group"), 20_000
    create_topic(kafka, topic)
    produce(kafka, topic, _numbers(0, total // 4))
    workers = [start_worker(kafka, topic, group, f"reader-{number}") for number in range(2)]
    for kill in range(3):
        # Each kill falls while records are being applied: some of this quarter, not all of it.
        goal = (kill + 1) * total // 4
        until(lambda goal=goal: _applied(engine) > goal - total // 4)
        time.sleep(moments.random() * 0.05)
        moments.choice(workers).kill()
        produce(kafka, topic, _numbers(goal, goal + total // 4))
        for worker in workers:
            worker.keep()

    def done() -> bool:
        for worker in workers:
            worker.keep()
        return sum(_positions(engine).values()) == total

    until(done, timeout=90)
    assert _values(engine) == Counter(_numbers(0, total))


def test_partitions_that_change_hands_are_applied_once(kafka: str, engine: Engine, start_worker: StartWorker) -> None:
    topic, group = unique("shared"), unique("group")
    create_topic(kafka, topic)
    produce(kafka, topic, _numbers(0, 2000))
    first = start_worker(kafka, topic, group, "reader-0")
    until(lambda: _applied(engine) > 0)
    second = start_worker(kafka, topic, group, "reader-1")

    def instances() -> set[str]:
        with engine.connect() as connection:
            return set(connection.execute(select(APPLIED.c.instance).distinct()).scalars())

    sent = 2000
    deadline = time.monotonic() + 60
    while instances() != {"reader-0", "reader-1"}:
        assert time.monotonic() < deadline
        produce(kafka, topic, _numbers(sent, sent + 200))
        sent += 200
    assert first.terminate(10) == 0
    produce(kafka, topic, _numbers(sent, sent + 1000))
    sent += 1000
    until(lambda: _applied(engine) >= sent)
    assert _values(engine) == Counter(_numbers(0, sent))
    assert second.terminate(10) == 0


def test_a_record_that_cannot_be_applied_is_parked_and_the_rest_goes_on(
    kafka: str, engine: Engine, start_worker: StartWorker
) -> None:
    topic, group = unique("poisoned"), unique("group")
    create_topic(kafka, topic, partitions=1)
    poison = [b"unreadable-1", b"faulty-2", b"nul-3"]
    produce(kafka, topic, [*_numbers(0, 300), poison[0], *_numbers(300, 600), poison[1], poison[2]])
    worker = start_worker(kafka, topic, group)
    until(lambda: _positions(engine).get(0) == 603)
    produce(kafka, topic, _numbers(600, 700))
    until(lambda: _positions(engine).get(0) == 703)
    assert _values(engine) == Counter(_numbers(0, 700))
    with engine.connect() as connection:
        parked = connection.execute(select(PARKED).order_by(PARKED.c.offset)).all()
        letters = connection.execute(select(OUTBOX).order_by(OUTBOX.c.id)).all()
    assert [(row.offset, row.value, row.person) for row in parked] == [
        (300, b"unreadable-1", "unreadable-1"),
        (601, b"faulty-2", "faulty-2"),
        (602, b"nul-3", "nul-3"),
    ]
    assert parked[0].reason == "it says so itself"
    assert parked[1].reason == "KeyError: 'p-secret'"
    assert parked[2].reason.startswith("DataError")
    assert [(row.topic, row.key) for row in letters] == [("case-events-dead-letter", value) for value in poison]
    said = worker.log.read_text()
    assert said.count("record_parked") == 3
    assert "p-secret" not in said
    assert "faulty" not in said


def test_a_topic_that_was_created_anew_is_read_from_its_beginning(
    kafka: str, engine: Engine, start_worker: StartWorker
) -> None:
    topic, group = unique("reborn"), unique("group")
    create_topic(kafka, topic)
    produce(kafka, topic, _numbers(0, 1000))
    worker = start_worker(kafka, topic, group)
    until(lambda: _applied(engine) == 1000)
    old = topic_id(kafka, topic)
    worker.kill()
    delete_topic(kafka, topic)
    create_topic(kafka, topic)
    assert topic_id(kafka, topic) != old
    produce(kafka, topic, _numbers(1000, 3000))
    worker.start()
    until(lambda: _applied(engine) == 3000)
    assert _values(engine) == Counter(_numbers(0, 3000))
    assert sum(_positions(engine).values()) == 2000
    assert "topic_created_anew" in worker.log.read_text()


def test_a_topic_that_is_created_anew_under_a_running_worker_is_noticed(
    kafka: str, engine: Engine, start_worker: StartWorker
) -> None:
    topic, group = unique("swapped"), unique("group")
    create_topic(kafka, topic)
    produce(kafka, topic, _numbers(0, 1000))
    worker = start_worker(kafka, topic, group)
    until(lambda: _applied(engine) == 1000)
    delete_topic(kafka, topic)
    create_topic(kafka, topic)
    produce(kafka, topic, _numbers(1000, 3000))

    def done() -> bool:
        worker.keep()
        return set(_values(engine)) == set(_numbers(0, 3000)) and sum(_positions(engine).values()) == 2000

    until(done)


def test_a_worker_that_was_given_no_partition_of_a_missing_topic_gets_them_when_the_topic_is_there(
    kafka: str, engine: Engine, start_worker: StartWorker
) -> None:
    topic, group = unique("late"), unique("group")
    worker = start_worker(kafka, topic, group)
    until(lambda: _members(kafka, group) == 1)
    worker.kill()
    create_topic(kafka, topic)
    produce(kafka, topic, _numbers(0, 1000))
    worker.start()

    def done() -> bool:
        worker.keep()
        return sum(_positions(engine).values()) == 1000

    until(done)
    assert _values(engine) == Counter(_numbers(0, 1000))


@pytest.mark.parametrize("moved", [-1, 10_000], ids=["before the log begins", "behind the log's end"])
def test_a_position_outside_of_the_log_is_said_loudly_and_the_log_read_from_its_beginning(
    kafka: str, engine: Engine, start_worker: StartWorker, moved: int
) -> None:
    topic, group = unique("outside"), unique("group")
    create_topic(kafka, topic, partitions=1)
    produce(kafka, topic, _numbers(0, 100))
    worker = start_worker(kafka, topic, group)
    until(lambda: _positions(engine).get(0) == 100)
    assert worker.terminate(10) == 0
    if moved < 0:
        admin = KafkaAdminClient(bootstrap_servers=kafka)
        admin.delete_records({TopicPartition(topic, 0): 60})
        admin.close()
    with engine.begin() as connection:
        connection.execute(update(POSITION).values(next_offset=50 if moved < 0 else moved))
        connection.execute(APPLIED.delete())
    worker.start()
    expected = 40 if moved < 0 else 100
    until(lambda: _applied(engine) == expected)
    assert _positions(engine) == {0: 100}
    assert ("log_begins_later" if moved < 0 else "log_ends_earlier") in worker.log.read_text()


def test_connections_that_postgresql_ends_cost_nothing(kafka: str, engine: Engine, start_worker: StartWorker) -> None:
    topic, group = unique("cut"), unique("group")
    create_topic(kafka, topic)
    produce(kafka, topic, _numbers(0, 2000))
    worker = start_worker(kafka, topic, group)
    until(lambda: _applied(engine) > 0)
    pid = worker.process.pid
    others = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database() AND application_name = 'efterhand reader'"
    )
    for first in range(2000, 10_000, 500):
        produce(kafka, topic, _numbers(first, first + 500))
        with engine.connect() as connection:
            connection.execute(others)
    until(lambda: sum(_positions(engine).values()) == 10_000)
    assert _values(engine) == Counter(_numbers(0, 10_000))
    assert worker.process.pid == pid
    assert worker.process.poll() is None


def test_a_worker_that_is_told_to_end_while_the_broker_is_away_ends_within_ten_seconds(
    tmp_path: Path, engine: Engine, start_worker: StartWorker
) -> None:
    topic, group = unique("lonely"), unique("group")
    port = ports.choose()
    with running_kafka(tmp_path / "kafka", port=port) as own:
        create_topic(own, topic)
        produce(own, topic, _numbers(0, 100))
        worker = start_worker(own, topic, group)
        until(lambda: _applied(engine) == 100)
    started = time.monotonic()
    assert worker.terminate(10) in (0, 75, -signal.SIGTERM)
    assert time.monotonic() - started < 10
    assert len(worker.log.read_text().splitlines()) < 200


def test_a_worker_outlives_a_broker_that_goes_and_comes_back(
    tmp_path: Path, engine: Engine, start_worker: StartWorker
) -> None:
    topic, group = unique("outage"), unique("group")
    port = ports.choose()
    with running_kafka(tmp_path / "kafka", port=port) as own:
        create_topic(own, topic)
        produce(own, topic, _numbers(0, 100))
        worker = start_worker(own, topic, group)
        until(lambda: _applied(engine) == 100)
    with running_kafka(tmp_path / "kafka", port=port) as own:
        produce(own, topic, _numbers(100, 1100))

        def done() -> bool:
            worker.keep()
            return _applied(engine) >= 1100

        until(done)
        assert _values(engine) == Counter(_numbers(0, 1100))
        worker.end()
