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
from benchmarks.filling import Town, make_town, record_of
from benchmarks.population import LAST_DAY
from benchmarks.rivals import Duck, Nightly, compare, product_cells, require_every_indicator
from efterhand.database import create_engine
from efterhand.demo.recording import ASSISTANCE, CASES, cloud_event
from efterhand_indicators.adapters import tables
from efterhand_indicators.application.apply_events import ApplyEvents
from efterhand_indicators.application.figures import read_figure
from efterhand_indicators.bootstrap import make_computing_engine, make_definitions

PERSONS: Final = (1_000_000, 20_000)
AT: Final = date(2010, 12, 31)
"""T of the year that is corrected: seven years before the business date."""
CORRECTIONS: Final = 24
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


@dataclass(frozen=True)
class Corrected:
    """One correction: seconds to its commit, seconds of reading what it touched, and how many figures that were."""

    event_id: str
    applied: float
    read: float
    touched: int


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


class Site:
    """A town with the product on it, each of its processes' code on connections as the process has them; and rivals."""

    def __init__(self, servers: Servers, town: Town, number: int, *, nightly: bool = True) -> None:
        """Load the rivals, the nightly job among them or not, and choose so many corrections."""
        self.definitions, self._url = town.definitions, town.url
        self._computing: Engine = make_computing_engine(town.url)
        self._reading: Engine = create_engine(town.url, tables.SCHEMA)
        self._apply = ApplyEvents(town.definitions, SECRET)
        catalogue = town.definitions.catalogue
        directory = servers.directory / f"duck-{town.persons}"
        directory.mkdir()
        self._rivals: list[Duck | Nightly] = [Duck(town.url, catalogue, directory)]
        if nightly:
            self._rivals.append(Nightly(town.url, catalogue))
        for rival in self._rivals:
            rival.load()
        self._waiting = corrections(town.url, number)
        say(f"{town.events} events: {len(self._waiting)} corrections of closures of {AT.year}")

    def close(self) -> None:
        """Close all connections."""
        for rival in self._rivals:
            rival.close()
        self._computing.dispose()
        self._reading.dispose()

    def correct(self) -> Corrected:
        """Apply the next correction, and read what it has touched."""
        correction = self._waiting.pop()
        before = self._contributions(correction.person)
        record = record_of(correction.event, LAST_DAY)
        begun = time.perf_counter()
        with self._computing.begin() as connection:
            self._apply(connection, [record])
        applied = time.perf_counter() - begun
        touched = sorted({row[1] for row in before ^ self._contributions(correction.person)})
        begun = time.perf_counter()
        for name in touched:
            with self._reading.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
                read_figure(connection, self.definitions, name, AT, ("sex", "unit"))
        return Corrected(str(correction.event["id"]), applied, time.perf_counter() - begun, len(touched))

    def compute_anew(self, ids: Sequence[str]) -> dict[str, float]:
        """Give some corrections to the rivals; return each one's seconds for everything, and compare every cell."""
        seconds = {}
        right = product_cells(self._reading, self.definitions, AT)
        require_every_indicator(right, self.definitions)
        for rival in self._rivals:
            rival.add(ids)
            begun = time.perf_counter()
            rival.run(AT)
            seconds[rival.name] = time.perf_counter() - begun
            compare(rival.name, right, rival.cells())
        return seconds

    def _contributions(self, person: str) -> set[tuple[Any, ...]]:
        with connect(self._url) as connection:
            rows = connection.execute(_CONTRIBUTIONS.encode(), (person,)).fetchall()
        return {tuple(tuple(each) if isinstance(each, list) else each for each in row) for row in rows}


def measure_round(sites: Mapping[str, Site]) -> dict[str, float]:
    """Apply corrections to both sites in turn, then let the rivals compute everything again."""
    found: dict[str, list[Corrected]] = {name: [] for name in sites}
    for _ in range(CORRECTIONS):
        for name, site in sites.items():
            found[name].append(site.correct())
    numbers: dict[str, float] = {}
    for name, site in sites.items():
        if not any(each.touched for each in found[name]):
            raise Wrong("no correction has changed a figure")
        applied = statistics.median(each.applied for each in found[name])
        read = statistics.median(each.read for each in found[name])
        numbers |= {
            f"{name}: apply and commit": applied,
            f"{name}: apply and commit, least": min(each.applied for each in found[name]),
            f"{name}: apply and commit, most": max(each.applied for each in found[name]),
            f"{name}: read the touched figures": read,
            f"{name}: figures touched": statistics.median(each.touched for each in found[name]),
        }
        for rival, seconds in site.compute_anew([each.event_id for each in found[name]]).items():
            numbers[f"{name}: {rival} anew"] = seconds
            numbers[f"{name}: {rival}: times ours"] = seconds / applied
            numbers[f"{name}: {rival}: times ours, reading included"] = seconds / (applied + read)
    for what in ("apply and commit", "read the touched figures"):
        numbers[f"{what}: times, 2 N to N"] = numbers[f"2 N: {what}"] / numbers[f"N: {what}"]
    return numbers


def measure(servers: Servers, single: Town, double: Town, rounds: int, *, nightly: bool = True) -> Report:
    """Correct a town and one of twice its size, in turn; both have them afterwards."""
    report = Report(
        "corrections",
        "One correction deep in a history, until every figure is right",
        goals=[
            Goal("N: DuckDB: times ours", 100),
            Goal("N: DuckDB: times ours, reading included", 100),
            Goal("apply and commit: times, 2 N to N", 1.25, at_least=False),
            Goal("read the touched figures: times, 2 N to N", 1.25, at_least=False),
        ],
    )
    report.facts = {
        "persons": f"N = {single.persons}, 2 N = {double.persons}",
        "events": f"N: {single.events}, 2 N: {double.events}",
        "corrections a round": f"{CORRECTIONS} with N and as many with 2 N, in turn: {', '.join(KINDS)}",
        "T": AT.isoformat(),
    }
    number = rounds * CORRECTIONS
    sites = {
        "N": Site(servers, single, number, nightly=nightly),
        "2 N": Site(servers, double, number, nightly=nightly),
    }
    for _ in range(rounds):
        neighbours = Neighbours()
        report.add_round({**measure_round(sites), OTHERS: neighbours.share()})
    for site in sites.values():
        site.close()
    report.units = {
        name: "" if "times" in name or "figures touched" in name or name == OTHERS else "s" for name in report.rounds[0]
    }
    report.notes = [
        "Ours: from the event's record in the hands of the worker's code to the commit, the median of a round's; all "
        "figures of every T are right then. Reading: the touched indicators' figures at T, with sexes and units.",
        "A rival: from the same events in its own columns to the cells of all indicators at T alone, by "
        "`nightly/facts.sql` and `nightly/figures.sql`.",
        "After each round's corrections every cell at T of every rival equals ours.",
    ]
    return report


def main() -> None:
    given = arguments(__doc__ or "", PERSONS)
    load_before = os.getloadavg()[0]
    with large_servers() as servers:
        single = make_town(servers, make_definitions(settings()), given.persons)
        report = measure(servers, single, single.doubled(servers), given.rounds)
    finish(report, given, load_before)


if __name__ == "__main__":
    main()
