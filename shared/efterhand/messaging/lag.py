"""How far a service is behind a topic, measured when it is asked for."""

from threading import Lock

from kafka.errors import KafkaError
from sqlalchemy import Engine

from efterhand.messaging.positions import Positions, unread
from efterhand.messaging.topics import Admin, TopicMissing


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

    def measure(self) -> int | None:
        """Return the number of records that have been published and not applied; None: Kafka cannot be asked.

        The broker is asked before the database. So 0 means that everything was applied that had been published before
        the call. Raises what the database raises.
        """
        with self._lock:
            try:
                if self._admin is None:
                    self._admin = Admin(self._kafka, timeout=2.0)
                state = self._admin.state(self._topic)
            except TopicMissing:
                return None
            except (KafkaError, OSError):
                self.close()
                return None
        with self._engine.connect() as connection:
            return sum(unread(self._positions.stored(connection, self._topic), state).values())

    def close(self) -> None:
        """Close the connection to the broker; it is opened again when it is needed."""
        if self._admin is not None:
            client, self._admin = self._admin, None
            client.close()
