"""The COPY loader: fills the schema `indicators` of a fresh database with the histories of very many persons.

    python -m benchmarks.filling [--persons 10000]

What it does: a block of distinct persons (`population.py`) goes through the product's own code, event by event, in a
database of its own. Their rows, in every table of the schema that has a person, are then written by COPY again and
again, each time with another token at the beginning of every pseudonym and id; what depends on these (hashes, buckets,
fingerprints of facts) is computed for each. Catalogue, business date and watermarks are set by the product's own code.
The same number of persons and the same seed give the same rows.

Totals, which sum persons up, are filled by the product's own code afterwards.

What it does not do: Kafka, intake and followup know nothing of these persons. Erased persons are not among them.
Persons of different blocks have the same lives under other names: no figure of one person depends on another's, so
nothing gets simpler by that, but the database may compress a little better than in life.

As a command it fills a database and has the product's audit compute everything again from the events.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from itertools import islice
from typing import Any, Final

import orjson
import psycopg
from psycopg import sql
from sqlalchemy import Engine, Table, select

from benchmarks.common import SECRET, Servers, Wrong, connect, large_servers, say, settings
from benchmarks.population import LAST_DAY, TOKEN, persons
from efterhand.clock import end_of_day
from efterhand.database import create_engine
from efterhand.demo.recording import ASSISTANCE, CASES, register_run, watermark
from efterhand.erasure import person_hash
from efterhand.messaging.records import Record
from efterhand.persons.store import read_events
from efterhand.timeline.digest import bucket_of, event_hash
from efterhand_indicators.adapters import context_store, tables
from efterhand_indicators.application.adopt_catalogue import adopt_catalogue
from efterhand_indicators.application.apply_events import ApplyEvents
from efterhand_indicators.application.audit import audit
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.application.keep_totals import keep_totals
from efterhand_indicators.bootstrap import make_computing_engine, make_definitions
from efterhand_indicators.domain.rows import derive_rows, fingerprint
from efterhand_indicators.domain.totals import Totals

BLOCK: Final = 5000
"""Distinct persons."""
_PERSONS_AT_A_TIME: Final = 200
_IN_TRANSIT: Final = (tables.outbox.name, tables.parked.name)


@dataclass(frozen=True)
class Filled:
    """What is in a database that has been filled."""

    persons: int
    events: int
    seconds: float
    """By COPY; the block was computed before."""


def record_of(event: Mapping[str, Any], received: date) -> Record:
    """Return an event as the worker reads it from the topic `case-events`."""
    value = orjson.dumps({**event, "received": end_of_day(received)})
    return Record("case-events", 0, 0, event["data"].get("person", "").encode(), value, 0)


def open_for(engine: Engine, definitions: Definitions) -> None:
    """Set a fresh database's catalogue, business date and watermarks as the product's processes do."""
    cases = watermark(CASES, "cases", LAST_DAY, datetime.combine(LAST_DAY, time_of_day(22, 30), UTC))
    month = date(LAST_DAY.year, LAST_DAY.month - 1, 30)
    run = datetime.combine(register_run(month), time_of_day(3, 30), UTC)
    assistance = watermark(ASSISTANCE, "assistance", month, run)
    with engine.begin() as connection:
        adopt_catalogue(connection, definitions)
        context_store.move_business_date(connection, LAST_DAY)
        marks = [record_of(mark.event, mark.received) for mark in (cases, assistance)]
        ApplyEvents(definitions, SECRET)(connection, marks)


class Block:
    """Distinct persons as the product stores them, ready to be written under other names."""

    def __init__(self, url: str, definitions: Definitions, number: int, seed: int = 2017) -> None:
        """Have them computed in a fresh database.

        Args:
            url: of the database, with the schema `indicators`, which stays as it is afterwards.
            definitions: by which everything is computed.
            number: of persons.
            seed: of `population.persons`.
        """
        self.number = number
        engine = make_computing_engine(url)
        try:
            open_for(engine, definitions)
            _apply(engine, definitions, number, seed)
            self._templates = tuple(_read_templates(url, engine, definitions))
        finally:
            engine.dispose()

    @property
    def events(self) -> int:
        """How many events the persons of the block have."""
        return next(each.rows for each in self._templates if each.table == tables.kept.event.name)

    def write(self, url: str, numbers: Iterable[int]) -> None:
        """Write a copy of the block for each of some numbers into a database, in a transaction for each."""
        with connect(url) as connection:
            for number in numbers:
                token = f"x{number:05d}x".encode()
                with connection.transaction(), connection.cursor() as cursor:
                    for template in self._templates:
                        with cursor.copy(template.statement) as copy:
                            copy.write(template.text(token))


_Computed = Callable[[bytes], Iterator[bytes]]
"""Gives, for a token, the columns of every row that depend on it, in the rows' order."""


