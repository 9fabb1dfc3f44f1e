"""How far a service is behind a topic, measured when it is asked for."""

import time
from threading import Lock
from typing import Final

from kafka.errors import KafkaError
from sqlalchemy import Engine

from efterhand.messaging.positions import Positions, unread
from efterhand.messaging.topics import Admin, TopicMissing

_LET_A_DEAD_BROKER_REST_SECONDS: Final = 3.0


class LagMeter:
    """Measures how many records of a topic a service has not applied; may be shared by threads."""

    def __init__(self, kafka: str, topic: str, engine: Engine, positions: Positions) -> None:
        """`kafka` is host:port of the broker; `engine` and `positions` are those of the service that reads `topic`."""
        self._kafka = kafka
        self._topic = topic
        self._engine = engine
        self._positions = positions
        self._lock = Lock()
        self._admin: Admin | None = None
        self._not_before = 0.0

    def measure(self) -> int | None:
        """Return the number of records that have been published and not applied; None: Kafka cannot be asked.

        A broker that did not answer is let be for a few seconds, so that reads stay fast while it is down.

        The broker is asked before the database. So 0 means that everything was applied that had been published before
        the call. Raises what the database raises.
        """
        with self._lock:
            if time.monotonic() < self._not_before:
                return None
            try:
                if self._admin is None:
                    self._admin = Admin(self._kafka, timeout=2.0)
                state = self._admin.state(self._topic)
            except TopicMissing:
                return None
            except (KafkaError, OSError):
                self.close()
                self._not_before = time.monotonic() + _LET_A_DEAD_BROKER_REST_SECONDS
                return None
        with self._engine.connect() as connection:
            return sum(unread(self._positions.stored(connection, self._topic), state).values())

    def close(self) -> None:
        """Close the connection to the broker; it is opened again when it is needed."""
        if self._admin is not None:
            client, self._admin = self._admin, None
            client.close()
