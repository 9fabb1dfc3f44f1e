"""The door's routes: who is asking, in which language, what the services say, and an answer passed on to followup."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

import httpx
from fastapi import APIRouter, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from efterhand.catalogue import Catalogue, UnitTree, load_catalogue
from efterhand.settings import Settings
from efterhand.web.door.answers import Failure, FieldError, answer_body, answer_faults, day_in
from efterhand.web.door.entrance import SIGN_IN, Entrance, SignIn
from efterhand.web.door.front import PAGE_SIZE, VIEWS, Choice, Front
from efterhand.web.door.reading import SERVICES, Caller, Reply, Upstreams
from efterhand.web.door.replies import Replies, business_date
from efterhand.web.door.words import LANGUAGES, Words, load_words
from efterhand.web.problem import not_found
from efterhand.web.rights import Principal, Right
from efterhand.web.sessions import CSRF_FIELD, csrf_token, is_own, session_of
from efterhand.web.tokens import InvalidToken, Tokens

LANGUAGE_COOKIE: Final = "efterhand_language"

_HERE: Final = Path(__file__).parent
_A_YEAR: Final = 365 * 24 * 3600
_MEDIA_TYPES: Final = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_SHOWN: Final = (Right.CHECKS_READ, Right.FIGURES_READ, Right.STATUS_READ)
"""Rights of which each opens some part of the first page."""
_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "vary": "cookie",
}


@dataclass(frozen=True)
class _Holder:
    """Whoever asks, and the token that the services are asked with."""

    token: str
    principal: Principal


def create_door(
    settings: Settings,
    tokens: Tokens,
    *,
    catalogue: Catalogue | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    sign_in: SignIn | None = None,
) -> APIRouter:
    """Return the routes of the door's pages: `/`, an answer to a check, and the style sheet.

    Args:
        settings: where the three services are, and which catalogue names things.
        tokens: verifies sessions and tokens, and keys the references that stand for checks in addresses.
        catalogue: the loaded catalogue; without it the one of the settings is loaded.
        transport: replaces the network between the door and the services.
        sign_in: how people get in; None: by the one-time link and by tokens only.

    Raises:
        CatalogueError: the catalogue cannot be read.
    """
    urls = {"intake": settings.intake_url, "followup": settings.followup_url, "indicators": settings.indicators_url}
    door = _Door(
        tokens,
        catalogue or load_catalogue(settings.catalogue),
        Upstreams(urls, transport),
        load_words(),
        _read_assets(),
    )
    router = APIRouter(include_in_schema=False)
    if sign_in is not None:
        door.entrance = Entrance(sign_in, tokens, door.units, door.words_of, door.page)
        router.include_router(door.entrance.routes())
    router.add_api_route("/", door.front, methods=["GET"], response_class=HTMLResponse)
    router.add_api_route("/uppfoljningar/{ref}/svar", door.answer, methods=["POST"], response_class=HTMLResponse)
    router.add_api_route("/static/{name}", door.asset, methods=["GET"])
    return router


class _Door:
    """The pages of one installation."""

    def __init__(
        self,
        tokens: Tokens,
        catalogue: Catalogue,
        upstreams: Upstreams,
        words: Mapping[str, Words],
        assets: Mapping[str, bytes],
    ) -> None:
        self._tokens = tokens
        self._catalogue = catalogue
        self._upstreams = upstreams
        self._words = words
        self._assets = assets
        versions = {name: hashlib.sha256(content).hexdigest()[:12] for name, content in assets.items()}
        self._answerable = ",".join(each.id for each in catalogue.protocols.values() if each.takes_answers)
        self._templates = {language: _environment(each, versions) for language, each in words.items()}

        self.entrance: Entrance | None = None
        """How people get in and out; None: by the one-time link and by tokens only."""

    @property
    def units(self) -> UnitTree:
        """The units that the pages name."""
        return self._catalogue.units

    def words_of(self, request: Request) -> Words:
        """Return the language of a request."""
        return self._words[self._language(request)]

    # --- routes ---

    async def front(self, request: Request) -> Response:
        """Show the first page."""
        holder = self._reader(request)
        if holder is None:
            return self._log_in(request)
        if not any(holder.principal.may(right) for right in _SHOWN):
            text = self._words[self._language(request)].text
            return self._refused(
                request, text("Du har inte rätt att se sidan"), text("Be den som delar ut behörighet om hjälp.")
            )
        query = request.query_params
        return await self._front(request, holder, Choice.of(query), saved=query.get("saved") == "1")

    async def answer(self, request: Request, ref: str) -> Response:
        """Take a form with an answer and pass it on; then back to the list it came from."""
        text = self._words[self._language(request)].text
        form = await request.form(max_files=0, max_fields=20)
        holder = self._writer(request, form)
        if holder is None:
            if session_of(request, self._tokens) is None:
                return self._log_in(request)
            return self._refused(
                request,
                text("Formuläret gäller inte längre"),
                text("Öppna översikten på nytt och svara igen. Inget är sparat."),
            )
        if not holder.principal.may(Right.CHECKS_ANSWER):
            return self._refused(
                request, text("Du har inte rätt att svara"), text("Be den som delar ut behörighet om hjälp.")
            )
        # Only what a choice can say is taken from the form, so that nobody is led to another site.
        choice = Choice.of(dict(parse_qsl(_field(form, "back"))))
        given = {name: _field(form, name).strip() for name in ("answer", "on", "case", "protocol")}
        async with self._upstreams.caller(holder.token) as caller:
            errors = await self._pass_on(caller, self._words[self._language(request)], ref, given)
        if errors:
            failure = Failure(ref, errors, given)
            return await self._front(request, holder, choice, failure=failure, status=422)
        query = choice.query(cursor=choice.cursor, saved="1")
        return RedirectResponse(f"/?{query}", 303, _HEADERS)

    async def asset(self, name: str) -> Response:
        """Give one of the files that pages link to; its address changes with its content."""
        if name not in self._assets:
            raise not_found("There is no such file.")
        headers = {**_HEADERS, "cache-control": f"public, max-age={_A_YEAR}, immutable"}
        return Response(self._assets[name], 200, headers, _MEDIA_TYPES[Path(name).suffix])

    # --- parts of them ---

    async def _front(
        self,
        request: Request,
        holder: _Holder,
        choice: Choice,
        *,
        saved: bool = False,
        failure: Failure | None = None,
        status: int = 200,
    ) -> Response:
        async with self._upstreams.caller(holder.token) as caller:
            replies = await self._ask(caller, holder.principal, choice)
        words = self._words[self._language(request)]
        front = Front(words, self._catalogue, holder.principal, self._reference, choice, failure)
        context = {**front.context(replies), "saved": saved, CSRF_FIELD: csrf_token(self._tokens, holder.token)}
        return self.page(request, "front.html", context, status)

    async def _ask(self, caller: Caller, principal: Principal, choice: Choice) -> Replies:
        """Ask everything that the reader may see, at once; the figures when the day is known."""
        sees_checks = principal.may(Right.CHECKS_READ)
        statuses, due, checks = await asyncio.gather(
            asyncio.gather(*(caller.get(service, "status") for service in SERVICES)),
            caller.get("followup", "due-summary") if sees_checks else _nothing(),
            self._list(caller, choice) if sees_checks and self._answerable else _nothing(),
        )
        by_service = dict(zip(SERVICES, statuses, strict=True))
        figures = None
        if principal.may(Right.FIGURES_READ):
            figures = await self._read_figures(caller, by_service["indicators"], business_date(by_service))
        return Replies(by_service, due, checks, figures)

    async def _list(self, caller: Caller, choice: Choice) -> Reply:
        wanted = {
            "protocol": self._answerable,
            "state": ",".join(VIEWS[choice.view]),
            "unit": choice.unit,
            "cursor": choice.cursor,
            "limit": str(PAGE_SIZE),
        }
        return await caller.get(
            "followup", "checks", **{name: said for name, said in wanted.items() if said is not None}
        )

    async def _read_figures(self, caller: Caller, status: Reply, at: date | None) -> dict[str, Reply]:
        names = list(self._catalogue.indicators)
        if not status.answered or at is None:
            return {name: Reply("indicators", status.status or None) for name in names}
        replies = await asyncio.gather(
            *(caller.get("indicators", f"figures/{quote(name)}", at=at.isoformat(), by="sex") for name in names)
        )
        return dict(zip(names, replies, strict=True))

    async def _pass_on(
        self, caller: Caller, words: Words, ref: str, given: Mapping[str, str]
    ) -> tuple[FieldError, ...]:
        """Send an answer to followup; return what stood in its way."""
        text = words.text
        statuses, found = await asyncio.gather(
            caller.get("intake", "status"),
            caller.get("followup", "checks", case=given["case"], protocol=given["protocol"]),
        )
        faults = answer_faults(words, given, today=business_date({"intake": statuses}))
        if found.missing:
            return (*faults, FieldError(text("Tjänsten followup svarar inte just nu. Försök igen om en stund.")))
        if found.being_computed:
            return (
                *faults,
                FieldError(text("Uppföljningen räknas om efter en ändring i katalogen. Försök igen senare.")),
            )
        checks = found.body["items"] if found.answered else []
        check = next((check for check in checks if self._reference(check["id"]) == ref), None)
        if check is None:
            return (*faults, FieldError(text("Uppföljningen finns inte längre. Ärendet kan ha ändrats.")))
        on = day_in(given["on"])
        if faults or on is None:
            return faults
        if on < date.fromisoformat(check["anchor_on"]):
            early = text("Dagen då svaret gavs kan inte ligga före %(day)s.", day=words.day(check["anchor_on"]))
            return (FieldError(early, "on"),)
        reply = await caller.post(
            "followup", f"checks/{quote(check['id'], safe='')}/answer", answer_body(given["answer"], on)
        )
        if reply.answered:
            return ()
        if reply.missing:
            return (FieldError(text("Svaret kunde inte sparas just nu. Försök igen om en stund.")),)
        return (FieldError(text("Svaret togs inte emot: %(reason)s", reason=_reason(reply))),)

    def _reference(self, check_id: str) -> str:
        return self._tokens.keyed_hash("check", check_id)[:24]

    # --- who asks, in which language ---

    def _reader(self, request: Request) -> _Holder | None:
        session = session_of(request, self._tokens)
        return _Holder(*session) if session else self._bearer(request)

    def _writer(self, request: Request, form: FormData) -> _Holder | None:
        """Return who may change something: a token's holder, or a session whose own page the form is from."""
        holder = self._bearer(request)
        if holder is not None:
            return holder
        session = session_of(request, self._tokens)
        if session is None or not is_own(self._tokens, session[0], _field(form, CSRF_FIELD)):
            return None
        return _Holder(*session)

    def _bearer(self, request: Request) -> _Holder | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            return _Holder(token.strip(), self._tokens.verify(token.strip()))
        except InvalidToken:
            return None

    @staticmethod
    def _language(request: Request) -> str:
        asked = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
        return asked if asked in LANGUAGES else LANGUAGES[0]

    # --- answers ---

    def _log_in(self, request: Request) -> Response:
        ways = {"sign_in": False, "choose_user": False} if self.entrance is None else self.entrance.ways()
        response = self.page(request, "no_right.html", ways, 401)
        response.headers["www-authenticate"] = "Bearer"
        return response

    def _refused(self, request: Request, heading: str, sentence: str) -> Response:
        return self.page(request, "refused.html", {"heading": heading, "sentence": sentence}, 403)

    def page(self, request: Request, template: str, context: Mapping[str, Any], status: int) -> Response:
        """Render a template in the language of a request."""
        language = self._language(request)
        environment = self._templates[language]
        top = next((unit for unit in self._catalogue.units.units.values() if self._is_top(unit.id)), None)
        shown = {
            "who": None if self.entrance is None else self.entrance.who(request),
            "place": top.name if top else None,
            "language_link": lambda code: _language_link(request, code),
        }
        html = environment.get_template(template).render({**shown, **context})
        response = HTMLResponse(html, status, _HEADERS)
        if request.query_params.get("lang") in LANGUAGES:
            response.set_cookie(LANGUAGE_COOKIE, language, max_age=_A_YEAR, httponly=True, samesite="lax", path="/")
        return response

    def _is_top(self, unit: str) -> bool:
        return all(edge.child != unit for edge in self._catalogue.units.edges)


async def _nothing() -> None:
    return None


def _reason(reply: Reply) -> str:
    """Return the sentence that a service gives for what it does not take: intake's on the event, else a problem's."""
    for said in (*reply.body.get("results", ()), reply.body):
        sentence = said.get("message") or said.get("detail") or said.get("title")
        if sentence:
            return str(sentence)
    return str(reply.status)


def _environment(words: Words, versions: Mapping[str, str]) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(words.translations, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(language=words.language, assets=versions, number=words.number)
    return environment


def _read_assets() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((_HERE / "static").iterdir())}


def _language_link(request: Request, code: str) -> str:
    """Return the address of a page in another language; of what came of a form, or of a sign-in, the first page's."""
    if request.method == "POST" or request.url.path.startswith(SIGN_IN):
        return f"/?{urlencode({'lang': code})}"
    kept = {name: value for name, value in request.query_params.items() if name not in {"lang", "saved"}}
    return f"{request.url.path}?{urlencode({**kept, 'lang': code})}"


def _field(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""
