"""Each role's main job in a whole `efterhand up`, by keyboard alone: from choosing the user to what is done."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import run_script
from tests.kill.running import RunningSystem, running_system

FIRST = date(2016, 12, 1)
TODAY = date(2017, 12, 4)
UNIT = "jobbtorg-kista"
ENROLLED = {"on": str(FIRST), "unit": UNIT, "target_group": "ordinary", "sex": "female", "birth_year": 1980}
LEFT = date(2017, 4, 10)
CLOSED = {"on": str(LEFT), "reason": "work"}
TOLD: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("p-1", "case.enrolled", {**ENROLLED, "contact_consent": True}),
    ("p-1", "case.assigned", {"on": str(FIRST), "worker": f"{UNIT}-1"}),
    ("p-1", "case.closed", CLOSED),
    ("p-2", "case.enrolled", {**ENROLLED, "contact_consent": True}),
    ("p-2", "case.closed", CLOSED),
    ("p-2", "person.protected", {"on": str(FIRST), "protected": True}),
    ("p-3", "case.enrolled", {**ENROLLED, "unit": "jobbtorg-farsta", "contact_consent": True}),
    ("p-3", "case.closed", CLOSED),
    # What intake refuses: there is no such unit.
    ("p-4", "case.enrolled", {**ENROLLED, "unit": "jobbtorg-atlantis"}),
)

LIST = "/uppfoljningar"
WALKS: dict[str, list[dict[str, Any]]] = {
    f"{UNIT}-1": [
        {"to": LIST},
        {"see": "c-1"},
        {"lack": "c-2"},
        {"lack": "c-3"},
        {"to": f"{LIST}/"},
        {"mark": "input[name=answer][value=studies]"},
        {"press": "Spara"},
        {"above": "sparat"},
        {"to": "/annan-enhet"},
        {"choose": "select[name=unit]", "value": "jobbtorg-farsta"},
        {"fill": "textarea[name=reason]", "value": "Vikarie i dag"},
        {"press": "Visa enheten"},
        {"above": "Du ser en annan enhet."},
        {"address": LIST},
        {"see": "c-3"},
    ],
    "manager": [
        {"to": "/enheter"},
        {"heading": "Jobbtorg Kista"},
        {"find": "#missed-table"},
        {"to": "missed=year"},
        {"see": "c-1"},
        {"lack": "c-3"},
        {"address": "/installningar/aviseringar"},
        {"mark": "input[name=kind][value=calendar]"},
        {"choose": "select[name=whom]", "value": f"unit:{UNIT}"},
        {"press": "Lägg till"},
        {"find": "#secret"},
        {"press": "Ny adress"},
        {"find": "#secret"},
        {"press": "Ta bort"},
        {"see": "Ingen kanal är inställd."},
    ],
    "register-owner": [
        {"to": "/register"},
        {"to": "/register/2017-11"},
        {"see": "p-1"},
        {"download": "Ladda ned det som är kvar (CSV)"},
    ],
    "protected-officer": [{"to": LIST}, {"see": "c-2"}, {"see": "Skyddade uppgifter"}],
    "analyst": [
        {"to": "/nyckeltal"},
        {"to": "/nyckeltal/closed_to_livelihood"},
        {"find": "svg.chart"},
        {"address": "/nyckeltal/closed_to_livelihood/underlag"},
        {"lack": "c-1"},
    ],
    "case-analyst": [{"address": "/nyckeltal/closed_to_livelihood/underlag"}, {"see": "c-1"}, {"lack": "c-2"}],
    "integrator": [
        {"to": "/datakvalitet"},
        {"find": "#kind-table"},
        {"find": "summary"},
    ],
    "operator": [{"see": "Systemets läge"}, {"address": LIST}, {"lack": "c-1"}],
    "administrator": [
        {"to": "/datakvalitet"},
        {"to": "show=refused"},
        {"press": "Skicka igen"},
        {"find": "[role=status], [role=alert]"},
        {"to": "/installningar/aviseringar"},
        {"find": "form"},
    ],
}


@pytest.fixture(scope="module")
def system() -> Iterator[RunningSystem]:
    """A running system in which users can be chosen, with four persons."""
    with running_system(LEFT, {"EFTERHAND_CHOOSE_USER": "true"}) as made:
        made.post("/intake/v1/events", [event(number, *told) for number, told in enumerate(TOLD)])
        made.move_date(TODAY)
        made.settle(120)
        yield made


def event(number: int, person: str, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    about = {"person": person, **data}
    if kind.startswith("case."):
        about["case"] = person.replace("p-", "c-")
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/stockholm/flai",
        "type": kind,
        "time": f"{data['on']}T09:00:00+01:00",
        "data": about,
    }


@pytest.fixture(scope="module")
def walked(system: RunningSystem, modules: Path, chromium: str) -> dict[str, Any]:
    """What each user came to, one after the other."""
    walks = [{"user": user, "steps": steps} for user, steps in WALKS.items()]
    plan = {"chromium": chromium, "modules": str(modules), "base": system.url, "walks": walks}
    return {each["user"]: each for each in run_script("walk.cjs", plan)}


@pytest.mark.parametrize("user", WALKS)
def test_a_role_gets_from_the_first_page_to_the_end_of_its_job(walked: dict[str, Any], user: str) -> None:
    assert (walked[user]["failed"], walked[user]["complaints"], walked[user]["unseen"]) == (None, [], [])


@pytest.mark.parametrize("user", WALKS)
def test_axe_finds_nothing_on_the_way_of_a_role(walked: dict[str, Any], user: str) -> None:
    assert walked[user]["looked"] >= 1
    assert walked[user]["violations"] == []


def test_the_answer_has_been_on_kafka_and_come_back(system: RunningSystem, walked: dict[str, Any]) -> None:
    assert walked[f"{UNIT}-1"]["failed"] is None
    system.settle(120)
    (check,) = system.get("/followup/v1/checks", person="p-1", protocol="occupation_6m")["items"]
    assert (check["state"], check["settled_on"]) == ("answered", str(TODAY))
    assert system.query("SELECT type FROM intake.event WHERE source = '/efterhand/followup'") == [
        ("followup.answered",)
    ]


def test_the_register_owners_file_lists_whom_to_match(walked: dict[str, Any]) -> None:
    (file,) = walked["register-owner"]["files"]
    rows = list(csv.DictReader(io.StringIO(file.removeprefix("\ufeff"))))
    assert [(row["person"], row["case"], row["month"]) for row in rows] == [
        ("p-1", "c-1", "2017-11"),
        ("p-3", "c-3", "2017-11"),
    ]


def test_what_the_case_worker_saw_elsewhere_is_written_down_with_the_reason(
    system: RunningSystem, walked: dict[str, Any]
) -> None:
    assert walked[f"{UNIT}-1"]["failed"] is None
    lines = system.get("/followup/v1/access-log", person="p-3", staff=f"{UNIT}-1")["items"]
    assert {line["reason"] for line in lines} == {"Vikarie i dag"}
