"""Sign-in: what a provider's word must be to open anything, which groups may do what, and who may be chosen."""

import asyncio
import base64
import hmac
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from efterhand.catalogue import CatalogueError, load_catalogue
from efterhand.web.rights import ROLES, Grant
from efterhand.web.signin.built_in import built_in_users
from efterhand.web.signin.provider import Begun, NotSignedIn, Provider, ProviderSilent
from efterhand.web.signin.staff import ROLES_OF_PEOPLE, load_groups

ISSUER = "https://id.test/realm"
BACK = "https://efterhand.test/logga-in/tillbaka"
KEY = RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "k2", "alg": "RS256"})
HS256 = b'{"alg":"HS256","kid":"k1"}'
TREE = load_catalogue("stockholm").units


class Town:
    """A provider whose word can be bent: what a real one never says."""

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/auth",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "userinfo_endpoint": f"{ISSUER}/me",
            "end_session_endpoint": f"{ISSUER}/bye",
        }
        self.keys = [KEY]
        self.claims: dict[str, Any] = {"sub": "u1", "groups": ["g"]}
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "k1"}
        self.signed_by: Any = KEY
        self.about: dict[str, Any] = {"sub": "u1", "name": "Öst 1"}
        self.status: dict[str, int] = {}
        self.posted: list[httpx.Request] = []
        self.nonce = ""

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/realm")
        if path in self.status:
            return httpx.Response(self.status[path], json={})
        if path == "/.well-known/openid-configuration":
            return httpx.Response(200, json=self.metadata)
        if path == "/keys":
            return httpx.Response(200, json=KeySet(self.keys).as_dict(private=False))
        if path == "/me":
            return httpx.Response(200, json=self.about)
        self.posted.append(request)
        return httpx.Response(200, json={"access_token": "a1", "token_type": "Bearer", "id_token": self.id_token()})

    def id_token(self) -> str:
        now = int(time.time())
        said = {"iss": ISSUER, "aud": "efterhand", "iat": now, "exp": now + 300, "nonce": self.nonce, **self.claims}
        return jwt.encode(
            self.header, {name: value for name, value in said.items() if value is not None}, self.signed_by, None
        )


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture
def town() -> Town:
    return Town()


def sign_in(
    town: Town, change: Callable[[Begun, dict[str, str]], None] = lambda *_: None, claims: frozenset[str] = frozenset()
) -> Any:
    provider = Provider(ISSUER, "efterhand", "s:cret", BACK, claims, httpx.MockTransport(town.answer))

    async def there_and_back() -> Any:
        begun = await provider.begin()
        town.nonce = begun.nonce
        returned = {"state": begun.state, "code": "c1", "iss": ISSUER}
        change(begun, returned)
        return begun, await provider.finish(begun, returned)

    return asyncio.run(there_and_back())


def test_the_code_is_exchanged_with_the_verifier_that_the_challenge_was_made_of(town: Town) -> None:
    begun, claims = sign_in(town)
    assert claims["sub"] == "u1"
    asked = {name: value for name, (value,) in parse_qs(urlsplit(begun.address).query).items()}
    assert (asked["response_type"], asked["redirect_uri"], asked["client_id"]) == ("code", BACK, "efterhand")
    assert (asked["code_challenge_method"], asked["state"], asked["nonce"]) == ("S256", begun.state, begun.nonce)
    sent = {name: value for name, (value,) in parse_qs(town.posted[0].content.decode()).items()}
    assert create_s256_code_challenge(sent["code_verifier"]) == asked["code_challenge"]
    assert (sent["code"], sent["redirect_uri"]) == ("c1", BACK)
    assert town.posted[0].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.test"},
        {"aud": "somebody-else"},
        {"aud": ["efterhand", "somebody-else"], "azp": "somebody-else"},
        {"exp": 1},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"exp": None},
        {"iat": 4_000_000_000},
        {"at_hash": "wrong"},
    ],
)
def test_a_word_that_is_not_for_this_sign_in_opens_nothing(town: Town, claims: dict[str, Any]) -> None:
    town.claims |= claims
    with pytest.raises(NotSignedIn):
        sign_in(town)


def test_a_word_that_is_signed_otherwise_opens_nothing(town: Town) -> None:
    town.signed_by = OTHER_KEY
    with pytest.raises(NotSignedIn):
        sign_in(town)
    town.metadata["id_token_signing_alg_values_supported"] = ["RS256", "HS256", "none"]
    town.signed_by, signed = KEY, town.id_token

    def forged(secret: bytes) -> str:
        text = f"{encoded(HS256)}.{signed().split('.')[1]}"
        return f"{text}.{encoded(hmac.digest(secret, text.encode(), 'sha256'))}"

    # With the client's secret, or with the public key as if it were one.
    for secret in (b"s:cret", KEY.as_pem(private=False)):
        town.id_token = partial(forged, secret)  # type: ignore[method-assign]
        with pytest.raises(NotSignedIn):
            sign_in(town)


def test_a_word_without_a_signature_opens_nothing(town: Town) -> None:
    town.metadata["id_token_signing_alg_values_supported"] = ["RS256", "none"]
    head = "eyJhbGciOiJub25lIn0"
    signed = town.id_token
    town.id_token = lambda: f"{head}.{signed().split('.')[1]}."  # type: ignore[method-assign]
    with pytest.raises(NotSignedIn):
        sign_in(town)


