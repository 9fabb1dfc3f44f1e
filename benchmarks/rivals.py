"""The same figures by hand-written SQL from the raw events: a nightly job in PostgreSQL, and DuckDB.

Both run `nightly/facts.sql` and `nightly/figures.sql`: every indicator of the catalogue `stockholm` at one T, for all,
by sex, by unit rolled up the tree, and by both. The product answers for every T; a rival has only the one it ran for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import duckdb
import psycopg
from sqlalchemy import Engine

from benchmarks.common import Wrong, connect
from efterhand.catalogue import Catalogue
from efterhand.dates import add_working_days, window_start
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.application.figures import read_figure

_SQL: Final = Path(__file__).parent / "nightly"
_MADE: Final = "CREATE TEMPORARY TABLE "
_TYPES: Final = (
    "case.enrolled", "case.closed", "case.transferred", "case.assigned", "plan.set", "guidance.held", "offer.made",
    "measure.started", "measure.ended", "assistance.reported", "followup.answered", "followup.attempted",
    "consent.changed", "event.retracted",
)  # fmt: skip
_CALENDAR: Final = (date(2005, 1, 1), date(2020, 12, 31))

CellKey = tuple[str, str, str]
"""Indicator, sex, unit; '' where a cell is not restricted to one."""
Cells = Mapping[CellKey, tuple[int, int, int, int]]
"""Numerator, denominator, expected and sum; what does not apply is 0. Cells of nothing but 0 are left out."""


def statements(name: str) -> list[str]:
    """Return the statements of one of the files in `nightly/`, without comments."""
    lines = [line for line in (_SQL / f"{name}.sql").read_text().splitlines() if not line.lstrip().startswith("--")]
    return [each.strip() for each in "\n".join(lines).split(";") if each.strip()]


def tree_on(catalogue: Catalogue, at: date) -> list[tuple[str, str]]:
    """Return each unit with itself, every unit above it on a day, and '' for all units."""
    units = catalogue.units
    return [(unit, above) for unit in units.units for above in ("", *units.ancestors_on(unit, at))]


@cache
def fifth_working_days() -> tuple[tuple[date, date], ...]:
    """Return every day that matters with the fifth working day after it."""
    first, last = _CALENDAR
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return tuple((day, add_working_days(day, 5)) for day in days)


class Nightly:
    """The nightly job in PostgreSQL, over its own table of events in the product's database."""

    name = "nightly job"

    def __init__(self, url: str, catalogue: Catalogue) -> None:
        """Nothing happens before `load`."""
        self._url = url
        self._catalogue = catalogue

    def close(self) -> None:
        """Nothing is left open."""

    def load(self) -> None:
        """Take over the product's events: what a job of this kind would have been given night by night."""
        with self._connected() as connection:
            connection.execute("DROP SCHEMA IF EXISTS nightly CASCADE")
            connection.execute("CREATE SCHEMA nightly")
            (made,) = statements("event")
            connection.execute(f"{made} PARTITION BY LIST (type)".encode())
            for number, kind in enumerate(_TYPES):
                connection.execute(f"CREATE TABLE event_{number} PARTITION OF event FOR VALUES IN ('{kind}')".encode())
            connection.execute("CREATE TABLE event_others PARTITION OF event DEFAULT")
            connection.execute("CREATE TABLE calendar (day date PRIMARY KEY, fifth_working_day date NOT NULL)")
            with connection.cursor() as cursor:
                cursor.executemany("INSERT INTO calendar VALUES (%s, %s)", fifth_working_days())
            connection.execute(
                "CREATE TABLE result (indicator text, sex text, unit text, numerator bigint, denominator bigint,"
                " expected bigint, total bigint, PRIMARY KEY (indicator, sex, unit))"
            )
            connection.execute(f"INSERT INTO event {_reading()}".encode())
            connection.execute("VACUUM ANALYZE")

    def add(self, ids: Sequence[str]) -> None:
        """Take over some more events of the product's."""
        with self._connected() as connection:
            connection.execute(f"INSERT INTO event {_reading()} AND id = ANY(%s)".encode(), (list(ids),))

    def run(self, at: date) -> None:
        """Compute every cell at T and put them in the place of the last night's, in one transaction."""
        with self._connected() as connection:
            # What a nightly job on a machine of this size would be given.
            connection.execute("SET work_mem = '512MB'")
            connection.execute("SET temp_buffers = '512MB'")
            # Nothing temporary is indexed, and a loop over a million cases for each row of an underestimated join
            # takes hours where a hash takes seconds.
            connection.execute("SET enable_nestloop = off")
            with connection.transaction():
                connection.execute("CREATE TEMPORARY TABLE span ON COMMIT DROP AS SELECT %s::date AS begins_on,"
                                   " %s::date AS ends_on", (window_start(at, 12), at))  # fmt: skip
                connection.execute("CREATE TEMPORARY TABLE tree (unit text, above text) ON COMMIT DROP")
                with connection.cursor() as cursor:
                    cursor.executemany("INSERT INTO tree VALUES (%s, %s)", tree_on(self._catalogue, at))
                for statement in (*statements("facts"), *statements("figures")):
                    connection.execute(statement.encode())
                    if statement.startswith(_MADE):
                        table = statement.removeprefix(_MADE).split()[0]
                        # Nobody else does it for a temporary table, and without it the next join is planned blindly.
                        connection.execute(f"ANALYZE {table}".encode())
                connection.execute("TRUNCATE result")
                connection.execute("INSERT INTO result SELECT * FROM cell")

    def cells(self) -> Cells:
        """Return what the last run came to."""
        with self._connected() as connection:
            return as_cells(connection.execute("SELECT * FROM result").fetchall())

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        with connect(self._url) as connection:
            connection.execute("SET search_path = nightly")
            yield connection


