"""Errors as RFC 9457 problem+json, with a `code` that programs can rely on and a sentence that people can."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import Response

MEDIA_TYPE: Final = "application/problem+json"

RETRY_AFTER: Final = "5"
"""Seconds after which a sender may try again what could not be stored or read."""

_TITLES: Final = {
    400: ("bad_request", "The request cannot be read"),
    404: ("not_found", "There is nothing here"),
    405: ("method_not_allowed", "This path does not take that method"),
    413: ("too_large", "The request is too large"),
    415: ("unsupported_media_type", "This content type is not taken"),
}


class Problem(Exception):
    """An answer that tells what went wrong; raised anywhere below a route."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`extra` is added to the body's members, `headers` to the answer's."""
        super().__init__(code)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        """Return the JSON text of the answer."""
        members: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "code": self.code,
        }
        if self.detail is not None:
            members["detail"] = self.detail
        return orjson.dumps({**members, **self.extra})

    def response(self) -> Response:
        """Return the answer."""
        return Response(self.body(), self.status, self.headers, MEDIA_TYPE)


def not_available(detail: str) -> Problem:
    """Return the 503 answer for what may succeed when it is tried again."""
    return Problem(503, "not_available", "Not possible at the moment", detail, headers={"retry-after": RETRY_AFTER})


def being_computed(what: str, done: int, of: int) -> Problem:
    """Return the 503 answer for what is shown only when everybody has been computed by its new definition.

    Args:
        what: is being computed: the beginning of a sentence.
        done: persons who have been.
        of: all of them.
    """
    percent = 100 * done // of if of else 100
    return Problem(
        503,
        "being_computed",
        "It has a new definition that is being computed",
        f"{what} is being computed by its new definition: {done} of {of} persons are done ({percent} %).",
        {"progress": {"done": done, "of": of, "percent": percent}},
        {"retry-after": RETRY_AFTER},
    )


def disposed_of(detail: str) -> Problem:
    """Return the 410 answer for what can never be told again: it rests on persons who have been disposed of."""
    return Problem(410, "not_available", "It rests on what has been disposed of", detail)


def not_found(detail: str) -> Problem:
    """Return the 404 answer."""
    return Problem(404, "not_found", "There is nothing here", detail)


def bad_request(code: str, detail: str) -> Problem:
    """Return the 400 answer."""
    return Problem(400, code, "The request cannot be read", detail)


def internal_error() -> Problem:
    """Return the 500 answer, which tells nothing of what happened inside."""
    return Problem(500, "internal_error", "Something went wrong in the service", "The service's log says what.")


def install(app: FastAPI) -> None:
    """Make every error of an app a problem+json; a lost database is a 503 with Retry-After."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _wrong_request)
    app.add_exception_handler(HTTPException, _http_error)
    for lost in (OperationalError, InterfaceError, PoolTimeoutError):
        app.add_exception_handler(lost, _database_lost)


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101
    return error.response()


async def _wrong_request(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    # Only where and what was expected: never the value that was sent, it may be about a person.
    errors = [{"field": ".".join(str(part) for part in e["loc"][1:]), "message": e["msg"]} for e in error.errors()]
    return Problem(
        422, "wrong_request", "The request is not as documented", errors[0]["message"], {"errors": errors}
    ).response()


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    code, title = _TITLES.get(error.status_code, ("error", "The request failed"))
    return Problem(error.status_code, code, title, headers=dict(error.headers or {})).response()


async def _database_lost(_: Request, __: Exception) -> Response:
    return not_available("The database does not answer.").response()