@dataclass(frozen=True)
class _Template:
    """The rows of one table in COPY's text format, with TOKEN in them; `computed` gives the last columns of each."""

    table: str
    statement: sql.Composed
    lines: bytes
    rows: int
    computed: _Computed | None

    def text(self, token: bytes) -> bytes:
        """Return the rows of the persons with another token."""
        lines = self.lines.replace(TOKEN.encode(), token)
        if self.computed is None:
            return lines
        pairs = zip(lines.removesuffix(b"\n").split(b"\n"), self.computed(token), strict=True)
        return b"".join(b"%b\t%b\n" % pair for pair in pairs)


def _apply(engine: Engine, definitions: Definitions, number: int, seed: int) -> None:
    """Feed the events of so many persons to the worker's code, those of a person together."""
    apply = ApplyEvents(definitions, SECRET)
    lives = persons(number, seed)
    while batch := list(islice(lives, _PERSONS_AT_A_TIME)):
        with engine.begin() as connection:
            apply(connection, [record_of(each.event, each.received) for life in batch for each in life])


def _read_templates(url: str, engine: Engine, definitions: Definitions) -> Iterator[_Template]:
    """Read every row about a person; tables without any are left out."""
    computed: dict[str, tuple[tuple[str, ...], _Computed]] = {
        tables.kept.event.name: (("hash", "bucket"), _hashes(engine)),
        tables.kept.person.name: (("personhash", "facts"), _progress(engine, definitions)),
    }
    # Events come as they were received, and so lie apart; what is computed of a person is written together.
    orders = {tables.kept.event.name: ("received", "person", "source", "id")}
    with connect(url) as connection:
        for table in tables.metadata.sorted_tables:
            if "person" not in table.c:
                continue
            last, make = computed.get(table.name, ((), None))
            columns = [column.name for column in table.c if column.name not in last]
            order = orders.get(table.name, [column.name for column in table.primary_key])
            lines = _read_lines(connection, table, columns, order)
            if lines and table.name in _IN_TRANSIT:
                raise Wrong(f"the block left rows in {table.name}")
            if lines:
                into = sql.SQL("COPY {} ({}) FROM STDIN").format(_name_of(table), _names([*columns, *last]))
                yield _Template(table.name, into, lines, lines.count(b"\n"), make)


def _read_lines(
    connection: psycopg.Connection[Any], table: Table, columns: Iterable[str], order: Iterable[str]
) -> bytes:
    wanted = sql.SQL("COPY (SELECT {} FROM {} WHERE person <> '' ORDER BY {}) TO STDOUT").format(
        _names(columns), _name_of(table), _names(order)
    )
    with connection.cursor() as cursor, cursor.copy(wanted) as copy:
        return b"".join(bytes(part) for part in copy)


def _name_of(table: Table) -> sql.Identifier:
    return sql.Identifier(str(table.schema), table.name)


def _names(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _hashes(engine: Engine) -> _Computed:
    """Return what gives the hash and the bucket of every event, in the events' order."""
    event = tables.kept.event.c
    with engine.connect() as connection:
        held = connection.execute(
            select(event.person, event.source, event.id)
            .where(event.person != "")
            .order_by(event.received, event.person, event.source, event.id)
        ).all()

    def computed(token: bytes) -> Iterator[bytes]:
        other = token.decode()
        buckets = {row.person: bucket_of(row.person.replace(TOKEN, other)) for row in held}
        for person, source, event_id in held:
            yield b"%d\t%d" % (event_hash(source, event_id.replace(TOKEN, other)), buckets[person])

    return computed


def _progress(engine: Engine, definitions: Definitions) -> _Computed:
    """Return what gives the keyed hash and the fingerprints of every person, in the persons' order."""
    with engine.connect() as connection:
        names = connection.execute(select(tables.kept.person.c.person).order_by(tables.kept.person.c.person)).scalars()
        events = read_events(connection, tables.kept, list(names))
    rows = {name: derive_rows(name, events[name], definitions.catalogue) for name in sorted(events)}

    def computed(token: bytes) -> Iterator[bytes]:
        other = token.decode()
        for name, kinds in rows.items():
            own = name.replace(TOKEN, other)
            prints = {kind: fingerprint(_renamed(each, other)) for kind, each in kinds.items()}
            yield b"%b\t%b" % (person_hash(SECRET, own).encode(), orjson.dumps(prints))

    return computed


def _renamed(rows: Sequence[Mapping[str, Any]], token: str) -> list[Mapping[str, Any]]:
    return [
        {name: value.replace(TOKEN, token) if isinstance(value, str) else value for name, value in row.items()}
        for row in rows
    ]


def fill(url: str, block: Block, numbers: range) -> Filled:
    """Write copies of a block into a database that has been opened for it, in two processes.

    Args:
        url: of the database; `open_for` has opened it.
        block: the persons.
        numbers: of the copies; none of them may be there yet.

    Raises:
        Wrong: a process failed, or the database is of another generation than the block.
    """
    begun = time.perf_counter()
    # What they write is in this process already; a fork has it for nothing.
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=block.write, args=(url, numbers[number::2])) for number in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    if any(writer.exitcode for writer in writers):
        raise Wrong("a process that writes by COPY has failed")
    with connect(url) as connection:
        connection.execute("VACUUM ANALYZE")
        others = connection.execute(
            "SELECT count(*) FROM indicators.person, indicators.context WHERE person.generation <> context.generation"
        ).fetchone()
    if others != (0,):
        raise Wrong("the persons are of another generation than the database")
    return Filled(block.number * len(numbers), block.events * len(numbers), time.perf_counter() - begun)


