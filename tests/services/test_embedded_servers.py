"""The embedded servers are the real ones."""

from __future__ import annotations

import psycopg
from sqlalchemy.engine import make_url


def test_postgresql_is_version_18_and_keeps_what_is_written(empty_database_url: str) -> None:
    address = make_url(empty_database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        connection.execute("create table kept (a int)")
        connection.execute("insert into kept values (1)")
        assert connection.info.server_version // 10000 == 18
    with psycopg.connect(address) as connection:
        assert connection.execute("select a from kept").fetchall() == [(1,)]


def test_kafka_delivers_what_was_produced(kafka: str) -> None:
    from kafka import KafkaConsumer, KafkaProducer
    from kafka.admin import KafkaAdminClient, NewTopic

    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.create_topics([NewTopic("embedded-delivers", num_partitions=1, replication_factor=1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=kafka, acks="all")
    producer.send("embedded-delivers", b"hello").get(timeout=20)
    producer.close(timeout=5)
    consumer = KafkaConsumer("embedded-delivers", bootstrap_servers=kafka, auto_offset_reset="earliest")
    assert next(consumer).value == b"hello"
    consumer.close()
