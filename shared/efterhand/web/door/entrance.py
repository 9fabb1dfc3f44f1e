"""How people get in and out: by the provider, as a built-in user, into another unit for a while, and out again."""

import base64
import binascii
import hmac
import ipaddress
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import orjson
import structlog
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from efterhand.catalogue.units import UnitTree
from efterhand.contracts.identity_numbers import contains_identity_number
from efterhand.dates import STOCKHOLM
from efterhand.web.door.words import Words
from efterhand.web.problem import Problem
from efterhand.web.rights import Grant, Principal, Right
from efterhand.web.sessions import CSRF_FIELD, csrf_token, end_session, is_own, session_of, start_session
from efterhand.web.signin.built_in import BuiltInUser
from efterhand.web.signin.provider import Begun, NotSignedIn, Provider, ProviderSilent
from efterhand.web.signin.staff import Groups
from efterhand.web.tokens import Tokens, TooLong

SIGN_IN: Final = "/logga-in"
COME_BACK: Final = "/logga-in/tillbaka"
SIGN_OUT: Final = "/logga-ut"
CHOOSE_USER: Final = "/valj-anvandare"
OTHER_UNIT: Final = "/annan-enhet"

_BEGUN_COOKIE: Final = "efterhand_signin"
_BEGUN_SECONDS: Final = 600
_LONGEST_NAME: Final = 100
_NEVER_KEPT: Final = {"cache-control": "no-store", "referrer-policy": "no-referrer"}

_log = structlog.get_logger(__name__)


class Sessions(Protocol):
    """What of a session the door's own service keeps."""

    def open(self, grants: Sequence[Grant], staff: str, name: str | None) -> str:
        """Return the token of a new session."""
        ...

    def close(self, principal: Principal) -> None:
        """Make the token of a session void everywhere."""
        ...

    def break_glass(self, token: str, unit: str, reason: str) -> str:
        """Return the session's token with access to a unit for a while.

        Raises:
            Problem: 403 or 422, it is not given.
        """
        ...


@dataclass(frozen=True)
class SignIn:
    """How people get in here."""

    sessions: Sessions
    session_hours: int
    glass_hours: int
    public_url: str
    provider: Provider | None = None
    groups: Groups = field(default_factory=Groups)
    staff_claim: str = "sub"
    groups_claim: str = "groups"
    built_in: tuple[BuiltInUser, ...] = ()
    """Whom a browser of this machine may choose to be; empty: nobody."""

    @property
    def secure(self) -> bool:
        """Whether browsers come by HTTPS."""
        return self.public_url.startswith("https:")


Page = Callable[[Request, str, Mapping[str, Any], int], Response]


