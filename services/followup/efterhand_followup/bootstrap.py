"""The only place that makes engines, producers and clocks."""

import threading
from dataclasses import dataclass
from typing import Any, Final

import orjson
from psycopg.types.json import set_json_loads
from sqlalchemy import Engine, event, text

from efterhand.catalogue import Catalogue, load_catalogue
from efterhand.database import bulk_insert, create_engine, migrate
from efterhand.messaging.announcements import Announcements
from efterhand.messaging.positions import Positions
from efterhand.messaging.relay import Relay
from efterhand.settings import Settings
from efterhand.web.tokens import Tokens
from efterhand_followup.adapters import tables
from efterhand_followup.adapters.intake_client import IntakeClient
from efterhand_followup.application.answer_check import SOURCE
from efterhand_followup.entrypoints.clock import Clock

# Persons are looked up by their keys, whatever the tables' size and statistics: one plan fits all. A plan made while
# the tables were empty, and kept, would read all of them for every batch.
_PLANNING: Final = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off"


def make_computing_engine(settings: Settings) -> Engine:
    """Return an engine for what computes persons: its statements are planned once, by their keys."""
    engine = create_engine(settings.database_url, tables.SCHEMA, pool_size=2, max_overflow=2)

    @event.listens_for(engine, "connect")
    def planned_once(connection: Any, _: Any) -> None:
        autocommit, connection.autocommit = connection.autocommit, True
        connection.execute(_PLANNING)
        connection.autocommit = autocommit
        set_json_loads(orjson.loads, connection)

    return engine


class Revocations:
    """Tokens that hold no more: kept in the database, asked for in memory."""

    def __init__(self, engine: Engine) -> None:
        """Make an empty list; `load` reads what is stored."""
        self._engine = engine
        self._revoked: set[str] = set()
        self._lock = threading.Lock()

    def load(self) -> None:
        """Read what is stored."""
        with self._engine.connect() as connection:
            stored = set(connection.execute(text("SELECT token_id FROM followup.revoked_token")).scalars())
        with self._lock:
            self._revoked |= stored

    def add(self, token_id: str) -> None:
        """Keep that a token holds no more."""
        with self._lock:
            self._revoked.add(token_id)
        with self._engine.begin() as connection:
            bulk_insert(connection, tables.revoked_token, [{"token_id": token_id}], on_conflict="ignore")

    def holds(self, token_id: str) -> bool:
        """Tell whether a token has been revoked."""
        return token_id in self._revoked


@dataclass(frozen=True)
class Services:
    """Everything that the HTTP interface needs, made and not yet started."""

    settings: Settings
    engine: Engine
    computing: Engine
    catalogue: Catalogue
    tokens: Tokens
    revocations: Revocations
    intake: IntakeClient
    clock: Clock
    relay: Relay
    announcements: Announcements

    def start(self) -> None:
        """Start the threads."""
        self.revocations.load()
        self.clock.start()
        self.relay.start()
        self.announcements.start()

    def stop(self) -> None:
        """Stop the threads in order, and close what is open."""
        self.announcements.stop()
        self.clock.stop()
        self.relay.stop()
        self.intake.close()
        self.computing.dispose()
        self.engine.dispose()


def create_services(settings: Settings) -> Services:
    """Make what the API process needs; brings the schema up to date first.

    Raises:
        CatalogueError: the catalogue cannot be read.
    """
    catalogue = load_catalogue(settings.catalogue)
    migrate(settings.database_url, tables.SCHEMA)
    engine = create_engine(settings.database_url, tables.SCHEMA, pool_size=8, max_overflow=8)
    revocations = Revocations(engine)
    tokens = Tokens(settings.secret.get_secret_value(), revocations.holds)
    computing = make_computing_engine(settings)
    clock = Clock(computing, catalogue)

    return Services(
        settings=settings,
        engine=engine,
        computing=computing,
        catalogue=catalogue,
        tokens=tokens,
        revocations=revocations,
        intake=IntakeClient(settings.intake_url, tokens, SOURCE),
        clock=clock,
        relay=Relay(engine, tables.outbox, settings.kafka, parked=tables.parked),
        announcements=Announcements(
            settings, clock.set_date, revocations.add, engine=engine, positions=Positions(tables.position)
        ),
    )
