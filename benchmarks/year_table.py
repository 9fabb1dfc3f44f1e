"""The year's table, read through the real interface: every figure, with sexes and units, of a large history.

    python -m benchmarks.year_table [--small] [--persons N]

Ours: one `GET /indicators/v1/figures/{id}?at=T&by=sex,unit` after the other to the real `indicators-api`, until the
last answer has been read; for a T that ends a year, and for one that does not end a month. DuckDB answers from facts
that it has made of the events beforehand, and that is not in its time. The nightly job's result is one table of the
one T that it ran for: read for reference.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from benchmarks.common import (
    OTHERS,
    Goal,
    Neighbours,
    Report,
    Servers,
    arguments,
    finish,
    large_servers,
    say,
    settings,
)
from benchmarks.filling import Town, make_town
from benchmarks.population import LAST_DAY
from benchmarks.rebuild import Memory, Running, running_service
from benchmarks.rivals import Cells, Duck, Nightly, as_cells, compare, require_every_indicator
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.bootstrap import make_definitions

PERSONS: Final = (1_000_000, 100_000)
DAYS: Final = {"a year's end": LAST_DAY, "a day within a month": date(2017, 5, 17)}
BY: Final = "sex,unit"
SUMS: Final = ("numerator", "denominator", "expected", "sum")


def read_table(running: Running, names: list[str], at: date) -> tuple[dict[str, Any], list[float]]:
    """Return every figure at T as it was answered, and how long each took."""
    answers, seconds = {}, []
    for name in names:
        begun = time.perf_counter()
        answers[name] = running.get(f"/figures/{name}", at=at.isoformat(), by=BY)
        seconds.append(time.perf_counter() - begun)
    return answers, seconds


def cells_of(answers: Mapping[str, Any]) -> Cells:
    """Return the cells of answered figures as those of a rival are."""
    rows = ((name, row) for name, answer in answers.items() for row in answer["rows"])
    return as_cells(
        (name, row["dims"].get("sex", ""), row["dims"].get("unit", ""), *(row[each] for each in SUMS))
        for name, row in rows
    )


def measure_round(running: Running, definitions: Definitions, duck: Duck, nightly: Nightly | None) -> dict[str, float]:
    """Read the table of each T, ours and the rivals'; every cell is compared."""
    numbers: dict[str, float] = {}
    for what, at in DAYS.items():
        answers, seconds = read_table(running, list(definitions.indicators), at)
        numbers[f"{what}: ours"] = sum(seconds)
        numbers[f"{what}: a figure of ours, p50"] = statistics.median(seconds)
        numbers[f"{what}: a figure of ours, most"] = max(seconds)
        require_every_indicator(cells_of(answers), definitions)
        begun = time.perf_counter()
        duck.make_figures(at)
        theirs = duck.cells()
        numbers[f"{what}: DuckDB"] = time.perf_counter() - begun
        compare(duck.name, cells_of(answers), theirs)
        if at == LAST_DAY and nightly is not None:
            begun = time.perf_counter()
            theirs = nightly.cells()
            numbers[f"{what}: the nightly job's result"] = time.perf_counter() - begun
            compare(nightly.name, cells_of(answers), theirs)
    return numbers


def measure(servers: Servers, town: Town, rounds: int, *, with_nightly: bool = True) -> Report:
    """Read the table of a town over HTTP, and with the rivals, the nightly job among them or not."""
    report = Report(
        "year_table",
        "The year's table: every figure with sexes and units",
        goals=[Goal(f"{what}: ours", 0.3, at_least=False) for what in DAYS],
    )
    definitions = town.definitions
    names = list(definitions.indicators)
    report.facts = {
        "persons": town.persons,
        "events": town.events,
        "figures": len(names),
        "units": len(definitions.catalogue.units.units),
        "T": ", ".join(f"{what} {at}" for what, at in DAYS.items()),
    }
    nightly = Nightly(town.url, definitions.catalogue) if with_nightly else None
    if nightly is not None:
        nightly.load()
        nightly.run(LAST_DAY)
    duck = Duck(town.url, definitions.catalogue, servers.directory)
    duck.load()
    duck.make_facts()
    with running_service(servers, town.url) as running, Memory(running.pids) as memory:
        say("once before it counts")
        for at in DAYS.values():
            read_table(running, names, at)
        for _ in range(rounds):
            neighbours = Neighbours()
            numbers = measure_round(running, definitions, duck, nightly)
            most = {f"most memory of {name}": megabytes for name, megabytes in memory.most.items()}
            report.add_round({**numbers, **most, OTHERS: neighbours.share()})
    duck.close()
    report.units = {
        name: "" if name == OTHERS else "MB" if name.startswith("most memory") else "s" for name in report.rounds[0]
    }
    report.notes = [
        "Ours: the figures asked for one after the other by one client over HTTP, each with all combinations of sex "
        "and unit; the table has been read once before.",
        "DuckDB: `nightly/figures.sql` from facts that it holds already; the product holds contributions.",
        "The nightly job's result has one T, and is as old as the night.",
        "In every round every cell of the rivals equals ours.",
    ]
    return report


def main() -> None:
    given = arguments(__doc__ or "", PERSONS)
    load_before = os.getloadavg()[0]
    with large_servers() as servers:
        report = measure(servers, make_town(servers, make_definitions(settings()), given.persons), given.rounds)
    finish(report, given, load_before)


if __name__ == "__main__":
    main()