class Entrance:
    """The pages by which people get in and out."""

    def __init__(
        self, sign_in: SignIn, tokens: Tokens, tree: UnitTree, words: Callable[[Request], Words], page: Page
    ) -> None:
        """`words` gives the language of a request, `page` renders a template for it with a status."""
        self._sign_in = sign_in
        self._tokens = tokens
        self._tree = tree
        self._words = words
        self._page = page

    def routes(self) -> APIRouter:
        """Return the routes of what is set up here."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route(SIGN_OUT, self.leave, methods=["POST"])
        router.add_api_route(OTHER_UNIT, self.ask_for_unit, methods=["GET"])
        router.add_api_route(OTHER_UNIT, self.take_unit, methods=["POST"])
        if self._sign_in.provider is not None:
            router.add_api_route(SIGN_IN, self.begin, methods=["GET"])
            router.add_api_route(COME_BACK, self.come_back, methods=["GET"])
        if self._sign_in.built_in:
            router.add_api_route(CHOOSE_USER, self.choose, methods=["GET"])
            router.add_api_route(CHOOSE_USER, self.become, methods=["POST"])
        return router

    def ways(self) -> dict[str, bool]:
        """Return which ways in a page offers to somebody who is not in."""
        return {"sign_in": self._sign_in.provider is not None, "choose_user": bool(self._sign_in.built_in)}

    # --- by the provider ---

    async def begin(self, request: Request) -> Response:
        """Send a browser to the provider."""
        assert self._sign_in.provider is not None  # noqa: S101 - the route is there only with it
        try:
            begun = await self._sign_in.provider.begin()
        except ProviderSilent as error:
            return self._failed(request, error)
        answer = RedirectResponse(begun.address, 303, _NEVER_KEPT)
        # The browser comes back from another site: a strict cookie would not come along.
        answer.set_cookie(
            _BEGUN_COOKIE,
            self._sealed(begun),
            max_age=_BEGUN_SECONDS,
            httponly=True,
            samesite="lax",
            path=SIGN_IN,
            secure=self._sign_in.secure,
        )
        return answer

    async def come_back(self, request: Request) -> Response:
        """Open a session for whoever comes back from the provider."""
        assert self._sign_in.provider is not None  # noqa: S101 - the route is there only with it
        begun = self._opened(request.cookies.get(_BEGUN_COOKIE))
        if begun is None:
            return self._failed(request, NotSignedIn("No sign-in was begun in this browser, or too long ago."))
        try:
            claims = await self._sign_in.provider.finish(begun, request.query_params)
        except (NotSignedIn, ProviderSilent) as error:
            return self._failed(request, error)
        staff, groups = claims.get(self._sign_in.staff_claim), claims.get(self._sign_in.groups_claim)
        grants = self._sign_in.groups.grants_of(_texts(groups))
        if not grants:
            return self._failed(request, NotSignedIn("The user is in no group that may do anything here."), known=True)
        if not isinstance(staff, str) or not 1 <= len(staff) <= _LONGEST_NAME or contains_identity_number(staff):
            wrong = f"The claim {self._sign_in.staff_claim} holds no staff id, or an identity number: set another."
            return self._failed(request, NotSignedIn(wrong))
        name = claims.get("name")
        try:
            return await self._enter(request, grants, staff, name[:_LONGEST_NAME] if isinstance(name, str) else None)
        except TooLong as error:
            return self._failed(request, NotSignedIn(str(error)), known=True)

    def _failed(self, request: Request, error: Exception, *, known: bool = False) -> Response:
        text = self._words(request).text
        _log.warning("a sign-in failed", action="sign_in_failed", why=str(error))
        if known:
            heading, status = text("Du har ingen behörighet här"), 403
            sentence = text("Inloggningen lyckades, men ingen av dina grupper ger behörighet. Be din chef om hjälp.")
        elif isinstance(error, ProviderSilent):
            heading, status = text("Det går inte att logga in just nu"), 503
            sentence = text("Inloggningstjänsten svarar inte. Försök igen om en stund.")
        else:
            heading, status = text("Inloggningen gick inte igenom"), 403
            sentence = text("Börja om från början. Händer det igen, be den som driver systemet om hjälp.")
        answer = self._page(request, "refused.html", {"heading": heading, "sentence": sentence}, status)
        answer.delete_cookie(_BEGUN_COOKIE, path=SIGN_IN)
        return answer

    def _sealed(self, begun: Begun) -> str:
        held = {"state": begun.state, "nonce": begun.nonce, "verifier": begun.verifier}
        payload = base64.urlsafe_b64encode(orjson.dumps({**held, "until": time.time() + _BEGUN_SECONDS})).decode()
        return f"{payload}.{self._tokens.keyed_hash('sign-in', payload)}"

    def _opened(self, cookie: str | None) -> Begun | None:
        payload, _, seal = (cookie or "").partition(".")
        if not hmac.compare_digest(seal.encode(), self._tokens.keyed_hash("sign-in", payload).encode()):
            return None
        try:
            held = orjson.loads(base64.urlsafe_b64decode(payload))
        except (ValueError, binascii.Error):
            return None
        return Begun("", held["state"], held["nonce"], held["verifier"]) if time.time() < held["until"] else None

    # --- as a built-in user ---

    async def choose(self, request: Request) -> Response:
        """Show whom a browser of this machine may choose to be."""
        _only_here(request)
        words = self._words(request)
        users = [
            {
                "staff": user.staff,
                "name": self._name(words, user.grant),
                "may": what_roles_do(words)[user.grant.role],
            }
            for user in self._sign_in.built_in
        ]
        return self._page(request, "choose_user.html", {"users": users}, 200)

    async def become(self, request: Request) -> Response:
        """Open a session as a built-in user."""
        _only_here(request)
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Problem(403, "not_from_here", "This form is not from another site")
        form = await request.form(max_files=0, max_fields=5)
        user = next((each for each in self._sign_in.built_in if each.staff == form.get("staff")), None)
        if user is None:
            return RedirectResponse(CHOOSE_USER, 303, _NEVER_KEPT)
        return await self._enter(request, (user.grant,), user.staff, self._name(self._words(request), user.grant))

    def _name(self, words: Words, grant: Grant) -> str:
        role = role_names(words)[grant.role]
        unit = self._tree.units.get(grant.unit or "")
        return role if unit is None else f"{role}, {unit.name}"

    async def _enter(self, request: Request, grants: Sequence[Grant], staff: str, name: str | None) -> Response:
        token = await run_in_threadpool(self._sign_in.sessions.open, grants, staff, name)
        # A page and no redirection: a strict cookie goes along only where a page of our own leads on.
        answer = self._page(request, "signed_in.html", {"who": None, "navigation": [], "name": name or staff}, 200)
        answer.delete_cookie(_BEGUN_COOKIE, path=SIGN_IN)
        start_session(answer, token, self._sign_in.session_hours * 3600, secure=self._sign_in.secure)
        return answer

    # --- access to another unit, for a while and with a reason ---

    async def ask_for_unit(self, request: Request) -> Response:
        """Show the form that asks for access to another unit."""
        session = session_of(request, self._tokens)
        if session is None or not session[1].may(Right.GLASS_BREAK):
            return self._no_right(request)
        return self._unit_form(request, session, {}, None, 200)

    async def take_unit(self, request: Request) -> Response:
        """Give access to another unit, and note the reason."""
        form = await request.form(max_files=0, max_fields=5)
        session = self._own_form(request, form)
        if session is None or not session[1].may(Right.GLASS_BREAK):
            return self._no_right(request)
        given = {name: _field(form, name).strip() for name in ("unit", "reason")}
        try:
            token = await run_in_threadpool(
                self._sign_in.sessions.break_glass, session[0], given["unit"], given["reason"]
            )
        except Problem as problem:
            return self._unit_form(request, session, given, problem.code, 422)
        answer = RedirectResponse(f"/?unit={given['unit']}", 303, _NEVER_KEPT)
        start_session(answer, token, self._seconds_left(token), secure=self._sign_in.secure)
        return answer

    def _seconds_left(self, token: str) -> int:
        until = self._tokens.ends_at(token)
        return self._sign_in.session_hours * 3600 if until is None else max(0, int(until - time.time()))

    def _unit_form(
        self, request: Request, session: tuple[str, Principal], given: Mapping[str, str], wrong: str | None, status: int
    ) -> Response:
        text = self._words(request).text
        errors = {
            "wrong_reason": (
                "reason",
                text("Skriv varför du behöver se enheten: minst tio tecken, inga personnummer."),
            ),
            "wrong_unit": ("unit", text("Välj en enhet som du inte redan ser.")),
            "too_many_units": (
                "unit",
                text("Du ser redan så många enheter som går. Vänta tills tiden är slut."),
            ),
        }
        wrong_field, sentence = errors.get(wrong or "", ("unit", text("Åtkomsten kunde inte ges. Försök igen.")))
        context = {
            "units": list(self._tree.units.values()),
            "given": {"unit": given.get("unit", ""), "reason": given.get("reason", "")},
            "error": None if wrong is None else {"field": wrong_field, "text": sentence},
            "hours": self._sign_in.glass_hours,
            CSRF_FIELD: csrf_token(self._tokens, session[0]),
        }
        return self._page(request, "other_unit.html", context, status)

    def _no_right(self, request: Request) -> Response:
        text = self._words(request).text
        context = {
            "heading": text("Du har inte rätt att se sidan"),
            "sentence": text("Be den som delar ut behörighet om hjälp."),
        }
        return self._page(request, "refused.html", context, 403)

    # --- out ---

    async def leave(self, request: Request) -> Response:
        """End the session, here and, where the provider offers it, there."""
        session = self._own_form(request, await request.form(max_files=0, max_fields=5))
        if session is None:
            return self._no_right(request)
        await run_in_threadpool(self._sign_in.sessions.close, session[1])
        provider = self._sign_in.provider
        farewell = None if provider is None else await provider.farewell(f"{self._sign_in.public_url}/")
        answer = self._page(
            request, "signed_out.html", {"who": None, "navigation": [], "farewell": farewell, **self.ways()}, 200
        )
        end_session(answer)
        return answer

    def _own_form(self, request: Request, form: FormData) -> tuple[str, Principal] | None:
        session = session_of(request, self._tokens)
        if session is None or not is_own(self._tokens, session[0], _field(form, CSRF_FIELD)):
            return None
        return session

    # --- what every page shows of whoever looks at it ---

    def who(self, request: Request) -> dict[str, Any] | None:
        """Return what a page shows of the session: the name, and which units are seen for a while only."""
        session = session_of(request, self._tokens)
        if session is None:
            return None
        token, principal = session
        words = self._words(request)
        lent = [
            {
                "unit": self._tree.units[grant.unit].name,
                "until": datetime.fromtimestamp(grant.until, UTC).astimezone(STOCKHOLM).strftime("%H:%M"),
                "reason": grant.reason,
            }
            for grant in principal.grants
            if grant.reason is not None and grant.unit in self._tree.units and grant.until is not None and grant.holds()
        ]
        return {
            "name": principal.name or principal.staff or role_names(words).get(principal.role, principal.role),
            "lent": lent,
            "may_ask": principal.staff is not None
            and principal.may(Right.GLASS_BREAK)
            and principal.reach(Right.CHECKS_READ) is not None,
            CSRF_FIELD: csrf_token(self._tokens, token),
        }


def role_names(words: Words) -> dict[str, str]:
    """Return what each role of people is called."""
    text = words.text
    return {
        "administrator": text("Administratör"),
        "case_worker": text("Handläggare"),
        "manager": text("Chef"),
        "register_owner": text("Registeransvarig"),
        "protected_officer": text("Handläggare för skyddade personer"),
        "analyst": text("Analytiker"),
        "case_analyst": text("Analytiker med rätt till ärenden"),
        "integrator": text("Integratör"),
        "operator": text("Driftansvarig"),
        "reviewer": text("Granskare"),
    }


def what_roles_do(words: Words) -> dict[str, str]:
    """Return in a sentence what each role of people may."""
    text = words.text
    return {
        "administrator": text("Ser och får göra allt."),
        "case_worker": text("Ser och svarar på enhetens uppföljningar."),
        "manager": text("Ser enhetens uppföljningar och nyckeltal."),
        "register_owner": text("Ser alla enheters uppföljningar och registrets månadslista."),
        "protected_officer": text("Ser även enhetens personer med skyddade uppgifter."),
        "analyst": text("Ser exakta nyckeltal men inga personer."),
        "case_analyst": text("Ser exakta nyckeltal och ärendena bakom dem."),
        "integrator": text("Ser vad som inte togs emot från källorna."),
        "operator": text("Ser systemets läge men inga personer."),
        "reviewer": text("Ser vem som har sett vem."),
    }


def _only_here(request: Request) -> None:
    """Refuse whoever does not sit at the machine, and pages that only pretend to be from it. Raises Problem: 403."""
    # A name that leads to loopback may be another site's, so that its pages would count as our own.
    if not is_loopback(request) or not is_loopback_name(request.url.hostname):
        raise Problem(403, "not_here", "This works on the machine itself only")


def is_loopback(request: Request) -> bool:
    """Tell whether a request comes from the machine itself."""
    return request.client is not None and is_loopback_name(request.client.host)


def is_loopback_name(host: str | None) -> bool:
    """Tell whether a host's name or address is this machine's own, whatever a name server says."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _texts(value: object) -> list[str]:
    """Return the groups in a claim: a list of texts, or one."""
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _field(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""
