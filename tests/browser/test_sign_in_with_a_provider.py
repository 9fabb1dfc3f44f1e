"""Sign-in in Chromium at a real OpenID Connect provider, at the real door, and out again at both."""

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import run_script
from tests.services.intake_running import Intake, running_intake

HERE = Path(__file__).parent
CLIENT = {"id": "efterhand", "secret": "only-for-a-test"}
USERS = {
    "ost": {"groups": ["kista", "another"], "staff": "jobbtorg-kista-1", "name": "Öst 1"},
    "vast": {"groups": ["another"], "staff": "v-1", "name": "Väst 1"},
}
STAFF = "groups:\n  kista: [{role: case_worker, unit: jobbtorg-kista}]\n"


@pytest.fixture(scope="module")
def door() -> str:
    """The address of the door, which the provider has to know before the door is there."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture(scope="module")
def issuer(modules: Path, door: str) -> Iterator[str]:
    """The address of the provider."""
    client = {**CLIENT, "back": f"{door}/logga-in/tillbaka", "bye": f"{door}/"}
    with subprocess.Popen(
        ["node", str(HERE / "provider.cjs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as provider:
        assert provider.stdin is not None
        assert provider.stdout is not None
        provider.stdin.write(json.dumps({"modules": str(modules), "client": client, "users": USERS}))
        provider.stdin.flush()
        yield str(json.loads(provider.stdout.readline())["issuer"])
        provider.stdin.close()


@pytest.fixture(scope="module")
def intake(
    create_database: Callable[[str], str],
    migrated_template: str,
    issuer: str,
    door: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Intake]:
    staff = tmp_path_factory.mktemp("staff") / "staff.yaml"
    staff.write_text(STAFF, encoding="utf-8")
    with running_intake(
        create_database(migrated_template),
        int(door.rpartition(":")[2]),
        public_url=door,
        oidc_issuer=issuer,
        oidc_client_id=CLIENT["id"],
        oidc_client_secret=CLIENT["secret"],
        oidc_staff_claim="staff",
        staff=staff,
    ) as running:
        yield running


def sign_in(intake: Intake, modules: Path, chromium: str, user: str, expected: str) -> dict[str, Any]:
    """Sign in, come to a page with the heading that is expected, and if a session was opened sign out again."""
    plan = {"chromium": chromium, "modules": str(modules), "base": intake.url, "user": user, "expected": expected}
    found: dict[str, Any] = run_script("sign_in.cjs", plan)
    return found


def test_a_case_worker_signs_in_at_the_provider_and_out_at_both(intake: Intake, modules: Path, chromium: str) -> None:
    found = sign_in(intake, modules, chromium, "ost", "Översikt")
    assert found["address"] == f"{intake.url}/"
    assert found["who"] == ["Öst 1"]
    assert found["cookies"] == [{"name": "efterhand_session", "httpOnly": True, "sameSite": "Strict"}]
    assert found["after"] == "Du behöver logga in"
    (session,) = intake.rows("SELECT role, unit, staff, expires_at, revoked_at FROM intake.token")
    assert (session.role, session.unit, session.staff) == ("case_worker", "jobbtorg-kista", "jobbtorg-kista-1")
    assert session.expires_at is not None
    assert session.revoked_at is not None


def test_who_is_in_no_group_that_is_named_is_told_so(intake: Intake, modules: Path, chromium: str) -> None:
    found = sign_in(intake, modules, chromium, "vast", "Du har ingen behörighet här")
    assert found["who"] == []
    assert found["cookies"] == []
