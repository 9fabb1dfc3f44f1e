"""What was printed about Nacka's measures in 2021, out of the whole system, through the commands alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from efterhand.demo import nacka
from efterhand.embedded import ports
from tests.acceptance.running import EFTERHAND, ended_with_the_test, start
from tests.nacka import LIVELIHOOD, Cell, cells, known, name_of, rounded

pytestmark = pytest.mark.timeout(900)

Row = dict[str, Any]
Ask = Callable[[str, int, str], list[Row]]
"""Indicator, year and dimensions → the rows of the year's figure."""


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """The figures of a system that has been given the whole history."""
    directory = Path(tempfile.mkdtemp(prefix="efterhand-nacka-"))
    home = directory / "home"

    def efterhand(*arguments: str) -> str:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("EFTERHAND_")}
        environment = {**clean, "EFTERHAND_HOME": str(home)}
        done = subprocess.run(
            [*EFTERHAND, *arguments], capture_output=True, text=True, env=environment, timeout=500, check=False
        )
        assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
        return done.stdout

    @cache
    def figure(indicator: str, year: int, by: str) -> list[Row]:
        options = [*(("--by", by) if by else ()), "--at", f"{year}-12-31", "--json"]
        answer = json.loads(efterhand("figures", indicator, *options))
        assert not answer["preliminary"], (indicator, year)
        return list(answer["rows"])

    try:
        with ended_with_the_test(home) as runs:
            options = [
                "--home",
                str(home),
                "--port",
                str(ports.choose()),
                "--ready-file",
                str(directory / "ready.json"),
            ]
            options += ["--catalogue", nacka.CATALOGUE, "--clock", "manual", "--date", nacka.LAST_DAY.isoformat()]
            runs.append(start(directory, [*EFTERHAND, "up", *options]))
            runs[0].ready()
            path = directory / "nacka.jsonl"
            number = nacka.events_as_json_lines(path)
            loaded = json.loads(efterhand("load", "--json", str(path)))
            assert loaded[str(path)]["outcomes"] == {"accepted": number}
            efterhand("settle", "--timeout", "400")
            yield figure
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def the(rows: list[Row], **dims: str) -> Row:
    """The row of exactly these dimensions."""
    found = [row for row in rows if row["dims"] == dims]
    assert len(found) == 1, (dims, rows)
    return found[0]


def share(row: Row) -> Fraction:
    return Fraction(100 * int(row["numerator"]), int(row["denominator"]))


def shown(cell: Cell, ask: Ask) -> Fraction:
    """The exact value that the system has for a printed cell."""
    figure, year, kind, part = cell["figure"], int(cell["year"]), cell["kind"], cell["part"]
    if figure == "measure_endings":
        rows = [row for row in ask(figure, year, "") if row["dims"].keys() == {"reason"}]
        return Fraction(sum(int(row["numerator"]) for row in rows if row["dims"]["reason"] in cell["reasons"].split()))
    if figure == "days_to_livelihood":
        # Counted by cases, which have no kind; each kind is granted for one need, and the case says which.
        row = the(ask(figure, year, "target_group"), target_group=nacka.GROUP_OF_KIND[kind])
        return Fraction(int(row["sum"]), int(row["denominator"]))
    row = the(ask(figure, year, "kind"), kind=kind) if kind else the(ask(figure, year, ""))
    if part == "share of all measures":
        return Fraction(100 * int(row["denominator"]), int(the(ask(figure, year, ""))["denominator"]))
    if part == "value":
        return share(row)
    return Fraction(int(row["denominator" if part == "denominator" else "numerator"]))


@pytest.mark.parametrize("cell", cells(), ids=name_of)
def test_every_printed_cell_that_is_kept_agrees(cell: Cell, ask: Ask) -> None:
    assert rounded(shown(cell, ask), cell["printed"]) == cell["printed"]


@pytest.mark.parametrize("cell", [one for one in cells() if one["figure"] == "days_to_livelihood"], ids=name_of)
def test_the_days_counted_from_the_measures_themselves_agree_too(cell: Cell, ask: Ask) -> None:
    row = the(ask("days_to_livelihood_of_measures", int(cell["year"]), "kind"), kind=cell["kind"])
    assert rounded(Fraction(int(row["sum"]), int(row["denominator"])), cell["printed"]) == cell["printed"]


@pytest.mark.parametrize("year", [2020, 2021])
def test_the_reasons_of_the_endings_by_kind_and_provider_are_those_of_plain_loops(year: int, ask: Ask) -> None:
    expected = Counter(
        (one.kind, one.provider, one.reason) for one in known()[0] if one.ended and one.ended.year == year
    )
    dimensions = ("kind", "provider", "reason")
    found = {
        tuple(row["dims"][name] for name in dimensions): int(row["numerator"])
        for row in ask("measure_endings", year, "kind,provider")
        if row["dims"].keys() == set(dimensions)
    }
    assert {place: number for place, number in found.items() if number} == dict(expected)


@pytest.mark.parametrize("year", [2020, 2021])
@pytest.mark.parametrize("figure", ["livelihood_of_ended", "livelihood_of_served"])
def test_livelihood_by_kind_and_provider_is_that_of_plain_loops(figure: str, year: int, ask: Ask) -> None:
    below: Counter[tuple[str, str]] = Counter()
    above: Counter[tuple[str, str]] = Counter()
    for one in known()[0]:
        ended = one.ended is not None and one.ended.year == year
        if ended or (figure == "livelihood_of_served" and one.goes_on_in(year)):
            below[one.kind, one.provider] += 1
            above[one.kind, one.provider] += ended and one.reason in LIVELIHOOD
    found = {
        (row["dims"]["kind"], row["dims"]["provider"]): (int(row["numerator"]), int(row["denominator"]))
        for row in ask(figure, year, "kind,provider")
        if row["dims"].keys() == {"kind", "provider"}
    }
    counted = {place: counts for place, counts in found.items() if counts[1]}
    assert counted == {place: (above[place], number) for place, number in below.items()}
