"""The pages in Chromium: no violation that axe knows of, no scrolling sideways, an answer by keyboard alone."""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from efterhand.web.app import create_app
from efterhand.web.door import create_door
from efterhand.web.rights import Grant
from efterhand.web.sessions import COOKIE, SessionMiddleware
from tests.services.door_upstreams import Services, a_check, door_settings, door_tokens
from tests.services.intake_running import running_intake

HERE = Path(__file__).parent

SCREENS = {
    "wide": {"width": 1280, "height": 900, "scale": 1},
    "narrow": {"width": 320, "height": 640, "scale": 1},
    # A window of 1280 pixels at 200 % zoom has room for 640 of them.
    "zoomed": {"width": 640, "height": 450, "scale": 2},
}
LANGUAGES = ("sv", "en")

Found = dict[str, Any]


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
    """Carry out checks of the door, with made-up services behind it, in one browser."""
    with served(services) as base:
        return look_at(base, door_tokens().issue("administrator"), checks, modules, chromium)


def look_at(base: str, session: str, checks: list[dict[str, Any]], modules: Path, chromium: str) -> list[Found]:
    """Carry out checks in one browser; give what was found, in their order."""
    plan = {
        "chromium": chromium,
        "modules": str(modules),
        "base": base,
        "cookie": {"name": COOKIE, "value": session},
        "checks": [{"kind": "look", "signedIn": True, "path": "/", **check} for check in checks],
        "pictures": os.environ.get("EFTERHAND_PICTURES"),
    }
    done = subprocess.run(
        ["node", str(HERE / "check.cjs")], input=json.dumps(plan), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: list[Found] = json.loads(done.stdout)
    return found


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
    services = Services()
    services.checks[0] = a_check(1, protected=True)
    found = look(services, on_every_screen("first"), modules, chromium)
    assert [each["status"] for each in found] == [200] * 6
    assert faults(found) == []


def test_the_page_with_parts_missing_is_accessible(modules: Path, chromium: str) -> None:
    services = Services(down={"followup", "indicators"})
    assert faults(look(services, on_every_screen("missing"), modules, chromium)) == []


def test_the_page_for_those_who_may_not_see_it_is_accessible(modules: Path, chromium: str) -> None:
    found = look(Services(), on_every_screen("no-right", signedIn=False), modules, chromium)
    assert [each["status"] for each in found] == [401] * 6
    # Chromium reports the 401 itself as a complaint.
    assert faults([{**each, "complaints": []} for each in found]) == []


def test_a_mistake_in_a_form_is_told_where_the_focus_is_and_leads_to_the_field(modules: Path, chromium: str) -> None:
    found = look(Services(), on_every_screen("mistake", kind="mistake"), modules, chromium)
    # Chromium reports the 422 itself as a complaint.
    assert faults([{**each, "complaints": []} for each in found]) == []
    assert {each["summary"]["tag"] for each in found} == {"DIV"}
    assert {each["field"]["name"] for each in found} == {"answer"}


def test_a_check_is_answered_by_keyboard_alone_and_the_focus_is_always_seen(modules: Path, chromium: str) -> None:
    services = Services()
    checks = on_every_screen("keyboard", kind="keyboard")
    found = look(services, checks, modules, chromium)
    assert [each["unseen"] for each in found] == [[]] * len(checks)
    assert {each["first"]["text"] for each in found} == {"Hoppa till innehållet", "Skip to the content"}
    said = {(each["name"].rsplit("-", 1)[1], each["status"].split(".")[0]) for each in found}
    assert said == {("sv", "Sparat, behandlas"), ("en", "Saved, being processed")}
    expected = {"on": "2017-12-28", "response": "answered", "occupation": "work"}
    assert services.answers == [(services.checks[0]["id"], expected)] * len(checks)


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
        found = look_at(intake.url, session, checks, modules, chromium)
    assert [each["status"] for each in found] == [200] * len(checks)
    assert faults(found) == []
