"""A town whose channels are told, by a clock that is moved by hand, at receivers that fail as they are told to."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from efterhand.settings import Settings
from efterhand.web.tokens import Tokens
from efterhand_followup.adapters.channel_store import insert_channel
from efterhand_followup.adapters.ways_out import WaysOut, make_ways_out
from efterhand_followup.application.compose import Composing
from efterhand_followup.application.deliver import Pace
from efterhand_followup.domain.channels import Audience, Channel, Kind
from efterhand_followup.entrypoints.delivery import Delivery
from tests.services.followup_town import SECRET, Town
from tests.services.receivers import MailServer, PostOffice

DOOR = "https://efterhand.test"
NOTICE_LINK = re.compile(rf"{DOOR}/uppfoljningar[^\s#\"<]*#n-([0-9a-f]{{24}})")


class Crash(Exception):
    """The process dies between sending and keeping that it has sent."""


@dataclass
class Clock:
    """The wall's clock of the tests."""

    now: datetime = datetime(2017, 1, 2, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


class CrashingWays:
    """Sends as the real ways do, and dies behind a message when it is told to."""

    def __init__(self, ways: WaysOut) -> None:
        self.ways = ways
        self.crashes = 0

    def send(self, to: Channel, message: Any, now: datetime) -> None:
        self.ways.send(to, message, now)
        if self.crashes:
            self.crashes -= 1
            raise Crash


@dataclass
class Channels:
    """The town, what it tells, and who hears it."""

    town: Town
    mail: MailServer
    office: PostOffice
    settings: Settings
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.pace = Pace(manual=True, hour=7, retry_seconds=60, days=7)
        self.tokens = Tokens(SECRET)
        self.composing = Composing(self.town.catalogue, self.tokens, DOOR)
        self.real_ways = make_ways_out(self.settings, self.town.catalogue, self.tokens)
        self.ways = CrashingWays(self.real_ways)
        self.delivery = self.new_delivery()

    def new_delivery(self) -> Delivery:
        """Another process that delivers."""
        ways: Any = self.ways
        return Delivery(self.town.engine, self.composing, ways, self.pace, now=self.clock)

    def make(
        self,
        kind: Kind,
        audience: Audience = Audience.UNIT,
        unit: str | None = "north",
        staff: str | None = None,
        **more: Any,
    ) -> Channel:
        """A channel, told from the day on which it is made."""
        targets = {Kind.EMAIL: "north@town.test", Kind.WEBHOOK: self.office.address, Kind.CALENDAR: ""}
        today = self.town.one("SELECT business_date FROM followup.context")
        number = self.town.one("SELECT count(*) FROM followup.channel")
        made = Channel(
            id=f"{number:016x}",
            kind=kind,
            audience=audience,
            unit=unit if audience in (Audience.UNIT, Audience.MANAGER) else None,
            staff=staff,
            target=more.pop("target", targets.get(kind, f"json://{self.office.host}/chat")),
            language=more.pop("language", "sv"),
            generation=1,
            address_hash=more.pop("address_hash", None),
            made_by="token:t",
            made_on=today,
            planned_through=today - timedelta(days=1),
            read_at=None,
        )
        with self.town.engine.begin() as connection:
            assert insert_channel(connection, made)
        return made

    def rounds(self, most: int = 1000) -> None:
        """Deliver until there is nothing to be done now; whoever dies on the way is begun again."""
        for _ in range(most):
            with suppress(Crash):
                if not self.delivery.round():
                    return
        raise AssertionError("there is always something to be done")

    def rounds_later(self, **by: float) -> None:
        """Let time go by, and deliver."""
        self.clock.forward(**by)
        self.rounds()

    def move_to(self, day: date) -> None:
        """Another business date, and all that follows."""
        self.town.move_to(day)
        self.rounds()

    def reference(self, notice_id: str) -> str:
        """What stands for a notice in messages."""
        return self.tokens.keyed_hash("notice", notice_id)[:24]

    def open_notices(self, to: Channel) -> set[str]:
        """The notices that a channel should have told of by now, told anew from the log."""
        today = self.town.one("SELECT business_date FROM followup.context")
        units = self.composing.units(to, today)
        heard = {
            Audience.WORKER: lambda row: row["recipient"] == f"worker:{to.staff}",
            Audience.REGISTER: lambda row: row["recipient"] == "register",
            Audience.MANAGER: lambda row: row["recipient"].startswith("manager:") and row["unit"] in units,
            Audience.UNIT: lambda row: (
                not row["recipient"].startswith(("manager:", "register")) and row["unit"] in units
            ),
        }[to.audience]
        return {
            row["id"]
            for row in self.town.log()
            if row["status"] == "open" and not row["protected"] and row["send_on"] <= today and heard(row)
        }

    def states(self) -> dict[str, str]:
        """How the digests stand."""
        return {row["id"]: row["state"] for row in self.town.rows("digest")}


def shown_by_mail(server: MailServer) -> dict[str, list[str]]:
    """What a reader of the mails sees who keeps their ids: the notices of each mail that is new."""
    shown: dict[str, list[str]] = {}
    for mail in server.taken:
        body = mail.get_body(("plain",))
        assert body is not None
        shown.setdefault(str(mail["message-id"]), NOTICE_LINK.findall(body.get_content()))
    return shown


def shown_by_webhook(office: PostOffice) -> dict[str, list[str]]:
    """The same of webhooks."""
    shown: dict[str, list[str]] = {}
    for posted in office.taken:
        if "webhook-id" in posted.headers:
            refs = [notice["id"] for kind in posted.said["data"]["kinds"] for notice in kind["notices"]]
            shown.setdefault(posted.headers["webhook-id"], refs)
    return shown


@pytest.fixture
def mail() -> Iterator[MailServer]:
    server = MailServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def office() -> Iterator[PostOffice]:
    made = PostOffice()
    made.start()
    yield made
    made.stop()


def settings_to_send(mail: MailServer, office: PostOffice, **more: Any) -> Settings:
    """The settings by which a mail server and a host may be sent to."""
    return Settings(
        secret=SECRET,
        smtp_host="127.0.0.1",
        smtp_port=mail.port,
        smtp_tls="none",
        smtp_sender="efterhand@town.test",
        mail_domains=("town.test",),
        channel_hosts=(office.host,),
        chat_services=("json",),
        **more,
    )


@pytest.fixture
def channels(town: Town, mail: MailServer, office: PostOffice) -> Iterator[Channels]:
    """A town without channels."""
    made = Channels(town, mail, office, settings_to_send(mail, office, public_url=DOOR))
    yield made
    made.real_ways.close()
