"""Who may do what: a token has a role, a role has rights, and a path asks for one right."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import Depends, Request

from efterhand.web.problem import Problem


class Right(StrEnum):
    """What a path may ask for."""

    EVENTS_WRITE = "events:write"
    EVENTS_LOAD = "events:load"
    REFUSED_READ = "refused:read"
    REFUSED_RESEND = "refused:resend"
    CATALOGUE_READ = "catalogue:read"
    STATUS_READ = "status:read"
    CHECKS_READ = "checks:read"
    CHECKS_ANSWER = "checks:answer"
    NOTICES_READ = "notices:read"
    FIGURES_READ = "figures:read"
    CASES_READ = "cases:read"
    PROTECTED_READ = "protected:read"
    SYSTEM_OPERATE = "system:operate"
    TOKENS_MANAGE = "tokens:manage"


_STAFF: Final = frozenset(
    {Right.CHECKS_READ, Right.CHECKS_ANSWER, Right.NOTICES_READ, Right.STATUS_READ, Right.CATALOGUE_READ}
)

ROLES: Final[dict[str, frozenset[Right]]] = {
    "administrator": frozenset(Right),
    "source": frozenset({Right.EVENTS_WRITE, Right.REFUSED_READ, Right.CATALOGUE_READ, Right.STATUS_READ}),
    "case_worker": _STAFF,
    "manager": _STAFF | {Right.FIGURES_READ},
    "register_owner": _STAFF,
    "analyst": frozenset({Right.FIGURES_READ, Right.CATALOGUE_READ, Right.STATUS_READ}),
    "operator": frozenset({Right.STATUS_READ, Right.SYSTEM_OPERATE, Right.CATALOGUE_READ}),
    "service": frozenset({Right.EVENTS_WRITE, Right.STATUS_READ, Right.CATALOGUE_READ}),
}
"""Role → rights. A role that is not listed has none."""

OWN_SOURCES: Final = "/efterhand/"
"""Sources that begin so are the product's own services; only they may write them."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever holds a token that was verified."""

    token_id: str
    role: str
    source: str | None = None

    def may(self, right: Right) -> bool:
        """Tell whether the role has the right."""
        return right in ROLES.get(self.role, ())

    def may_write(self, source: str) -> bool:
        """Tell whether events of that source are taken from this holder.

        A source's token writes its own source, a service's token the product's own sources, an administrator's token
        any; nobody else writes.
        """
        if self.role == "source":
            return source == self.source
        if self.role == "service":
            return source.startswith(OWN_SOURCES)
        return self.may(Right.EVENTS_WRITE)


def principal_of(request: Request) -> Principal:
    """Return the holder of the request's token.

    Raises:
        Problem: 401, there is no token, or it is not valid.
    """
    from efterhand.web.tokens import InvalidToken

    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthorised("no_token", "The request has no token: send `Authorization: Bearer …`.")
    try:
        principal: Principal = request.app.state.tokens.verify(token.strip())
    except InvalidToken as error:
        raise unauthorised("invalid_token", str(error)) from None
    return principal


def require(request: Request, right: Right) -> Principal:
    """Return the request's principal when it has the right.

    Raises:
        Problem: 401 without a valid token, 403 without the right.
    """
    principal = principal_of(request)
    if not principal.may(right):
        raise Problem(
            403, "not_allowed", "The token does not allow this", f"The role {principal.role} lacks the right {right}."
        )
    return principal


def requires(right: Right) -> Any:
    """Return the FastAPI dependency that gives the `Principal` of a request with the right, and 401 or 403 else.

    Use: `def read(principal: Annotated[Principal, requires(Right.CHECKS_READ)])`.
    `app.state.tokens` must hold the `Tokens`.
    """

    async def dependency(request: Request) -> Principal:
        return require(request, right)

    return Depends(dependency)


def unauthorised(code: str, detail: str) -> Problem:
    """Return the 401 answer."""
    return Problem(401, code, "A valid token is needed", detail, headers={"www-authenticate": "Bearer"})


CurrentPrincipal = Annotated[Principal, Depends(principal_of)]
"""The principal of a request, whatever its rights."""
