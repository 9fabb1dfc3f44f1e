"""The whole system, through the commands alone: a small history goes in, checks and figures come out."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from efterhand.demo import municipality
from efterhand.embedded import ports
from tests.acceptance.running import EFTERHAND, Run, ended_with_the_test, start, wait_until

PROCESSES = {f"{service}-{kind}" for service in ("intake", "followup", "indicators") for kind in ("api", "worker")}


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="efterhand-up-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def up(directory: Path) -> Iterator[Run]:
    home, ready_file = directory / "home", directory / "ready.json"
    with ended_with_the_test(home) as runs:
        options = ["--home", str(home), "--port", str(ports.choose()), "--ready-file", str(ready_file)]
        first = municipality.LIVED_THROUGH_FROM.isoformat()
        run = start(directory, [*EFTERHAND, "up", *options, "--clock", "manual", "--date", first])
        runs.append(run)
        run.ready()
        yield run


def efterhand(directory: Path, *arguments: str, expected: int = 0) -> str:
    """The output of a command that talks to the running system of the home."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EFTERHAND_")}
    done = subprocess.run(
        [*EFTERHAND, *arguments],
        capture_output=True,
        text=True,
        env={**clean, "EFTERHAND_HOME": str(directory / "home")},
        timeout=240,
        check=False,
    )
    assert done.returncode == expected, (done.returncode, done.stdout, done.stderr)
    return done.stdout


def test_a_history_goes_in_and_checks_and_figures_come_out(up: Run, directory: Path) -> None:
    ready = up.ready()
    assert ready["date"] == "2017-01-01"
    assert ready["pids"].keys() == {"supervisor", "kafka", "postgres", *PROCESSES}

    history = directory / "history.jsonl"
    number = municipality.events_as_json_lines(history, seed=1, enrolments=40)
    efterhand(directory, "date", "2017-12-31")
    loaded = json.loads(efterhand(directory, "load", "--json", str(history)))
    assert loaded[str(history)]["outcomes"] == {"accepted": number}
    settled = json.loads(efterhand(directory, "settle", "--json", "--timeout", "200"))
    assert {status["date"] for status in settled.values()} == {"2017-12-31"}
    assert len({json.dumps(status["digest"], sort_keys=True) for status in settled.values()}) == 1
    assert settled["intake"]["digest"]["count"] == number

    checks: list[dict[str, Any]] = json.loads(efterhand(directory, "checks", "--json"))
    assert {check["protocol"] for check in checks} >= {"offer_90d", "plan_5d", "occupation_6m", "assistance_7m"}
    figure = json.loads(efterhand(directory, "figures", "unique_persons", "--by", "sex", "--json"))
    assert int(figure["rows"][0]["numerator"]) > 0
    assert "differences" in efterhand(directory, "audit")
    json.loads(efterhand(directory, "notices", "--json"))
    assert efterhand(directory, "load", str(history)).count(f"{number} duplicate") == 1


def test_the_doctor_finds_a_running_system_well(up: Run, directory: Path) -> None:
    findings = json.loads(efterhand(directory, "doctor", "--json"))
    assert all(finding["well"] for finding in findings), findings


def test_metrics_are_served_by_every_process(up: Run) -> None:
    metrics = up.ready()["metrics"]
    assert metrics.keys() == PROCESSES
    for name, port in metrics.items():
        wait_until(lambda port=port: ports.answers(port), f"{name} serves its metrics")
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
        assert "# TYPE" in text, name


def test_every_process_that_is_killed_is_started_again(up: Run, directory: Path) -> None:
    before = up.pids()
    for name in PROCESSES:
        os.kill(before[name], signal.SIGKILL)

    def all_again() -> bool:
        now = up.pids()
        return now.keys() == before.keys() and all(now[name] != before[name] for name in PROCESSES)

    wait_until(all_again, "all processes run again")
    efterhand(directory, "settle", "--timeout", "120")


def test_stopping_leaves_nothing_behind(up: Run, directory: Path) -> None:
    code, seconds = up.stop()
    assert code == 0, up.said
    assert seconds < 20, up.said
    assert not list((directory / "home" / "run").iterdir())
    efterhand(directory, "date", expected=5)
