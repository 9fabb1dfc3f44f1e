"""Stockholm's published 2017, out of the whole system: every printed number, and what one event less does to one."""

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
from typing import Any, NamedTuple

import httpx
import orjson
import pytest

from efterhand.demo import stockholm
from efterhand.embedded import ports
from tests.acceptance.running import EFTERHAND, ended_with_the_test, start
from tests.published import YEAR_END, Cell, printed_cells, told_apart
from tests.reference.figures import DAYS_A_UNIT, round_half_up

pytestmark = pytest.mark.timeout(900)

Event = dict[str, Any]
Row = dict[str, Any]


class Town(NamedTuple):
    """A system that has been given the whole history."""

    efterhand: Callable[..., str]
    """The output of a command."""
    figure: Callable[[str, str, str], list[Row]]
    """Indicator, last day of the window and dimensions → rows, read now."""
    directory: Path
    number: int
    """How many events it has been given."""


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    directory = Path(tempfile.mkdtemp(prefix="efterhand-stockholm-"))
    home, ready_file = directory / "home", directory / "ready.json"

    def efterhand(*arguments: str) -> str:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("EFTERHAND_")}
        environment = {**clean, "EFTERHAND_HOME": str(home)}
        done = subprocess.run(
            [*EFTERHAND, *arguments], capture_output=True, text=True, env=environment, timeout=500, check=False
        )
        assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
        return done.stdout

    try:
        with ended_with_the_test(home) as runs:
            options = ["--home", str(home), "--port", str(ports.choose()), "--ready-file", str(ready_file)]
            options += ["--catalogue", stockholm.CATALOGUE]
            options += ["--clock", "manual", "--date", stockholm.LAST_DAY.isoformat()]
            runs.append(start(directory, [*EFTERHAND, "up", *options]))
            ready = runs[0].ready()
            path = directory / "stockholm.jsonl"
            number = stockholm.events_as_json_lines(path)
            loaded = json.loads(efterhand("load", "--json", str(path)))
            assert loaded[str(path)]["outcomes"] == {"accepted": number}
            efterhand("settle", "--timeout", "400")
            headers = {"Authorization": f"Bearer {ready['token']}"}
            with httpx.Client(base_url=ready["url"], headers=headers, timeout=60.0, trust_env=False) as client:

                def figure(indicator: str, at: str, by: str) -> list[Row]:
                    answer = client.get(f"/indicators/v1/figures/{indicator}", params={"at": at, "by": by})
                    assert answer.status_code == httpx.codes.OK, answer.text
                    assert not answer.json()["preliminary"], (indicator, at)
                    return list(answer.json()["rows"])

                yield Town(efterhand, figure, directory, number)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def as_loaded(town: Town) -> Callable[[str, str, str], list[Row]]:
    """The figures before anything else has been sent."""
    return cache(town.figure)


def computed(rows: list[Row], cell: Cell) -> str | None:
    """The exact value where the cell stands, half up to the decimals that are printed; of nothing shown, why."""
    row = next((row for row in rows if row["dims"] == dict(cell.dims)), None)
    if row is None:
        return None
    if row["status"] != "shown":
        return str(row["status"])
    if row["sum"] is not None:
        exact = Fraction(int(row["sum"]), int(row["denominator"])) / DAYS_A_UNIT[cell.indicator]
    elif row["denominator"] is not None:
        exact = Fraction(100 * int(row["numerator"]), int(row["denominator"]))
    else:
        exact = Fraction(int(row["numerator"]))
    return round_half_up(exact, cell.decimals)


def dimensions_of(cell: Cell) -> str:
    return "sex,target_group" if cell.indicator == "persons_by_target_group" else "sex"


@pytest.mark.parametrize("cell", tuple(printed_cells()), ids=told_apart)
def test_the_running_system_comes_to_the_printed_number(
    cell: Cell, as_loaded: Callable[[str, str, str], list[Row]]
) -> None:
    rows = as_loaded(cell.indicator, cell.at.isoformat(), dimensions_of(cell))
    assert computed(rows, cell) == cell.printed


def test_every_service_holds_every_event(town: Town) -> None:
    settled = json.loads(town.efterhand("settle", "--json", "--timeout", "60"))
    assert {status["date"] for status in settled.values()} == {stockholm.LAST_DAY.isoformat()}
    assert len({json.dumps(status["digest"], sort_keys=True) for status in settled.values()}) == 1
    assert 0 < town.number - settled["intake"]["digest"]["count"] < 100, "only what was of erased persons is gone"


def a_counted_enrolment() -> Event:
    """The only one of its person, of whom nothing was erased, in the year."""
    events = [event for event, _ in stockholm.history()]
    erased = {event["data"]["person"] for event in events if event["type"] == "person.erased"}
    retracted = {event["data"]["retracts"]["id"] for event in events if event["type"] == "event.retracted"}
    enrolments = [event for event in events if event["type"] == "case.enrolled"]
    times = Counter(event["data"]["person"] for event in enrolments)
    return next(
        event
        for event in enrolments
        if times[event["data"]["person"]] == 1
        and event["data"]["person"] not in erased
        and event["id"] not in retracted
        and event["data"]["on"] >= "2017-02"
    )


def test_one_event_taken_back_changes_the_figure_by_one(town: Town) -> None:
    """The last one of this file: what the system holds is another town afterwards."""
    cell = next(cell for cell in printed_cells() if cell.indicator == "unique_persons" and cell.sex is None)
    assert cell.at == YEAR_END
    wrong = a_counted_enrolment()
    retraction = {
        "specversion": "1.0",
        "id": f"taken-back-{wrong['id']}",
        "source": wrong["source"],
        "type": "event.retracted",
        "time": f"{stockholm.LAST_DAY}T12:00:00+01:00",
        "data": {
            "person": wrong["data"]["person"],
            "retracts": {"source": wrong["source"], "id": wrong["id"]},
        },
    }
    before = computed(town.figure(cell.indicator, cell.at.isoformat(), "sex"), cell)
    path = town.directory / "retraction.jsonl"
    path.write_bytes(orjson.dumps({"event": retraction, "received": stockholm.LAST_DAY}))
    loaded = json.loads(town.efterhand("load", "--json", str(path)))
    assert loaded[str(path)]["outcomes"] == {"accepted": 1}
    town.efterhand("settle", "--timeout", "60")
    after = computed(town.figure(cell.indicator, cell.at.isoformat(), "sex"), cell)
    assert (before, after) == (cell.printed, str(int(cell.printed) - 1))
