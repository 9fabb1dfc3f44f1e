"""How people get in and out at the real door: built-in users, access to another unit, sign-out, tokens for units."""

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from efterhand.web.app import create_app
from efterhand.web.door import create_door
from efterhand.web.rights import Grant, Right
from efterhand.web.sessions import COOKIE
from efterhand.web.signin.provider import Begun, NotSignedIn, ProviderSilent
from efterhand.web.signin.staff import Groups
from efterhand_intake.bootstrap import bootstrap
from efterhand_intake.entrypoints.sign_in import WrongSettings, create_sign_in
from tests.services.intake_running import NO_KAFKA, Intake, running_intake, settings

REASON = "Vikarierar för kollegan som är sjuk"


@pytest.fixture(scope="module")
def intake(create_database: Callable[[str], str], migrated_template: str) -> Iterator[Intake]:
    with running_intake(create_database(migrated_template), choose_user=True) as running:
        yield running


@pytest.fixture
def browser(intake: Intake) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=intake.url, trust_env=False, timeout=30) as client:
        yield client


def csrf_in(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)
    assert found is not None
    return found[1]


def text_of(page: httpx.Response) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text)))


def become(browser: httpx.Client, staff: str) -> httpx.Response:
    answer = browser.post("/valj-anvandare", data={"staff": staff})
    assert answer.status_code == 200, answer.text
    return answer


def principal(intake: Intake, browser: httpx.Client) -> Any:
    return intake.services.tokens.verify(browser.cookies[COOKIE])


# --- built-in users ---


def test_a_built_in_user_is_chosen_and_has_a_session_of_that_role(intake: Intake, browser: httpx.Client) -> None:
    offered = re.findall(r'name="staff" value="([^"]+)"', browser.get("/valj-anvandare").text)
    assert len(offered) == 10
    for staff in offered:
        browser.cookies.clear()
        page = become(browser, staff)
        assert 'http-equiv="refresh" content="0; url=/"' in page.text
        assert "script" not in page.text
        assert principal(intake, browser).staff == staff
        assert browser.get("/").status_code in (200, 403)


def test_the_page_of_users_is_offered_to_whoever_is_not_in(browser: httpx.Client) -> None:
    page = browser.get("/")
    assert page.status_code == 401
    assert 'href="/valj-anvandare"' in page.text
    assert "/logga-in" not in page.text


def test_nobody_is_chosen_from_another_site_or_another_machine(
    intake: Intake, browser: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = browser.post("/valj-anvandare", data={"staff": "analyst"}, headers={"sec-fetch-site": "cross-site"})
    assert refused.status_code == 403
    # Another site's name that its name server leads to this machine.
    rebound = browser.post("/valj-anvandare", data={"staff": "analyst"}, headers={"host": "evil.example"})
    assert rebound.status_code == 403
    monkeypatch.setattr("efterhand.web.door.entrance.is_loopback", lambda _: False)
    for answer in (browser.get("/valj-anvandare"), browser.post("/valj-anvandare", data={"staff": "analyst"})):
        assert (answer.status_code, answer.json()["code"]) == (403, "not_here")
    assert COOKIE not in browser.cookies


def test_a_user_who_is_not_there_is_nobody(browser: httpx.Client) -> None:
    assert browser.post("/valj-anvandare", data={"staff": "nobody"}).status_code == 303
    assert COOKIE not in browser.cookies


# --- by a provider ---


class Provider:
    """Says what a test wants to be said, as if it had been verified."""

    def __init__(self, claims: dict[str, Any] | Exception) -> None:
        self.claims = claims

    async def begin(self) -> Begun:
        return Begun("https://id.test/auth", "s1", "n1", "v1")

    async def finish(self, begun: Begun, returned: Any) -> dict[str, Any]:
        assert (begun.state, begun.nonce, begun.verifier) == ("s1", "n1", "v1")
        if isinstance(self.claims, Exception):
            raise self.claims
        return self.claims


def come_back(intake: Intake, claims: dict[str, Any] | Exception, cookie: bool = True) -> httpx.Response:
    """Sign in at a door whose provider says something; the answer to the browser that comes back."""
    groups = Groups({"kista": (Grant("case_worker", "jobbtorg-kista"),), "many": tuple(MANY)})
    sign_in = replace(create_sign_in(intake.services), provider=Provider(claims), groups=groups)
    app = create_app("intake", intake.services.tokens)
    app.include_router(create_door(intake.services.settings, intake.services.tokens, sign_in=sign_in))

    async def there_and_back() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://door.test") as client:
            there = await client.get("/logga-in")
            assert there.headers["location"] == "https://id.test/auth"
            kept = there.headers["set-cookie"].lower()
            assert "httponly" in kept
            assert "samesite=lax" in kept
            if not cookie:
                client.cookies.clear()
            return await client.get("/logga-in/tillbaka?state=s1&code=c1")

    return asyncio.run(there_and_back())


MANY = [Grant("case_worker", f"jobbtorg-{number}") for number in range(100)]
KISTA = {"sub": "k-1", "groups": ["kista"]}


def test_who_comes_back_in_a_group_that_is_named_is_in(intake: Intake) -> None:
    for groups in (["kista", "another"], "kista"):
        answer = come_back(intake, {**KISTA, "groups": groups, "name": "<b>Öst 1</b>"})
        assert answer.status_code == 200
        assert "<b>Öst" not in answer.text
        (session,) = [each for each in answer.headers.get_list("set-cookie") if each.startswith(f"{COOKIE}=")]
        holder = intake.services.tokens.verify(session.partition("=")[2].partition(";")[0])
        assert (holder.staff, holder.grants) == ("k-1", (Grant("case_worker", "jobbtorg-kista"),))


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({**KISTA, "groups": ["another"]}, 403),
        ({**KISTA, "groups": None}, 403),
        ({**KISTA, "groups": [{"kista": 1}, 7]}, 403),
        ({**KISTA, "groups": ["many"]}, 403),
        ({**KISTA, "sub": "19121212-1212"}, 403),
        ({**KISTA, "sub": ""}, 403),
        ({**KISTA, "sub": 17}, 403),
        ({**KISTA, "sub": "k" * 101}, 403),
        (NotSignedIn("no"), 403),
        (ProviderSilent("no"), 503),
    ],
)
def test_who_comes_back_otherwise_is_not_in_and_told_so_on_a_page(
    intake: Intake, claims: dict[str, Any] | Exception, status: int
) -> None:
    answer = come_back(intake, claims)
    assert answer.status_code == status
    assert "<h1>" in answer.text
    assert "19121212" not in answer.text
    assert not any(each.startswith(f"{COOKIE}=") for each in answer.headers.get_list("set-cookie"))


