"""Signed tokens: every service verifies them with the installation's secret, without asking anyone."""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import orjson

from efterhand.web.rights import Principal

_PREFIX: Final = "eh1"
_LONGEST: Final = 2000
_REMEMBERED: Final = 1000


class InvalidToken(ValueError):
    """The text is no token of this installation, or it has expired or been revoked."""


class Tokens:
    """Makes and verifies the tokens of one installation.

    A token reads `eh1.<payload>.<signature>`: the payload is base64url JSON with id, role, source and exp (seconds
    since 1970, or null), the signature base64url HMAC-SHA256 over the payload's text.
    """

    def __init__(self, secret: str, is_revoked: Callable[[str], bool] = lambda _: False) -> None:
        """`is_revoked` is asked with a token's id each time one is verified, so it has to be quick."""
        if not secret:
            raise ValueError("tokens need a secret")
        self._key = secret.encode()
        self._is_revoked = is_revoked
        # Whose signature was right once need not be looked at again.
        self._known: dict[str, tuple[Principal, float | None]] = {}

    def issue(self, role: str, source: str | None = None, valid_for: timedelta | None = None) -> str:
        """Return a new token; without `valid_for` it holds until it is revoked. Its id: `verify(token).token_id`."""
        expires = None if valid_for is None else time.time() + valid_for.total_seconds()
        payload = _encode(orjson.dumps({"id": secrets.token_hex(8), "role": role, "source": source, "exp": expires}))
        return f"{_PREFIX}.{payload}.{self._signature(payload)}"

    def verify(self, token: str) -> Principal:
        """Return who holds the token.

        Raises:
            InvalidToken: with a sentence for the sender.
        """
        known = self._known.get(token)
        if known is None:
            known = self._read(token)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[token] = known
        principal, expires = known
        if expires is not None and expires < time.time():
            raise InvalidToken("The token has expired.")
        if self._is_revoked(principal.token_id):
            raise InvalidToken("The token has been revoked.")
        return principal

    def _read(self, token: str) -> tuple[Principal, float | None]:
        parts = token.split(".")
        if len(token) > _LONGEST or not token.isascii() or len(parts) != 3 or parts[0] != _PREFIX:
            raise InvalidToken("This is not a token of efterhand.")
        _, payload, signature = parts
        if not hmac.compare_digest(signature, self._signature(payload)):
            raise InvalidToken("The token was not signed by this installation.")
        try:
            body = orjson.loads(_decode(payload))
            return Principal(body["id"], body["role"], body["source"]), body["exp"]
        except (ValueError, KeyError, TypeError, binascii.Error):
            raise InvalidToken("The token cannot be read.") from None

    def keyed_hash(self, purpose: str, text: str) -> str:
        """Return hex HMAC-SHA256 of a text for a purpose, that only this installation can make."""
        return hmac.new(self._key, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()

    def _signature(self, payload: str) -> str:
        return _encode(hmac.digest(self._key, payload.encode(), "sha256"))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
