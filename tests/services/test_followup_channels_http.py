"""Channels over HTTP: who sets which, what is shown once, what is tried, renewed and taken away."""

from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import pytest
from icalendar import Calendar
from prometheus_client import CollectorRegistry, generate_latest

from efterhand.web.rights import Grant
from efterhand_followup.adapters.ways_out import make_ways_out
from efterhand_followup.application.deliver import Pace
from efterhand_followup.bootstrap import Services
from efterhand_followup.entrypoints.delivery import Delivery
from efterhand_followup.entrypoints.metrics import StateCollector
from tests.services.channel_town import mail, office, settings_to_send
from tests.services.followup_served import client_of, http, services, url
from tests.services.followup_town import Town, enrolled, town
from tests.services.receivers import MailServer, PostOffice

__all__ = ["client_of", "http", "mail", "office", "services", "town", "url"]

START = date(2017, 1, 2)
FIRST = date(2017, 3, 3)
PATH = "/followup/v1/channels"
ClientOf = Callable[..., httpx.Client]


@pytest.fixture(autouse=True)
def ways(services: Services, town: Town, mail: MailServer, office: PostOffice) -> None:
    """A mail server and a host that may be sent to, and a town in which two persons are to be followed up."""
    made = make_ways_out(settings_to_send(mail, office), services.catalogue, services.tokens)
    object.__setattr__(services, "ways", made)
    pace = Pace(manual=True, hour=7, retry_seconds=60, days=7)
    object.__setattr__(services, "delivery", Delivery(services.engine, services.composing, made, pace))
    town.move_to(START)
    town.receive(enrolled("p1", START), enrolled("p2", START))
    town.settle()


@pytest.fixture
def staff(services: Services, url: str) -> ClientOf:
    """A member of staff with one grant."""

    def make(role: str, unit: str | None = None, staff_id: str | None = "w1", **more: Any) -> httpx.Client:
        token = services.tokens.issue(role, grants=[Grant(role, unit, **more)], staff=staff_id)
        return httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, trust_env=False, timeout=60)

    return make


def asked(kind: str = "email", audience: str = "unit", **more: Any) -> dict[str, Any]:
    target = {"email": "north@town.test"}.get(kind, "")
    unit = {"unit": "north"} if audience in ("unit", "manager") else {}
    return {"kind": kind, "audience": audience, "target": target, **unit, **more}


@pytest.mark.parametrize(
    ("role", "unit", "body", "status"),
    [
        ("case_worker", "north", asked(audience="worker"), 201),
        ("case_worker", "north", asked(audience="worker", staff="w2"), 403),
        ("case_worker", "north", asked(), 403),
        ("case_worker", "north", asked(audience="register"), 403),
        ("manager", "north", asked(), 201),
        ("manager", "north", asked(audience="manager"), 201),
        ("manager", "north", asked(unit="south"), 403),
        ("manager", "city", asked(unit="south"), 201),
        ("manager", "north", asked(audience="register"), 403),
        ("register_owner", None, asked(audience="register"), 201),
        ("register_owner", None, asked(), 403),
        ("administrator", None, asked(unit="south"), 201),
        ("administrator", None, asked(audience="worker", staff="w7"), 201),
        ("administrator", None, asked(audience="register"), 201),
    ],
)
def test_a_channel_is_set_by_those_it_is_for_and_by_those_who_manage_them(
    staff: ClientOf, role: str, unit: str | None, body: dict[str, Any], status: int
) -> None:
    answer = staff(role, unit).post(PATH, json=body)
    assert answer.status_code == status, answer.text
    assert status == 201 or answer.json()["code"] == "not_yours"