def keep_totals_anew(url: str, definitions: Definitions) -> None:
    """Have the product keep its totals anew: what COPY brought is in none of them."""
    engine = create_engine(url, tables.SCHEMA)
    try:
        with engine.begin() as connection:
            context_store.set_totals(connection, Totals())
        while keep_totals(engine, definitions):
            pass
    finally:
        engine.dispose()


def check(url: str, definitions: Definitions, secret: str = SECRET) -> int:
    """Have the product's audit compute everything again; return how many persons that were.

    Raises:
        Wrong: something is stored otherwise, or somebody has not been computed.
    """
    engine = make_computing_engine(url)
    try:
        told = audit(engine, definitions, secret)
    finally:
        engine.dispose()
    if not told["checked"] or told["pending"] or told["total"]:
        raise Wrong(
            f"the audit found {told['total']} differences, {told['pending']} pending: {told['differences'][:3]}"
        )
    return int(told["checked"])


class Town:
    """A database that is filled, and can grow."""

    def __init__(self, url: str, definitions: Definitions, block: Block) -> None:
        """`url` is that of a database which has been opened, and has nobody in it."""
        self.url = url
        self.definitions = definitions
        self.written = "nobody"
        """How long the last persons that came took to be written, with nothing computed but their totals."""
        self._block = block
        self._copies = 0

    @property
    def persons(self) -> int:
        """How many there are."""
        return self._copies * self._block.number

    @property
    def events(self) -> int:
        """How many there are about persons."""
        return self._copies * self._block.events

    def grow(self, number: int) -> None:
        """Add so many persons, rounded up to whole blocks; all must be of the generation of the block."""
        copies = -(-number // self._block.number)
        filled = fill(self.url, self._block, range(self._copies, self._copies + copies))
        self._copies += copies
        rate = filled.events / filled.seconds
        say(f"{filled.persons} persons, {filled.events} events by COPY: {filled.seconds:.1f} s, {rate:.0f} events/s")
        begun = time.perf_counter()
        keep_totals_anew(self.url, self.definitions)
        totals = time.perf_counter() - begun
        say(f"their totals, by the product: {totals:.1f} s")
        self.written = f"{filled.persons} persons by COPY in {filled.seconds:.0f} s, then all totals in {totals:.0f} s"

    def doubled(self, servers: Servers) -> Town:
        """Return another town, with the same persons and as many more."""
        other = Town(servers.copy_database(self.url), self.definitions, self._block)
        other._copies = self._copies
        other.grow(self.persons)
        return other


def make_town(servers: Servers, definitions: Definitions, number: int) -> Town:
    """Fill a new database with so many persons, rounded up to whole blocks."""
    begun = time.perf_counter()
    scratch = servers.new_database()
    block = Block(scratch, definitions, min(BLOCK, number))
    servers.drop_database(scratch)
    say(f"a block of {block.number} persons, {block.events} events: {time.perf_counter() - begun:.1f} s")
    url = servers.new_database()
    engine = make_computing_engine(url)
    open_for(engine, definitions)
    engine.dispose()
    town = Town(url, definitions, block)
    town.grow(number)
    return town


def main() -> None:
    """Fill a database, and have it audited."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=10_000, help="about ten events each")
    number = parser.parse_args().persons
    definitions = make_definitions(settings())
    with large_servers() as running:
        town = make_town(running, definitions, number)
        begun = time.perf_counter()
        say(f"the audit accepts {check(town.url, definitions)} persons: {time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main()
