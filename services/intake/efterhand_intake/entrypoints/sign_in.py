"""How people get in at this door: the settings checked, and the sessions kept in intake's own tables."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from efterhand.clock import today_in_stockholm
from efterhand.settings import Settings
from efterhand.web.door.entrance import COME_BACK, SignIn, is_loopback_name
from efterhand.web.problem import Problem
from efterhand.web.rights import Grant, Principal
from efterhand.web.signin.built_in import built_in_users
from efterhand.web.signin.provider import Provider
from efterhand.web.signin.staff import Groups, load_groups
from efterhand.web.tokens import TooLong
from efterhand_intake.adapters import access, registers
from efterhand_intake.application.break_glass import glass_grant
from efterhand_intake.application.hold_sessions import open_session
from efterhand_intake.bootstrap import Services


class WrongSettings(ValueError):
    """The settings of sign-in do not go together; says which, and what to do."""


def create_sign_in(services: Services) -> SignIn:
    """Return how people get in.

    Raises:
        WrongSettings: the settings do not go together.
        CatalogueError: `staff.yaml` is wrong; says where.
    """
    settings, tree = services.settings, services.catalogue.units
    public_url = (settings.public_url or f"http://127.0.0.1:{settings.port}").rstrip("/")
    _check(settings, public_url)
    provider, groups = None, Groups()
    if settings.oidc_issuer and settings.staff is not None:
        groups = load_groups(settings.staff, tree)
        provider = Provider(
            settings.oidc_issuer,
            settings.oidc_client_id,
            settings.oidc_client_secret.get_secret_value(),
            f"{public_url}{COME_BACK}",
            frozenset({settings.oidc_staff_claim, settings.oidc_groups_claim, "name"}),
        )
    return SignIn(
        sessions=KeptSessions(services),
        session_hours=settings.session_hours,
        glass_hours=settings.glass_hours,
        public_url=public_url,
        provider=provider,
        groups=groups,
        staff_claim=settings.oidc_staff_claim,
        groups_claim=settings.oidc_groups_claim,
        built_in=built_in_users(tree) if settings.choose_user else (),
    )


def _check(settings: Settings, public_url: str) -> None:
    if settings.oidc_issuer:
        given = {
            "EFTERHAND_OIDC_CLIENT_ID": settings.oidc_client_id,
            "EFTERHAND_OIDC_CLIENT_SECRET": settings.oidc_client_secret.get_secret_value(),
            "EFTERHAND_STAFF": settings.staff,
        }
        if missing := [name for name, value in given.items() if not value]:
            raise WrongSettings(f"EFTERHAND_OIDC_ISSUER is set, so {' and '.join(missing)} must be too.")
        for name, url in (("EFTERHAND_OIDC_ISSUER", settings.oidc_issuer), ("EFTERHAND_PUBLIC_URL", public_url)):
            if not _is_safe(url):
                raise WrongSettings(f"{name} must begin with https://, or with http:// and this machine's own address.")
    if settings.choose_user and settings.oidc_issuer:
        raise WrongSettings("EFTERHAND_CHOOSE_USER is for trying out: leave it out where people sign in.")
    if settings.choose_user and not is_loopback_name(settings.host):
        raise WrongSettings("EFTERHAND_CHOOSE_USER needs EFTERHAND_HOST to be a loopback address.")


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback_name(parts.hostname))
    )


class KeptSessions:
    """Sessions in intake's tables; each call is a transaction."""

    def __init__(self, services: Services) -> None:
        """`services` hold the database, the signature and the relay."""
        self._services = services

    def open(self, grants: Sequence[Grant], staff: str, name: str | None) -> str:
        """Return the token of a new session."""
        services = self._services
        with services.engine.begin() as connection:
            return open_session(connection, services.tokens, grants, staff, name, services.settings.session_hours)

    def close(self, principal: Principal) -> None:
        """Make the token of a session void; every service hears of it."""
        with self._services.engine.begin() as connection:
            registers.revoke_token(connection, principal.token_id)
        self._services.revocations.add(principal.token_id)
        self._services.relay.notify()

    def break_glass(self, token: str, unit: str, reason: str) -> str:
        """Return the session's token with access to a unit for a while, and note who took it and why.

        Raises:
            Problem: 403 or 422, it is not given.
        """
        services = self._services
        principal = services.tokens.verify(token)
        with services.engine.begin() as connection:
            today = registers.stored_date(connection) or today_in_stockholm()
            hours = services.settings.glass_hours
            grant = glass_grant(principal, unit, reason, services.catalogue.units, today, hours)
            try:
                wider = services.tokens.with_grant(token, grant)
            except TooLong as error:
                raise Problem(422, "too_many_units", "The access cannot be given", str(error)) from None
            access.log_broken_glass(connection, principal, unit, grant.reason or "")
        return wider
