"""The catalogue's directory changes between two starts of the same home, while events go on coming."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import efterhand.catalogue
from efterhand.demo import municipality
from efterhand.embedded import ports
from tests.acceptance.running import EFTERHAND, Run, ended_with_the_test, start, wait_until
from tests.acceptance.test_up import efterhand as command
from tests.editing import edited_catalogue, edited_definition

STOCKHOLM = Path(efterhand.catalogue.__file__).parent / "stockholm"
INDICATORS, PROTOCOLS = STOCKHOLM / "indicators.yaml", STOCKHOLM / "protocols.yaml"
UNDER_NORRA = "[{parent: norra, from: 2008-01-01}]"
EDITS = {
    "units.yaml": [
        # Two that merge.
        (
            "- {id: jobbtorg-kista,",
            "- {id: jobbtorg-norr, name: Jobbtorg Norr, under: [{parent: norra, from: 2017-01-01}]}\n"
            "- {id: jobbtorg-kista,",
        ),
        (
            f"name: Jobbtorg Kista, under: {UNDER_NORRA}",
            "name: Jobbtorg Kista, under: [{parent: norra, from: 2008-01-01, to: 2016-12-31},"
            " {parent: jobbtorg-norr, from: 2017-01-01}]",
        ),
        (
            "name: Jobbtorg unga Kista, under: [{parent: norra, from: 2012-01-01}]",
            "name: Jobbtorg unga Kista, under: [{parent: norra, from: 2012-01-01, to: 2016-12-31},"
            " {parent: jobbtorg-norr, from: 2017-01-01}]",
        ),
        # One that moves.
        (
            f"name: Jobbtorg Vällingby, under: {UNDER_NORRA}",
            "name: Jobbtorg Vällingby, under: [{parent: norra, from: 2008-01-01, to: 2017-05-31},"
            " {parent: centrala, from: 2017-06-01}]",
        ),
    ],
    "indicators.yaml": [
        edited_definition(INDICATORS, "self_sufficient_6m", "{2017: 84}", "{2017: 85}"),
        edited_definition(INDICATORS, "closed_to_studies", "{reason: studies}", "{reason: {in: livelihood}}"),
    ],
    "protocols.yaml": [edited_definition(PROTOCOLS, "offer_90d", "due: anchor + 90 days", "due: anchor + 60 days")],
}
WORDS = [
    ("unit", "added", "Ny enhet: ”Jobbtorg Norr”.", "New unit: “Jobbtorg Norr”."),
    (
        "unit",
        "merged",
        "”Jobbtorg Kista” och ”Jobbtorg unga Kista” går ihop i ”Jobbtorg Norr” från och med 2017-01-01.",
        "“Jobbtorg Kista” and “Jobbtorg unga Kista” merge into “Jobbtorg Norr” from 2017-01-01 on.",
    ),
    (
        "unit",
        "moved",
        "”Jobbtorg Vällingby” flyttar till ”Område centrala” från och med 2017-06-01.",
        "“Jobbtorg Vällingby” moves to “Område centrala” from 2017-06-01 on.",
    ),
]
CHANGED, UNCHANGED = ("closed_to_studies", "offer_90d"), ("unique_persons", "closed_to_livelihood", "plan_5d")


@pytest.fixture
def directory() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="efterhand-changed-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


class Door:
    """The running system, over HTTP, as its administrator."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self.client = httpx.Client(
            base_url=ready["url"], headers={"authorization": f"Bearer {ready['token']}"}, timeout=30, trust_env=False
        )

    def send(self, lines: list[str]) -> None:
        answer = self.client.post("/intake/v1/events", json=[json.loads(line)["event"] for line in lines])
        assert answer.status_code == 202, answer.text[:1000]

    def figure(self, indicator: str, by: str = "") -> httpx.Response:
        return self.client.get(f"/indicators/v1/figures/{indicator}", params={"at": "2017-12-31", "by": by})

    def values(self, indicator: str, by: str = "") -> dict[str, str | None]:
        answer = self.figure(indicator, by)
        assert answer.status_code == 200, answer.text
        return {",".join(row["dims"].values()): row["value"] for row in answer.json()["rows"]}

    def is_level(self, indicator: str) -> bool:
        answer = self.figure(indicator)
        if answer.status_code == 503:
            assert answer.json()["code"] == "being_computed", answer.text
        return answer.status_code == 200


