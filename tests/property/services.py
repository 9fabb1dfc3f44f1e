"""The services on a real PostgreSQL, fed batch by batch through the functions that their entry points call.

A stage lives in one transaction that is rolled back, so every history begins with empty tables.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, select

from efterhand.contracts import parse_event
from efterhand.database import create_engine, migrate
from efterhand.erasure import person_hash
from efterhand.messaging.records import Record
from efterhand.web.sight import EVERYTHING
from efterhand_followup.application import apply_events as followup_events
from efterhand_followup.application import move_date as followup_date
from efterhand_followup.application.read_checks import CheckFilter, read_checks
from efterhand_followup.application.read_doubts import DoubtFilter, read_doubts
from efterhand_followup.application.read_notices import NoticeFilter, read_notices
from efterhand_followup.application.reading import Asked
from efterhand_followup.application.sum_up import sum_up
from efterhand_indicators.adapters import context_store as indicators_context
from efterhand_indicators.application.adopt_catalogue import adopt_catalogue as adopt_definitions
from efterhand_indicators.application.apply_events import ApplyEvents
from efterhand_indicators.application.definitions import Definitions, compile_definitions
from efterhand_indicators.application.figures import read_figure
from efterhand_intake.adapters.tables import event as archive
from efterhand_intake.application import keep_the_date
from efterhand_intake.application.receive_events import Receiver
from efterhand_intake.domain.candidates import Candidate
from tests.property.product import Answer, catalogue
from tests.property.strategies import Event
from tests.reference import Row
from tests.reference.doubts import Doubt
from tests.reference.figures import Dims

CHECK_COLUMNS = ("anchor_on", "due", "state", "settled_on", "late", "flag", "unit")
NOTICE_COLUMNS = ("check", "step", "moment", "send_on", "unit", "to", "status")
"""What the reads show and the reference tells."""
SECRET = "73656372657473"


def record(event: Event, offset: int) -> Record:
    """The event as it lies on the topic; every other erasure as it is published again, when only the hash is left."""
    sent = dict(event)
    if event["type"] == "person.erased":
        sent["personhash"] = person_hash(SECRET, event["data"]["person"])
        if offset % 2:
            sent["data"] = {}
    key = event["data"].get("person", "").encode()
    return Record("case-events", 0, offset, key, orjson.dumps(sent), 0)


def _records(batch: Sequence[Event]) -> list[Record]:
    return [record(event, offset) for offset, event in enumerate(batch)]


class FollowupStage:
    """followup as it stands after some batches."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def move(self, day: date) -> None:
        """The business date moves."""
        self.announce(day)
        self._settle()

    def announce(self, day: date) -> None:
        """The business date moves, and nothing is computed yet of what follows."""
        followup_date.move_date(self._connection, day)

    def apply(self, batch: Sequence[Event]) -> None:
        """A batch arrives."""
        followup_events.apply_events(self._connection, _records(batch), catalogue(), SECRET)
        self._settle()

    def _settle(self) -> None:
        while followup_date.drain(self._connection, catalogue()).persons:
            pass
        sum_up(self._connection)

    def checks(self, on: date) -> dict[str, Answer]:
        """What the read of checks gives for a day."""
        asked = Asked(on, sight=EVERYTHING)
        page = read_checks(self._connection, catalogue(), asked, CheckFilter(), None, 1000)
        assert page["next"] is None
        return {item["id"]: {name: item[name] for name in CHECK_COLUMNS} for item in page["items"]}

    def notices(self, on: date) -> dict[str, Answer]:
        """What the read of notices gives for a day: the open and the summed ones."""
        asked = Asked(on, sight=EVERYTHING)
        found: dict[str, Answer] = {}
        for status in ("open", "summed"):
            page = read_notices(self._connection, catalogue(), asked, NoticeFilter(status=status), None, 1000)
            assert page["next"] is None
            for item in page["items"]:
                assert item["id"] not in found
                found[item["id"]] = {name: item[name] for name in NOTICE_COLUMNS}
        return found

    def doubts(self) -> set[Doubt]:
        """What the data-quality list gives, in pages so small that most entries begin or end one."""
        found: list[Doubt] = []
        cursor: str | None = None
        while True:
            page = read_doubts(self._connection, catalogue(), DoubtFilter(), EVERYTHING, cursor, 2)
            found += [(entry["code"], entry["person"], entry["about"]) for entry in page["items"]]
            cursor = page["next"]
            if cursor is None:
                assert len(set(found)) == len(found)
                return set(found)


