"""The whole system, through the commands alone: old persons are disposed of, and the figures stay as they were."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from efterhand.demo import municipality
from efterhand.embedded import ports
from tests.acceptance.running import EFTERHAND, Run, ended_with_the_test, start
from tests.acceptance.test_up import efterhand

DAYS = ("2017-12-31", "2018-06-30")


@pytest.fixture
def directory() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="efterhand-disposal-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def up(directory: Path) -> Iterator[Run]:
    home, ready_file = directory / "home", directory / "ready.json"
    with ended_with_the_test(home) as runs:
        options = ["--home", str(home), "--port", str(ports.choose()), "--ready-file", str(ready_file)]
        run = start(directory, [*EFTERHAND, "up", *options, "--clock", "manual", "--date", "2017-01-01"])
        runs.append(run)
        run.ready()
        yield run


def settle(directory: Path) -> dict[str, Any]:
    settled: dict[str, Any] = json.loads(efterhand(directory, "settle", "--json", "--timeout", "200"))
    return settled


def figures(directory: Path) -> list[Any]:
    return [json.loads(efterhand(directory, "figures", "--at", day, "--by", "sex", "--json")) for day in DAYS]


def test_the_figures_of_persons_who_were_disposed_of_stay(up: Run, directory: Path) -> None:
    history = directory / "history.jsonl"
    municipality.events_as_json_lines(history, seed=1, enrolments=40)
    efterhand(directory, "date", "2026-11-28")
    known = directory / "known.jsonl"
    known.write_text("\n".join(json.dumps(reported_through(feed)) for feed in ("cases", "assistance", "answers")))
    efterhand(directory, "load", str(history))
    settle(directory)
    efterhand(directory, "dispose", expected=2)
    efterhand(directory, "load", str(known))
    held = settle(directory)["intake"]["digest"]["count"]
    before = figures(directory)

    found = json.loads(efterhand(directory, "dispose", "--dry-run", "--json"))["found"]
    assert found > 0
    assert settle(directory)["intake"]["digest"]["count"] == held
    done = json.loads(efterhand(directory, "dispose", "--json"))
    assert (done["before"], done["disposed"]) == ("2021-11-01", found)
    level = settle(directory)
    assert level["intake"]["digest"]["count"] == held - level["intake"]["disposed"]
    assert level["intake"]["disposed"] > 0
    compare(before, figures(directory))
    assert json.loads(efterhand(directory, "dispose", "--json"))["found"] == 0

    efterhand(directory, "audit")
    ready = up.ready()
    with httpx.Client(base_url=ready["url"], headers={"authorization": f"Bearer {ready['token']}"}) as client:
        assert client.post("/intake/v1/republish").status_code == 202
    assert settle(directory) == level
    efterhand(directory, "load", str(history))
    assert settle(directory) == level
    compare(before, figures(directory))
    efterhand(directory, "audit")


def reported_through(feed: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"through-{feed}",
        "source": "/municipality/other",
        "type": "source.reported_through",
        "time": "2026-11-28T08:00:00+01:00",
        "data": {"feed": feed, "through": "2026-11-28"},
    }


def compare(before: list[Any], after: list[Any]) -> None:
    told = 0
    for answers_before, answers_after in zip(before, after, strict=True):
        for one, other in zip(answers_before, answers_after, strict=True):
            if other["rows"][0]["status"] == "not_available":
                assert date.fromisoformat(other["from"]) < date(2021, 11, 1)
                assert other["reason"]
            else:
                assert other == one
                told += other["rows"][0]["status"] == "shown"
    assert told > 10
