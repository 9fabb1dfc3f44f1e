"""One correction deep in a long history: how long until every figure is right, against computing everything again.

    python -m benchmarks.corrections [--small] [--persons N]

Ours is timed from the event's record in the hands of the worker's code to the commit of its transaction: facts,
contributions, everything for every T. Reading the figures that it touched is timed by itself, from the question to the
last cell. A rival is timed from the same events to the cells of one T. Done with N persons, and again with 2 N.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import psycopg
from sqlalchemy import Engine

from benchmarks.common import (
    OTHERS,
    SECRET,
    Goal,
    Neighbours,
    Report,
    Servers,
    Wrong,
    arguments,
    connect,
    finish,
    large_servers,
    say,
    settings,
)
from benchmarks.filling import Town, record_of
from benchmarks.population import LAST_DAY
from benchmarks.rivals import Duck, Nightly, compare, product_cells, require_every_indicator
from efterhand.database import create_engine
from efterhand.demo.recording import ASSISTANCE, CASES, cloud_event
from efterhand_indicators.adapters import tables
from efterhand_indicators.application.apply_events import ApplyEvents
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.application.figures import read_figure
from efterhand_indicators.bootstrap import make_computing_engine, make_definitions

PERSONS: Final = (1_000_000, 50_000)
AT: Final = date(2010, 12, 31)
"""T of the year that is corrected: seven years before the business date."""
CORRECTIONS: Final = 40
"""A round."""
KINDS: Final = ("another reason", "a retracted closure", "another report of the register", "a transfer heard of late")

_CLOSED: Final = """
SELECT fact_case.person, fact_case.case_id, closed_on, reason, event.id, event.data::text AS data, unit
FROM indicators.fact_case
JOIN indicators.event
    ON event.person = fact_case.person AND type = 'case.closed' AND data->>'case' = fact_case.case_id
    AND data->>'on' = closed_on::text AND data->>'reason' = reason
JOIN indicators.fact_stay
    ON fact_stay.person = fact_case.person AND fact_stay.case_id = fact_case.case_id
    AND closed_on BETWEEN from_on AND coalesce(until_on, 'infinity')
WHERE closed_on BETWEEN '2010-01-01' AND '2010-05-15' AND reason <> 'deceased' AND closed_on > enrolled_on
    AND NOT EXISTS (
        SELECT FROM indicators.event AS made WHERE made.person = fact_case.person AND made.id LIKE 'correction-%%'
    )