def begin(directory: Path, port: int) -> Run:
    options = ["--home", str(directory / "home"), "--port", str(port), "--ready-file", str(directory / "ready.json")]
    first = ["--clock", "manual", "--date", "2017-12-31", "--catalogue", str(directory / "catalogue")]
    return start(directory, [*EFTERHAND, "up", *options, *first])


def test_a_changed_catalogue_is_taken_over_while_events_go_on_coming(directory: Path) -> None:
    catalogue, port = directory / "catalogue", ports.choose()
    shutil.copytree(STOCKHOLM, catalogue)
    history = directory / "history.jsonl"
    municipality.events_as_json_lines(history, seed=1, enrolments=40)
    lines = history.read_text().splitlines()
    earlier, later = lines[: len(lines) // 2], lines[len(lines) // 2 :]

    with ended_with_the_test(directory / "home") as runs:
        runs.append(begin(directory, port))
        door = Door(runs[0].ready())
        door.send(earlier)
        command(directory, "settle", "--timeout", "100")
        before = door.values("unique_persons", "unit")
        assert "jobbtorg-norr" not in before
        studies = door.figure("closed_to_studies").json()["definition"]
        # Some may still be on its way while the system stops.
        door.send(later[:20])
        door.client.close()
        runs[0].stop()

        shutil.rmtree(catalogue)
        edited_catalogue(STOCKHOLM, catalogue, EDITS)
        runs.append(begin(directory, port))
        door = Door(runs[1].ready())
        failures: list[BaseException] = []

        def go_on() -> None:
            try:
                for start_at in range(20, len(later), 20):
                    door.send(later[start_at : start_at + 20])
            except BaseException as error:  # noqa: BLE001 - shown by the test
                failures.append(error)

        sending = threading.Thread(target=go_on)
        sending.start()
        while sending.is_alive():
            for name in UNCHANGED:
                assert door.figure(name).status_code == 200
            for name in CHANGED:
                door.is_level(name)
        sending.join()
        assert failures == []
        wait_until(lambda: all(door.is_level(name) for name in CHANGED), "the changed figures are shown")
        command(directory, "settle", "--timeout", "100")

        assert door.figure("closed_to_studies").json()["definition"] != studies
        assert door.figure("self_sufficient_6m").json()["rows"][0]["target"] == "85"
        now = door.values("unique_persons", "unit")
        # Whoever was in both of the units that merged counts once in theirs.
        merged, *parts = (int(now[f"jobbtorg-{each}"] or 0) for each in ("norr", "kista", "unga-kista"))
        assert max(parts) <= merged <= sum(parts)
        checks = door.client.get("/followup/v1/checks", params={"protocol": "offer_90d", "limit": 200}).json()
        assert {
            date.fromisoformat(each["due"]) - date.fromisoformat(each["anchor_on"]) for each in checks["items"]
        } == {timedelta(days=60)}
        audited = json.loads(command(directory, "audit", "--json"))
        assert {name: answer["differences"] for name, answer in audited.items()} == {"followup": [], "indicators": []}
        assert all(answer["pending"] == 0 for answer in audited.values())

        newest, first = json.loads(command(directory, "catalogue", "changes", "--json"))
        assert first["changes"] == []
        assert (newest["name"], newest["adopted_on"]) == ("catalogue", "2017-12-31")
        told = [(each["part"], each["what"], each["sv"], each["en"]) for each in newest["changes"]]
        assert told[: len(WORDS)] == WORDS
        assert [(each["part"], each["id"]) for each in newest["changes"][len(WORDS) :]] == [
            ("unit", "jobbtorg-norr"),
            ("protocol", "offer_90d"),
            ("target", "self_sufficient_6m.2017"),
            ("indicator", "offer_90d"),
            ("indicator", "closed_to_studies"),
        ]
        assert newest["changes"][len(WORDS) + 1]["sv"].endswith("Nu: Den förfaller 60 dagar efter inskrivningen.")
        door.client.close()
        runs[1].stop()
