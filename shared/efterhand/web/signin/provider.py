"""The client of an OpenID Connect provider: authorization code with PKCE, and the id token verified."""

import secrets
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

_TIMEOUT: Final = httpx.Timeout(8.0, connect=3.0)
"""Seconds."""
_METADATA_SECONDS: Final = 3600.0
_LEEWAY_SECONDS: Final = 60
_ALGORITHMS: Final = [f"{kind}{size}" for kind in ("RS", "PS", "ES") for size in (256, 384, 512)] + ["Ed25519", "EdDSA"]
"""Signatures with a public key only: none with the client's secret, and never no signature at all."""
_NEEDED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_SCOPE: Final = "openid profile"

Claims = Mapping[str, Any]


class ProviderSilent(Exception):
    """The provider does not answer, or not as OpenID Connect has it; says what, never what was sent."""


class NotSignedIn(Exception):
    """What came back from the provider opens nothing; says why."""


@dataclass(frozen=True)
class Begun:
    """What a browser has to bring back, and where it is sent."""

    address: str
    state: str
    nonce: str
    verifier: str


class Provider:
    """One provider, as a client that is registered with it sees it."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        back: str,
        claims: frozenset[str] = frozenset(),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Make a client, which asks nobody before the first sign-in.

        Args:
            issuer: address of the provider, as its metadata name it.
            client_id: by which the provider knows the installation.
            client_secret: the secret that goes with it.
            back: address at the door that browsers come back to.
            claims: that are wanted; those that the id token lacks are asked for.
            transport: replaces the network.
        """
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._back = back
        self._claims = claims
        self._transport = transport
        self._tls = ssl.create_default_context()
        self._metadata: Claims = {}
        self._keys = KeySet([])
        self._read_at = float("-inf")

    async def begin(self) -> Begun:
        """Return where to send a browser. Raises ProviderSilent."""
        async with self._client() as client:
            metadata = await self._known(client)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        address = prepare_grant_uri(
            metadata["authorization_endpoint"],
            self._client_id,
            "code",
            redirect_uri=self._back,
            scope=_SCOPE,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return Begun(address, state, nonce, verifier)

    async def finish(self, begun: Begun, returned: Mapping[str, str]) -> Claims:
        """Return what the provider says of whoever has come back.

        Args:
            begun: what this browser was sent away with.
            returned: the query of the address that it has come back to.

        Raises:
            NotSignedIn: the provider has refused, or what it says does not hold.
            ProviderSilent: it does not answer.
        """
        if not secrets.compare_digest(returned.get("state", "").encode(), begun.state.encode()):
            raise NotSignedIn("The answer belongs to another sign-in.")
        if returned.get("iss", self._issuer) != self._issuer:
            raise NotSignedIn("The answer comes from another provider.")
        if "error" in returned or not returned.get("code"):
            raise NotSignedIn("The provider did not let the user in.")
        async with self._client() as client:
            metadata = await self._known(client)
            tokens = await self._tokens(client, metadata, returned["code"], begun.verifier)
            claims = await self._verified(client, metadata, tokens, begun.nonce)
            if not self._claims <= claims.keys() and "userinfo_endpoint" in metadata:
                claims = {**await self._told(client, metadata, tokens, claims["sub"]), **claims}
        return claims

    async def farewell(self, back: str) -> str | None:
        """Return the address at which the provider ends its own session; None where it has none, or is silent.

        Args:
            back: address at the door to come back to.
        """
        try:
            async with self._client() as client:
                metadata = await self._known(client)
        except ProviderSilent:
            return None
        if "end_session_endpoint" not in metadata:
            return None
        query = urlencode({"client_id": self._client_id, "post_logout_redirect_uri": back})
        return f"{metadata['end_session_endpoint']}?{query}"

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=_TIMEOUT, transport=self._transport, verify=self._tls)

    async def _known(self, client: httpx.AsyncClient) -> Claims:
        """Return the provider's metadata, at most an hour old."""
        if time.monotonic() - self._read_at > _METADATA_SECONDS:
            found = await _json(client, "GET", f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self._issuer:
                raise ProviderSilent("The provider calls itself otherwise than the issuer that is set.")
            if missing := [
                name for name in ("authorization_endpoint", "token_endpoint", "jwks_uri") if name not in found
            ]:
                raise ProviderSilent(f"The provider's metadata lack {missing[0]}.")
            self._metadata, self._read_at = found, time.monotonic()
            await self._read_keys(client)
        return self._metadata

    async def _read_keys(self, client: httpx.AsyncClient) -> None:
        found = await _json(client, "GET", self._metadata["jwks_uri"])
        try:
            self._keys = KeySet.import_key_set(found)  # type: ignore[arg-type]
        except (JoseError, KeyError, TypeError, ValueError):
            raise ProviderSilent("The provider's keys cannot be read.") from None

    async def _tokens(self, client: httpx.AsyncClient, metadata: Claims, code: str, verifier: str) -> Claims:
        # Basic authentication is what holds where the metadata say nothing.
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        method = next((each for each in ("client_secret_basic", "client_secret_post") if each in methods), None)
        if method is None:
            raise ProviderSilent("The provider takes no client secret.")
        auth = ClientAuth(self._client_id, self._client_secret, method)
        url, headers, body = auth.prepare(
            "POST",
            metadata["token_endpoint"],
            {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"},
            prepare_token_request("authorization_code", "", self._back, code=code, code_verifier=verifier),
        )
        return await _json(client, "POST", url, headers=headers, content=body)

    async def _verified(self, client: httpx.AsyncClient, metadata: Claims, tokens: Claims, nonce: str) -> Claims:
        offered = metadata.get("id_token_signing_alg_values_supported", ["RS256"])
        algorithms = [each for each in _ALGORITHMS if each in offered]
        try:
            read = await self._read(client, str(tokens.get("id_token", "")), algorithms)
            claims = CodeIDToken(
                read.claims,
                read.header,
                {
                    "iss": {"essential": True, "value": self._issuer},
                    "aud": {"essential": True, "value": self._client_id},
                    "sub": {"essential": True},
                },
                {"nonce": nonce, "client_id": self._client_id, "access_token": tokens.get("access_token")},
            )
            claims.validate(int(time.time()), _LEEWAY_SECONDS)
        except (JoseError, ValueError) as error:
            raise NotSignedIn(f"The provider's word does not hold: {type(error).__name__}.") from None
        return dict(claims)

    async def _read(self, client: httpx.AsyncClient, id_token: str, algorithms: list[str]) -> jwt.Token:
        try:
            return jwt.decode(id_token, self._keys, algorithms)
        except (JoseError, ValueError):
            # The provider may have a new key.
            await self._read_keys(client)
        return jwt.decode(id_token, self._keys, algorithms)

    @staticmethod
    async def _told(client: httpx.AsyncClient, metadata: Claims, tokens: Claims, subject: str) -> Claims:
        headers = {"authorization": f"Bearer {tokens.get('access_token', '')}"}
        told = await _json(client, "GET", metadata["userinfo_endpoint"], headers=headers)
        if told.get("sub") != subject:
            raise NotSignedIn("The provider tells of somebody else.")
        return told


async def _json(client: httpx.AsyncClient, method: str, url: str, **request: Any) -> Claims:
    """Return the JSON object that an address gives."""
    try:
        response = await client.request(method, url, **request)
        found = response.json()
    except (httpx.HTTPError, ValueError) as error:
        raise ProviderSilent(f"The provider does not answer: {type(error).__name__}.") from None
    if method == "POST" and response.status_code in (400, 401):
        raise NotSignedIn("The provider does not take the code that it gave.")
    if response.status_code != httpx.codes.OK or not isinstance(found, dict):
        raise ProviderSilent(f"The provider answers {response.status_code}.")
    return found
