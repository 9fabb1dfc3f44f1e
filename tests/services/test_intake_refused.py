"""What was refused is kept where it can be seen, repaired and sent again; and nothing of an identity number is."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import efterhand.catalogue
from efterhand.contracts import topics
from tests.services.intake_running import SOURCE, Intake, codes, event, outcomes, running_intake, wait_until

NUMBER = "811228-9874"


@pytest.fixture(scope="module")
def running(create_database: Callable[[str], str], migrated_template: str) -> Iterator[Intake]:
    """An intake on a database of its own."""
    with running_intake(create_database(migrated_template)) as one:
        yield one


@pytest.fixture
def intake(running: Intake) -> Intake:
    """An intake that has received nothing."""
    running.empty()
    return running


def everything_stored(intake: Intake) -> str:
    """Every value of every table of the schema, as one text."""
    tables = intake.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'intake'")
    return "\n".join(
        str(row) for (table,) in tables for row in intake.rows(f"SELECT t::text FROM intake.{table} AS t")
    ) + "\n".join(
        bytes(value or b"").decode("latin-1")
        for (value,) in intake.rows("SELECT value FROM outbox UNION ALL SELECT value FROM parked")
    )


def resend(intake: Intake, entry: dict[str, Any], body: Any = None) -> Any:
    """Send an entry again."""
    return intake.client.post(f"/intake/v1/refused/{entry['id']}/resend", json=body)


def test_the_same_refused_event_again_is_one_entry_that_counts(intake: Intake) -> None:
    wrong = event(data={"reason": "gone"})
    for _ in range(3):
        intake.post([wrong, wrong])
    (entry,) = intake.refused()
    assert (entry["times"], entry["codes"], entry["source"], entry["event_id"]) == (6, ["unknown_code"], SOURCE, "e-1")
    assert entry["event"] == wrong
    assert entry["can_be_resent"] is True
    assert len(intake.rows("SELECT 1 FROM outbox WHERE topic = 'case-events-refused'")) == 1


def test_the_counts_are_those_of_the_open_list_whatever_is_chosen(intake: Intake) -> None:
    intake.post(
        [
            event("c1", data={"reason": "gone"}),
            event("c2", data={"reason": "gone", "case": None}),
            event("c3", source="/other", data={"reason": "gone"}),
            {"type": "case.closed"},
        ]
    )
    queries: list[dict[str, str]] = [
        {},
        {"code": "unknown_code"},
        {"source": SOURCE},
        {"source": "/other", "code": "wrong_value"},
    ]
    for query in queries:
        counts = intake.client.get("/intake/v1/refused/counts", params=query).json()
        assert counts["all"] == len(listed(intake, query)), query
        for name in ("code", "source"):
            for row in counts[f"{name}s"]:
                if row[name] is not None:
                    assert row["count"] == len(listed(intake, {**query, name: row[name]})), (query, row)
    assert intake.client.get("/intake/v1/refused/counts", params={"code": "x"}).status_code == 400


def listed(intake: Intake, query: dict[str, str]) -> list[dict[str, Any]]:
    """The open entries that are chosen."""
    items: list[dict[str, Any]] = intake.client.get("/intake/v1/refused", params=query).json()["items"]
    return items


def test_what_is_told_on_the_topic_of_refusals_is_as_the_contract_says(intake: Intake) -> None:
    import jsonschema_rs

    intake.post([event(data={"reason": "gone", "colour": "red"}), 5])
    intake.client.post("/intake/v1/events", content="{", headers={"content-type": "application/json"})
    schema = jsonschema_rs.validator_for(dict(topics()["case-events-refused"].schema))
    values = [bytes(row[0]) for row in intake.rows("SELECT value FROM outbox WHERE topic = 'case-events-refused'")]
    assert len(values) == 3
    assert all(schema.is_valid(json.loads(value)) for value in values)


def test_an_identity_number_is_kept_nowhere(intake: Intake) -> None:
    bodies: list[Any] = [
        event(data={"person": NUMBER}),
        event(data={"case": NUMBER.replace("-", "")}),
        event(data={NUMBER: "x"}),
        event("19" + NUMBER),
        event(subject=f"about {NUMBER}"),
        event(data={"birth_year": 8112289874}),
        {NUMBER: [NUMBER]},
        NUMBER,
    ]
    for body in bodies:
        answer = intake.post(body)
        assert "identity_number" in codes(answer)
        assert "9874" not in answer.text
    raw = json.dumps(event(data={"person": NUMBER}))
    for text in (raw[:-1], raw.replace("8112", "81\\u00312"), '{"a":1,"a":"' + NUMBER + '"}'):
        answer = intake.client.post("/intake/v1/events", content=text, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422)
        assert "9874" not in answer.text
    stored = everything_stored(intake)
    assert not re.search(r"(?<!\d)9874(?!\d)|2289874", stored)
    assert b"9874".hex() not in stored
    assert "9874" not in intake.client.get("/intake/v1/refused").text


def test_an_event_with_an_identity_number_cannot_be_resent_as_it_stands(intake: Intake) -> None:
    intake.post(event(data={"person": NUMBER}))
    (entry,) = intake.refused()
    assert entry["can_be_resent"] is False
    answer = resend(intake, entry)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_whole")
    answer = resend(intake, entry, {"event": event()})
    assert (answer.status_code, outcomes(answer)) == (202, ["accepted"])
    assert intake.refused() == []
    assert [closed["id"] for closed in intake.refused(closed=True)] == [entry["id"]]


def test_an_entry_is_sent_again_and_answered_like_an_event(intake: Intake) -> None:
    intake.post(event(data={"on": "2017-03-02"}, time="2017-03-02T08:00:00Z"))
    (entry,) = intake.refused()
    answer = resend(intake, entry)
    assert (answer.status_code, codes(answer)) == (422, ["time_in_future"])
    assert [(again["id"], again["times"]) for again in intake.refused()] == [(entry["id"], 2)]
    wrong = resend(intake, entry, {"event": event(data={"reason": "gone"})})
    assert (wrong.status_code, codes(wrong)) == (422, ["unknown_code"])
    assert len(intake.refused()) == 1
    assert outcomes(resend(intake, entry, {"event": event()})) == ["accepted"]
    closed = resend(intake, entry)
    assert (closed.status_code, closed.json()["code"]) == (409, "closed")


def test_an_entry_that_its_sender_might_not_write_is_sent_again_by_who_may(intake: Intake) -> None:
    intake.post(event(), authorization=intake.token("source", "/other"))
    (entry,) = intake.refused(code="source_not_allowed")
    assert outcomes(resend(intake, entry)) == ["accepted"]
    assert intake.refused() == []


def test_an_event_that_was_repaired_by_its_sender_closes_its_entry(intake: Intake) -> None:
    intake.post(event(data={"reason": "gone"}))
    intake.post(event())
    intake.post(event(data={"reason": "studies"}))
    assert [entry["outcome"] for entry in intake.refused()] == ["conflict"]


@pytest.mark.parametrize("body", ["{", "[]", '{"event": 1, "x": 2}', '"x"'])
def test_a_resend_of_something_else_is_answered_with_400(intake: Intake, body: str) -> None:
    intake.post(event(data={"reason": "gone"}))
    (entry,) = intake.refused()
    answer = intake.client.post(f"/intake/v1/refused/{entry['id']}/resend", content=body)
    assert answer.status_code == 400


@pytest.mark.parametrize(("entry", "status"), [("0", 404), ("-1", 404), ("9" * 30, 404), ("x", 422), ("7777", 404)])
def test_a_resend_of_an_entry_that_is_not_there_is_no_error_of_ours(intake: Intake, entry: str, status: int) -> None:
    assert intake.client.post(f"/intake/v1/refused/{entry}/resend").status_code == status


def test_the_list_comes_in_pages_and_is_filtered(intake: Intake) -> None:
    intake.post([event(f"e-{n}", data={"reason": "gone"}) for n in range(5)])
    intake.post([event(f"f-{n}", source="/other", data={"colour": "red"}) for n in range(2)])
    assert {entry["source"] for entry in intake.refused(source="/other")} == {"/other"}
    assert len(intake.refused(code="unknown_field")) == 2
    seen: list[int] = []
    cursor = None
    while True:
        page = intake.get("refused", limit=3, **({} if cursor is None else {"cursor": cursor}))
        seen += [entry["id"] for entry in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == 7
    assert seen == sorted(seen, reverse=True)
    for wrong in ({"cursor": "x"}, {"cursor": "WyJhIl0"}, {"code": "nonsense"}):
        assert intake.client.get("/intake/v1/refused", params=wrong).status_code == 400
    for wrong in ({"limit": "0"}, {"limit": "x"}):
        assert intake.client.get("/intake/v1/refused", params=wrong).status_code == 422


def test_a_source_sees_what_it_sent_and_nothing_of_others(intake: Intake) -> None:
    own, other = intake.token("source", SOURCE), intake.token("source", "/other")
    intake.post(event("mine", data={"reason": "gone"}), authorization=own)
    intake.post(event("foreign"), authorization=other)

    def seen(token: str) -> list[str]:
        answer = intake.client.get("/intake/v1/refused", headers={"authorization": token})
        return [entry["event_id"] for entry in answer.json()["items"]]

    assert seen(own) == ["mine"]
    assert seen(other) == ["foreign"]
    denied = intake.client.post("/intake/v1/refused/1/resend", headers={"authorization": own})
    assert denied.status_code == 403


def test_a_refused_event_about_an_erased_person_keeps_nothing_of_the_person(intake: Intake) -> None:
    intake.post(event("er", "person.erased", data={"person": "p-erased-4711"}))
    wrong = event("later-p-erased-4711", data={"person": "p-erased-4711", "reason": "gone"})
    assert codes(intake.post(wrong)) == ["unknown_code", "person_erased"]
    with intake.services.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM outbox WHERE topic = 'case-events'")
    assert "p-erased-4711" not in everything_stored(intake)
    (entry,) = intake.refused()
    assert entry["event"] is None
    assert entry["can_be_resent"] is False


def two_catalogues(directory: Path) -> tuple[Path, Path]:
    """Stockholm's catalogue, and the same with jobbtorg-nytt in the place of jobbtorg-kista."""
    before, after = directory / "before", directory / "after"
    shutil.copytree(Path(efterhand.catalogue.__file__).parent / "stockholm", before)
    shutil.copytree(before, after)
    units = after / "units.yaml"
    text = units.read_text().replace("jobbtorg-kista", "jobbtorg-nytt").replace("Jobbtorg Kista", "Jobbtorg Nytt")
    units.write_text(text)
    return before, after


