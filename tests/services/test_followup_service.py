"""followup as others meet it: erasure, protected persons, HTTP, answers, audit, poison, many at once."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import text

from efterhand.contracts import topics
from efterhand.database import downgrade, migrate
from efterhand.erasure import person_hash
from efterhand.messaging.batches import BatchApplier
from efterhand.messaging.parking import Parking
from efterhand.messaging.positions import Positions
from efterhand.messaging.records import Record
from efterhand_followup.adapters import tables
from efterhand_followup.adapters.intake_client import IntakeClient
from efterhand_followup.application.apply_events import apply_events
from efterhand_followup.application.audit import audit
from efterhand_followup.application.move_date import rebuild
from efterhand_followup.bootstrap import Services
from efterhand_followup.domain.acts import SOURCE, recorded_at
from efterhand_followup.entrypoints.metrics import StateCollector
from tests.services.followup_served import client_of, http, intake_that, services, url
from tests.services.followup_town import (
    SECRET,
    Town,
    closed,
    enrolled,
    event,
    records,
    reported_through,
    town,
)
from tests.services.intake_running import running_intake

__all__ = ["client_of", "http", "services", "town", "url"]

START = date(2017, 1, 2)
DUE = date(2017, 4, 2)


def erased(person: str, received: date) -> Any:
    sent = event("person.erased", received=received, person=person)
    return {**sent, "personhash": person_hash(SECRET, person)}


# --- erasure ---


def places_that_hold(town: Town, text_of_person: str) -> list[str]:
    """Every column of every table in which a text occurs."""
    found = []
    with town.engine.connect() as connection:
        columns = connection.execute(
            text(
                "SELECT table_name, column_name, data_type FROM information_schema.columns"
                " WHERE table_schema = 'followup'"
            )
        ).all()
        for table, column, kind in columns:
            shown = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
            hits = connection.execute(
                text(f'SELECT count(*) FROM followup."{table}" WHERE {shown} LIKE :what'),
                {"what": f"%{text_of_person}%"},
            ).scalar_one()
            if hits:
                found.append(f"{table}.{column}")
    return found


def test_an_erasure_leaves_nothing_of_the_person_in_any_column_of_any_table(town: Town) -> None:
    town.move_to(START)
    town.receive(enrolled("somebody", START), enrolled("another", START))
    town.move_to(date(2017, 4, 20))
    town.do(
        "INSERT INTO followup.parked (topic, key, value, person, reason) VALUES ('t', 'somebody', '', 'somebody', 'r')"
    )
    assert {"event.person", "check.id", "notice.id", "outbox.key", "parked.key"} <= set(
        places_that_hold(town, "somebody")
    )
    town.receive(erased("somebody", date(2017, 4, 20)))
    assert places_that_hold(town, "somebody") == []
    town.receive(enrolled("somebody", START), closed("somebody", START), erased("somebody", START))
    town.move_to(date(2017, 6, 1))
    assert places_that_hold(town, "somebody") == []
    assert {row["person"] for row in town.rows("check")} == {"another"}
    assert audit(town.engine, town.catalogue, SECRET).differences == []


def test_an_erasure_that_knows_only_the_hash_deletes_the_person_too(town: Town) -> None:
    town.move_to(START)
    town.receive(enrolled("somebody", START))
    town.receive({**erased("somebody", START), "data": {}})
    assert places_that_hold(town, "somebody") == []
    town.receive(enrolled("somebody", START))
    assert places_that_hold(town, "somebody") == []


def test_an_erasure_before_the_events_is_the_same_as_after_them(town: Town) -> None:
    states = []
    for batches in (
        [[enrolled("p1", START, received=START)], [erased("p1", START)]],
        [[erased("p1", START)], [enrolled("p1", START, received=START)]],
        [[enrolled("p1", START, received=START), erased("p1", START)]],
    ):
        town.begin_again()
        town.move_to(START)
        for batch in batches:
            town.receive(*batch)
        states.append(town.state())
    assert states[0] == states[1] == states[2]
    assert len(states[0]["erased"]) == 1


def test_a_catch_up_notice_goes_when_the_last_one_on_its_list_is_erased(town: Town) -> None:
    today = date(2018, 3, 1)
    town.move_to(today)
    town.receive(enrolled("p1", date(2017, 9, 1), received=today))
    town.settle()
    town.receive(erased("p1", today))
    town.settle()
    assert [(row["id"], row["status"]) for row in town.log()] == [("catchup/north/2018-03-01", "withdrawn")]


# --- protected persons ---


def test_checks_of_protected_persons_are_seen_only_with_the_right(
    town: Town, client_of: Callable[[str | None], httpx.Client], http: httpx.Client
) -> None:
    town.move_to(START)
    town.receive(enrolled("open", START), enrolled("hidden", START))
    town.receive(event("person.protected", received=START, person="hidden", protected=True, on=START))
    town.move_to(date(2017, 3, 10))
    worker = client_of("case_worker")
    for on in ({}, {"on": "2017-03-20"}, {"on": "2017-01-05"}):
        seen = worker.get("/followup/v1/checks", params=on).json()["items"]
        assert [each["person"] for each in seen] == ["open"]
        assert "protected" not in seen[0]
        seen = http.get("/followup/v1/checks", params=on).json()["items"]
        assert [(each["person"], each.get("protected")) for each in seen] == [("hidden", True), ("open", None)]
    assert [each["check"] for each in worker.get("/followup/v1/notices").json()["items"]] == ["offer_90d:open:c1"]
    assert len(http.get("/followup/v1/notices").json()["items"]) == 2
    assert worker.get("/followup/v1/due-summary").json()["all"]["upcoming"] == 1
    answer = {"on": "2017-03-10", "response": "declined"}
    assert worker.post("/followup/v1/checks/offer_90d:hidden:c1/answer", json=answer).status_code == 404


def test_nothing_about_a_protected_person_is_on_a_topic_and_what_was_told_is_taken_back(town: Town) -> None:
    town.move_to(date(2017, 3, 10))
    town.receive(enrolled("p1", START))
    town.receive(
        event("person.protected", received=date(2017, 3, 10), person="p1", protected=True, on=date(2017, 3, 10))
    )
    assert [each["status"] for each in town.outbox("followup-notices")] == ["open", "withdrawn"]
    assert [each["change"] for each in town.outbox("followup-checks")] == ["set", "removed"]
    assert town.one("SELECT status FROM followup.notice") == "open"  # the worklist of those with the right still has it
    town.move_to(DUE)
    assert len(town.outbox("followup-notices")) == 2
    town.receive(event("person.protected", received=DUE, person="p1", protected=False, on=DUE))
    assert [each["status"] for each in town.outbox("followup-notices")][2:] == ["open"] * 3


def test_a_catch_up_notice_about_protected_persons_alone_is_told_to_nobody(
    town: Town, client_of: Callable[[str | None], httpx.Client], http: httpx.Client
) -> None:
    today = date(2018, 3, 1)
    town.move_to(today)
    town.receive(
        enrolled("p1", date(2017, 9, 1), received=today),
        event("person.protected", received=today, person="p1", protected=True, on=today),
    )
    town.settle()
    assert town.outbox("followup-notices") == []
    assert client_of("case_worker").get("/followup/v1/notices?status=open").json()["items"] == []
    assert [n["id"] for n in http.get("/followup/v1/notices?status=open").json()["items"]] == [
        "catchup/north/2018-03-01"
    ]
    town.receive(enrolled("p2", date(2017, 9, 1), received=today))
    town.settle()
    assert [each["id"] for each in town.outbox("followup-notices")] == ["catchup/north/2018-03-01"]


# --- reads ---


def test_a_check_reads_as_documented(town: Town, http: httpx.Client) -> None:
    town.move_to(START)
    town.receive(enrolled("p1", START, id_="e1", source="/tiny/a"))
    body = http.get("/followup/v1/checks").json()
    assert body == {
        "items": [
            {
                "id": "offer_90d:p1:c1",
                "protocol": "offer_90d",
                "subject": "c1",
                "person": "p1",
                "case": "c1",
                "unit": "north",
                "anchor_on": "2017-01-02",
                "due": "2017-04-02",
                "state": "scheduled",
                "late": False,
                "flag": None,
                "settled_on": None,
                "because": [{"source": "/tiny/a", "id": "e1"}],
            }
        ],
        "next": None,
    }
    town.move_to(DUE - timedelta(days=30))
    assert http.get("/followup/v1/notices?status=open").json()["items"] == [
        {
            "id": "offer_90d:p1:c1/-30/2017-04-02",
            "check": "offer_90d:p1:c1",
            "step": "-30",
            "moment": "2017-03-03",
            "send_on": "2017-03-03",
            "unit": "north",
            "to": "unit:north",
            "status": "open",
        }
    ]
    (logged,) = http.get("/followup/v1/notices?status=open&log=true").json()["items"]
    assert (logged["made_on"], logged["withdrawn_on"]) == ("2017-03-03", None)


def test_checks_are_filtered_and_come_in_pages(town: Town, http: httpx.Client) -> None:
    town.move_to(START)
    for n in range(7):
        town.receive(enrolled(f"p{n}", START - timedelta(days=n), case=f"c{n}", unit="north" if n % 2 else "south"))

    def ids(**filters: Any) -> list[str]:
        found, cursor = [], None
        while True:
            page = http.get(
                "/followup/v1/checks", params={**filters, "limit": 2, **({"cursor": cursor} if cursor else {})}
            ).json()
            found += [each["subject"] for each in page["items"]]
            cursor = page["next"]
            if cursor is None:
                return found

    for on in ({}, {"on": "2017-01-20"}):
        assert sorted(ids(**on)) == [f"c{n}" for n in range(7)]
        assert ids(**on, person="p3") == ["c3"]
        assert ids(**on, case="c4") == ["c4"]
        assert sorted(ids(**on, unit="north")) == ["c1", "c3", "c5"]
        assert len(ids(**on, unit="city")) == 7
        assert ids(**on, protocol="occupation_6m") == []
        assert len(ids(**on, state="scheduled,upcoming")) == 7
        assert ids(**on, state="met") == []
    # The tree of the day that is asked for: the south lies under the north from June on.
    assert len(ids(unit="north", on="2017-06-01")) == 7
    assert ids(unit="nowhere") == []


@pytest.mark.parametrize(
    "query",
    ["on=2017-13-01", "on=yesterday", "state=open", "cursor=x", "cursor=WzFd", "limit=0", "limit=5000"],
)
def test_a_question_that_makes_no_sense_is_answered_with_a_problem(town: Town, http: httpx.Client, query: str) -> None:
    town.move_to(START)
    answer = http.get(f"/followup/v1/checks?{query}")
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"]


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("GET", "/followup/v1/checks", "analyst"),
        ("GET", "/followup/v1/notices", "source"),
        ("GET", "/followup/v1/due-summary", "operator"),
        ("POST", "/followup/v1/checks/offer_90d:p1:c1/answer", "operator"),
        ("POST", "/followup/v1/rebuild", "case_worker"),
        ("POST", "/followup/v1/audit", "manager"),
    ],
)
def test_every_path_needs_its_right(
    client_of: Callable[[str | None], httpx.Client], method: str, path: str, role: str
) -> None:
    assert client_of(role).request(method, path, json={}).status_code == 403
    assert client_of(None).request(method, path, json={}).status_code == 401


def test_before_a_business_date_is_known_reads_ask_to_try_again(http: httpx.Client) -> None:
    answer = http.get("/followup/v1/checks")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_the_summary_counts_unsettled_checks_by_unit_and_state(town: Town, http: httpx.Client) -> None:
    town.move_to(START)
    town.receive(enrolled("p1", START), enrolled("p2", START, unit="south"), enrolled("p3", START, unit="south"))
    town.receive(enrolled("p4", date(2016, 9, 1), received=START, contact_consent=True))
    town.receive(closed("p4", date(2016, 10, 3), received=START))
    town.move_to(date(2017, 4, 3))
    for on in ({}, {"on": "2017-03-31"}):
        body = http.get("/followup/v1/due-summary", params=on).json()
        units = {each["unit"]: each for each in body["items"]}
        if on:
            # The Friday: all of it is due by the Sunday but the answer, which is due on the Monday after.
            assert body["week"] == {"from": "2017-03-31", "to": "2017-04-02"}
            assert (units["south"]["upcoming"], units["south"]["this_week"], units["south"]["answerable"]) == (2, 2, 0)
            assert (units["north"]["this_week"], units["north"]["answerable"]) == (1, 0)
        else:
            assert "south" not in units
            assert (units["north"]["due"], units["north"]["this_week"], units["north"]["answerable"]) == (1, 1, 1)
            assert body["all"]["scheduled"] == 1  # the register's month


def test_the_status_says_what_is_still_to_be_done(town: Town, http: httpx.Client) -> None:
    town.move_to(START)
    town.receive(enrolled("p1", START), reported_through("cases", START, START))
    status = http.get("/followup/v1/status").json()
    assert (status["date"], status["dirty"], status["lag"], status["parked"]) == ("2017-01-02", 0, 0, 0)
    assert status["outbox"] == 1
    assert status["digest"]["count"] == 2
    assert status["through"] == {"cases": "2017-01-02", "assistance": None, "answers": None}
    assert status["catalogue"] == town.catalogue.version
    town.set_date(DUE)
    assert http.get("/followup/v1/status").json()["dirty"] == 1
    town.settle()
    assert http.get("/followup/v1/status").json()["dirty"] == 0


# --- answers ---


@pytest.fixture
def closed_case(town: Town) -> str:
    """A check that waits for an answer."""
    town.move_to(date(2017, 9, 1))
    town.receive(enrolled("p1", START, contact_consent=True), closed("p1", date(2017, 3, 1)))
    town.settle()
    return "occupation_6m:p1:c1"


def test_an_answer_becomes_an_event_of_its_own_source(
    closed_case: str, services: Services, http: httpx.Client, town: Town
) -> None:
    asked = intake_that(services, (202, {"results": []}))
    answer = {"on": "2017-09-01", "response": "answered", "occupation": "work", "method": "interview"}
    reply = http.post(f"/followup/v1/checks/{closed_case}/answer", json=answer)
    assert reply.status_code == 202
    sent = orjson.loads(asked[0].content)
    assert reply.json()["event"] == {"source": "/efterhand/followup", "id": sent["id"]}
    assert sent["data"] == {**answer, "person": "p1", "check": "occupation_6m", "subject": "c1"}
    assert sent["type"] == "followup.answered"
    assert datetime.fromisoformat(sent["time"]).astimezone(UTC).date() in (date(2017, 8, 31), date(2017, 9, 1))
    principal = services.tokens.verify(asked[0].headers["authorization"].removeprefix("Bearer "))
    assert (principal.role, principal.source) == ("service", "/efterhand/followup")
    # Its round through the topic settles the check.
    town.receive({**sent, "received": event("x", received=date(2017, 9, 1))["received"]})
    town.settle()
    assert town.one("SELECT state FROM followup.check WHERE id = :id", id=closed_case) == "answered"


def test_an_answer_goes_through_the_real_door_and_its_refusals_come_back(
    closed_case: str, services: Services, http: httpx.Client, town: Town
) -> None:
    migrate(town.url, "intake")
    path = f"/followup/v1/checks/{closed_case}/answer"
    answer = {"on": "2017-09-01", "response": "answered", "occupation": "work"}
    with running_intake(town.url, secret=SECRET, start_date=date(2017, 9, 1)) as intake:
        object.__setattr__(services, "intake", IntakeClient(intake.url, services.tokens, SOURCE))
        reply = http.post(path, json=answer)
        assert reply.status_code == 202, reply.text
        kept = intake.rows("SELECT source, id FROM event")
        assert kept == [("/efterhand/followup", reply.json()["event"]["id"])]
        for change, code in (
            ({"occupation": "astronaut"}, "wrong_value"),
            ({"remark": "x"}, "unknown_field"),
            ({"on": "2017-09-20"}, "on_in_future"),
        ):
            refused = http.post(path, json={**answer, **change})
            assert (refused.status_code, refused.json()["results"][0]["codes"]) == (422, [code])
        services.intake.close()


def test_a_refusal_is_passed_on_as_it_is(closed_case: str, services: Services, http: httpx.Client) -> None:
    refusal = {"results": [{"index": 0, "outcome": "refused", "codes": ["wrong_value"], "field": "data.occupation"}]}
    intake_that(services, (422, refusal))
    reply = http.post(f"/followup/v1/checks/{closed_case}/answer", json={"on": "2017-09-01"})
    assert (reply.status_code, reply.json()) == (422, refusal)


@pytest.mark.parametrize(
    "fault", [httpx.ConnectError("no"), httpx.ReadTimeout("slow"), (503, {}), (500, {}), (401, {})]
)
def test_an_answer_is_not_taken_while_intake_is_down(
    closed_case: str, services: Services, http: httpx.Client, fault: Any
) -> None:
    intake_that(services, fault)
    reply = http.post(f"/followup/v1/checks/{closed_case}/answer", json={"on": "2017-09-01", "response": "declined"})
    assert reply.status_code == 503
    assert reply.headers["retry-after"]


@pytest.mark.parametrize("check_id", ["occupation_6m:p1:c9", "occupation_6m:p9:c1", "nonsense", "a:b:c:d"])
def test_a_check_that_is_not_there_cannot_be_answered(
    closed_case: str, services: Services, http: httpx.Client, check_id: str
) -> None:
    asked = intake_that(services, (202, {}))
    assert http.post(f"/followup/v1/checks/{check_id}/answer", json={}).status_code == 404
    assert asked == []


def test_the_body_of_an_answer_does_not_say_whom_it_is_about(
    closed_case: str, services: Services, http: httpx.Client
) -> None:
    intake_that(services, (202, {}))
    reply = http.post(f"/followup/v1/checks/{closed_case}/answer", json={"person": "p2"})
    assert (reply.status_code, reply.json()["code"]) == (422, "unknown_field")
    assert http.post(f"/followup/v1/checks/{closed_case}/answer", content=b"[1]").status_code == 422


def test_a_later_answer_is_recorded_later_also_while_the_clock_stands_still() -> None:
    noon, evening = datetime(2026, 5, 1, 10, tzinfo=UTC), datetime(2026, 5, 1, 20, tzinfo=UTC)
    today = date(2017, 9, 1)
    first = recorded_at(evening, today, None)
    second = recorded_at(noon, today, first)
    assert second > first
    assert recorded_at(noon, today, datetime(2017, 9, 5, tzinfo=UTC)) == datetime(2017, 9, 1, 21, 59, 59, 999999, UTC)
    assert recorded_at(noon, None, None) == noon


# --- rebuild, audit ---


def busy(town: Town) -> None:
    """A town in which every table holds something."""
    town.move_to(START)
    town.receive(
        enrolled("p1", START),
        enrolled("p2", date(2016, 6, 1), received=START),
        closed("p2", date(2016, 8, 1), received=START, reason="other_authority"),
        enrolled("p3", date(2016, 9, 1), received=START),
        erased("p4", START),
        reported_through("cases", date(2017, 4, 10), START),
    )
    town.move_to(date(2017, 4, 15))


def test_a_rebuild_puts_right_what_is_wrong_beside_live_traffic(town: Town, http: httpx.Client) -> None:
    busy(town)
    right = town.state()
    town.do("UPDATE followup.check SET state = 'met' WHERE person = 'p1'")
    town.do("DELETE FROM followup.listed")
    assert http.post("/followup/v1/rebuild").json() == {"dirty": 3}
    assert http.get("/followup/v1/status").json()["dirty"] == 3
    town.settle()
    for each in (right, state := town.state()):
        for table in ("person", "context"):
            for row in each[table]:
                row["generation"] = 0
    assert state == right
    assert http.post("/followup/v1/audit").json() == {"checked": 3, "pending": 0, "differences": []}


@pytest.mark.parametrize(
    ("planted", "table"),
    [
        ("UPDATE followup.check SET state = 'met', settled_on = due WHERE person = 'p1'", "check"),
        ("UPDATE followup.check SET due = due + 1 WHERE person = 'p1'", "check"),
        ("DELETE FROM followup.check WHERE person = 'p1'", "check"),
        ("INSERT INTO followup.check SELECT (c).* FROM (SELECT jsonb_populate_record(c, '{\"person\": \"p9\"}') AS c"
         " FROM followup.check c WHERE person = 'p1') AS other", "check"),
        ("UPDATE followup.notice SET unit = 'south' WHERE person = 'p1' AND status = 'open'", "notice"),
        ("UPDATE followup.notice SET status = 'withdrawn', withdrawn_on = made_on WHERE status = 'open'", "notice"),
        ("UPDATE followup.notice SET status = 'open', withdrawn_on = NULL WHERE status = 'withdrawn'", "notice"),
        ("UPDATE followup.notice SET moment = moment - 1 WHERE status = 'withdrawn'", "notice"),
        ("DELETE FROM followup.notice WHERE person = '' AND status = 'open'", "notice"),
        ("UPDATE followup.notice SET recipient = 'manager:south' WHERE person = ''", "notice"),
        ("DELETE FROM followup.listed", "listed"),
        ("UPDATE followup.listed SET notice_id = 'register/2001-01'", "listed"),
        ("UPDATE followup.person SET next_change_on = '2030-01-01' WHERE person = 'p1'", "person"),
        ("UPDATE followup.person SET personhash = 'x' WHERE person = 'p1'", "person"),
        ("DELETE FROM followup.person WHERE person = 'p1'", "person"),
        ("UPDATE followup.event SET hash = 1 WHERE person = 'p1'", "event"),
        ("UPDATE followup.event SET bucket = bucket + 1 WHERE person = ''", "event"),
        ("DELETE FROM followup.event WHERE person = 'p1'", "check"),
        ("UPDATE followup.erased SET hash = 1", "erased"),
        ("UPDATE followup.context SET watermarks = '{}'", "context"),
    ],
)  # fmt: skip
def test_the_audit_finds_a_wrong_row_in_every_table(town: Town, http: httpx.Client, planted: str, table: str) -> None:
    busy(town)
    assert http.post("/followup/v1/audit").json() == {"checked": 3, "pending": 0, "differences": []}
    town.do(planted)
    found = http.post("/followup/v1/audit").json()["differences"]
    assert table in {each["table"] for each in found}


def test_a_person_that_cannot_be_computed_does_not_stop_the_others(town: Town) -> None:
    town.move_to(START)
    town.receive(enrolled("p1", START), enrolled("p2", START), enrolled("p3", START))
    town.do("UPDATE followup.event SET data = '{}' WHERE person = 'p2'")
    town.move_to(DUE)
    assert {row["person"]: row["state"] for row in town.rows("check")} == {
        "p1": "due",
        "p2": "scheduled",
        "p3": "due",
    }


# --- poison, many at once, migrations, messages, metrics ---


def test_poison_is_parked_with_its_reason_and_the_rest_goes_on(town: Town) -> None:
    town.move_to(START)
    topic = "case-events"
    town.do("INSERT INTO followup.position VALUES (:topic, 0, 'id', 0)", topic=topic)
    parking = Parking(tables.parked, tables.outbox, "followup")

    def apply(connection: Any, some: Any) -> None:
        apply_events(connection, some, town.catalogue, SECRET)

    applier = BatchApplier(town.engine, Positions(tables.position), parking, apply)
    good = records([enrolled("p1", START), enrolled("p2", START), enrolled("p3", START)])
    without_day = orjson.dumps(event("case.enrolled", received=START, person="p4", case="c1"))
    poison = [
        b"not json",
        b"[]",
        None,
        orjson.dumps({**event("x", received=START), "received": "soon"}),
        without_day,
        orjson.dumps(event("source.reported_through", received=START, feed="cases", through="soon")),
        orjson.dumps(event("person.erased", received=START)),
        orjson.dumps(event("offer.made", received=START, case="c1", on="2017-01-02", kind="job")),
        orjson.dumps(enrolled("p5\0", START)),
    ]
    mixed = [good[0], *[Record(topic, 0, 0, b"k", value, 0) for value in poison], *good[1:]]
    applied = applier([record._replace(offset=n) for n, record in enumerate(mixed)], "id")
    assert applied.parked == len(poison)
    assert {row["person"] for row in town.rows("check")} == {"p1", "p2", "p3"}
    assert {row["person"] for row in town.rows("event")} == {"p1", "p2", "p3"}
    assert all(row["reason"] for row in town.rows("parked"))
    assert town.one("SELECT next_offset FROM followup.position") == len(mixed)


def test_workers_the_clock_and_rebuilds_at_the_same_time_come_to_the_same_tables(town: Town) -> None:
    persons = [f"p{n}" for n in range(30)]
    batches = []
    for n in range(12):
        day = START + timedelta(days=n)
        some = [enrolled(each, START, received=START, id_=f"e{each}") for each in persons[n : n + 12]]
        some += [closed(each, day, received=day) for each in persons[n * 2 : n * 2 + 3]]
        if n % 3 == 0:
            some.append(reported_through("cases", day, day))
        if n == 7:
            some.append(erased("p5", day))
        batches.append(some)
    town.move_to(START)
    failures: list[BaseException] = []

    def run(work: Any) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 — shown by the test
            failures.append(error)

    def feed(start: int) -> None:
        for batch in batches[start::3]:
            town.receive(*reversed(batch) if start == 1 else batch)

    def tick() -> None:
        for n in range(1, 80):
            town.set_date(START + timedelta(days=n))
            town.clock.round()
            if n % 20 == 0:
                with town.engine.begin() as connection:
                    rebuild(connection)

    threads = [threading.Thread(target=run, args=(lambda n=n: feed(n),)) for n in range(3)]
    threads += [threading.Thread(target=run, args=(tick,))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    town.settle()
    found = town.state()

    town.begin_again()
    town.move_to(START)
    town.move_to(START + timedelta(days=79))
    town.receive(*[each for batch in batches for each in batch])
    town.settle()
    wanted = town.state()
    for each in (found, wanted):
        for table in ("person", "context"):
            for row in each[table]:
                row["generation"] = 0
    assert found == wanted
    assert audit(town.engine, town.catalogue, SECRET).differences == []


def test_the_schema_is_made_and_taken_away_again(empty_database_url: str) -> None:
    migrate(empty_database_url, "followup")
    migrate(empty_database_url, "followup")
    downgrade(empty_database_url, "followup")
    migrate(empty_database_url, "followup")


def test_every_message_is_as_the_contract_says(town: Town) -> None:
    import jsonschema_rs

    busy(town)
    town.receive(closed("p1", START, reason="deceased"))
    town.settle()
    for topic in ("followup-checks", "followup-notices"):
        messages = town.outbox(topic)
        assert messages
        validator = jsonschema_rs.validator_for(dict(topics()[topic].schema))
        for message in messages:
            validator.validate(message)


def test_the_metrics_show_states_and_no_outcomes(town: Town, services: Services) -> None:
    town.move_to(START)
    town.receive(enrolled("p1", START), reported_through("cases", date(2017, 4, 1), START))
    town.receive(enrolled("p2", START), closed("p2", START))
    town.move_to(date(2017, 4, 15))
    registry = CollectorRegistry()
    registry.register(StateCollector(services.engine))
    shown = generate_latest(registry).decode()
    assert 'efterhand_followup_unsettled_checks{protocol="offer_90d",state="overdue"} 1.0' in shown
    assert "efterhand_followup_oldest_overdue_notice_age_seconds 3.7152e+06" in shown
    assert 'efterhand_followup_feed_age_seconds{feed="cases"} 1.2096e+06' in shown
    assert "efterhand_followup_dirty_persons 0.0" in shown
    for word in ("missed", "met", "answered", "expired", "cancelled", "p1"):
        assert f'"{word}"' not in shown
