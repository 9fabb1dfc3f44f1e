"""What the tests of messaging have in common: topics of their own, worker processes, waiting for a condition."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Topic:
    """A topic as contracts declare it."""

    name: str
    partitions: int
    config: dict[str, str]


def unique(name: str) -> str:
    """Return a name that no other test uses."""
    return f"{name}-{uuid.uuid4().hex[:12]}"


def until(condition: Callable[[], object], timeout: float = 60.0, every: float = 0.05) -> None:
    """Wait until a condition holds; fail when it does not in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come to hold in time"
        time.sleep(every)


def create_topic(kafka: str, name: str, partitions: int = 4, config: dict[str, str] | None = None) -> None:
    """Create a topic and wait until it can be used."""
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.create_topics(
        {name: {"num_partitions": partitions, "replication_factor": 1, "configs": config or {}}}, wait_for_metadata=True
    )
    admin.close()


def delete_topic(kafka: str, name: str) -> None:
    """Delete a topic and wait until it is gone."""
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.delete_topics([name])
    until(lambda: name not in admin.list_topics())
    admin.close()


def produce(kafka: str, topic: str, values: Iterable[bytes], partition: int | None = None) -> None:
    """Publish values, each with itself as key, and wait until they are there."""
    producer = KafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=5)
    futures = [producer.send(topic, value=value, key=value[:40], partition=partition) for value in values]
    for future in futures:
        future.get(timeout=30)
    producer.close(timeout=5)


def consume(kafka: str, topic: str) -> list[bytes]:
    """Return the values of all records that a topic holds now."""
    consumer = KafkaConsumer(bootstrap_servers=kafka, group_id=None, auto_offset_reset="earliest")
    partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    values: list[bytes] = []
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        for records in consumer.poll(timeout_ms=200).values():
            values.extend(record.value for record in records)
    consumer.close()
    return values


class WorkerProcess:
    """A worker of the tests, started again as long as it is wanted when it has been killed."""

    def __init__(self, directory: Path, database_url: str, kafka: str, group: str, topic: str, instance: str) -> None:
        self.instance = instance
        self.log = directory / f"{instance}.log"
        self._arguments = [sys.executable, "-m", "tests.services.messaging_reader", group, topic]
        self._environment = {
            **os.environ,
            "EFTERHAND_HOME": str(directory),
            "EFTERHAND_DATABASE_URL": database_url,
            "EFTERHAND_KAFKA": kafka,
            "EFTERHAND_INSTANCE": instance,
        }
        self.process: subprocess.Popen[bytes]
        self.start()

    def start(self) -> None:
        """Start the process."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._arguments, env=self._environment, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def keep(self) -> None:
        """Start the process again if it has ended."""
        if self.process.poll() is not None:
            self.start()

    def kill(self) -> None:
        """End the process with -9."""
        self.process.kill()
        self.process.wait(10)

    def terminate(self, timeout: float) -> int:
        """Send SIGTERM and return the exit code; fail when the process does not end in time."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def end(self) -> None:
        """End the process, whatever state it is in."""
        if self.process.poll() is None:
            self.kill()