class IndicatorsStage:
    """indicators as it stands after some batches."""

    def __init__(self, connection: Connection, definitions: Definitions) -> None:
        self.connection = connection
        self.definitions = definitions
        self._apply = ApplyEvents(definitions, SECRET)

    def move(self, day: date) -> None:
        """The business date moves."""
        indicators_context.move_business_date(self.connection, day)

    def apply(self, batch: Sequence[Event]) -> None:
        """A batch arrives."""
        self._apply(self.connection, _records(batch))

    def figure(
        self, indicator: str, at: date, by: Sequence[str], known: date | None
    ) -> tuple[date, bool, dict[Dims, Row]]:
        """What the read of figures gives: first day, preliminary, cells."""
        savepoint = self.connection.begin_nested()  # as known on a day leaves temporary tables
        figure = read_figure(self.connection, self.definitions, indicator, at, by, known).as_json()
        savepoint.rollback()
        rows = {
            tuple(sorted(row["dims"].items())): Row(
                value=row["value"],
                numerator=row["numerator"],
                denominator=row["denominator"],
                expected=row["expected"],
                coverage=row["coverage"],
                status=row["status"],
                target=row["target"],
                judgement=row["judgement"],
                sum=row["sum"],
            )
            for row in figure["rows"]
        }
        assert len(rows) == len(figure["rows"])
        return figure["from"], figure["preliminary"], rows


class IntakeStage:
    """intake as it stands after some posts."""

    def __init__(self, connection: Connection, business_date: date) -> None:
        self._connection = connection
        self._day = business_date
        self._receiver = Receiver(catalogue(), "manual", SECRET)
        keep_the_date.begin_with(connection, business_date)

    def post(self, batch: Sequence[Event]) -> list[tuple[str, list[str]]]:
        """Events arrive together: outcome and codes of each."""
        candidates = [Candidate(parse_event(orjson.dumps(event))) for event in batch]
        for candidate in candidates:
            self._receiver.judge(candidate, self._day)
        decisions = self._receiver.receive(self._connection, candidates)
        return [(str(decision.outcome), list(decision.codes)) for decision in decisions]

    def held(self) -> set[tuple[str, str]]:
        """The identities of what is archived."""
        return {(row.source, row.id) for row in self._connection.execute(select(archive.c.source, archive.c.id))}


class Services:
    """All three services on one database."""

    def __init__(self, url: str) -> None:
        for service in ("intake", "followup", "indicators"):
            migrate(url, service)
        self._intake: Engine = create_engine(url, "intake", pool_size=1)
        self._followup: Engine = create_engine(url, "followup", pool_size=1)
        self._indicators: Engine = create_engine(url, "indicators", pool_size=1)
        self._definitions = compile_definitions(catalogue(), "test")
        with self._followup.begin() as connection:
            followup_date.adopt_catalogue(connection, catalogue())
        with self._indicators.begin() as connection:
            adopt_definitions(connection, self._definitions)

    @contextmanager
    def intake(self, business_date: date) -> Iterator[IntakeStage]:
        """intake with empty tables, on a business date."""
        with self._intake.connect() as connection:
            yield IntakeStage(connection, business_date)
            connection.rollback()

    @contextmanager
    def followup(self) -> Iterator[FollowupStage]:
        """followup with empty tables and no date."""
        with self._followup.connect() as connection:
            yield FollowupStage(connection)
            connection.rollback()

    @contextmanager
    def indicators(self) -> Iterator[IndicatorsStage]:
        """indicators with empty tables and no date."""
        with self._indicators.connect() as connection:
            yield IndicatorsStage(connection, self._definitions)
            connection.rollback()

    def close(self) -> None:
        """Close the connections."""
        self._intake.dispose()
        self._followup.dispose()
        self._indicators.dispose()


def only(answers: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Of each answer the columns that a read shows."""
    return {id_: {name: answer[name] for name in names} for id_, answer in answers.items()}
