"""The running system that a command talks to, over HTTP."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from efterhand.cli.ending import NOT_REACHABLE, USAGE, Ending
from efterhand.settings import default_home

SERVICES: Final = ("intake", "followup", "indicators")
PATIENCE_SECONDS: Final = 60.0
"""How long a request that may be repeated waits for a system that is being started again."""


def home_directory() -> Path:
    """The home that commands look for the running system in: `EFTERHAND_HOME`, else the default."""
    return Path(os.environ.get("EFTERHAND_HOME") or default_home()).expanduser().absolute()


def local_system() -> dict[str, Any]:
    """What the running local system wrote when it was ready; empty when there is none."""
    try:
        ready = json.loads((home_directory() / "run" / "ready.json").read_text())
    except (OSError, ValueError):
        return {}
    return ready if isinstance(ready, dict) else {}


class NotAllowed(Ending):
    """The token lacks the right."""


class System:
    """Requests to a running system, with its token. Every failure ends the command with a sentence."""

    def __init__(self, url: str, token: str, *, transport: httpx.BaseTransport | None = None) -> None:
        """`url` is that of the door, without a path."""
        self.url = url.rstrip("/")
        self._client = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(60.0, connect=5.0),
            # The system is this machine's or the municipality's own: a proxy of the environment has no part in it.
            trust_env=False,
            transport=transport,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    @classmethod
    def running(cls) -> System:
        """The system of `EFTERHAND_URL` with `EFTERHAND_TOKEN`, by default the one that runs in the home."""
        ready = local_system()
        url = os.environ.get("EFTERHAND_URL") or ready.get("url")
        if not url:
            raise Ending(
                NOT_REACHABLE,
                f"No running system was found in {home_directory()}. Start one with `efterhand up`, or name one with "
                "EFTERHAND_HOME, or with EFTERHAND_URL and EFTERHAND_TOKEN.",
            )
        return cls(str(url), os.environ.get("EFTERHAND_TOKEN") or str(ready.get("token", "")))

    def get(self, path: str, parameters: Mapping[str, str | None] | None = None) -> Any:
        """The JSON of a read."""
        given = {name: value for name, value in (parameters or {}).items() if value is not None}
        return self._json(self._request("GET", path, params=given))

    def items(self, path: str, parameters: Mapping[str, str | None] | None = None) -> Iterator[dict[str, Any]]:
        """The items of a list, page by page."""
        cursor: str | None = None
        while True:
            page = self.get(path, {**(parameters or {}), "cursor": cursor})
            yield from page["items"]
            cursor = page.get("next")
            if not cursor:
                return

    def post(self, path: str, body: object = None) -> Any:
        """The JSON of the answer to a change; None when the answer is empty."""
        response = self._request("POST", path, json=body)
        return self._json(response) if response.content else None

    def delete(self, path: str) -> None:
        """Take something away."""
        self._request("DELETE", path)

    def post_again_and_again(self, path: str, body: bytes) -> httpx.Response:
        """Send what may be sent twice until the system takes or refuses it: any answer below 500 is returned.

        A 503 is answered by waiting as long as it says; a system that does not answer is given `PATIENCE_SECONDS`.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            wait = 0.5
            try:
                response = self._client.post(path, content=body, headers={"Content-Type": "application/json"})
            except httpx.HTTPError as error:
                if time.monotonic() > deadline:
                    raise self._not_reachable(error) from error
            else:
                if response.status_code < 500:
                    return response
                if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                    # It runs and says that it cannot now: that is waited for without an end.
                    deadline = time.monotonic() + PATIENCE_SECONDS
                    wait = _seconds(response.headers.get("Retry-After"))
                elif time.monotonic() > deadline:
                    raise _refusal(response)
            time.sleep(wait)

    def status(self, service: str) -> dict[str, Any] | None:
        """What a service says of itself; None when it cannot be asked now."""
        try:
            response = self._client.get(f"/{service}/v1/status", timeout=10.0)
        except httpx.HTTPError:
            return None
        if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise _refusal(response)
        if response.status_code != httpx.codes.OK:
            return None
        answer = response.json()
        return answer if isinstance(answer, dict) else None

    def _request(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            # A rebuild or a jump of the clock may take its time.
            response = self._client.request(method, path, timeout=httpx.Timeout(600.0, connect=5.0), **more)
        except httpx.HTTPError as error:
            raise self._not_reachable(error) from error
        if response.is_success:
            return response
        raise _refusal(response)

    def _json(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise Ending(NOT_REACHABLE, f"What answers at {self.url} is not efterhand.") from error

    def _not_reachable(self, error: Exception) -> Ending:
        return Ending(
            NOT_REACHABLE,
            f"{self.url} does not answer ({type(error).__name__}). `efterhand doctor` looks for the cause.",
        )


def _refusal(response: httpx.Response) -> Ending:
    try:
        problem = response.json()
        told = str(problem.get("detail") or problem.get("title") or "")
    except (ValueError, AttributeError):
        told = ""
    exit_code = NOT_REACHABLE if response.status_code >= 500 else USAGE
    ending = NotAllowed if response.status_code == httpx.codes.FORBIDDEN else Ending
    return ending(exit_code, f"{told or response.reason_phrase} ({response.status_code} for {response.url.path})")


def _seconds(text: str | None) -> float:
    try:
        return min(max(float(text or 1), 0.1), 60.0)
    except ValueError:
        return 1.0
