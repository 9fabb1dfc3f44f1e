"""What all pages share: who is asking, in which language, with which templates, and what is said in place of a page."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from efterhand.catalogue import Catalogue
from efterhand.web.door.entrance import SIGN_IN, Entrance
from efterhand.web.door.navigation import CHANNELS, navigation
from efterhand.web.door.reading import PATIENCE, Caller, Reply, Upstreams
from efterhand.web.door.words import LANGUAGES, Words, load_words
from efterhand.web.problem import not_found
from efterhand.web.rights import Principal, Right
from efterhand.web.sessions import CSRF_FIELD, csrf_token, is_own, session_of
from efterhand.web.tokens import InvalidToken, Tokens

LANGUAGE_COOKIE: Final = "efterhand_language"
"""Address of the page where staff set how they hear of notices."""

_HERE: Final = Path(__file__).parent
_A_YEAR: Final = 365 * 24 * 3600
_MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "vary": "cookie",
}
_ONLY_ONCE: Final = frozenset({"lang", "saved", "act", "key", "next", "select", "done"})
"""What an address says of something that has just been done, or of the language: not kept in links."""


@dataclass(frozen=True)
class Holder:
    """Whoever asks, and the token that the services are asked with."""

    token: str
    principal: Principal


class House:
    """One installation's pages: templates, words, files, and the way to the services."""

    def __init__(self, tokens: Tokens, catalogue: Catalogue, upstreams: Upstreams) -> None:
        """`tokens` verifies sessions and tokens; `catalogue` names things; `upstreams` are the three services."""
        self.catalogue = catalogue
        self._tokens = tokens
        self._upstreams = upstreams
        self._words = load_words()
        self._assets = {path.name: path.read_bytes() for path in sorted((_HERE / "static").iterdir())}
        versions = {name: hashlib.sha256(content).hexdigest()[:12] for name, content in self._assets.items()}
        self._templates = {language: _environment(each, versions) for language, each in self._words.items()}
        self.entrance: Entrance | None = None
        """How people get in and out; None: by the one-time link and by tokens only."""

    def caller(self, holder: Holder, patience: float = PATIENCE) -> Caller:
        """Return what asks the services for a holder, and waits so many seconds for an answer."""
        return self._upstreams.caller(holder.token, patience)

    # --- who asks, in which language ---

    def reader(self, request: Request) -> Holder | None:
        """Return who asks for a page, or None."""
        session = session_of(request, self._tokens)
        return Holder(*session) if session else self._bearer(request)

    def writer(self, request: Request, form: FormData) -> Holder | None:
        """Return who may change something: a token's holder, or a session whose own page the form is from."""
        holder = self._bearer(request)
        if holder is not None:
            return holder
        session = session_of(request, self._tokens)
        if session is None or not is_own(self._tokens, session[0], field(form, CSRF_FIELD)):
            return None
        return Holder(*session)

    def admit(self, request: Request, *rights: Right) -> Holder | Response:
        """Return who asks for a page, with one of these rights; else the page that says what is in the way."""
        holder = self.reader(request)
        if holder is None:
            return self.log_in(request)
        return holder if any(holder.principal.may(right) for right in rights) else self.not_yours(request)

    async def posted(self, request: Request, right: Right, fields: int = 10) -> tuple[FormData, Holder | None]:
        """Return a form of at most so many fields, and who posted it; None: nobody, or somebody without the right."""
        form = await request.form(max_files=0, max_fields=fields)
        holder = self.writer(request, form)
        return form, holder if holder is not None and holder.principal.may(right) else None

    def has_session(self, request: Request) -> bool:
        """Tell whether the request comes with a valid session."""
        return session_of(request, self._tokens) is not None

    def words(self, request: Request) -> Words:
        """Return the reader's language."""
        return self._words[self._language(request)]

    def _bearer(self, request: Request) -> Holder | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            return Holder(token.strip(), self._tokens.verify(token.strip()))
        except InvalidToken:
            return None

    @staticmethod
    def _language(request: Request) -> str:
        asked = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
        return asked if asked in LANGUAGES else LANGUAGES[0]

    # --- answers ---

    def page(
        self,
        request: Request,
        template: str,
        context: Mapping[str, Any],
        status: int = 200,
        holder: Holder | None = None,
    ) -> Response:
        """Return a page; one with forms is for a holder. What `context` says holds before what all pages have."""
        environment = self._templates[self._language(request)]
        top = next((unit for unit in self.catalogue.units.units.values() if self._is_top(unit.id)), None)
        shown = {
            "who": None if self.entrance is None else self.entrance.who(request),
            "navigation": self._navigation(request),
            "place": top.name if top else None,
            "language_link": lambda code: _language_link(request, code),
            **({} if holder is None else {CSRF_FIELD: csrf_token(self._tokens, holder.token)}),
        }
        html = environment.get_template(template).render({**shown, **context})
        response = HTMLResponse(html, status, _HEADERS)
        if request.query_params.get("lang") in LANGUAGES:
            language = self._language(request)
            response.set_cookie(LANGUAGE_COOKIE, language, max_age=_A_YEAR, httponly=True, samesite="lax", path="/")
        return response

    def _navigation(self, request: Request) -> list[dict[str, Any]]:
        reader = self.reader(request)
        return [] if reader is None else navigation(self.words(request), reader.principal, request.url.path)

    def go_to(self, address: str) -> Response:
        """Send the browser on after something has been saved."""
        return RedirectResponse(address, 303, _HEADERS)

    def log_in(self, request: Request) -> Response:
        """Say how to get in."""
        ways = {"sign_in": False, "choose_user": False} if self.entrance is None else self.entrance.ways()
        response = self.page(request, "no_right.html", ways, 401)
        response.headers["www-authenticate"] = "Bearer"
        return response

    def refused(self, request: Request, heading: str, sentence: str, status: int = 403) -> Response:
        """Say in place of a page why there is none."""
        return self.page(request, "refused.html", {"heading": heading, "sentence": sentence}, status)

    def not_yours(self, request: Request) -> Response:
        """Say that the holder has no right to the page."""
        text = self.words(request).text
        return self.refused(
            request, text("Du har inte rätt att se sidan"), text("Be den som delar ut behörighet om hjälp.")
        )

    def may_not_change(self, request: Request) -> Response:
        """Say why a form is not taken: there is no session, or it is not from this session's own page."""
        text = self.words(request).text
        if not self.has_session(request):
            return self.log_in(request)
        return self.refused(
            request,
            text("Formuläret gäller inte längre"),
            text("Öppna sidan på nytt och försök igen. Inget är sparat."),
        )

    async def asset(self, name: str) -> Response:
        """Give one of the files that pages link to; its address changes with its content."""
        if name not in self._assets:
            raise not_found("There is no such file.")
        headers = {**_HEADERS, "cache-control": f"public, max-age={_A_YEAR}, immutable"}
        return Response(self._assets[name], 200, headers, _MEDIA_TYPES[Path(name).suffix])

    def _is_top(self, unit: str) -> bool:
        return all(edge.child != unit for edge in self.catalogue.units.edges)


def field(form: FormData, name: str) -> str:
    """Return what a form's field holds, without spaces around it; nothing where it is missing."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def reason(reply: Reply) -> str:
    """Return the sentence that a service gives for what it does not take: intake's on the event, else a problem's."""
    body = reply.body or {}
    for said in (*body.get("results", ()), body):
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
    environment.globals.update(language=words.language, assets=versions, number=words.number, day=words.day)
    return environment


def _language_link(request: Request, code: str) -> str:
    """Return this page's address in another language; after a form, that of the page that the form was on.

    Of a sign-in, and of what came of a form outside of the worklist, the first page's: what is in such an address holds
    only once.
    """
    is_form, path = request.method == "POST", request.url.path
    kept = [] if is_form else [(k, v) for k, v in request.query_params.multi_items() if k not in _ONLY_ONCE]
    if is_form and path.startswith(CHANNELS):
        path = CHANNELS
    elif is_form and path.startswith("/uppfoljningar/"):
        path = path.rsplit("/", 1)[0]
    elif is_form or path.startswith(SIGN_IN):
        path, kept = "/", []
    return f"{path}?{urlencode([*kept, ('lang', code)])}"
