"""Business dates, revoked tokens and lag, read from real Kafka."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import orjson
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from sqlalchemy import Engine, insert, update
from sqlalchemy.schema import CreateSchema

from efterhand.database import create_engine
from efterhand.embedded import ports
from efterhand.embedded.testing import running_kafka
from efterhand.messaging.announcements import Announcements
from efterhand.messaging.positions import Positions
from efterhand.messaging.topics import TopicMissing, ensure_topics, topic_id
from efterhand.settings import Settings
from tests.services.messaging_reader import METADATA, POSITION, SCHEMA
from tests.services.messaging_tools import Topic, create_topic, delete_topic, produce, unique, until


class Heard:
    """An Announcements, and what it has told."""

    def __init__(self, kafka: str, failures: int = 0) -> None:
        self.business_dates, self.revocations = unique("business-date"), unique("revocations")
        for name in (self.business_dates, self.revocations):
            create_topic(kafka, name, partitions=1, config={"cleanup.policy": "compact"})
        self.dates: list[date] = []
        self.tokens: list[str] = []
        self._failures = failures
        self._kafka = kafka
        self.announcements = Announcements(
            Settings(kafka=kafka),
            self._date,
            self.tokens.append,
            business_dates=self.business_dates,
            revocations=self.revocations,
        )

    def _date(self, day: date) -> None:
        if self._failures:
            self._failures -= 1
            raise RuntimeError("not now")
        self.dates.append(day)

    def announce(self, day: str) -> None:
        """Publish a business date."""
        producer = KafkaProducer(bootstrap_servers=self._kafka)
        producer.send(self.business_dates, key=b"business-date", value=orjson.dumps({"date": day})).get(timeout=20)
        producer.close(timeout=5)


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[Engine]:
    """An engine of a database with positions."""
    engine = create_engine(empty_database_url, SCHEMA)
    with engine.begin() as connection:
        connection.execute(CreateSchema(SCHEMA))
        METADATA.create_all(connection)
    yield engine
    engine.dispose()


def test_what_was_announced_before_and_after_the_start_is_told(kafka: str) -> None:
    heard = Heard(kafka)
    heard.announce("2017-12-30")
    heard.announce("2017-12-31")
    produce(kafka, heard.revocations, [b"token-1"])
    heard.announcements.start()
    assert heard.announcements.wait_until_read(30)
    assert heard.dates[-1] == date(2017, 12, 31)
    assert heard.tokens == ["token-1"]
    heard.announce("2018-01-01")
    produce(kafka, heard.revocations, [b"token-2"])
    until(lambda: heard.dates[-1] == date(2018, 1, 1) and heard.tokens == ["token-1", "token-2"])
    assert heard.announcements.stop(10)


def test_an_announcement_is_told_until_it_has_been_taken(kafka: str) -> None:
    heard = Heard(kafka, failures=3)
    heard.announce("2017-12-31")
    heard.announcements.start()
    until(lambda: heard.dates == [date(2017, 12, 31)])
    assert heard.announcements.stop(10)


def test_an_announcement_that_cannot_be_read_is_passed_over(kafka: str) -> None:
    heard = Heard(kafka)
    produce(kafka, heard.business_dates, [b"nonsense", b'{"date": 7}', b"[]", b'{"date": "2017-02-30"}'])
    heard.announce("2017-12-31")
    heard.announcements.start()
    until(lambda: heard.dates == [date(2017, 12, 31)])
    assert heard.announcements.stop(10)


def test_topics_that_are_created_anew_are_read_from_their_beginning(kafka: str) -> None:
    heard = Heard(kafka)
    for day in ("2017-12-28", "2017-12-29", "2017-12-30"):
        heard.announce(day)
    heard.announcements.start()
    until(lambda: len(heard.dates) == 3)
    delete_topic(kafka, heard.business_dates)
    create_topic(kafka, heard.business_dates, partitions=1, config={"cleanup.policy": "compact"})
    heard.announce("2018-01-01")
    until(lambda: heard.dates[-1] == date(2018, 1, 1))
    assert heard.announcements.stop(10)


def test_announcements_wait_for_a_broker_that_is_away(tmp_path: Path) -> None:
    port = ports.choose()
    with running_kafka(tmp_path / "kafka", port=port) as own:
        heard = Heard(own)
        heard.announce("2017-12-31")
    heard.announcements.start()
    assert not heard.announcements.wait_until_read(0.2)
    with running_kafka(tmp_path / "kafka", port=port):
        assert heard.announcements.wait_until_read(60)
        assert heard.dates == [date(2017, 12, 31)]
        assert heard.announcements.stop(10)


def test_the_lag_is_what_has_been_published_and_not_applied(kafka: str, engine: Engine) -> None:
    topic = unique("lagging")
    create_topic(kafka, topic, partitions=2)
    announcements = Announcements(
        Settings(kafka=kafka),
        lambda _: None,
        lambda _: None,
        engine=engine,
        positions=Positions(POSITION),
        topic=topic,
    )
    assert announcements.lag() == 0
    produce(kafka, topic, [b"n-%d" % n for n in range(10)], partition=1)
    assert announcements.lag() == 10
    here = topic_id(kafka, topic)
    with engine.begin() as connection:
        connection.execute(insert(POSITION).values(topic=topic, partition=1, topic_id=here, next_offset=7))
    assert announcements.lag() == 3
    with engine.begin() as connection:
        connection.execute(update(POSITION).values(next_offset=10))
    assert announcements.lag() == 0
    delete_topic(kafka, topic)
    assert announcements.lag() is None
    create_topic(kafka, topic, partitions=2)
    produce(kafka, topic, [b"n-%d" % n for n in range(4)], partition=1)
    assert announcements.lag() == 4
    assert announcements.stop(1)


def test_the_lag_is_unknown_while_the_broker_is_away(engine: Engine) -> None:
    announcements = Announcements(
        Settings(kafka=f"127.0.0.1:{ports.choose()}"),
        lambda _: None,
        lambda _: None,
        engine=engine,
        positions=Positions(POSITION),
    )
    assert announcements.lag() is None
    assert announcements.stop(1)


def test_topics_are_created_once_as_they_are_declared(kafka: str) -> None:
    plain, compacted = unique("plain"), unique("compacted")
    topics = [Topic(plain, 4, {}), Topic(compacted, 1, {"cleanup.policy": "compact"})]
    assert ensure_topics(kafka, topics) == sorted([plain, compacted])
    first = topic_id(kafka, plain)
    assert ensure_topics(kafka, topics) == []
    assert topic_id(kafka, plain) == first
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    described = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics([plain, compacted])}
    admin.close()
    assert described == {plain: 4, compacted: 1}


def test_a_missing_topic_has_no_id(kafka: str) -> None:
    with pytest.raises(TopicMissing):
        topic_id(kafka, unique("nowhere"))
