"""Puts intake together from its settings; the only place that makes engines, threads and clocks."""

import threading
from dataclasses import dataclass, field

from sqlalchemy import Engine

from efterhand.access_log.retention import forgetting
from efterhand.catalogue import Catalogue
from efterhand.catalogue.texts import load_written
from efterhand.database import create_engine
from efterhand.messaging.lag import LagMeter
from efterhand.messaging.positions import Positions
from efterhand.messaging.relay import Relay
from efterhand.persons.draining import Rounds
from efterhand.settings import Settings
from efterhand.web.problem import not_available
from efterhand.web.tokens import Tokens
from efterhand_intake.adapters import tables
from efterhand_intake.adapters.broker import BrokerWatch
from efterhand_intake.adapters.keeper import Keeper
from efterhand_intake.adapters.writer import Writer
from efterhand_intake.application.dispose import Disposer
from efterhand_intake.application.receive_events import Receiver

INBOUND = "case-events-inbound"

_CONNECTION = {"pool_size": 4, "max_overflow": 8}


@dataclass
class Revocations:
    """The ids of tokens that hold no more. Until they have been read no token is judged."""

    ids: frozenset[str] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, token_id: str) -> bool:
        """Tell whether a token is revoked. Raises Problem (503) while that cannot be known."""
        if self.ids is None:
            raise not_available("Which tokens hold is not known yet: the database has not answered.")
        return token_id in self.ids

    def add(self, token_id: str) -> None:
        """Know of a revocation at once."""
        with self._lock:
            self.ids = (self.ids or frozenset()) | {token_id}

    def know(self, ids: frozenset[str]) -> None:
        """Know all revocations there are; none is ever taken back."""
        with self._lock:
            self.ids = (self.ids or frozenset()) | ids


@dataclass
class Services:
    """Everything that the API needs, not yet started."""

    settings: Settings
    catalogue: Catalogue
    engine: Engine
    tokens: Tokens
    revocations: Revocations
    writer: Writer
    disposer: Disposer
    relay: Relay
    keeper: Keeper
    forgetting: Rounds
    broker: BrokerWatch
    lag: LagMeter

    def start(self, *, publish: bool = True) -> None:
        """Start the threads; none of them needs PostgreSQL or Kafka to be there already.

        `publish=False` leaves the relay and the care for the topics to another process.
        """
        self.writer.start()
        self.keeper.start()
        self.forgetting.start()
        if publish:
            self.relay.start()
            self.broker.start()

    def stop(self) -> None:
        """Stop the threads in order: first what brings in, last what sends out."""
        self.writer.stop()
        self.keeper.stop()
        self.forgetting.stop()
        self.broker.stop()
        self.relay.stop()
        self.lag.close()
        self.engine.dispose()


def receiver(settings: Settings, catalogue: Catalogue) -> Receiver:
    """Return what decides about events."""
    return Receiver(catalogue, settings.clock, settings.secret.get_secret_value())


def engine(settings: Settings) -> Engine:
    """Return the engine of the schema `intake`."""
    return create_engine(settings.database_url, tables.SCHEMA, **_CONNECTION)


def bootstrap(settings: Settings) -> Services:
    """Put the API's parts together.

    Raises:
        CatalogueError: the catalogue cannot be read.
    """
    written = load_written(settings.catalogue)
    catalogue = written.catalogue
    database = engine(settings)
    revocations = Revocations()
    relay = Relay(database, tables.outbox, settings.kafka, parked=tables.parked)
    writer = Writer(database, receiver(settings, catalogue), relay.notify)
    keeper = Keeper(database, writer, settings, written, revocations.know, relay.notify)
    return Services(
        settings=settings,
        catalogue=catalogue,
        engine=database,
        tokens=Tokens(settings.secret.get_secret_value(), revocations),
        revocations=revocations,
        writer=writer,
        disposer=Disposer(settings.clock, settings.secret.get_secret_value(), settings.retention_years),
        relay=relay,
        keeper=keeper,
        forgetting=forgetting(database, tables.access_log, settings.access_log_days),
        broker=BrokerWatch(database, settings.kafka, relay.notify),
        lag=LagMeter(settings.kafka, INBOUND, database, Positions(tables.position)),
    )
