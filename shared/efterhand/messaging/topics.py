"""What is asked of the broker about its topics: that they exist, which they are, where their logs begin and end."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import MemberToRemove, OffsetSpec
from kafka.errors import TopicAlreadyExistsError

from efterhand.messaging.clients import open_client

_NO_ID = UUID(int=0)


class TopicSpec(Protocol):
    """A topic as it is declared: name, number of partitions, Kafka's own settings (`cleanup.policy`, …)."""

    @property
    def name(self) -> str: ...
    @property
    def partitions(self) -> int: ...
    @property
    def config(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Span:
    """The offsets a partition holds: from `beginning`, up to but not including `end`."""

    beginning: int
    end: int


@dataclass(frozen=True)
class TopicState:
    """A topic in the broker at one moment; `topic_id` is another one when the topic has been created anew."""

    topic_id: str
    partitions: Mapping[int, Span]


class TopicMissing(LookupError):
    """The broker answers, and has no such topic."""


@contextmanager
def admin(kafka: str, *, timeout: float = 5.0) -> Iterator["Admin"]:
    """Open a connection for questions about topics.

    Args:
        kafka: host:port of the broker.
        timeout: seconds, for the connection and for each answer.

    Raises:
        OSError, kafka.errors.KafkaError: the broker does not answer.
    """
    client = Admin(kafka, timeout=timeout)
    try:
        yield client
    finally:
        client.close()


class Admin:
    """Questions about topics over one connection; not to be shared by threads without a lock."""

    def __init__(self, kafka: str, *, timeout: float = 5.0) -> None:
        self._client = open_client(
            KafkaAdminClient,
            kafka,
            timeout=timeout,
            client_id="efterhand-admin",
            request_timeout_ms=int(timeout * 1000),
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def ensure(self, topics: Iterable[TopicSpec], *, replication: int = -1) -> list[str]:
        """Create the topics that do not exist, wait until all can be used, return the names of the new ones."""
        wanted = {topic.name: topic for topic in topics}
        missing = sorted(set(wanted) - set(self._client.list_topics()))
        if missing:
            specs = {
                name: {
                    "num_partitions": wanted[name].partitions,
                    "replication_factor": replication,
                    "configs": dict(wanted[name].config),
                }
                for name in missing
            }
            try:
                self._client.create_topics(specs)
            except TopicAlreadyExistsError:
                # Another process creates the same topics at the same time; which of the two did is the same to us.
                for name in missing:
                    self._client.create_topics({name: specs[name]}, raise_errors=False)
        self._client.wait_for_topics(list(wanted))
        return missing

    def ids(self, names: Iterable[str]) -> dict[str, str]:
        """Return the ids of those of the topics that exist."""
        described = self._client.describe_topics(list(names))
        return {
            topic["name"]: str(topic["topic_id"])
            for topic in described
            if topic["error_code"] == 0 and topic["topic_id"] not in (None, _NO_ID)
        }

    def partitions(self, name: str) -> list[int]:
        """Return the partitions of a topic. Raises TopicMissing."""
        for topic in self._client.describe_topics([name]):
            if topic["error_code"] == 0:
                return sorted(partition["partition_index"] for partition in topic["partitions"])
        raise TopicMissing(name)

    def leave(self, group: str, instance: str) -> None:
        """Take a static member out of a group of consumers, which then shares out the partitions anew."""
        self._client.remove_group_members(group, [MemberToRemove(group_instance_id=instance)])

    def state(self, name: str) -> TopicState:
        """Return a topic's id and what its partitions hold. Raises TopicMissing."""
        topic_id = self.ids([name]).get(name)
        if topic_id is None:
            raise TopicMissing(name)
        partitions = [TopicPartition(name, number) for number in self.partitions(name)]
        first = self._client.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
        last = self._client.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
        return TopicState(topic_id, {p.partition: Span(first[p].offset, last[p].offset) for p in partitions})


def ensure_topics(kafka: str, topics: Iterable[TopicSpec], *, replication: int = -1) -> list[str]:
    """Create the topics that do not exist yet and wait until all of them can be used.

    Args:
        kafka: host:port of the broker.
        topics: as declared in the contracts.
        replication: copies of each partition; -1 leaves it to the broker's own setting.

    Returns:
        The names of those that were created now.

    Raises:
        OSError, kafka.errors.KafkaError: the broker does not answer within 5 s, or refuses.
    """
    with admin(kafka) as client:
        return client.ensure(topics, replication=replication)


def topic_id(kafka: str, name: str) -> str:
    """Return the id that the broker gave a topic when it was created.

    Raises:
        TopicMissing: there is no such topic.
        OSError, kafka.errors.KafkaError: the broker does not answer within 5 s.
    """
    with admin(kafka) as client:
        found = client.ids([name])
    if name not in found:
        raise TopicMissing(name)
    return found[name]
