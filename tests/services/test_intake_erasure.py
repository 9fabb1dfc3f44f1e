"""An erasure leaves nothing of a person but a keyed hash."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from efterhand.erasure import person_hash
from efterhand.timeline.digest import bucket_of, digest_of, erasure_hash, event_hash
from tests.services.intake_running import (
    SECRET,
    SOURCE,
    Intake,
    codes,
    event,
    outcomes,
    running_intake,
    wait_until,
)
from tests.services.test_intake_refused import everything_stored

PERSON = "p-7f3a.gone_1"


@pytest.fixture
def intake(database_url: str) -> Iterator[Intake]:
    """A fresh intake."""
    with running_intake(database_url) as running:
        yield running


def of_person(event_id: str, **data: object) -> dict[str, object]:
    """An event about the person who is to be erased."""
    return event(event_id, data={"person": PERSON, **data})


def test_nothing_of_the_person_is_left_when_the_outbox_has_been_published(database_url: str, kafka: str) -> None:
    with running_intake(database_url, kafka=kafka) as intake:
        others = [event("other-1"), event("other-2", data={"person": PERSON + "0", "reason": "gone"})]
        intake.post([of_person("a"), of_person("b", case="c-2"), *others])
        intake.post([of_person("c", reason="gone"), of_person("a", reason="studies")])
        broken = json.dumps(of_person("d"))[:-1]
        intake.client.post("/intake/v1/events", content=broken, headers={"content-type": "application/json"})
        with intake.services.engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO parked (topic, value, person, reason) VALUES ('t', %b, NULL, 'r'), ('t', 'x', %s, 'r')",
                (json.dumps(of_person("e")).encode(), PERSON),
            )
        assert intake.get("status")["refused"] == 4
        erasure = event("er", "person.erased", data={"person": PERSON})
        assert outcomes(intake.post([of_person("f"), erasure, of_person("g")])) == ["accepted", "accepted", "refused"]
        wait_until(lambda: intake.get("status")["outbox"] == 0)
        stored = everything_stored(intake).replace(PERSON + "0", "")
        assert PERSON not in stored
        assert [entry["event_id"] for entry in intake.refused()] == [None, "other-2"]
        assert outcomes(intake.post(erasure)) == ["duplicate"]
        assert codes(intake.post(of_person("a"))) == ["person_erased"]
        assert outcomes(intake.post(event("other-1"))) == ["duplicate"]
        wait_until(lambda: intake.get("status")["outbox"] == 0)
        assert PERSON not in everything_stored(intake).replace(PERSON + "0", "")


def test_an_erasure_holds_over_restarts(database_url: str) -> None:
    erasure = event("er", "person.erased", data={"person": PERSON})
    with running_intake(database_url) as intake:
        intake.post([of_person("a"), erasure])
    with running_intake(database_url) as intake:
        assert outcomes(intake.post([erasure, of_person("a")])) == ["duplicate", "refused"]
        assert codes(intake.post({**erasure, "id": "er-2"})) == ["person_erased"]
        other = event("er", "person.erased", data={"person": "someone-else"})
        assert codes(intake.post(other)) == ["conflict"]
        assert codes(intake.post(event("er"))) == ["conflict"]
        assert codes(intake.post({**of_person("er")})) == ["person_erased", "conflict"]


def test_the_erasure_goes_out_with_the_person_and_its_hash_and_nothing_else_of_the_person_does(intake: Intake) -> None:
    intake.post([of_person("a"), event("er", "person.erased", data={"person": PERSON})])
    ((key, value),) = intake.rows("SELECT key, value FROM outbox WHERE topic = 'case-events'")
    body = json.loads(value)
    assert key == PERSON.encode()
    assert body["data"] == {"person": PERSON}
    assert body["personhash"] == person_hash(SECRET, PERSON)
    assert body["received"] == "2017-03-01T22:59:59.999999+00:00"


def test_published_again_an_erasure_names_the_hash_alone(database_url: str) -> None:
    with running_intake(database_url) as intake:
        intake.post([of_person("a"), event("w", "source.reported_through"), event("b")])
        intake.post(event("er", "person.erased", data={"person": PERSON}))
        with intake.services.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM outbox")
        assert intake.client.post("/intake/v1/republish").status_code == 202
        assert intake.get("status")["dirty"] == 1
        intake.services.broker.start()
        wait_until(lambda: intake.get("status")["dirty"] == 0)
        intake.services.broker.stop()
        rows = intake.rows("SELECT key, value FROM outbox WHERE topic = 'case-events'")
        sent = {json.loads(value)["id"]: (bytes(key), json.loads(value)) for key, value in rows}
        hashed = person_hash(SECRET, PERSON)
        assert {name: key for name, (key, _) in sent.items()} == {"w": b"", "b": b"p-1", "er": hashed.encode()}
        assert sent["er"][1]["data"] == {}
        assert sent["er"][1]["personhash"] == hashed
        assert sent["er"][1]["type"] == "person.erased"


def test_the_digest_is_that_of_the_events_held(intake: Intake) -> None:
    intake.post([of_person("a"), of_person("b"), event("c"), event("w", "source.reported_through")])
    intake.post(event("er", "person.erased", data={"person": PERSON}))
    hashed = person_hash(SECRET, PERSON)
    assert intake.get("status")["digest"] == digest_of(
        [
            (bucket_of("p-1"), 1, event_hash(SOURCE, "c")),
            (bucket_of(""), 1, event_hash(SOURCE, "w")),
            (bucket_of(hashed), 1, erasure_hash(hashed)),
        ]
    )


def test_an_erasure_amid_other_posts_leaves_no_event_of_the_person(database_url: str) -> None:
    with running_intake(database_url) as one, running_intake(database_url) as other:

        def send(number: int) -> list[str]:
            intake = (one, other)[number % 2]
            if number == 20:
                return outcomes(intake.post(event("er", "person.erased", data={"person": PERSON})))
            return outcomes(intake.post([of_person(f"a-{number}"), event(f"b-{number}")]))

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(send, range(40)))
        assert answers[20] == ["accepted"]
        assert {tuple(answer) for number, answer in enumerate(answers) if number != 20} <= {
            ("accepted", "accepted"),
            ("refused", "accepted"),
        }
        assert one.rows("SELECT count(*) FROM event WHERE person = :person", person=PERSON) == [(0,)]
        assert one.rows("SELECT count(*) FROM event") == [(40,)]
        assert one.rows("SELECT count(*) FROM outbox WHERE person = :person", person=PERSON) == [(0,)]
