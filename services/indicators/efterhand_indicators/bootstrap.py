"""The only place that makes engines, threads and clients."""

from dataclasses import dataclass
from importlib.metadata import version

from sqlalchemy import Engine

from efterhand.access_log.retention import forgetting
from efterhand.catalogue import load_catalogue
from efterhand.database import create_computing_engine, create_engine, migrate
from efterhand.messaging.announcements import Announcements
from efterhand.messaging.positions import Positions
from efterhand.messaging.relay import Relay
from efterhand.persons.draining import Rounds
from efterhand.settings import Settings
from efterhand.web.revocations import Revocations
from efterhand.web.tokens import Tokens
from efterhand_indicators.adapters import tables
from efterhand_indicators.application.definitions import Definitions, compile_definitions
from efterhand_indicators.entrypoints.drainer import Drainer


def make_definitions(settings: Settings) -> Definitions:
    """Load and compile the catalogue.

    Raises:
        CatalogueError: it cannot be read.
        Uncompilable: an indicator asks for what is not kept.
    """
    return compile_definitions(load_catalogue(settings.catalogue), version("efterhand"))


def make_computing_engine(url: str, *, pool_size: int = 2) -> Engine:
    """Return an engine for what computes persons."""
    return create_computing_engine(url, tables.SCHEMA, pool_size=pool_size)


@dataclass(frozen=True)
class Services:
    """Everything that the HTTP interface needs, made and not yet started."""

    settings: Settings
    engine: Engine
    computing: Engine
    definitions: Definitions
    tokens: Tokens
    revocations: Revocations
    drainer: Drainer
    forgetting: Rounds
    relay: Relay
    announcements: Announcements

    def start(self) -> None:
        """Start the threads."""
        self.revocations.load()
        self.drainer.rounds.start()
        self.forgetting.start()
        self.relay.start()
        self.announcements.start()

    def stop(self) -> None:
        """Stop the threads in order, and close what is open."""
        self.announcements.stop()
        self.drainer.rounds.stop()
        self.forgetting.stop()
        self.relay.stop()
        self.computing.dispose()
        self.engine.dispose()


def create_services(settings: Settings) -> Services:
    """Make what the API process needs; brings the schema up to date first.

    Raises:
        CatalogueError: the catalogue cannot be read.
        Uncompilable: an indicator asks for what is not kept.
    """
    definitions = make_definitions(settings)
    migrate(settings.database_url, tables.SCHEMA)
    engine = create_engine(settings.database_url, tables.SCHEMA, pool_size=5, max_overflow=8)
    computing = make_computing_engine(settings.database_url)
    revocations = Revocations(engine, tables.kept.revoked_token)
    drainer = Drainer(engine, computing, definitions)
    return Services(
        settings=settings,
        engine=engine,
        computing=computing,
        definitions=definitions,
        tokens=Tokens(settings.secret.get_secret_value(), revocations.holds),
        revocations=revocations,
        drainer=drainer,
        forgetting=forgetting(engine, tables.kept.access_log, settings.access_log_days),
        relay=Relay(engine, tables.outbox, settings.kafka, parked=tables.parked),
        announcements=Announcements(
            settings, drainer.set_date, revocations.add, engine=engine, positions=Positions(tables.position)
        ),
    )