ORDER BY md5(fact_case.person), fact_case.case_id
LIMIT %s
"""
_CONTRIBUTIONS: Final = "SELECT * FROM indicators.contribution WHERE person = %s"


@dataclass(frozen=True)
class Correction:
    """An event that puts something right that happened long ago."""

    kind: str
    person: str
    event: Mapping[str, Any]


def corrections(url: str, number: int) -> list[Correction]:
    """Return corrections of closures of 2010, of all kinds in turn, each of another person."""
    with connect(url) as connection:
        cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
        rows = cursor.execute(_CLOSED.encode(), (3 * number,)).fetchall()
    found: dict[str, Correction] = {}
    for row in rows:
        found.setdefault(row["person"], _correction(len(found), row))
    if len(found) < number:
        raise Wrong(f"only {len(found)} persons have something to correct, {number} are wanted")
    return list(found.values())[:number]


def _correction(number: int, row: Mapping[str, Any]) -> Correction:
    kind = KINDS[number % len(KINDS)]
    person, case, closed_on = row["person"], row["case_id"], row["closed_on"]
    told: dict[str, Any]
    source = CASES
    match kind:
        case "another reason":
            event_type = "case.closed"
            reason = "studies" if row["reason"] != "studies" else "illness"
            told = {"case": case, "on": closed_on.isoformat(), "reason": reason}
        case "a retracted closure":
            event_type, told = "event.retracted", {"retracts": {"source": CASES, "id": row["id"]}}
        case "another report of the register":
            event_type, source = "assistance.reported", ASSISTANCE
            month = f"{closed_on.year}-{closed_on.month + 7:02d}"
            told = {"month": month, "receives": number % (2 * len(KINDS)) < len(KINDS)}
        case _:
            event_type = "case.transferred"
            unit = "jobbtorg-farsta" if row["unit"] != "jobbtorg-farsta" else "jobbtorg-kista"
            told = {"case": case, "on": closed_on.isoformat(), "unit": unit}
    at = datetime(LAST_DAY.year, LAST_DAY.month, LAST_DAY.day, 12, tzinfo=UTC)
    event = cloud_event(f"correction-{person}", source, event_type, at, {"person": person, **told})
    return Correction(kind, person, event)


class Ours:
    """The product: the worker's code and the reader's, each on a connection as its process has them."""

    def __init__(self, url: str, definitions: Definitions) -> None:
        self.definitions = definitions
        self.url = url
        self.computing: Engine = make_computing_engine(url)
        self.reading: Engine = create_engine(url, tables.SCHEMA)
        self._apply = ApplyEvents(definitions, SECRET)

    def close(self) -> None:
        """Close the connections."""
        self.computing.dispose()
        self.reading.dispose()

    def correct(self, correction: Correction) -> tuple[float, float, int]:
        """Return the seconds of applying it, those of reading what it touched, and how many figures that were."""
        before = self._contributions(correction.person)
        record = record_of(correction.event, LAST_DAY)
        begun = time.perf_counter()
        with self.computing.begin() as connection:
            self._apply(connection, [record])
        applied = time.perf_counter() - begun
        touched = sorted({row[1] for row in before ^ self._contributions(correction.person)})
        begun = time.perf_counter()
        for name in touched:
            with self.reading.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
                read_figure(connection, self.definitions, name, AT, ("sex", "unit"))
        return applied, time.perf_counter() - begun, len(touched)

    def _contributions(self, person: str) -> set[tuple[Any, ...]]:
        with connect(self.url) as connection:
            rows = connection.execute(_CONTRIBUTIONS.encode(), (person,)).fetchall()
        return {tuple(tuple(each) if isinstance(each, list) else each for each in row) for row in rows}


def measure(ours: Ours, rivals: Sequence[Nightly | Duck], waiting: list[Correction]) -> dict[str, float]:
    """Apply some corrections, then let the rivals compute everything again; compare every cell at T."""
    chosen = [waiting.pop() for _ in range(CORRECTIONS)]
    found = [ours.correct(correction) for correction in chosen]
    applied, read, touched = zip(*found, strict=True)
    if not any(touched):
        raise Wrong("no correction has changed a figure")
    numbers = {
        "apply and commit": statistics.median(applied),
        "apply and commit, least": min(applied),
        "apply and commit, most": max(applied),
        "read the touched figures": statistics.median(read),
        "touched figures": statistics.median(touched),
    }
    right = product_cells(ours.reading, ours.definitions, AT)
    require_every_indicator(right, ours.definitions)
    for rival in rivals:
        rival.add([correction.event["id"] for correction in chosen])
        begun = time.perf_counter()
        rival.run(AT)
        numbers[f"{rival.name} anew"] = time.perf_counter() - begun
        compare(rival.name, right, rival.cells())
        numbers[f"{rival.name}: times ours"] = numbers[f"{rival.name} anew"] / numbers["apply and commit"]
        until_read = numbers["apply and commit"] + numbers["read the touched figures"]
        numbers[f"{rival.name}: times ours, reading included"] = numbers[f"{rival.name} anew"] / until_read
    return numbers


def measure_size(running: Servers, town: Town, rounds: int) -> list[dict[str, float]]:
    """Measure the rounds with as many persons as there are in the town."""
    ours = Ours(town.url, town.definitions)
    catalogue = town.definitions.catalogue
    rivals = [Duck(town.url, catalogue, running.directory), Nightly(town.url, catalogue)]
    try:
        for rival in rivals:
            rival.load()
        waiting = corrections(town.url, rounds * CORRECTIONS)
        say(f"{town.events} events: {len(waiting)} corrections of closures of {AT.year}")
        return [measure(ours, rivals, waiting) for _ in range(rounds)]
    finally:
        for rival in rivals:
            rival.close()
        ours.close()


def main() -> None:
    given = arguments(__doc__ or "", PERSONS)
    load_before = os.getloadavg()[0]
    report = Report(
        "corrections",
        "One correction deep in a history, until every figure is right",
        goals=[
            Goal("N: DuckDB: times ours", 100),
            Goal("N: DuckDB: times ours, reading included", 100),
            Goal("apply and commit: 2 N to N", 1.25, at_least=False),
        ],
    )
    definitions = make_definitions(settings())
    neighbours = Neighbours()
    with large_servers() as running:
        town = Town(running, definitions, given.persons)
        report.facts = {"persons (N)": town.persons, "events (N)": town.events}
        single = measure_size(running, town, given.rounds)
        town.grow(given.persons)
        report.facts |= {"persons (2 N)": town.persons, "events (2 N)": town.events}
        double = measure_size(running, town, given.rounds)
    for few, many in zip(single, double, strict=True):
        numbers = {f"N: {name}": value for name, value in few.items()}
        numbers |= {f"2 N: {name}": value for name, value in many.items()}
        numbers["apply and commit: 2 N to N"] = many["apply and commit"] / few["apply and commit"]
        report.add_round({**numbers, OTHERS: neighbours.share()})
    report.units = {
        name: "" if "times" in name or "figures" in name.split()[-1:] or name == OTHERS else "s"
        for name in report.rounds[0]
    }
    report.facts |= {"corrections a round": CORRECTIONS, "T": AT.isoformat(), "kinds": ", ".join(KINDS)}
    report.notes = [
        "Ours: from the event's record in the hands of the worker's code to the commit, the median of a round's; all "
        "figures of every T are right then. Reading: the touched indicators' figures at T, with sexes and units.",
        "A rival: from the same events in its own columns to the cells of all indicators at T alone, by "
        "`nightly/facts.sql` and `nightly/figures.sql`.",
        "After each round's corrections every cell at T of both rivals equals ours.",
    ]
    finish(report, given, load_before)


if __name__ == "__main__":
    main()
