"""followup on a real database, without Kafka: what is fed to it and what its tables hold then."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, text

from efterhand.catalogue import Catalogue, load_catalogue
from efterhand.database import create_engine
from efterhand.messaging.records import Record
from efterhand_followup.adapters.tables import metadata
from efterhand_followup.application.apply_events import apply_events
from efterhand_followup.application.move_date import adopt_catalogue, move_date
from efterhand_followup.entrypoints.clock import Clock
from tests.property.strategies import stamp
from tests.tiny import followed_catalogue_directory, tiny_catalogue_directory

SECRET = "00112233445566778899aabbccddeeff"
Sent = dict[str, Any]
Row = dict[str, Any]

TABLES = [table.name for table in metadata.sorted_tables]


class Town:
    """A followup service that is fed by hand."""

    def __init__(self, url: str, catalogue_directory: Path) -> None:
        self.url = url
        self.catalogue_directory = catalogue_directory
        self.catalogue: Catalogue = load_catalogue(str(self.catalogue_directory))
        self.engine: Engine = create_engine(url, "followup")
        self.clock = Clock(self.engine, self.catalogue)
        self.begin_again()

    def begin_again(self) -> None:
        """Empty every table."""
        with self.engine.begin() as connection:
            for name in TABLES:
                if name != "context":
                    connection.execute(text(f'DELETE FROM followup."{name}"'))
            connection.execute(
                text(
                    "UPDATE followup.context SET business_date = NULL, started_on = NULL, catalogue = NULL,"
                    " generation = 0, protocols = '{}', definitions = '{}', watermarks = '{}'"
                )
            )
            adopt_catalogue(connection, self.catalogue)

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    def receive(self, *events: Sent) -> None:
        """Apply one batch in one transaction."""
        with self.engine.begin() as connection:
            apply_events(connection, records(events), self.catalogue, SECRET)

    def set_date(self, day: date) -> None:
        """Move the business date and do nothing yet of what follows."""
        with self.engine.begin() as connection:
            move_date(connection, day)

    def move_to(self, day: date) -> None:
        """Move the business date and do all that follows."""
        self.set_date(day)
        self.settle()

    def settle(self) -> None:
        """Compute until nothing is left to be computed."""
        while self.clock.round():
            pass

    def rows(self, table: str, order: str = "1, 2") -> list[Row]:
        """Everything that a table holds."""
        with self.engine.connect() as connection:
            found = connection.execute(text(f'SELECT * FROM followup."{table}" ORDER BY {order}')).mappings()
            return [dict(row) for row in found]

    def one(self, statement: str, **values: Any) -> Any:
        """The one value of a query."""
        with self.engine.connect() as connection:
            return connection.execute(text(statement), values).scalar_one()

    def do(self, statement: str, **values: Any) -> None:
        """Change something behind the service's back."""
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    def state(self) -> dict[str, list[Row]]:
        """All that must be the same whatever the order, repeats and batches: not the log of what was sent."""
        log = {"made_on", "withdrawn_on"}
        return {
            "event": self.rows("event", "person, source, id"),
            "person": [{k: v for k, v in row.items() if k != "computed_on"} for row in self.rows("person")],
            "check": self.rows("check"),
            "listed": self.rows("listed"),
            "doubt": self.rows("doubt"),
            "person_case": self.rows("person_case"),
            "erased": self.rows("erased"),
            "context": [{k: v for k, v in row.items() if k != "started_on"} for row in self.rows("context")],
            "notice": [
                {k: v for k, v in row.items() if k not in log}
                for row in self.rows("notice")
                if row["status"] != "withdrawn"
            ],
        }

    def log(self) -> list[Row]:
        """The whole log of notices."""
        return self.rows("notice")

    def outbox(self, topic: str) -> list[Any]:
        """The values that wait to be published, in their order."""
        with self.engine.connect() as connection:
            found = connection.execute(
                text("SELECT value FROM followup.outbox WHERE topic = :topic ORDER BY id"), {"topic": topic}
            ).scalars()
            return [orjson.loads(value) for value in found]


@pytest.fixture
def town(create_database: Callable[[str], str], followup_template: str) -> Iterator[Town]:
    """A town without anybody in it."""
    made = Town(create_database(followup_template), followed_catalogue_directory())
    yield made
    made.close()


@pytest.fixture
def whole_town(create_database: Callable[[str], str], followup_template: str) -> Iterator[Town]:
    """The same with every protocol."""
    made = Town(create_database(followup_template), tiny_catalogue_directory())
    yield made
    made.close()


def records(events: Iterable[Sent], start: int = 0) -> list[Record]:
    """The events as a worker reads them."""
    return [
        Record("case-events", 0, offset, event["data"].get("person", "").encode(), orjson.dumps(event), 0)
        for offset, event in enumerate(events, start)
    ]


_numbers = iter(range(10**9))


def event(type_: str, *, received: date, source: str = "/tiny/a", id_: str | None = None, **data: Any) -> Sent:
    """An accepted event; days may be dates."""
    return {
        "specversion": "1.0",
        "id": id_ or f"n{next(_numbers)}",
        "source": source,
        "type": type_,
        "time": data.pop("time", f"{received}T08:00:00+01:00"),
        "data": {name: value.isoformat() if isinstance(value, date) else value for name, value in data.items()},
        "received": stamp(received),
    }


def enrolled(person: str, on: date, *, case: str = "c1", received: date | None = None, **more: Any) -> Sent:
    """An enrolment of somebody of 20 in the north."""
    data = {
        "unit": "north",
        "target_group": "ordinary",
        "sex": "female",
        "birth_year": on.year - 20,
        **more,
    }
    return event("case.enrolled", received=received or on, person=person, case=case, on=on, **data)


def closed(person: str, on: date, *, case: str = "c1", reason: str = "work", received: date | None = None) -> Sent:
    """A closure."""
    return event("case.closed", received=received or on, person=person, case=case, on=on, reason=reason)


def reported_through(feed: str, through: date, received: date) -> Sent:
    """A watermark."""
    return event("source.reported_through", received=received, feed=feed, through=through)


def days_between(first: date, last: date) -> Sequence[date]:
    """Every day from one to another, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
