"""The thread that looks after the topics: that they exist, and that what was published is still there."""

import threading
from collections.abc import Callable
from typing import Final

import structlog
from sqlalchemy import Engine

from efterhand.contracts import topics
from efterhand.logs import describe
from efterhand.messaging.topics import Admin
from efterhand_intake.adapters.archive import CASE_EVENTS
from efterhand_intake.application import publish_again

_log = structlog.get_logger(__name__)

_TICK_SECONDS: Final = 3.0


class BrokerWatch:
    """Creates what topics are missing, and publishes the archive again when `case-events` is a new topic."""

    def __init__(self, engine: Engine, kafka: str, on_outgoing: Callable[[], None]) -> None:
        """Make a watch, which does nothing until it is started; `on_outgoing` is told that something waits."""
        self._engine = engine
        self._kafka = kafka
        self._on_outgoing = on_outgoing
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="broker-watch", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def stop(self, timeout: float = 8.0) -> bool:
        """Stop; return whether the thread has ended within `timeout` seconds."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def notify(self) -> None:
        """Say that publishing again has begun."""
        self._wake.set()

    def _run(self) -> None:
        complained = False
        client: Admin | None = None
        while not self._stopping.is_set():
            try:
                # Before the broker is asked: what is under way goes on while it is down.
                self._publish()
                if client is None:
                    client = Admin(self._kafka)
                self._look(client)
                self._publish()
                complained = False
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever it is
                if client is not None:
                    client.close()
                    client = None
                if not complained:
                    _log.warning("the topics cannot be looked after", action="broker_waits", error=describe(error))
                complained = True
            self._wake.wait(_TICK_SECONDS)
            self._wake.clear()
        if client is not None:
            client.close()

    def _look(self, client: Admin) -> None:
        wanted = list(topics().values())
        ids = client.ids([topic.name for topic in wanted])
        if len(ids) < len(wanted):
            client.ensure(wanted)
            ids = client.ids([CASE_EVENTS])
        if CASE_EVENTS in ids:
            with self._engine.begin() as connection:
                began = publish_again.notice_topic(connection, ids[CASE_EVENTS])
            if began:
                _log.info("case-events is a new topic", action="publish_again", topic_id=ids[CASE_EVENTS])

    def _publish(self) -> None:
        while not self._stopping.is_set():
            with self._engine.begin() as connection:
                more = publish_again.go_on(connection)
            self._on_outgoing()
            if not more:
                return
