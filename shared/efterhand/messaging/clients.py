"""Kafka's clients, opened so that one that cannot be opened leaves nothing behind."""

import socket
from collections.abc import Callable
from typing import Any

from kafka.net.compat import KafkaNetClient


def open_client(kind: Callable[..., Any], kafka: str, *, timeout: float = 5.0, **settings: Any) -> Any:
    """Open a client of kafka-python.

    A client whose broker does not answer leaves a thread running and sockets open, again at each attempt. So the port
    is tried first, and what the client has begun is ended when it fails.

    Args:
        kind: `KafkaProducer`, `KafkaConsumer` or `KafkaAdminClient`.
        kafka: host:port of the broker.
        timeout: seconds for the connection.
        settings: of the client.

    Raises:
        OSError: nobody listens at the port.
        kafka.errors.KafkaError: who listens does not answer.
    """
    host, _, port = kafka.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout):
        pass
    begun: list[Any] = []

    def network(**config: Any) -> Any:
        begun.append(KafkaNetClient(**config))
        return begun[-1]

    try:
        return kind(
            bootstrap_servers=kafka,
            bootstrap_timeout_ms=int(timeout * 1000),
            reconnect_backoff_max_ms=1000,
            kafka_client=network,
            **settings,
        )
    except BaseException:
        for client in begun:
            client.close()
        raise
