"""A case worker's main job in a whole `efterhand up`: from the list to the event on Kafka and back, and undone."""

import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from efterhand.web.sessions import COOKIE
from tests.browser.chromium import carry_out
from tests.kill.running import RunningSystem, running_system

CLOSED = date(2017, 3, 1)
TODAY = date(2017, 9, 4)
CHECK = "occupation_6m:p-1:c-1"


@pytest.fixture
def system() -> Iterator[RunningSystem]:
    """A running system in which one person is to be asked."""
    with running_system(CLOSED) as made:
        made.post("/intake/v1/events", events()).raise_for_status()
        made.move_date(TODAY)
        made.settle(120)
        yield made


def events() -> list[dict[str, Any]]:
    """One person who was enrolled, may be asked, and left for work."""
    enrolled = {"on": "2016-12-01", "unit": "jobbtorg-kista", "target_group": "ordinary", "sex": "female"}
    told = [
        ("case.enrolled", {**enrolled, "birth_year": 1980, "contact_consent": True}),
        ("case.closed", {"on": str(CLOSED), "reason": "work"}),
    ]
    return [
        {
            "specversion": "1.0",
            "id": f"e{number}",
            "source": "/stockholm/flai",
            "type": kind,
            "time": f"{data['on']}T09:00:00+01:00",
            "data": {"person": "p-1", "case": "c-1", **data},
        }
        for number, (kind, data) in enumerate(told)
    ]


def test_an_answer_in_the_browser_goes_through_intake_and_kafka_and_can_be_undone(
    system: RunningSystem, modules: Path, chromium: str
) -> None:
    token = system.headers["Authorization"].removeprefix("Bearer ")
    check = {
        "name": "job",
        "kind": "keyboard",
        "language": "sv",
        "width": 1280,
        "height": 900,
        "scale": 1,
        "script": True,
    }
    path = "/uppfoljningar?protocol=occupation_6m"
    (found,) = carry_out([{**check, "path": path}], system.url, token, modules, chromium)
    assert found["unseen"] == []
    assert found["complaints"] == []

    system.settle(120)
    (item,) = system.get("/followup/v1/worklist", group="done", protocol="occupation_6m")["items"]
    assert (item["id"], item["state"], item["occupation"]) == (CHECK, "answered", "studies")
    assert [(act["kind"], act["pending"]) for act in item["acts"]] == [("answer", False)]
    kept = "SELECT type FROM intake.event WHERE source = '/efterhand/followup'"
    assert system.query(kept) == [("followup.answered",)]

    with httpx.Client(base_url=system.url, cookies={COOKIE: token}, trust_env=False) as browser:
        page = browser.get(f"/uppfoljningar/{item['ref']}").text
        assert "Besvarad: Studier" in page
        form = re.search(r'<form method="post" action="[^"]*/angra">.*?</form>', page, re.DOTALL)
        assert form is not None
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form[0]))
        given = {name: unescape(value) for name, value in fields.items()}
        assert browser.post(f"/uppfoljningar/{item['ref']}/angra", data=given).status_code == 303
    system.settle(120)
    (item,) = system.get("/followup/v1/worklist", protocol="occupation_6m")["items"]
    assert (item["state"], item["group"], item["response"]) == ("overdue", "overdue", None)