def test_who_did_not_begin_in_this_browser_is_not_in(intake: Intake) -> None:
    assert come_back(intake, KISTA, cookie=False).status_code == 403


# --- out ---


def test_who_signs_out_is_out_everywhere(intake: Intake, browser: httpx.Client) -> None:
    become(browser, "analyst")
    token = browser.cookies[COOKIE]
    page = browser.get("/")
    assert "Analytiker" in text_of(page)
    assert browser.post("/logga-ut", data={"csrf": "0" * 64}).status_code == 403
    left = browser.post("/logga-ut", data={"csrf": csrf_in(page)})
    assert "Du är utloggad" in text_of(left)
    assert "Analytiker" not in text_of(left)
    assert COOKIE not in browser.cookies
    browser.cookies.set(COOKIE, token)
    assert browser.get("/").status_code == 401
    revoked = intake.rows("SELECT role, staff FROM intake.token WHERE revoked_at IS NOT NULL")
    assert ("analyst", "analyst") in [tuple(row) for row in revoked]
    assert intake.rows("SELECT count(*) FROM intake.outbox WHERE topic = 'token-revocations'")[0][0] >= 1


# --- another unit ---


def test_another_unit_is_seen_with_a_reason_for_some_hours_and_that_shows_and_is_kept(
    intake: Intake, browser: httpx.Client
) -> None:
    become(browser, "jobbtorg-kista-1")
    before = principal(intake, browser)
    assert before.reach(Right.CHECKS_READ) == {"jobbtorg-kista"}
    page = browser.get("/annan-enhet")
    given = {"csrf": csrf_in(page), "unit": "jobbtorg-farsta", "reason": f" {REASON} "}
    assert browser.post("/annan-enhet", data=given).status_code == 303
    after = principal(intake, browser)
    assert after.reach(Right.CHECKS_READ) == {"jobbtorg-kista", "jobbtorg-farsta"}
    assert (after.token_id, after.staff) == (before.token_id, before.staff)
    (lent,) = [grant for grant in after.grants if grant.reason is not None]
    assert (lent.role, lent.reason) == ("case_worker", REASON)
    shown = text_of(browser.get("/"))
    assert "Du ser en annan enhet." in shown
    assert re.search(rf"Jobbtorg Farsta till klockan \d\d:\d\d\. Skäl: {REASON}", shown)
    reviewer = {"authorization": intake.token("reviewer")}
    lines = intake.client.get("/intake/v1/access-log?kind=glass", headers=reviewer).json()["items"]
    assert [(line["staff"], line["unit"], line["reason"], line["person"]) for line in lines] == [
        ("jobbtorg-kista-1", "jobbtorg-farsta", REASON, None)
    ]


