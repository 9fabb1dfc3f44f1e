"""Signed tokens: every service verifies them with the installation's secret, without asking anyone."""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

import orjson

from efterhand.web.rights import Grant, Principal

_PREFIX: Final = "eh1"
_LONGEST: Final = 3800
"""Bytes; a browser keeps cookies of 4096."""
_REMEMBERED: Final = 1000


class InvalidToken(ValueError):
    """The text is no token of this installation, or it has expired or been revoked."""


class TooLong(ValueError):
    """A token with so many grants would not fit into a cookie."""


class Tokens:
    """Makes and verifies the tokens of one installation.

    A token reads `eh1.<payload>.<signature>`: the payload is base64url JSON with id, role, source and exp (seconds
    since 1970, or null), and as far as there are any grants, staff and name; the signature is base64url HMAC-SHA256
    over the payload's text.
    """

    def __init__(self, secret: str, is_revoked: Callable[[str], bool] = lambda _: False) -> None:
        """`is_revoked` is asked with a token's id each time one is verified, so it has to be quick."""
        if not secret:
            raise ValueError("tokens need a secret")
        self._key = secret.encode()
        self._is_revoked = is_revoked
        # Whose signature was right once need not be looked at again.
        self._known: dict[str, tuple[Principal, float | None]] = {}

    def issue(
        self,
        role: str,
        source: str | None = None,
        valid_for: timedelta | None = None,
        *,
        grants: Sequence[Grant] = (),
        staff: str | None = None,
        name: str | None = None,
    ) -> str:
        """Return a new token; without `valid_for` it holds until it is revoked. Its id: `verify(token).token_id`.

        Args:
            role: what the holder is called; without grants it holds everywhere.
            source: the only source that a program writes.
            valid_for: how long the token holds.
            grants: what the holder may do where.
            staff: the holder's staff id.
            name: what to call the holder.

        Raises:
            TooLong: there are too many grants for one token.
        """
        expires = None if valid_for is None else time.time() + valid_for.total_seconds()
        return self._signed(Principal(secrets.token_hex(8), role, source, tuple(grants), staff, name), grants, expires)

    def with_grant(self, token: str, grant: Grant) -> str:
        """Return the same token, with its id and its end, that gives one more right.

        Raises:
            InvalidToken: it is none.
            TooLong: it would not fit into a cookie.
        """
        holder = self.verify(token)
        return self._signed(holder, [*(each for each in holder.grants if each.holds()), grant], self.ends_at(token))

    def ends_at(self, token: str) -> float | None:
        """Return when a token ends, in seconds since 1970; None: it does not. Raises InvalidToken."""
        self.verify(token)
        return self._read(token)[1]

    def _signed(self, holder: Principal, grants: Sequence[Grant], expires: float | None) -> str:
        body = {"id": holder.token_id, "role": holder.role, "source": holder.source, "exp": expires}
        further = {"grants": [_said(grant) for grant in grants], "staff": holder.staff, "name": holder.name}
        payload = _encode(orjson.dumps({**body, **{field: value for field, value in further.items() if value}}))
        token = f"{_PREFIX}.{payload}.{self._signature(payload)}"
        if len(token) > _LONGEST:
            raise TooLong(f"{len(grants)} grants do not fit into one token: give fewer, of units further up the tree.")
        return token

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
            grants = tuple(Grant(**each) for each in body.get("grants", ()))
            holder = Principal(
                body["id"], body["role"], body["source"], grants, staff=body.get("staff"), name=body.get("name")
            )
            return holder, body["exp"]
        except (ValueError, KeyError, TypeError, binascii.Error):
            raise InvalidToken("The token cannot be read.") from None

    def keyed_hash(self, purpose: str, text: str) -> str:
        """Return hex HMAC-SHA256 of a text for a purpose, that only this installation can make."""
        return hmac.new(self._key, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()

    def _signature(self, payload: str) -> str:
        return _encode(hmac.digest(self._key, payload.encode(), "sha256"))


def _said(grant: Grant) -> Mapping[str, Any]:
    return {name: value for name, value in asdict(grant).items() if value is not None}


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
