"""Random definitions and histories on both engines: SQL over temporary tables, and the definitions literally."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from typing import Any, Final

import orjson
import yaml
from sqlalchemy import Connection, Engine, insert

from efterhand.catalogue import Catalogue
from efterhand.catalogue.errors import CatalogueError
from efterhand.catalogue.factkinds import fact_kinds
from efterhand.catalogue.grammar import Group, Words, parse_derived_fact, parse_indicator
from efterhand.catalogue.model import Indicator
from efterhand.database import bulk_insert, create_engine, migrate
from efterhand.dates import add_months
from efterhand.figures.cells import Dims, Sums, cell, nothing, window_of
from efterhand.figures.literal import read_cells
from efterhand.timeline.events import Event
from efterhand.timeline.facts import Facts
from efterhand.timeline.rules import Subject
from efterhand_indicators.adapters import figure_query, scratch, tables
from efterhand_indicators.adapters.compiler import COLUMNS, contributions_of, to_sql
from efterhand_indicators.domain.rows import Row, derive_rows
from tests.specs.literally import dims_in_words, in_words, people
from tests.specs.random_cases import DAYS, Choice, Written, definitions, history
from tests.specs.reading import as_place, events_of, town

Asked = tuple[str, date, Sequence[str]]
"""A figure, the last day of its window, and what it is broken down by."""


LATER: Final = (0, 0, 0, -1, 1, 31, 365)
"""Days from a day that tells something to one that is asked for."""


@dataclass(frozen=True)
class Case:
    """Definitions, a history, and what is asked."""

    written: Written
    history: Sequence[str]
    asked: Sequence[Asked]


@dataclass(frozen=True)
class Disagreement:
    """A question that the two engines answer in two ways."""

    case: Case
    asked: Asked
    by_the_database: Mapping[Dims, Sums]
    by_reading: Mapping[Dims, Sums]

    def __str__(self) -> str:
        dims = sorted({*self.by_the_database, *self.by_reading})
        differing = [each for each in dims if self.by_the_database.get(each) != self.by_reading.get(each)]
        told = [
            f"{dims_in_words(dict(each))}: {self.by_the_database.get(each)} by the database,"
            f" {self.by_reading.get(each)} by reading"
            for each in differing[:5]
        ]
        return "\n".join([*told, "", "As a spec, with what it should be when it is read:", "", as_spec(self)])


@cache
def _town() -> Catalogue:
    return town("none: {name: x, counts: case, day: enrolled_on, feed: cases}")


def catalogue_of(written: Written) -> Catalogue:
    """The written definitions as a catalogue of the specs' small town.

    Raises:
        CatalogueError: the grammar does not take them.
    """
    base = _town()
    derived = {name: parse_derived_fact(name, as_place(each), fact_kinds()) for name, each in written.derived.items()}
    names = {unit.id: unit.name for unit in base.units.units.values()}
    protocols = {name: name for name in base.protocols}
    groups = {name: Group("reasons", codes) for name, codes in base.groups.items()}
    facts = {**fact_kinds(), **{name: each.kind for name, each in derived.items()}}
    words = Words({**base.codelists, "units": names, "protocols": protocols}, groups, facts)
    indicators = {
        name: parse_indicator(name, as_place(each), words, base.protocols, derived)
        for name, each in written.figures.items()
    }
    return replace(base, indicators=indicators, formulas={}, derived=derived)


_PLANNING: Final = "SET LOCAL jit = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off"
"""Rows are read as they were written: an index would bring them in the order of their keys by chance."""

DAYS_ASKED: Final = 3
"""For each figure."""


class FactTables:
    """Temporary tables of indicators on a real PostgreSQL, in one transaction that is never committed."""

    def __init__(self, url: str) -> None:
        migrate(url, tables.SCHEMA)
        self._engine: Engine = create_engine(url, tables.SCHEMA, pool_size=1)
        self._connection: Connection | None = None

    @contextmanager
    def open(self) -> Iterator[Connection]:
        """The tables, whatever they hold; made anew after an error."""
        if self._connection is None:
            self._connection = self._engine.connect()
            self._connection.exec_driver_sql(_PLANNING)
            scratch.create_scratch(self._connection)
        try:
            yield self._connection
        except BaseException:
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Close everything."""
        self._disconnect()
        self._engine.dispose()


def computed(
    fact_tables: FactTables, catalogue: Catalogue, history: Sequence[str], asked: Sequence[Asked]
) -> list[dict[Dims, Sums]]:
    """What the cells add up to, by the database."""
    events: dict[str, list[Event]] = {}
    for sent in events_of(history):
        event = Event.from_wire(orjson.dumps(sent))
        events.setdefault(event.person, []).append(event)
    rows: dict[str, list[Row]] = {}
    for person, own in events.items():
        for table, found in derive_rows(person, own, catalogue).items():
            rows.setdefault(table, []).extend(found)
    with fact_tables.open() as connection:
        scratch.empty_scratch(connection)
        for table, found in rows.items():
            bulk_insert(connection, tables.temporary.facts[table], found[::-1])
        for indicator in catalogue.indicators.values():
            contributions = contributions_of(indicator, catalogue, tables.temporary)
            fill = insert(tables.temporary.contribution).from_select(COLUMNS, contributions)
            connection.exec_driver_sql(to_sql(fill))
        answers = []
        for figure, at, by in asked:
            indicator = catalogue.indicators[figure]
            ancestors = {unit: catalogue.units.ancestors_on(unit, at) for unit in catalogue.units.units}
            window = window_of(indicator, at)
            answers.append(figure_query.read_cells(connection, indicator, window, by, ancestors, list(events)))
        return answers


