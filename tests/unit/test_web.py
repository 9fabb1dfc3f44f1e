"""The base of every HTTP surface: problems, pages of lists, sessions, and an error nobody foresaw."""

import asyncio
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.responses import Response

from efterhand.web.app import create_app
from efterhand.web.paging import decode_cursor, encode_cursor
from efterhand.web.problem import Problem
from efterhand.web.rights import Principal, Right, requires
from efterhand.web.sessions import CSRF_HEADER, SessionMiddleware, csrf_token, is_own, session_of, start_session
from efterhand.web.tokens import Tokens

TOKENS = Tokens("5e" * 32)


def app() -> FastAPI:
    """An app with a path for each way to fail."""
    made = create_app("intake", TOKENS)
    made.add_middleware(SessionMiddleware, tokens=TOKENS)

    @made.get("/number/{number}")
    def number(number: int, principal: Annotated[Principal, requires(Right.STATUS_READ)]) -> dict[str, Any]:
        return {"number": number, "role": principal.role}

    @made.post("/change")
    def change(principal: Annotated[Principal, requires(Right.SYSTEM_OPERATE)]) -> str:
        return principal.role

    @made.get("/fails")
    def fails() -> None:
        raise KeyError("about p-secret")

    @made.get("/database")
    def database() -> None:
        raise OperationalError("SELECT", {}, ConnectionError("about p-secret"))

    return made


def ask(method: str, path: str, **options: Any) -> httpx.Response:
    """Send one request to a new app."""

    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app()), base_url="http://door") as client:
            return await client.request(method, path, **options)

    return asyncio.run(asked())


def bearer(role: str) -> dict[str, str]:
    """The header of somebody with a role."""
    return {"authorization": f"Bearer {TOKENS.issue(role)}"}


@pytest.mark.parametrize(
    ("method", "path", "role", "status", "code"),
    [
        ("GET", "/number/1", None, 401, "no_token"),
        ("GET", "/number/1", "somebody", 403, "not_allowed"),
        ("GET", "/number/x", "operator", 422, "wrong_request"),
        ("GET", "/nothing", "operator", 404, "not_found"),
        ("DELETE", "/number/1", "operator", 405, "method_not_allowed"),
        ("GET", "/number/1?x=%00", "operator", 400, "bad_request"),
        ("GET", "/fails", None, 500, "internal_error"),
        ("GET", "/database", None, 503, "not_available"),
    ],
)
def test_every_error_is_a_problem_with_a_code(method: str, path: str, role: str | None, status: int, code: str) -> None:
    answer = ask(method, path, headers=bearer(role) if role else {})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    assert "secret" not in answer.text


def test_what_may_be_tried_again_says_when() -> None:
    assert int(ask("GET", "/database").headers["retry-after"]) > 0


def test_the_right_is_enough() -> None:
    assert ask("GET", "/number/7", headers=bearer("operator")).json() == {"number": 7, "role": "operator"}


def test_readiness_needs_no_right_and_the_description_does() -> None:
    assert ask("GET", "/healthz").json() == {"ready": True}
    assert ask("GET", "/intake/v1/openapi.json").status_code == 401
    assert ask("GET", "/intake/v1/openapi.json", headers=bearer("operator")).status_code == 200
    assert ask("GET", "/docs").status_code == 404


def test_requests_are_counted_by_route_and_never_by_what_stands_in_the_address() -> None:
    ask("GET", "/number/4711", headers=bearer("operator"))
    ask("GET", "/p-4711")
    shown = generate_latest().decode()
    assert 'route="/number/{number}"' in shown
    assert "4711" not in shown


def test_a_session_reads_and_changes_only_with_the_second_token() -> None:
    session = TOKENS.issue("administrator")
    cookie = {"cookie": f"efterhand_session={session}"}
    assert ask("GET", "/number/1", headers=cookie).status_code == 200
    assert ask("POST", "/change", headers=cookie).status_code == 401
    wrong = {**cookie, CSRF_HEADER: csrf_token(TOKENS, TOKENS.issue("administrator"))}
    assert ask("POST", "/change", headers=wrong).status_code == 401
    right = {**cookie, CSRF_HEADER: csrf_token(TOKENS, session)}
    assert ask("POST", "/change", headers=right).json() == "administrator"


def test_a_session_is_in_a_cookie_that_scripts_and_other_sites_do_not_get() -> None:
    answer = Response()
    start_session(answer, TOKENS.issue("manager"), 60)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    start_session(answer, TOKENS.issue("manager"), 60, secure=True)
    assert "; secure" in answer.headers.getlist("set-cookie")[1].lower()
    request = Request({"type": "http", "headers": [(b"cookie", cookie.partition(";")[0].encode())]})
    assert session_of(request, TOKENS) is None
    assert not is_own(TOKENS, "x", "å")


@given(st.lists(st.text() | st.integers(-(2**63) + 1, 2**63 - 1), max_size=4))
def test_a_cursor_gives_its_key_back(key: list[str | int]) -> None:
    kinds = [type(part) for part in key]
    if any(isinstance(part, str) and "\0" in part for part in key):
        return
    assert decode_cursor(encode_cursor(key), kinds) == key


@given(st.text())
def test_what_is_no_cursor_is_answered_with_400(text: str) -> None:
    if text:
        with pytest.raises(Problem) as caught:
            decode_cursor(text, (str, int))
        assert caught.value.status == 400