class Duck:
    """DuckDB over its own columns, in a file of its own."""

    name = "DuckDB"

    def __init__(self, url: str, catalogue: Catalogue, directory: Path) -> None:
        """`url` is the product's database; `directory` gets the file. Nothing happens before `load`."""
        self._url = url
        self._directory = directory
        self._catalogue = catalogue
        self._connection = duckdb.connect(str(directory / "rival.duckdb"))
        self._connection.execute("SET TimeZone = 'UTC'")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def load(self) -> None:
        """Take over the product's events."""
        (made,) = statements("event")
        self._connection.execute("DROP TABLE IF EXISTS event")
        self._connection.execute(made)
        self._connection.execute("CREATE OR REPLACE TABLE calendar (day date, fifth_working_day date)")
        days = ", ".join(f"(DATE '{day}', DATE '{fifth}')" for day, fifth in fifth_working_days())
        self._connection.execute(f"INSERT INTO calendar VALUES {days}")
        path = self._directory / "events.csv"
        wanted = f"COPY ({_reading()} ORDER BY type) TO STDOUT (FORMAT csv)".encode()
        with connect(self._url) as looking, looking.cursor().copy(wanted) as copy, path.open("wb") as file:
            file.writelines(copy)
        self._connection.execute(f"COPY event FROM '{path}' (FORMAT csv, HEADER false)")
        self._connection.execute("CHECKPOINT")
        path.unlink()

    def add(self, ids: Sequence[str]) -> None:
        """Take over some more events of the product's."""
        with connect(self._url) as connection:
            rows = connection.execute(f"{_reading()} AND id = ANY(%s)".encode(), (list(ids),)).fetchall()
        places = ", ".join("?" * len(rows[0]))
        self._connection.executemany(f"INSERT INTO event VALUES ({places})", rows)

    def run(self, at: date) -> None:
        """Compute every cell at T from the events."""
        self.make_facts()
        self.make_figures(at)

    def make_facts(self) -> None:
        """Compute the facts from the events: they hold for every T."""
        self._make("facts")

    def make_figures(self, at: date) -> None:
        """Compute every cell at T from the facts."""
        pairs = ", ".join(f"('{unit}', '{above}')" for unit, above in tree_on(self._catalogue, at))
        for made in (
            f"span AS SELECT DATE '{window_start(at, 12)}' AS begins_on, DATE '{at}' AS ends_on",
            f"tree AS SELECT * FROM (VALUES {pairs}) AS tree (unit, above)",
        ):
            self._connection.execute(f"CREATE OR REPLACE TEMPORARY TABLE {made}")
        self._make("figures")

    def cells(self) -> Cells:
        """Return what the last run came to."""
        return as_cells(self._connection.execute("SELECT * FROM cell").fetchall())

    def _make(self, name: str) -> None:
        for statement in statements(name):
            self._connection.execute(statement.replace("CREATE ", "CREATE OR REPLACE ", 1))


def product_cells(engine: Engine, definitions: Definitions, at: date) -> Cells:
    """Return the product's own cells of every indicator at T, for all, by sex, by unit, and by both."""
    cells: dict[CellKey, tuple[int, int, int, int]] = {}
    for name in definitions.indicators:
        with engine.connect() as connection:
            figure = read_figure(connection, definitions, name, at, ("sex", "unit"))
        for cell in figure.cells:
            sums = (cell.numerator or 0, cell.denominator or 0, cell.expected or 0, cell.sum or 0)
            if any(sums):
                cells[name, cell.dims.get("sex", ""), cell.dims.get("unit", "")] = sums
    return cells


def require_every_indicator(cells: Cells, definitions: Definitions) -> None:
    """Raise `Wrong` unless every indicator counts something: what counts nothing compares nothing."""
    if missing := sorted(definitions.indicators.keys() - {name for name, _, _ in cells}):
        raise Wrong(f"nothing is counted by {missing}")


def compare(what: str, ours: Cells, theirs: Cells) -> int:
    """Return how many cells were compared. Raises `Wrong` with some of those in which a rival differs."""
    differing = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
    if differing or not ours:
        shown = [(key, ours.get(key), theirs.get(key)) for key in differing[:8]]
        raise Wrong(f"{what}: {len(differing)} of {len(ours)} cells are not ours (cell, ours, the rival's): {shown}")
    return len(ours)


def _reading() -> str:
    (statement,) = statements("reading")
    return statement


def as_cells(rows: Iterable[Sequence[Any]]) -> Cells:
    """Return rows of indicator, sex, unit, numerator, denominator, expected and sum as cells."""
    cells = {}
    for indicator, sex, unit, *sums in rows:
        if any(sums):
            numerator, denominator, expected, total = (int(each or 0) for each in sums)
            cells[indicator, sex, unit] = (numerator, denominator, expected, total)
    return cells
