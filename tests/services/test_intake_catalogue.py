"""intake keeps every catalogue that it has worked with, and tells in words what changed."""

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

import efterhand.catalogue
from efterhand.catalogue import load_catalogue
from efterhand.catalogue.texts import load_texts, load_written
from efterhand.database import create_engine
from efterhand_intake.adapters.tables import SCHEMA
from tests.editing import edited_catalogue
from tests.services.intake_running import DAY, Intake, running_intake, wait_until

STOCKHOLM = Path(efterhand.catalogue.__file__).parent / "stockholm"
RENAMED = {"units.yaml": [("name: Jobbtorg Stockholm", "name: Arbetsmarknad Stockholm")]}


def newest(intake: Intake) -> list[dict[str, Any]]:
    """The catalogue that was taken over last."""
    items: list[dict[str, Any]] = intake.get("catalogue/changes", limit=1)["items"]
    return items


def test_every_catalogue_that_was_worked_with_is_kept_and_what_changed_is_told(
    database_url: str, tmp_path: Path
) -> None:
    changed = edited_catalogue(STOCKHOLM, tmp_path / "stockholm", RENAMED)
    versions = []
    for where in ("stockholm", "stockholm", str(changed), "stockholm"):
        with capture_logs() as logs, running_intake(database_url, catalogue=where) as intake:
            version = intake.services.catalogue.version
            versions.append(version)
            wait_until(lambda: [each["version"] for each in newest(intake)] == [version])  # noqa: B023
            told = intake.get("catalogue/changes")
            assert newest(intake) == told["items"][:1]
            for token, status in ((intake.token("analyst"), 200), ("Bearer nobody's", 401)):
                answer = intake.client.get("/intake/v1/catalogue/changes", headers={"authorization": token})
                assert answer.status_code == status
    assert [each["version"] for each in told["items"]] == [versions[3], versions[2], versions[0]]
    assert {(each["name"], each["adopted_on"]) for each in told["items"]} == {("stockholm", DAY.isoformat())}
    assert [each["changes"] for each in told["items"]] == [
        [
            {
                "part": "unit",
                "what": "renamed",
                "id": "stockholm",
                "sv": "Enheten ”Arbetsmarknad Stockholm” heter nu ”Jobbtorg Stockholm”.",
                "en": "The unit “Arbetsmarknad Stockholm” is now called “Jobbtorg Stockholm”.",
            }
        ],
        [
            {
                "part": "unit",
                "what": "renamed",
                "id": "stockholm",
                "sv": "Enheten ”Jobbtorg Stockholm” heter nu ”Arbetsmarknad Stockholm”.",
                "en": "The unit “Jobbtorg Stockholm” is now called “Arbetsmarknad Stockholm”.",
            }
        ],
        [],
    ]
    # All threads have ended: what was to be logged is there.
    (line,) = [each for each in logs if each.get("action") == "catalogue_changed"]
    assert line["changes"] == ["The unit “Arbetsmarknad Stockholm” is now called “Jobbtorg Stockholm”."]


def test_a_catalogue_that_cannot_be_read_any_more_is_followed_by_another_one(database_url: str) -> None:
    engine = create_engine(database_url, SCHEMA)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO intake.catalogue (version, name, files, adopted_on, adopted_at, changes)"
            " VALUES ('older', 'stockholm', '{\"units.yaml\": \"[]\"}', '2017-01-01', now(), '[]')"
        )
    engine.dispose()
    with running_intake(database_url) as intake:
        wait_until(lambda: newest(intake)[0]["version"] != "older")
        last, older = intake.get("catalogue/changes")["items"]
    assert (older["version"], older["changes"]) == ("older", [])
    (change,) = last["changes"]
    assert change["part"] == "catalogue"
    assert "kan inte jämföras" in change["sv"]


@pytest.mark.parametrize("name", ["stockholm", "nacka"])
def test_a_catalogue_is_read_from_its_texts_as_from_its_directory(name: str) -> None:
    written = load_written(name)
    assert load_texts(name, written.texts) == written.catalogue == load_catalogue(name)
