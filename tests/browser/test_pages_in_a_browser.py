"""The pages in Chromium: no violation that axe knows of, no scrolling sideways, an answer by keyboard alone."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from efterhand.web.app import create_app
from efterhand.web.door import create_door
from efterhand.web.rights import Grant
from efterhand.web.sessions import SessionMiddleware
from tests.browser.chromium import Found, carry_out
from tests.services.door_upstreams import Services, channels_of_all_kinds, door_settings, door_tokens, town_of_work
from tests.services.intake_running import running_intake

SCREENS = {
    "wide": {"width": 1280, "height": 900, "scale": 1},
    "narrow": {"width": 320, "height": 640, "scale": 1},
    # A window of 1280 pixels at 200 % zoom has room for 640 of them.
    "zoomed": {"width": 640, "height": 450, "scale": 2},
}
LANGUAGES = ("sv", "en")


@contextmanager
def served(services: Services) -> Iterator[str]:
    """Serve the door on a free port."""
    tokens = door_tokens()
    app = create_app("intake", tokens)
    app.include_router(create_door(door_settings(), tokens, transport=services.transport()))
    app.add_middleware(SessionMiddleware, tokens=tokens)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def look(services: Services, checks: list[dict[str, Any]], modules: Path, chromium: str) -> list[Found]:
    """Carry out checks in one browser, before made-up services; give what was found, in their order."""
    with served(services) as base:
        return carry_out(checks, base, door_tokens().issue("administrator"), modules, chromium)


def on_every_screen(name: str, **check: Any) -> list[dict[str, Any]]:
    return [
        {"name": f"{name}-{screen}-{language}", "language": language, **SCREENS[screen], **check}
        for screen in SCREENS
        for language in LANGUAGES
    ]


def faults(found: list[Found]) -> list[tuple[str, Any]]:
    return [
        (each["name"], each[kind]) for each in found for kind in ("violations", "sideways", "complaints") if each[kind]
    ]


def test_the_first_page_is_accessible_on_every_screen_in_both_languages(modules: Path, chromium: str) -> None:
    found = look(Services(), on_every_screen("first"), modules, chromium)
    assert [each["status"] for each in found] == [200] * 6
    assert faults(found) == []


LIST = "/uppfoljningar"
EVERYTHING = f"{LIST}?group=overdue&group=todo&group=waiting&group=done&case=c-2017&saved=3&act=postpone&key=k1"


@pytest.mark.parametrize(
    ("name", "path"),
    [("list", LIST), ("list-everything", EVERYTHING), ("list-empty", f"{LIST}?unit=jobbtorg-city")],
)
def test_the_worklist_is_accessible_on_every_screen_in_both_languages(
    modules: Path, chromium: str, name: str, path: str
) -> None:
    found = look(town_of_work(), on_every_screen(name, path=path), modules, chromium)
    assert [each["status"] for each in found] == [200] * 6
    assert faults(found) == []


@pytest.mark.parametrize(
    ("name", "number"), [("check", 0), ("check-saved", 1), ("check-put-off", 12), ("check-done", 14)]
)
def test_a_check_is_accessible_on_every_screen_in_both_languages(
    modules: Path, chromium: str, name: str, number: int
) -> None:
    services = town_of_work()
    path = f"{LIST}/{services.checks[number]['ref']}?group=overdue&saved=answer"
    found = look(services, on_every_screen(name, path=path), modules, chromium)
    assert [each["status"] for each in found] == [200] * 6
    assert faults(found) == []


def test_the_page_of_channels_is_accessible_on_every_screen_in_both_languages(modules: Path, chromium: str) -> None:
    services = Services(channels=channels_of_all_kinds())
    path = "/installningar/aviseringar?done=sent"
    found = look(services, on_every_screen("channels", path=path), modules, chromium)
    assert [each["status"] for each in found] == [200] * 6
    assert faults(found) == []


SUMS = {
    "units": "/enheter",
    "unit": "/enheter/jobbtorg-kista",
    "unit-above": "/enheter/stockholm",
    "unit-empty": "/enheter/jobbtorg-city",
    "register": "/register",
    "register-month": "/register/2017-11",
    "doubts": "/datakvalitet?show=doubts&unit=jobbtorg-kista",
    "refused": "/datakvalitet?show=refused&sent=refused",
    "list-missed": f"{LIST}?missed=year&why=too_late&worker=eva01",
}


@pytest.mark.parametrize("name", SUMS)
def test_units_months_and_data_quality_are_accessible_on_every_screen_in_both_languages(
    modules: Path, chromium: str, name: str
) -> None:
    found = look(town_of_work(), on_every_screen(name, path=SUMS[name]), modules, chromium)
    assert [each["status"] for each in found] == [200] * 6
    assert faults(found) == []


@pytest.mark.parametrize("script", [True, False])
def test_a_leader_comes_from_the_units_to_the_checks_behind_a_number_by_keyboard_alone(
    modules: Path, chromium: str, script: bool
) -> None:
    checks = on_every_screen("unit-keyboard", kind="follow", path="/enheter", script=script, links=FROM_UNIT_TO_LIST)
    found = look(town_of_work(), checks, modules, chromium)
    assert [each["unseen"] for each in found] == [[]] * len(checks)
    assert {each["address"] for each in found} == {
        f"{LIST}?unit=jobbtorg-kista&protocol=offer_90d&missed=year&why=too_late"
    }


FROM_UNIT_TO_LIST = ["/enheter/jobbtorg-kista", "missed=year&why=too_late"]
"""What the address of each link that is followed holds."""


@pytest.mark.parametrize("script", [True, False])
def test_what_was_refused_is_sent_again_by_keyboard_alone(modules: Path, chromium: str, script: bool) -> None:
    services = town_of_work()
    checks = on_every_screen(
        "send-again", kind="follow", path="/datakvalitet", script=script, links=["show=refused", "/igen"]
    )
    found = look(services, checks, modules, chromium)
    assert [each["unseen"] for each in found] == [[]] * len(checks)
    assert {each["address"] for each in found} == {"/datakvalitet?show=refused&sent=accepted"}
    assert services.acts == [("9", "resend", {"body": ""})] * len(checks)


def test_the_page_with_parts_missing_is_accessible(modules: Path, chromium: str) -> None:
    services = Services(down={"followup", "indicators"})
    assert faults(look(services, on_every_screen("missing"), modules, chromium)) == []


def test_the_page_for_those_who_may_not_see_it_is_accessible(modules: Path, chromium: str) -> None:
    found = look(Services(), on_every_screen("no-right", signedIn=False), modules, chromium)
    assert [each["status"] for each in found] == [401] * 6
    # Chromium reports the 401 itself as a complaint.
    assert faults([{**each, "complaints": []} for each in found]) == []


def test_a_mistake_in_a_form_is_told_where_the_focus_is_and_leads_to_the_field(modules: Path, chromium: str) -> None:
    services = town_of_work()
    path = f"{LIST}/{services.checks[0]['ref']}"
    found = look(services, on_every_screen("mistake", kind="mistake", path=path), modules, chromium)
    # Chromium reports the 422 itself as a complaint.
    assert faults([{**each, "complaints": []} for each in found]) == []
    assert {each["summary"]["tag"] for each in found} == {"DIV"}
    assert {each["field"]["id"] for each in found} == {"answer"}


@pytest.mark.parametrize("script", [True, False])
def test_a_check_is_answered_by_keyboard_alone_and_the_focus_is_always_seen(
    modules: Path, chromium: str, script: bool
) -> None:
    """From the list, by one key and Enter with a script, by arrows and Enter without."""
    services = town_of_work()
    checks = on_every_screen("keyboard", kind="keyboard", path=f"{LIST}?group=overdue", script=script)
    found = look(services, checks, modules, chromium)
    assert [each["unseen"] for each in found] == [[]] * len(checks)
    assert {each["first"]["text"] for each in found} == {"Hoppa till innehållet", "Skip to the content"}
    said = {(each["name"].rsplit("-", 1)[1], each["status"].split(".")[0]) for each in found}
    assert said == {("sv", "Svaret är sparat"), ("en", "The answer has been saved")}
    assert [each["next"] for each in found] == [services.checks[2]["ref"]] * len(checks)
    for check, kind, body in services.acts:
        assert (check, kind) == (services.checks[0]["id"], "answer")
        assert (body["response"], body["occupation"]) == ("answered", "studies")
    assert len(services.acts) == len(checks)


def test_the_pages_of_sign_in_and_of_another_unit_are_accessible(
    modules: Path, chromium: str, create_database: Callable[[str], str], migrated_template: str
) -> None:
    own = Grant("case_worker", "jobbtorg-kista")
    lent = Grant("case_worker", "jobbtorg-farsta", until=4e9, reason="Vikarierar för kollegan som är sjuk")
    with running_intake(create_database(migrated_template), choose_user=True) as intake:
        session = intake.services.tokens.issue("case_worker", grants=[own, lent], staff="k-1", name="Öst 1")
        checks = [
            *on_every_screen("choose-user", path="/valj-anvandare", signedIn=False),
            *on_every_screen("other-unit", path="/annan-enhet"),
            *on_every_screen("lent", path="/"),
        ]
        found = carry_out(checks, intake.url, session, modules, chromium)
    assert [each["status"] for each in found] == [200] * len(checks)
    assert faults(found) == []


def test_the_number_keys_can_be_switched_off_and_stay_so(modules: Path, chromium: str) -> None:
    services = town_of_work()
    path = f"{LIST}/{services.checks[0]['ref']}"
    (found,) = look(
        services,
        [{"name": "keys", "kind": "keys", "language": "sv", "path": path, **SCREENS["wide"]}],
        modules,
        chromium,
    )
    assert (found["on"], found["off"], found["stillOff"]) == ("work", None, None)
    assert found["said"].startswith("Siffertangenterna är avstängda.")


@pytest.mark.parametrize("script", [True, False])
def test_all_on_a_page_are_put_off_by_keyboard_alone_and_taken_back(modules: Path, chromium: str, script: bool) -> None:
    services = town_of_work()
    checks = on_every_screen("several", kind="several", path=f"{LIST}?group=overdue", script=script)
    found = look(services, checks, modules, chromium)
    assert [each["unseen"] for each in found] == [[]] * len(checks)
    assert {each["put"] for each in found} == {"Uppskjutna: 8.", "Put off: 8."}
    assert {each["undone"] for each in found} == {"Tillbakatagna: 1.", "Taken back: 1."}
    put_off = [body for _, _, body in services.acts if body["kind"] == "postpone"]
    assert [len(body["checks"]) for body in put_off] == [8] * len(checks)


def test_a_list_a_check_and_a_month_print_without_what_is_for_the_screen(modules: Path, chromium: str) -> None:
    services = town_of_work()
    pages = (LIST, f"{LIST}/{services.checks[0]['ref']}", SUMS["register-month"])
    checks = [
        {"name": f"print-{number}", "kind": "print", "language": "sv", "path": path, **SCREENS["wide"]}
        for number, path in enumerate(pages)
    ]
    for found in look(services, checks, modules, chromium):
        assert found["shown"] == []
        assert "c-2017-00001" in found["text"]
