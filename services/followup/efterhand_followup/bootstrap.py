"""The only place that makes engines, producers and clocks."""

from dataclasses import dataclass

from sqlalchemy import Engine

from efterhand.access_log.retention import forgetting
from efterhand.catalogue import Catalogue, load_catalogue
from efterhand.database import create_computing_engine, create_engine, migrate
from efterhand.messaging.announcements import Announcements
from efterhand.messaging.positions import Positions
from efterhand.messaging.relay import Relay
from efterhand.persons.draining import Rounds
from efterhand.settings import Settings
from efterhand.web.revocations import Revocations
from efterhand.web.tokens import Tokens
from efterhand_followup.adapters import tables
from efterhand_followup.adapters.intake_client import IntakeClient
from efterhand_followup.adapters.ways_out import WaysOut, door_address, make_ways_out
from efterhand_followup.application.compose import Composing
from efterhand_followup.application.deliver import Pace
from efterhand_followup.domain.acts import SOURCE
from efterhand_followup.entrypoints.clock import Clock
from efterhand_followup.entrypoints.delivery import Delivery


def make_computing_engine(settings: Settings) -> Engine:
    """Return an engine for what computes persons."""
    return create_computing_engine(settings.database_url, tables.SCHEMA)


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
    composing: Composing
    ways: WaysOut
    delivery: Delivery
    forgetting: Rounds
    relay: Relay
    announcements: Announcements

    def start(self) -> None:
        """Start the threads."""
        self.revocations.load()
        self.clock.rounds.start()
        self.delivery.rounds.start()
        self.forgetting.start()
        self.relay.start()
        self.announcements.start()

    def stop(self) -> None:
        """Stop the threads in order, and close what is open."""
        self.announcements.stop()
        self.clock.rounds.stop()
        self.delivery.rounds.stop()
        self.forgetting.stop()
        self.relay.stop()
        self.ways.close()
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
    revocations = Revocations(engine, tables.kept.revoked_token)
    tokens = Tokens(settings.secret.get_secret_value(), revocations.holds)
    computing = make_computing_engine(settings)
    clock = Clock(computing, catalogue)
    composing = Composing(catalogue, tokens, door_address(settings))
    ways = make_ways_out(settings, catalogue, tokens)
    pace = Pace(
        settings.clock == "manual", settings.digest_hour, settings.delivery_retry_seconds, settings.delivery_days
    )

    return Services(
        settings=settings,
        engine=engine,
        computing=computing,
        catalogue=catalogue,
        tokens=tokens,
        revocations=revocations,
        intake=IntakeClient(settings.intake_url, tokens, SOURCE),
        clock=clock,
        composing=composing,
        ways=ways,
        delivery=Delivery(engine, composing, ways, pace, failed_persons=clock.failed_persons),
        forgetting=forgetting(engine, tables.kept.access_log, settings.access_log_days),
        relay=Relay(engine, tables.outbox, settings.kafka, parked=tables.parked),
        announcements=Announcements(
            settings, clock.set_date, revocations.add, engine=engine, positions=Positions(tables.position)
        ),
    )