def test_access_that_is_lent_for_a_while_sets_nothing_that_stays(staff: ClientOf) -> None:
    lent = staff("manager", "south", until=4e9, reason="Vikarie för en dag")
    assert lent.post(PATH, json=asked(unit="south")).status_code == 403


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (asked(target="north@elsewhere.test"), "target_not_allowed"),
        (asked(target="north@town.test\nBcc: a@town.test"), "target_not_allowed"),
        (asked("webhook", target="http://169.254.169.254/"), "target_not_allowed"),
        (asked("webhook", target="https://evil.example/"), "target_not_allowed"),
        (asked("chat", target="slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"), "target_not_allowed"),
        (asked("chat", target="file:///etc/passwd"), "target_not_allowed"),
        (asked("calendar", target="x"), "wrong_target"),
        (asked(target=""), "wrong_target"),
        (asked(target="x" * 501), "wrong_target"),
        (asked(unit="nowhere"), "unknown_unit"),
        (asked(audience="register", unit="north"), "wrong_audience"),
        (asked(unit=None), "wrong_audience"),
        (asked(staff="w1"), "wrong_audience"),
        (asked(language="fi"), "wrong_language"),
        (asked(kind="pigeon"), "wrong_request"),
        (asked(audience="worker"), "no_staff_id"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(http: httpx.Client, body: dict[str, Any], code: str) -> None:
    answer = http.post(PATH, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert http.get(PATH).json()["items"] == []


def test_the_same_channel_twice_is_one(http: httpx.Client) -> None:
    assert http.post(PATH, json=asked()).status_code == 201
    again = http.post(PATH, json=asked())
    assert (again.status_code, again.json()["code"]) == (409, "channel_exists")


def test_there_is_an_end_to_how_many(http: httpx.Client) -> None:
    for n in range(20):
        assert http.post(PATH, json=asked(target=f"n{n}@town.test")).status_code == 201
    assert http.post(PATH, json=asked(target="n20@town.test")).json()["code"] == "too_many"


def test_everybody_is_shown_what_they_may_set(staff: ClientOf, http: httpx.Client) -> None:
    for body in (
        asked(audience="worker", staff="w1"),
        asked(audience="worker", staff="w2"),
        asked(),
        asked(audience="manager", unit="south"),
        asked(audience="register"),
    ):
        assert http.post(PATH, json=body).status_code == 201

    def seen(client: httpx.Client) -> list[tuple[str, str | None, str | None]]:
        return sorted((each["audience"], each["unit"], each["staff"]) for each in client.get(PATH).json()["items"])

    own = ("worker", None, "w1")
    assert seen(staff("case_worker", "north")) == [own]
    assert seen(staff("case_worker", "north", None)) == []
    assert seen(staff("manager", "north")) == [("unit", "north", None), own]
    assert seen(staff("register_owner")) == [("register", None, None), own]
    assert len(seen(http)) == 5
    assert staff("manager", "north").get(PATH).json()["may_set"] == {
        "worker": True,
        "staff": "w1",
        "units": ["north"],
        "register": False,
        "everybody": False,
    }


def test_what_is_not_ones_own_is_as_if_it_were_not(staff: ClientOf, http: httpx.Client) -> None:
    channel = http.post(PATH, json=asked()).json()["id"]
    stranger = staff("manager", "south")
    for method, path in (("POST", "/renew"), ("POST", "/test"), ("POST", "/retry"), ("DELETE", "")):
        answer = stranger.request(method, f"{PATH}/{channel}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_webhooks_key_is_shown_once_and_another_one_when_it_is_renewed(
    http: httpx.Client, office: PostOffice
) -> None:
    made = http.post(PATH, json=asked("webhook", target=office.address)).json()
    assert made["secret"].startswith("whsec_")
    listed = http.get(PATH).text
    assert "whsec_" not in listed
    assert "hook/of/the/unit" not in listed
    renewed = http.post(f"{PATH}/{made['id']}/renew").json()
    assert renewed["secret"] != made["secret"]


def test_a_calendars_address_is_shown_once_and_holds_until_it_is_renewed(
    http: httpx.Client, url: str, town: Town
) -> None:
    town.move_to(FIRST)
    made = http.post(PATH, json=asked("calendar")).json()
    path = httpx.URL(made["address"]).path
    assert len(path.rpartition("/")[2]) == len("x" * 43 + ".ics")
    key = path.rpartition("/")[2].removesuffix(".ics")
    assert key not in http.get(PATH).text
    assert key not in str(town.rows("channel"))
    read = httpx.get(url + path, trust_env=False, timeout=60)
    assert read.headers["content-type"] == "text/calendar; charset=utf-8"
    assert read.headers["cache-control"] == "private, no-store"
    assert [str(each["summary"]) for each in Calendar.from_ical(read.text).walk("VEVENT")] == [
        "Att följa upp: 2",
        "Ska vara gjorda: 2",
    ]
    assert http.get(PATH).json()["items"][0]["read_at"] is not None
    renewed = http.post(f"{PATH}/{made['id']}/renew").json()
    assert httpx.get(url + path, trust_env=False).status_code == 404
    new_path = httpx.URL(renewed["address"]).path
    assert httpx.get(url + new_path, trust_env=False).status_code == 200
    assert http.delete(f"{PATH}/{made['id']}").status_code == 204
    assert httpx.get(url + new_path, trust_env=False).status_code == 404


def test_only_what_has_a_secret_can_be_renewed(http: httpx.Client) -> None:
    made = http.post(PATH, json=asked()).json()
    assert http.post(f"{PATH}/{made['id']}/renew").json()["code"] == "nothing_to_renew"


def test_a_test_arrives_at_once_or_says_why_not(
    http: httpx.Client, mail: MailServer, office: PostOffice, services: Services
) -> None:
    kinds = {
        "email": asked(),
        "webhook": asked("webhook", target=office.address),
        "chat": asked("chat", target=f"json://{office.host}/chat"),
    }
    made = {kind: http.post(PATH, json=body).json()["id"] for kind, body in kinds.items()}
    for channel in made.values():
        assert http.post(f"{PATH}/{channel}/test").json() == {"sent": True}
    assert mail.taken[0]["subject"] == "Prov från efterhand"
    assert office.taken[0].said["type"] == "notices.test"
    assert office.taken[1].said["title"] == "Prov från efterhand"
    mail.stop()
    office.stop()
    for kind, channel in made.items():
        answer = http.post(f"{PATH}/{channel}/test")
        wanted = "refused" if kind == "chat" else "no_answer"
        assert (answer.status_code, answer.json()["reason"]) == (502, wanted)
    calendar = http.post(PATH, json=asked("calendar")).json()["id"]
    assert http.post(f"{PATH}/{calendar}/test").json()["code"] == "nothing_to_test"


def test_how_deliveries_stand_is_shown_and_measured_and_what_failed_can_be_tried_again(
    http: httpx.Client, services: Services, town: Town, office: PostOffice
) -> None:
    made = http.post(PATH, json=asked("webhook", target=office.address)).json()
    office.plan.set(["refuse"])
    town.move_to(FIRST)
    while services.delivery.round():
        pass
    (shown,) = http.get(PATH).json()["items"]
    assert (shown["waiting"], shown["failed"], shown["reason"]) == (1, 0, "refused 500")
    assert shown["failing_since"] is not None
    registry = CollectorRegistry()
    registry.register(StateCollector(services.engine))
    measured = generate_latest(registry).decode()
    assert 'efterhand_followup_undelivered_digests{state="waiting"} 1.0' in measured
    assert "efterhand_followup_oldest_undelivered_digest_age_seconds 0.0" in measured
    assert http.post(f"{PATH}/{made['id']}/retry").json() == {"begun": 0}
    while services.delivery.round():
        pass
    (shown,) = http.get(PATH).json()["items"]
    assert (shown["waiting"], shown["failed"], shown["failing_since"]) == (0, 0, None)
    assert shown["delivered_at"] is not None
    assert len(office.taken) == 1
