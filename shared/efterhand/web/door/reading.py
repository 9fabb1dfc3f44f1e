"""What the page asks of the three services: each by itself, each with a short time to answer."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

SERVICES: Final = ("intake", "followup", "indicators")

PATIENCE: Final = 4.0
"""Seconds. A part that is slower than that is shown as missing; the rest of the page does not wait for it."""

_CONNECT: Final = 1.0


@dataclass(frozen=True)
class Reply:
    """What one service said to one question."""

    service: str
    status: int | None
    """HTTP status; None: nothing came back in time."""
    body: Any = None

    @property
    def answered(self) -> bool:
        """Whether there is something to show."""
        return self.status is not None and self.status < 300

    @property
    def being_computed(self) -> bool:
        """Whether what was asked for is shown when everybody has been computed by its new definition."""
        return self.status == 503 and self.body is not None and self.body.get("code") == "being_computed"

    @property
    def missing(self) -> bool:
        """Whether the service is down, or not able to answer at the moment."""
        return self.status is None or (self.status >= 500 and not self.being_computed)


class Upstreams:
    """The three services as the door reaches them, on behalf of whoever holds the token."""

    def __init__(self, urls: Mapping[str, str], transport: httpx.AsyncBaseTransport | None = None) -> None:
        """`urls` holds the base address of each service; `transport` replaces the network."""
        self._urls = {service: urls[service].rstrip("/") for service in SERVICES}
        self._transport = transport
        self._tls = ssl.create_default_context()

    def caller(self, token: str, patience: float = PATIENCE) -> "Caller":
        """Return what asks for one page on behalf of a token's holder; to be used as an async context manager.

        `patience`: seconds that an answer may take.
        """
        client = httpx.AsyncClient(
            timeout=httpx.Timeout(patience, connect=_CONNECT),
            transport=self._transport,
            verify=self._tls,
            trust_env=False,
            headers={"authorization": f"Bearer {token}", "accept": "application/json"},
        )
        return Caller(client, self._urls, patience)


class Caller:
    """Asks the services while one page is made."""

    def __init__(self, client: httpx.AsyncClient, urls: Mapping[str, str], patience: float) -> None:
        """`client` carries the token; `patience` is how many seconds an answer may take."""
        self._client = client
        self._patience = patience
        self._urls = urls

    async def __aenter__(self) -> "Caller":
        """Open the connections."""
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def get(self, service: str, path: str, **parameters: str) -> Reply:
        """Read `/<service>/v1/<path>`; never raises for a service that is down or answers nonsense."""
        return await self._ask("GET", service, path, params=parameters)

    async def post(self, service: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        """Send a JSON object, or nothing, to `/<service>/v1/<path>`."""
        return await self._ask("POST", service, path, json=body)

    async def put(self, service: str, path: str, body: Mapping[str, Any]) -> Reply:
        """Put a JSON object to `/<service>/v1/<path>`."""
        return await self._ask("PUT", service, path, json=body)

    async def delete(self, service: str, path: str) -> Reply:
        """Delete what is at `/<service>/v1/<path>`."""
        return await self._ask("DELETE", service, path)

    async def _ask(self, method: str, service: str, path: str, **request: Any) -> Reply:
        try:
            async with asyncio.timeout(self._patience):
                response = await self._client.request(method, f"{self._urls[service]}/{service}/v1/{path}", **request)
            body = {} if response.status_code == httpx.codes.NO_CONTENT else response.json()
        except (httpx.HTTPError, TimeoutError):
            return Reply(service, None)
        except ValueError:
            body = None
        # What is no JSON object is not from the service but from something in its place.
        return Reply(service, response.status_code if isinstance(body, dict) else 502, body)


async def nothing() -> None:
    """Ask nothing: stands among questions that are asked at once, for one that the reader has no right to."""
