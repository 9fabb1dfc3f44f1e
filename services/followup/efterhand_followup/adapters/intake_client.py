"""The door: how this service hands an event to intake."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
import orjson

from efterhand.web.tokens import Tokens

_TIMEOUT: Final = httpx.Timeout(10.0, connect=2.0)
"""Seconds."""


class IntakeUnavailable(Exception):
    """intake does not answer, or cannot keep an event at the moment."""


@dataclass(frozen=True)
class IntakeReply:
    """What intake said to one event."""

    status: int
    media_type: str
    body: bytes

    @property
    def accepted(self) -> bool:
        """Whether the event is on disk."""
        return self.status == httpx.codes.ACCEPTED


class IntakeClient:
    """Posts events of one source of the product's own to intake."""

    def __init__(self, url: str, tokens: Tokens, source: str, transport: httpx.BaseTransport | None = None) -> None:
        """`url` is intake's base address; `transport` replaces the network."""
        self._tokens = tokens
        self._source = source
        # The address is the installation's own: a proxy of the environment has no part in it.
        self._client = httpx.Client(
            base_url=url, timeout=_TIMEOUT, transport=transport, trust_env=False, verify=ssl.create_default_context()
        )

    def post(self, event: Mapping[str, Any]) -> IntakeReply:
        """Post one event and return what intake says, accepted or refused.

        Raises:
            IntakeUnavailable: no answer, or one that says nothing about the event.
        """
        return self._post(dict(event), (202, 409, 422))

    def post_all(self, events: Sequence[Mapping[str, Any]]) -> list[str | None]:
        """Post several events; return for each why it is refused, in a sentence, or None: it is on disk.

        Raises:
            IntakeUnavailable: as `post`.
        """
        if not events:
            return []
        reply = self._post([dict(event) for event in events], (202, 207))
        results = orjson.loads(reply.body)["results"]
        taken = ("accepted", "duplicate")
        return [None if each["outcome"] in taken else str(each["message"]) for each in results]

    def _post(self, body: object, expected: Sequence[int]) -> IntakeReply:
        token = self._tokens.issue("service", self._source, timedelta(minutes=5))
        try:
            response = self._client.post("/intake/v1/events", json=body, headers={"authorization": f"Bearer {token}"})
        except httpx.HTTPError as error:
            raise IntakeUnavailable(type(error).__name__) from None
        if response.status_code not in expected:
            raise IntakeUnavailable(f"intake answers {response.status_code}")
        return IntakeReply(
            response.status_code, response.headers.get("content-type", "application/json"), response.content
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