@pytest.mark.parametrize(
    ("unit", "reason", "said"),
    [
        ("jobbtorg-kista", REASON, "Välj en enhet som du inte redan ser."),
        ("nowhere", REASON, "Välj en enhet som du inte redan ser."),
        ("", REASON, "Välj en enhet som du inte redan ser."),
        ("jobbtorg-farsta", "vikarie", "Skriv varför du behöver se enheten"),
        ("jobbtorg-farsta", "x" * 201, "Skriv varför du behöver se enheten"),
        ("jobbtorg-farsta", "Frågan gäller 19121212-1212 i går", "Skriv varför du behöver se enheten"),
    ],
)
def test_without_a_reason_or_a_unit_nothing_is_given_and_the_form_says_why(
    intake: Intake, browser: httpx.Client, unit: str, reason: str, said: str
) -> None:
    become(browser, "jobbtorg-kista-1")
    given = {"csrf": csrf_in(browser.get("/annan-enhet")), "unit": unit, "reason": reason}
    page = browser.post("/annan-enhet", data=given)
    assert page.status_code == 422
    assert said in text_of(page)
    assert principal(intake, browser).reach(Right.CHECKS_READ) == {"jobbtorg-kista"}


def test_who_may_not_ask_for_another_unit_gets_none(intake: Intake, browser: httpx.Client) -> None:
    become(browser, "analyst")
    assert browser.get("/annan-enhet").status_code == 403
    csrf = csrf_in(browser.get("/"))
    given = {"csrf": csrf, "unit": "jobbtorg-farsta", "reason": REASON}
    assert browser.post("/annan-enhet", data=given).status_code == 403
    become(browser, "jobbtorg-kista-1")
    assert browser.post("/annan-enhet", data={**given, "csrf": "0" * 64}).status_code == 403


def test_a_program_takes_no_other_unit_and_a_person_may_by_the_interface_too(intake: Intake) -> None:
    body = {"unit": "jobbtorg-farsta", "reason": REASON}
    tokens = intake.services.tokens
    own = [Grant("manager", "jobbtorg-kista")]
    for token, status in (
        (tokens.issue("manager", grants=own), 403),
        (tokens.issue("analyst", staff="a-1"), 403),
        (tokens.issue("manager", staff="m-1"), 422),
        (tokens.issue("manager", grants=own, staff="m-1"), 201),
    ):
        answer = intake.client.post("/intake/v1/glass", json=body, headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == status, answer.text
    wider = tokens.verify(answer.json()["token"])
    assert wider.reach(Right.FIGURES_READ) == {"jobbtorg-kista", "jobbtorg-farsta"}
    assert wider.reach(Right.PROTECTED_READ) == frozenset()


# --- tokens for units ---


def test_a_token_is_made_for_a_unit_and_a_member_of_staff(intake: Intake) -> None:
    wanted = {"role": "manager", "unit": "norra", "staff": "m-7"}
    made = intake.client.post("/intake/v1/tokens", json=wanted).json()
    holder = intake.services.tokens.verify(made["token"])
    assert (holder.grants, holder.staff) == ((Grant("manager", "norra"),), "m-7")
    listed = {row["id"]: row for row in intake.get("tokens", limit=1000)["items"]}
    assert (listed[made["id"]]["unit"], listed[made["id"]]["staff"]) == ("norra", "m-7")


@pytest.mark.parametrize(
    "wanted",
    [
        {"role": "manager", "unit": "nora"},
        {"role": "operator", "unit": "norra"},
        {"role": "manager", "source": "/a"},
        {"role": "source"},
        {"role": "source", "source": "/a", "staff": "m-7"},
        {"role": "manager", "staff": ""},
    ],
)
def test_a_token_that_cannot_be_is_not_made(intake: Intake, wanted: dict[str, str]) -> None:
    assert intake.client.post("/intake/v1/tokens", json=wanted).status_code == 422


# --- settings ---


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"oidc_issuer": "https://id.test"},
            "EFTERHAND_OIDC_CLIENT_ID and EFTERHAND_OIDC_CLIENT_SECRET and",
        ),
        ({"oidc_issuer": "http://id.test"}, "EFTERHAND_OIDC_ISSUER must begin with https://"),
        (
            {"oidc_issuer": "https://id.test", "public_url": "http://e.test"},
            "EFTERHAND_PUBLIC_URL must begin with https://",
        ),
        ({"oidc_issuer": "https://id.test", "choose_user": True}, "EFTERHAND_CHOOSE_USER is for trying out"),
        ({"choose_user": True, "host": "0.0.0.0"}, "EFTERHAND_CHOOSE_USER needs EFTERHAND_HOST"),
    ],
)
def test_settings_that_do_not_go_together_are_told_at_the_start(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    (tmp_path / "staff.yaml").write_text("groups: {}\n")
    whole = {"oidc_client_id": "efterhand", "oidc_client_secret": "s", "staff": tmp_path / "staff.yaml"}
    given = changes if "CLIENT_ID" in said or "oidc_issuer" not in changes else {**whole, **changes}
    services = bootstrap(settings(f"postgresql+psycopg://x@{NO_KAFKA}/x", **given))
    with pytest.raises(WrongSettings) as caught:
        create_sign_in(services)
    assert said in str(caught.value)