def test_what_had_an_unknown_code_is_tried_again_when_the_catalogue_changes(database_url: str, tmp_path: Path) -> None:
    before, after = two_catalogues(tmp_path)
    new = event("new", "case.enrolled", data={"unit": "jobbtorg-nytt"})
    still = event("still", "case.enrolled", data={"unit": "jobbtorg-gone"})
    foreign = event("foreign", "case.enrolled", data={"unit": "jobbtorg-nytt"})
    with running_intake(database_url, catalogue=str(before)) as intake:
        assert codes(intake.post(new, authorization=intake.token("source", SOURCE))) == ["unknown_code"]
        assert codes(intake.post(still)) == ["unknown_code"]
        intake.post(foreign, authorization=intake.token("source", "/other"))
        assert intake.get("status")["digest"]["count"] == 0
    with running_intake(database_url, catalogue=str(after)) as intake:
        wait_until(lambda: intake.get("status")["digest"]["count"] == 1)
        assert intake.rows("SELECT id FROM event") == [("new",)]
        assert sorted(entry["event_id"] for entry in intake.refused()) == ["foreign", "still"]
        assert {entry["event_id"]: entry["times"] for entry in intake.refused()} == {"foreign": 1, "still": 2}
    with running_intake(database_url, catalogue=str(after)) as intake:
        assert {entry["event_id"]: entry["times"] for entry in intake.refused()} == {"foreign": 1, "still": 2}


def test_all_that_had_an_unknown_code_is_tried_again_however_much_it_is(database_url: str, tmp_path: Path) -> None:
    before, after = two_catalogues(tmp_path)
    many = [
        event(f"e-{n}", "case.enrolled", data={"case": f"c-{n}", "unit": f"jobbtorg-{'nytt' if n % 3 else 'gone'}"})
        for n in range(450)
    ]
    with running_intake(database_url, catalogue=str(before)) as intake:
        assert set(outcomes(intake.post(many))) == {"refused"}
    with running_intake(database_url, catalogue=str(after)) as intake:
        wait_until(lambda: intake.get("status")["digest"]["count"] == 300)
        assert {entry["event"]["data"]["unit"] for entry in intake.refused(limit=1000)} == {"jobbtorg-gone"}
        assert len(intake.refused(limit=1000)) == 150
        # Published like any other.
        assert intake.rows("SELECT count(*) FROM outbox WHERE topic = 'case-events'") == [(300,)]
