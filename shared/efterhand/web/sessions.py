"""Sessions of a browser: a cookie holds a signed token, and whatever changes something needs a second one beside it."""

import hmac
from http.cookies import CookieError, SimpleCookie
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from efterhand.web.rights import Principal
from efterhand.web.tokens import InvalidToken, Tokens

COOKIE: Final = "efterhand_session"
CSRF_HEADER: Final = "x-csrf-token"
CSRF_FIELD: Final = "csrf"
"""Name of the hidden field in a form."""

ENTER_ROLE: Final = "enter"
"""Role of the signed key in the link that opens a session; it has no right of its own."""

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def start_session(response: Response, token: str, max_age: int, *, secure: bool = False) -> None:
    """Put a token into the session cookie of a browser, for `max_age` seconds; `secure`: for HTTPS only."""
    response.set_cookie(COOKIE, token, max_age=max_age, httponly=True, samesite="strict", path="/", secure=secure)


def end_session(response: Response) -> None:
    """Take the session cookie away."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")


def session_token(request: Request) -> str | None:
    """Return the token in the session cookie as it was sent: not verified."""
    return _token_in(request.headers.get("cookie"))


def session_of(request: Request, tokens: Tokens) -> tuple[str, Principal] | None:
    """Return the session's token and its holder, or None when there is no valid session."""
    token = session_token(request)
    if token is None:
        return None
    try:
        return token, tokens.verify(token)
    except InvalidToken:
        return None


def csrf_token(tokens: Tokens, session: str) -> str:
    """Return what a form or script of our own pages sends along, to show that it is ours (`session` = its token)."""
    return tokens.keyed_hash("csrf", session)


def is_own(tokens: Tokens, session: str, given: str | None) -> bool:
    """Tell whether `given` is the CSRF token of the session."""
    return given is not None and hmac.compare_digest(given.encode(), csrf_token(tokens, session).encode())


class SessionMiddleware:
    """Lets a request with a session cookie act as one with its token: reads, and changes that carry the CSRF header.

    A request that has an Authorization header of its own is left as it is.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        """`tokens` makes the CSRF tokens."""
        self._app = app
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            if "authorization" not in headers and "cookie" in headers:
                token = _token_in(headers["cookie"])
                if token is not None and (
                    scope["method"] in _SAFE or is_own(self._tokens, token, headers.get(CSRF_HEADER))
                ):
                    scope = {
                        **scope,
                        "headers": [*scope["headers"], (b"authorization", b"Bearer " + token.encode("latin-1"))],
                    }
        await self._app(scope, receive, send)


def _token_in(cookies: str | None) -> str | None:
    if not cookies:
        return None
    try:
        morsel = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel is not None and morsel.value.isascii() else None