def test_a_new_key_of_the_provider_is_found(town: Town) -> None:
    provider = Provider(ISSUER, "efterhand", "s:cret", BACK, transport=httpx.MockTransport(town.answer))

    async def twice() -> None:
        for key in ("k1", "k2"):
            begun = await provider.begin()
            town.nonce, town.header["kid"] = begun.nonce, key
            assert (await provider.finish(begun, {"state": begun.state, "code": "c1"}))["sub"] == "u1"
            town.keys, town.signed_by = [OTHER_KEY], OTHER_KEY

    asyncio.run(twice())


@pytest.mark.parametrize(
    "returned",
    [{"state": "another"}, {"state": ""}, {"iss": "https://other.test"}, {"error": "access_denied"}, {"code": ""}],
)
def test_what_comes_back_must_belong_to_what_was_begun(town: Town, returned: dict[str, str]) -> None:
    with pytest.raises(NotSignedIn):
        sign_in(town, lambda _, query: query.update(returned))
    assert town.posted == []


def test_what_the_id_token_lacks_is_asked_for_and_must_be_about_the_same_user(town: Town) -> None:
    assert "name" not in sign_in(town)[1]
    assert sign_in(town, claims=frozenset({"sub", "name"}))[1]["name"] == "Öst 1"
    town.about = {"sub": "u2", "name": "Öst 2"}
    with pytest.raises(NotSignedIn):
        sign_in(town, claims=frozenset({"name"}))


def test_a_provider_that_is_not_what_it_should_be_lets_nobody_in(town: Town) -> None:
    town.status["/token"] = 400
    with pytest.raises(NotSignedIn):
        sign_in(town)
    town.status = {"/keys": 500}
    with pytest.raises(ProviderSilent):
        sign_in(town)
    town.status = {}
    town.metadata["issuer"] = "https://other.test"
    with pytest.raises(ProviderSilent):
        sign_in(town)


def test_the_provider_is_told_of_a_sign_out_where_it_offers_that(town: Town) -> None:
    provider = Provider(ISSUER, "efterhand", "s:cret", BACK, transport=httpx.MockTransport(town.answer))
    address = asyncio.run(provider.farewell("https://efterhand.test/"))
    assert address is not None
    assert parse_qs(urlsplit(address).query)["post_logout_redirect_uri"] == ["https://efterhand.test/"]
    del town.metadata["end_session_endpoint"]
    provider = Provider(ISSUER, "efterhand", "s:cret", BACK, transport=httpx.MockTransport(town.answer))
    assert asyncio.run(provider.farewell("https://efterhand.test/")) is None


def groups(tmp_path: Path, text: str) -> Any:
    (tmp_path / "staff.yaml").write_text(text, encoding="utf-8")
    return load_groups(tmp_path / "staff.yaml", TREE)


def test_a_member_of_groups_may_what_each_of_them_may(tmp_path: Path) -> None:
    read = groups(
        tmp_path,
        "groups:\n"
        "  kista: [{role: case_worker, unit: jobbtorg-kista}]\n"
        "  flai: [{role: integrator, source: /stockholm/flai}]\n"
        "  staben:\n    - {role: analyst}\n    - {role: manager, unit: norra}\n",
    )
    assert read.grants_of(["kista"]) == (Grant("case_worker", "jobbtorg-kista"),)
    assert read.grants_of(["kista", "staben", "kista"]) == (
        Grant("analyst"),
        Grant("case_worker", "jobbtorg-kista"),
        Grant("manager", "norra"),
    )
    assert read.grants_of(["flai"])[0].source == "/stockholm/flai"
    assert read.grants_of(["another", ""]) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("grupper: {}\n", "'grupper' is not known"),
        (
            "groups:\n  a: [{role: case_workers}]\n",
            "staff.yaml:2: there is no role 'case_workers'; did you mean 'case_worker'?",
        ),
        ("groups:\n  a: [{role: source}]\n", "no role 'source'"),
        (
            "groups:\n  a:\n    - {role: manager, unit: jobbtorg-kist}\n",
            "staff.yaml:3: there is no unit 'jobbtorg-kist'",
        ),
        ("groups:\n  a: [{role: administrator, unit: norra}]\n", "takes no unit"),
        ("groups:\n  a: [{role: manager, source: /a}]\n", "only an integrator has a source"),
        ("groups:\n  a: [{unit: norra}]\n", "'role' is missing"),
        ("groups:\n  a: [{role: manager, enhet: norra}]\n", "'enhet' is not known"),
        ("groups:\n  a: manager\n", "a list is expected"),
    ],
)
def test_a_mistake_in_the_file_of_groups_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        groups(tmp_path, text)
    assert said in str(caught.value)


def test_the_file_of_groups_in_the_docs_is_a_right_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    read = groups(tmp_path, page.partition("```yaml\n")[2].partition("```")[0])
    assert {grant.role for grants in read.grants.values() for grant in grants} > {"case_worker", "integrator"}


def test_every_role_is_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [role for role in ROLES_OF_PEOPLE if f"| `{role}` |" not in page] == []


@pytest.mark.parametrize("catalogue", ["stockholm", "nacka"])
def test_there_is_a_built_in_user_for_each_role_of_people(catalogue: str) -> None:
    tree = load_catalogue(catalogue).units
    users = built_in_users(tree)
    assert [user.grant.role for user in users] == list(ROLES_OF_PEOPLE)
    assert set(ROLES) - set(ROLES_OF_PEOPLE) == {"source", "service"}
    assert len({user.staff for user in users}) == len(users)
    assert all(user.grant.unit is None or user.grant.unit in tree.units for user in users)
