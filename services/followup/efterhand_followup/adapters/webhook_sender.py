"""Webhooks, as Standard Webhooks 1.0 has them."""

import base64
import hashlib
import hmac
import ssl
from collections.abc import Sequence
from datetime import datetime

import httpx

from efterhand_followup.adapters.not_delivered import NO_ANSWER, NOT_ALLOWED, REFUSED, SECONDS, NotDelivered
from efterhand_followup.domain.channels import may_post_to


class WebhookSender:
    """Posts to addresses at the hosts that are allowed; never to where an answer points."""

    def __init__(self, hosts: Sequence[str], transport: httpx.BaseTransport | None = None) -> None:
        """`hosts` may be posted to; `transport` replaces the network."""
        self._hosts = tuple(hosts)
        self._client = httpx.Client(
            timeout=SECONDS,
            transport=transport,
            follow_redirects=False,
            trust_env=False,
            verify=ssl.create_default_context(),
        )

    def may_send_to(self, address: str) -> bool:
        """Tell whether an address may be posted to."""
        return may_post_to(address, self._hosts)

    def send(self, address: str, webhook_id: str, body: bytes, key: bytes, now: datetime) -> None:
        """Post one message.

        Args:
            address: where to.
            webhook_id: stays the same however often the message is sent.
            body: JSON text.
            key: signs it.
            now: the time.

        Raises:
            NotDelivered: the answer is no 2xx, or there is none.
        """
        if not self.may_send_to(address):
            raise NotDelivered(NOT_ALLOWED)
        seconds = str(int(now.timestamp()))
        headers = {
            "content-type": "application/json",
            "user-agent": "efterhand",
            "webhook-id": webhook_id,
            "webhook-timestamp": seconds,
            "webhook-signature": f"v1,{signature(key, webhook_id, seconds, body)}",
        }
        try:
            # What the other side writes is of no interest, however much it is.
            with self._client.stream("POST", address, content=body, headers=headers) as answer:
                status = answer.status_code
        except httpx.HTTPError:
            raise NotDelivered(NO_ANSWER) from None
        if not 200 <= status < 300:
            raise NotDelivered(REFUSED, str(status))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def signature(key: bytes, webhook_id: str, seconds: str, body: bytes) -> str:
    """Return what Standard Webhooks 1.0 has as the symmetric signature, without its version."""
    signed = b".".join((webhook_id.encode(), seconds.encode(), body))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def secret_of(key: bytes) -> str:
    """Return a key as a reader of Standard Webhooks is given it."""
    return "whsec_" + base64.b64encode(key).decode()