def days_that_tell(indicator: Indicator, catalogue: Catalogue, everybody: Iterable[Facts]) -> list[date]:
    """The days on which the counted things are measured, or begin and end, and those on which they leave the window."""
    days: set[date] = set()
    for facts in everybody:
        for row in facts.of(indicator.counts):
            plain = Subject(facts, catalogue.facts, row.values)
            own = [plain.day(phrase) for phrase in indicator.during or (indicator.day or indicator.as_of,)]
            days.update(day for day in own if day is not None)
    return sorted(days) + sorted({add_months(day, indicator.window_months) for day in days} - days)


def literally(catalogue: Catalogue, everybody: Sequence[Facts], asked: Sequence[Asked]) -> list[dict[Dims, Sums]]:
    """What the cells add up to, by the definitions taken literally."""
    answers = []
    for figure, at, by in asked:
        indicator = catalogue.indicators[figure]
        window = window_of(indicator, at)
        answers.append(read_cells(indicator, everybody, catalogue.facts, window, by, catalogue.units))
    return answers


def random_case(seed: int, many: int) -> Case:
    """A random case with so many figures, each asked for on a few days; the same for the same seed."""
    choice = Choice(seed)
    written = definitions(choice, many)
    told = history(choice)
    catalogue = catalogue_of(written)
    everybody = people(catalogue, events_of(told))
    asked: list[Asked] = []
    for name, indicator in catalogue.indicators.items():
        days = days_that_tell(indicator, catalogue, everybody) or DAYS
        for _ in range(DAYS_ASKED):
            chosen = choice.some(indicator.dimensions, 3)
            at = choice.one(days) + timedelta(days=choice.one(LATER))
            asked.append((name, at, [each for each in indicator.dimensions if each in chosen]))
    return Case(written, told, asked)


def disagreement(fact_tables: FactTables, case: Case) -> Disagreement | None:
    """Return the first question that the engines answer in two ways, if there is one."""
    catalogue = catalogue_of(case.written)
    everybody = people(catalogue, events_of(case.history))
    by_reading = literally(catalogue, everybody, case.asked)
    by_the_database = computed(fact_tables, catalogue, case.history, case.asked)
    for asked, found, expected in zip(case.asked, by_the_database, by_reading, strict=True):
        if found != expected:
            return Disagreement(case, asked, found, expected)
    return None


def made_small(fact_tables: FactTables, found: Disagreement) -> Disagreement:
    """Return a disagreement from which nothing more can be taken away."""
    figure = found.asked[0]
    figures = {figure: found.case.written.figures[figure]}
    case = Case(Written(figures, found.case.written.derived), found.case.history, [found.asked])
    smallest = disagreement(fact_tables, case) or found
    while smaller := next(_still_there(fact_tables, smallest), None):
        smallest = smaller
    return smallest


def _still_there(fact_tables: FactTables, found: Disagreement) -> Iterator[Disagreement]:
    for case in _smaller(found.case):
        try:
            still = disagreement(fact_tables, case)
        except CatalogueError:
            continue
        if still is not None:
            yield still


def _smaller(case: Case) -> Iterator[Case]:
    history, ((figure, at, by),) = case.history, case.asked
    for length in (len(history) // 2, 4, 1):
        for start in range(0, len(history), length or 1):
            if shorter := [*history[:start], *history[start + (length or 1) :]]:
                yield replace(case, history=shorter)
    for dropped in by:
        yield replace(case, asked=[(figure, at, [each for each in by if each != dropped])])
    for name in case.written.derived:
        derived = {each: entry for each, entry in case.written.derived.items() if each != name}
        yield replace(case, written=replace(case.written, derived=derived))
    for simpler in _simpler(case.written.figures[figure]):
        yield replace(case, written=replace(case.written, figures={figure: simpler}))


def _simpler(entry: Any) -> Iterator[Any]:
    """Give what an entry comes to without one of its parts, or with a simpler one."""
    if isinstance(entry, Mapping):
        for name in entry:
            yield {each: value for each, value in entry.items() if each != name}
        for name, value in entry.items():
            yield from ({**entry, name: simpler} for simpler in _simpler(value))
    elif isinstance(entry, list):
        for place in range(len(entry)):
            yield [*entry[:place], *entry[place + 1 :]]
            yield from ([*entry[:place], simpler, *entry[place + 1 :]] for simpler in _simpler(entry[place]))
    elif isinstance(entry, str) and " " in entry:
        yield entry.split()[-1] if entry.startswith(("start", "end")) else entry.split()[0]


def as_spec(found: Disagreement) -> str:
    """A question as the file of a spec: what failed is kept as one."""

    def text(value: Any) -> str:
        return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110)

    written, (figure, at, by) = found.case.written, found.asked
    indicator = catalogue_of(written).indicators[figure]
    cells = {
        dims_in_words(dict(dims)): in_words(cell(indicator, dict(dims), sums, at.year))
        for dims, sums in {(): nothing(indicator), **found.by_reading}.items()
    }
    spec: dict[str, Any] = {"chapter": "Conditions", "title": "?", "shown": False, "text": "?"}
    spec["definition"] = text({figure: written.figures[figure]})
    if written.derived:
        spec["facts"] = text(written.derived)
    spec["history"] = list(found.case.history)
    spec["ask"] = [{"figure": figure, "at": str(at), "by": list(by), "cells": cells}]
    return text(spec)
