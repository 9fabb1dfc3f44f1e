"""indicators on a real database, without Kafka: what is fed to it, what its tables hold and what it tells."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import make_url

from efterhand.catalogue import Catalogue
from efterhand.database import create_engine, migrate
from efterhand.messaging.records import Record
from efterhand_indicators.adapters import tables
from efterhand_indicators.adapters.context_store import move_business_date
from efterhand_indicators.application.adopt_catalogue import adopt_catalogue
from efterhand_indicators.application.apply_events import ApplyEvents
from efterhand_indicators.application.audit import audit
from efterhand_indicators.application.definitions import Definitions, compile_definitions
from efterhand_indicators.application.drain import drain_some
from efterhand_indicators.application.figures import Figure, read_figure
from efterhand_indicators.application.keep_totals import keep_totals
from efterhand_indicators.application.rebuild import rebuild
from efterhand_indicators.bootstrap import make_computing_engine
from tests import reference
from tests.property.product import catalogue as tiny_catalogue
from tests.property.services import record
from tests.property.strategies import Event

SECRET = "73656372657473"
Row = dict[str, Any]

TABLES = [table.name for table in tables.metadata.sorted_tables if table is not tables.working_day]
"""All but what the migration fills and nobody changes."""


class Office:
    """An indicators service that is fed by hand."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine: Engine = create_engine(url, tables.SCHEMA)
        self.computing: Engine = make_computing_engine(url)
        self.definitions = compile_definitions(tiny_catalogue(), "test")
        self._offset = 0
        self.begin_again()

    def begin_again(self) -> None:
        """Empty every table."""
        with self.engine.begin() as connection:
            for name in TABLES:
                if name != "context":
                    connection.execute(text(f'DELETE FROM indicators."{name}"'))
            connection.execute(
                text(
                    "UPDATE indicators.context SET business_date = NULL, catalogue = NULL, generation = 1,"
                    " definitions = '{}', plan = '{}', totals = '{}', watermarks = '{}'"
                )
            )
        self.adopt()

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()
        self.computing.dispose()

    def adopt(self, catalogue: Catalogue | None = None) -> Definitions:
        """Start a process with this catalogue, by default the one it had; returns what it computes by."""
        if catalogue is not None:
            self.definitions = compile_definitions(catalogue, "test")
        with self.computing.begin() as connection:
            adopt_catalogue(connection, self.definitions)
        return self.definitions

    def receive(self, *events: Event, by: Definitions | None = None) -> None:
        """Apply one batch in one transaction, as a worker does that computes by some definitions."""
        records = []
        for event in events:
            records.append(event_record(event, self._offset))
            self._offset += 1
        with self.computing.begin() as connection:
            ApplyEvents(by or self.definitions, SECRET)(connection, records)

    def move_to(self, day: date) -> None:
        """Move the business date."""
        with self.engine.begin() as connection:
            move_business_date(connection, day)

    def rebuild(self) -> int:
        """Ask for everything anew; returns how many persons that are."""
        with self.engine.begin() as connection:
            return rebuild(connection)

    def drain(self, at_a_time: int = 2) -> int:
        """Compute whoever has to be computed; returns how many that were."""
        total = 0
        while done := drain_some(self.computing, self.definitions, at_a_time):
            total += done
        return total

    def keep_totals(self) -> None:
        """Do all that there is to do about totals."""
        while keep_totals(self.engine, self.definitions):
            pass

    def drain_once(self, persons: int) -> int:
        """Compute at most so many of those who have to be computed; returns how many that were."""
        return drain_some(self.computing, self.definitions, persons)

    def audit(self) -> dict[str, Any]:
        """What the audit finds."""
        return audit(self.engine, self.definitions, SECRET)

    def reading(self) -> Connection:
        """A connection that sees one state."""
        return self.engine.connect().execution_options(isolation_level="REPEATABLE READ")

    def figure(self, indicator: str, at: date, by: Sequence[str] = (), known: date | None = None) -> Figure:
        """A figure."""
        with self.reading() as connection:
            return read_figure(connection, self.definitions, indicator, at, by, known)

    def told(
        self, indicator: str, at: date, by: Sequence[str] = (), known: date | None = None
    ) -> dict[str, str | None]:
        """The values of a figure, by cell."""
        return {_name(cell.dims): cell.value for cell in self.figure(indicator, at, by, known).cells}

    def rows(self, table: str) -> list[Row]:
        """Everything that a table holds."""
        with self.engine.connect() as connection:
            found = connection.execute(text(f'SELECT * FROM indicators."{table}"')).mappings()
            return sorted((dict(row) for row in found), key=lambda row: str(list(row.values())))

    def do(self, statement: str, **values: Any) -> int:
        """Change something behind the service's back; returns how many rows."""
        with self.engine.begin() as connection:
            return connection.execute(text(statement), values).rowcount

    def state(self) -> dict[str, list[Row]]:
        """All that must be the same whatever the order, repeats and batches."""
        return {name: self.rows(name) for name in TABLES}


def _name(dims: Any) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(dims.items())) or "all"


def as_reference(figure: Figure) -> reference.Figure:
    """A figure in the words of the reference."""
    answer = figure.as_json()
    return reference.Figure(
        indicator=answer["indicator"],
        from_on=answer["from"],
        to_on=answer["to"],
        preliminary=answer["preliminary"],
        rows={
            tuple(sorted(row["dims"].items())): reference.Row(
                *(
                    row[name]
                    for name in (
                        "value",
                        "numerator",
                        "denominator",
                        "expected",
                        "coverage",
                        "status",
                        "target",
                        "judgement",
                    )
                ),
                sum=None if row["sum"] is None else int(row["sum"]),
            )
            for row in answer["rows"]
        },
    )


def event_record(event: Event, offset: int) -> Record:
    """The event as it lies on the topic; what says by itself whom it erases is left as it is."""
    if "personhash" in event:
        return Record("case-events", 0, offset, b"", orjson.dumps(event), 0)
    return record(event, offset)


@pytest.fixture(scope="session")
def office_template(create_database: Callable[[str], str]) -> str:
    """The name of a database with nothing but the service's empty tables."""
    url = create_database("template0")
    migrate(url, tables.SCHEMA)
    return str(make_url(url).database)


@pytest.fixture
def office(create_database: Callable[[str], str], office_template: str) -> Iterator[Office]:
    """An office that has heard of nobody."""
    made = Office(create_database(office_template))
    yield made
    made.close()
