"""The only place that makes engines, threads and clients."""

import threading
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

from sqlalchemy import Engine, event

from efterhand.catalogue import load_catalogue
from efterhand.database import create_engine, migrate
from efterhand.messaging.announcements import Announcements
from efterhand.messaging.positions import Positions
from efterhand.messaging.relay import Relay
from efterhand.settings import Settings
from efterhand.web.tokens import Tokens
from efterhand_indicators.adapters import context_store, tables
from efterhand_indicators.application.definitions import Definitions, compile_definitions
from efterhand_indicators.entrypoints.drainer import Drainer

# A computation looks up some persons by their key, whatever the tables' size and statistics: one plan fits all, and
# neither a scan of a whole table nor compiling the plan is ever right.
_PLANNING: Final = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off"


def make_definitions(settings: Settings) -> Definitions:
    """Load and compile the catalogue.

    Raises:
        CatalogueError: it cannot be read.
        Uncompilable: an indicator asks for what is not kept.
    """
    return compile_definitions(load_catalogue(settings.catalogue), version("efterhand"))


def make_computing_engine(url: str, *, pool_size: int = 2) -> Engine:
    """Return an engine for what computes persons: its statements are planned once, by their keys."""
    engine = create_engine(url, tables.SCHEMA, pool_size=pool_size, max_overflow=2)

    @event.listens_for(engine, "connect")
    def planned_once(connection: Any, _: Any) -> None:
        autocommit, connection.autocommit = connection.autocommit, True
        connection.execute(_PLANNING)
        connection.autocommit = autocommit

    return engine


class Revocations:
    """Tokens that hold no more: kept in the database, asked for in memory."""

    def __init__(self, engine: Engine) -> None:
        """Make an empty list; `load` reads what is stored."""
        self._engine = engine
        self._revoked: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def load(self) -> None:
        """Read what is stored."""
        with self._lock, self._engine.connect() as connection:
            self._revoked |= context_store.read_revoked(connection)

    def add(self, token_id: str) -> None:
        """Keep that a token holds no more."""
        with self._lock:
            self._revoked |= {token_id}
            with self._engine.begin() as connection:
                context_store.revoke(connection, [token_id])

    def holds(self, token_id: str) -> bool:
        """Tell whether a token has been revoked."""
        return token_id in self._revoked


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
    relay: Relay
    announcements: Announcements

    def start(self) -> None:
        """Start the threads."""
        self.revocations.load()
        self.drainer.start()
        self.relay.start()
        self.announcements.start()

    def stop(self) -> None:
        """Stop the threads in order, and close what is open."""
        self.announcements.stop()
        self.drainer.stop()
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
    revocations = Revocations(engine)
    drainer = Drainer(engine, computing, definitions)
    return Services(
        settings=settings,
        engine=engine,
        computing=computing,
        definitions=definitions,
        tokens=Tokens(settings.secret.get_secret_value(), revocations.holds),
        revocations=revocations,
        drainer=drainer,
        relay=Relay(engine, tables.outbox, settings.kafka, parked=tables.parked),
        announcements=Announcements(
            settings, drainer.set_date, revocations.add, engine=engine, positions=Positions(tables.position)
        ),
    )
