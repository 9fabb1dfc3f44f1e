"""A browser before the door, and what is read in its pages."""

import asyncio
import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from efterhand.catalogue import Catalogue
from efterhand.web.app import create_app
from efterhand.web.door import create_door
from efterhand.web.sessions import COOKIE, SessionMiddleware
from tests.services.door_upstreams import CATALOGUE, Services, door_settings, door_tokens


class Browser:
    """Asks the app as a browser would, keeps its cookies, and does not follow redirects."""

    def __init__(self, app: FastAPI, cookies: dict[str, str]) -> None:
        self.cookies = httpx.Cookies(cookies)
        self._app = app

    def get(self, address: str, **request: Any) -> httpx.Response:
        return asyncio.run(self._ask("GET", address, **request))

    def post(self, address: str, **request: Any) -> httpx.Response:
        return asyncio.run(self._ask("POST", address, **request))

    async def _ask(self, method: str, address: str, **request: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://door.test", cookies=self.cookies) as client:
            response = await client.request(method, address, **request)
            self.cookies = client.cookies
            return response


Open = Callable[..., Browser]


@pytest.fixture
def services() -> Services:
    return Services()


@pytest.fixture
def open_door(services: Services) -> Open:
    """A browser before the door; with a role it holds a session."""

    def open_it(
        role: str | None = "administrator", catalogue: Catalogue = CATALOGUE, cookies: dict[str, str] | None = None
    ) -> Browser:
        tokens = door_tokens()
        app = create_app("intake", tokens)
        app.include_router(create_door(door_settings(), tokens, catalogue=catalogue, transport=services.transport()))
        app.add_middleware(SessionMiddleware, tokens=tokens)
        return Browser(app, cookies or ({} if role is None else {COOKIE: tokens.issue(role)}))

    return open_it


def text_of(page: httpx.Response) -> str:
    """What a reader sees, on one line."""
    body = page.text.split("<body")[1].partition(">")[2]
    return re.sub(r"[ \n]+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def form_of(page: httpx.Response, action: str) -> dict[str, str]:
    """The hidden fields of the form that is sent to an address."""
    form = re.search(rf'<form[^>]* action="{re.escape(action)}".*?</form>', page.text, re.DOTALL)
    assert form is not None, action
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form[0])
    return {name: unescape(value) for name, value in hidden}


class Outline(HTMLParser):
    """Headings, landmarks, labels and tables of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))

    def count(self, name: str) -> int:
        return sum(tag == name for tag, _ in self.tags)
