"""Who may do what: a token has grants, each a role for a part of the unit tree; a path asks for one right."""

import time
from collections.abc import Iterable, Iterator
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
    LOG_READ = "log:read"
    GLASS_BREAK = "glass:break"
    UNITS_READ = "units:read"
    REGISTER_READ = "register:read"
    CHANNELS_SET = "channels:set"
    CHANNELS_UNIT = "channels:unit"
    CHANNELS_REGISTER = "channels:register"


_STAFF: Final = frozenset(
    {
        *(Right.CHECKS_READ, Right.CHECKS_ANSWER, Right.NOTICES_READ),
        *(Right.STATUS_READ, Right.CATALOGUE_READ, Right.CHANNELS_SET),
    }
)

_FIGURES: Final = frozenset({Right.FIGURES_READ, Right.CATALOGUE_READ, Right.STATUS_READ})

ROLES: Final[dict[str, frozenset[Right]]] = {
    "administrator": frozenset(Right),
    "source": frozenset({Right.EVENTS_WRITE, Right.REFUSED_READ, Right.CATALOGUE_READ, Right.STATUS_READ}),
    "case_worker": _STAFF | {Right.GLASS_BREAK},
    "manager": _STAFF | {Right.UNITS_READ, Right.FIGURES_READ, Right.GLASS_BREAK, Right.CHANNELS_UNIT},
    "register_owner": _STAFF | {Right.REGISTER_READ, Right.CHANNELS_REGISTER},
    "protected_officer": _STAFF | {Right.PROTECTED_READ},
    "analyst": _FIGURES,
    "case_analyst": _FIGURES | {Right.CASES_READ},
    "integrator": frozenset({Right.REFUSED_READ, Right.CATALOGUE_READ, Right.STATUS_READ}),
    "reviewer": frozenset({Right.LOG_READ, Right.CATALOGUE_READ, Right.STATUS_READ}),
    "operator": frozenset({Right.STATUS_READ, Right.SYSTEM_OPERATE, Right.CATALOGUE_READ}),
    "service": frozenset({Right.EVENTS_WRITE, Right.STATUS_READ, Right.CATALOGUE_READ}),
}
"""Role → rights. A role that is not listed has none."""

OWN_SOURCES: Final = "/efterhand/"
"""Sources that begin so are the product's own services; only they may write them."""


Reach = frozenset[str] | None
"""The units under which a right holds, each with those below it in the tree of the day; None: everywhere."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role for a part of the unit tree."""

    role: str
    unit: str | None = None
    """The unit under which the role holds, itself and all below it; None: everywhere."""
    source: str | None = None
    """The only source whose refused events an integrator sees; None: every source."""
    until: float | None = None
    """Seconds since 1970 after which the grant holds no more; None: as long as the token."""
    reason: str | None = None
    """Why somebody took the grant for a while, in their own words."""

    def holds(self) -> bool:
        """Tell whether the grant has not run out."""
        return self.until is None or time.time() < self.until


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever holds a token that was verified."""

    token_id: str
    role: str
    """The first grant's role: what the holder is called, and what decides which sources a program writes."""
    source: str | None = None
    grants: tuple[Grant, ...] = ()
    """What the holder may do where; made of the role alone it holds everywhere."""
    staff: str | None = None
    """The staff id, as `case.assigned` has it in `worker`; None of a program."""
    name: str | None = None
    """What to call the holder on a page."""

    def __post_init__(self) -> None:
        """Give a holder without grants the one that the role alone stands for."""
        if not self.grants:
            object.__setattr__(self, "grants", (Grant(self.role),))

    def may(self, right: Right) -> bool:
        """Tell whether the holder has the right, somewhere."""
        return any(True for _ in self.grants_with(right))

    def reach(self, right: Right) -> Reach:
        """Return the units under which the right holds, none of them where the holder lacks it."""
        return roots(self.grants_with(right))

    def sources(self, right: Right) -> frozenset[str] | None:
        """Return the sources for which the right holds; None: for every source."""
        named = [grant.source or self.source for grant in self.grants_with(right)]
        return None if None in named else frozenset(source for source in named if source is not None)

    def grants_with(self, right: Right) -> Iterator[Grant]:
        """Yield the grants that hold now and give the right."""
        return (grant for grant in self.grants if right in ROLES.get(grant.role, ()) and grant.holds())

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


def roots(grants: Iterable[Grant]) -> Reach:
    """Return the units that grants name; None where one of them holds everywhere."""
    units = [grant.unit for grant in grants]
    return None if None in units else frozenset(unit for unit in units if unit is not None)


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
