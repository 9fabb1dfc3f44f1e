"""The first page: what it shows to whom, in which language, when a service is missing, and an answer given in it."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from efterhand.catalogue import Catalogue, Unit, UnitTree
from efterhand.web.app import create_app
from efterhand.web.door import create_door
from efterhand.web.sessions import COOKIE, SessionMiddleware
from tests.services.door_upstreams import (
    CATALOGUE,
    TODAY,
    Services,
    a_check,
    a_figure,
    by_sex,
    door_settings,
    door_tokens,
)

NBSP = "\N{NO-BREAK SPACE}"


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
    body = page.text.split("<body>")[1]
    return re.sub(r"[ \n]+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def first_form(page: httpx.Response) -> tuple[str, dict[str, str]]:
    """The address and the hidden fields of the first form."""
    form = re.search(r'<form method="post" action="([^"]+)".*?</form>', page.text, re.DOTALL)
    assert form is not None
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form[0])
    return form[1], {name: unescape(value) for name, value in hidden}


def answer(browser: Browser, **changes: str) -> httpx.Response:
    address, hidden = first_form(browser.get("/"))
    return browser.post(address, data={**hidden, "answer": "work", "on": "2017-12-28", **changes})


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


# --- who may see what ---


def test_without_a_session_or_a_token_the_page_says_how_to_get_in(open_door: Open) -> None:
    page = open_door(None).get("/")
    assert page.status_code == 401
    assert "öppna engångslänken" in text_of(page)
    assert "c-2017" not in page.text


def test_a_session_that_is_no_token_of_ours_is_no_session(open_door: Open) -> None:
    assert open_door(None, cookies={COOKIE: "eh1.e30.AAAA"}).get("/").status_code == 401


def test_a_bearer_token_opens_the_page(open_door: Open) -> None:
    page = open_door(None).get("/", headers={"authorization": f"Bearer {door_tokens().issue('manager')}"})
    assert page.status_code == 200


def test_the_services_are_asked_with_the_readers_own_token(open_door: Open, services: Services) -> None:
    browser = open_door("case_worker")
    browser.get("/")
    assert services.tokens_sent == {f"Bearer {browser.cookies[COOKIE]}"}


@pytest.mark.parametrize(
    ("role", "shown", "hidden"),
    [
        ("case_worker", ["Att följa upp", "Svara på uppföljningar", "Systemets läge"], ["Årets nyckeltal"]),
        ("analyst", ["Årets nyckeltal", "Systemets läge"], ["Att följa upp", "Svara på uppföljningar"]),
        ("operator", ["Systemets läge"], ["Årets nyckeltal", "Att följa upp"]),
    ],
)
def test_each_role_sees_its_own_parts(open_door: Open, role: str, shown: list[str], hidden: list[str]) -> None:
    page = text_of(open_door(role).get("/"))
    assert [each for each in shown if each not in page] == []
    assert [each for each in hidden if each in page] == []


def test_a_token_without_any_right_to_the_page_is_told_so(open_door: Open, services: Services) -> None:
    page = open_door("enter").get("/")
    assert page.status_code == 403
    assert "Du har inte rätt att se sidan" in text_of(page)
    assert services.asked == []


def test_nobody_is_shown_by_a_pseudonym_and_no_address_holds_one(open_door: Open, services: Services) -> None:
    page = open_door().get("/")
    assert [check["case"] for check in services.checks[:20] if check["case"] not in page.text] == []
    assert re.search(r"\bp-[0-9a-f]{4,}", page.text) is None


def test_a_protected_persons_check_is_marked_in_words(open_door: Open, services: Services) -> None:
    services.checks = [a_check(1, protected=True)]
    assert "Skyddade uppgifter" in text_of(open_door().get("/"))


# --- what is due ---


def test_what_is_due_is_counted_by_unit_with_a_total(open_door: Open) -> None:
    page = text_of(open_door().get("/"))
    assert "Jobbtorg Kista 21 2 12" in page
    assert "Alla enheter 35 11 24" in page
    assert "till och med 31 december 2017" in page


def test_a_unit_with_nothing_due_is_left_out(open_door: Open, services: Services) -> None:
    services.due_items = [{"unit": "jobbtorg-city", "overdue": 0, "this_week": 0, "answerable": 0}]
    page = text_of(open_door().get("/"))
    assert "Inget är förfallet och inget ska göras den här veckan." in page


def test_a_units_name_leads_to_its_part_of_the_list(open_door: Open, services: Services) -> None:
    browser = open_door()
    assert 'href="/?unit=jobbtorg-kista#work"' in browser.get("/").text
    page = browser.get("/?unit=jobbtorg-kista")
    listed = [check["case"] for check in services.checks if check["case"] in page.text]
    assert listed == [check["case"] for check in services.checks if check["unit"] == "jobbtorg-kista"]


def test_the_list_comes_in_pages_of_twenty(open_door: Open) -> None:
    browser = open_door()
    first = browser.get("/")
    assert first.text.count("<h3") == 20
    following = re.search(r'href="([^"]+)">Nästa 20<', first.text)
    assert following is not None
    second = browser.get(unescape(following[1]).removesuffix("#work"))
    assert second.text.count("<h3") == 3
    assert "Till listans början" in second.text


def test_the_list_can_be_narrowed_to_the_overdue(open_door: Open, services: Services) -> None:
    services.checks = [a_check(1), a_check(2, state="upcoming", due="2018-01-09")]
    browser = open_door()
    assert browser.get("/").text.count("<h3") == 2
    overdue = text_of(browser.get("/?view=overdue"))
    assert "Ärende c-2017-00001" in overdue
    assert "Ärende c-2017-00002" not in overdue
    assert "Att göra Ska göras 9 januari 2018" in text_of(browser.get("/?view=todo"))


def test_a_filter_that_hides_everything_can_be_cleared(open_door: Open) -> None:
    page = open_door().get("/?unit=jobbtorg-city")
    assert "Rensa filter" in page.text


# --- the figures ---


def test_the_figures_are_shown_by_sex_with_target_judgement_and_coverage(open_door: Open) -> None:
    page = text_of(open_door().get("/")).replace(NBSP, " ")
    assert "79,75 % 1 292 av 1 620 78,74 % 600 av 762 80,57 % 684 av 849 78 % uppfylls helt alla räknas" in page
    assert "84 % uppfylls delvis 87,0 %" in page
    assert "100 % uppfylls ej" in page
    assert "3 412 1 598 1 799 inget mål bedöms inte alla räknas" in page
    assert "Från 1 januari 2017 till 31 december 2017" in page


def test_a_preliminary_figure_says_so_and_how_far_its_source_is_known(open_door: Open) -> None:
    page = text_of(open_door().get("/"))
    assert page.count("Preliminärt: känt till och med 30 november 2017") == 1


def test_a_value_with_too_little_coverage_is_not_shown_and_the_reason_is(open_door: Open) -> None:
    page = text_of(open_door().get("/")).replace(NBSP, " ")
    assert "kan inte fastställas täckning 50,0 %, minst 80 % krävs" in page


def test_a_figure_that_rests_on_what_was_disposed_of_says_so_in_every_cell(open_door: Open, services: Services) -> None:
    gone = a_figure(None, None, None, status="not_available", target="84")
    services.figures = {**services.figures, "self_sufficient_6m": [gone]}
    page = text_of(open_door().get("/"))
    assert page.count("kan inte tas fram: gallrat") == 3
    assert page.count("Gallrat betyder att uppgifter om personer har gallrats") == 1


def test_a_cell_in_which_nothing_counts_is_two_dots_with_a_note(open_door: Open) -> None:
    page = text_of(open_door().get("/"))
    assert ".. betyder att inget räknas i rutan" in page


def test_a_covered_figure_of_nobody_has_no_coverage(open_door: Open, services: Services) -> None:
    nobody = a_figure(None, 0, 0, expected=0, status="no_data")
    services.figures = {**services.figures, "self_sufficient_6m": by_sex(nobody, nobody, nobody)}
    assert open_door().get("/").status_code == 200


def test_the_figures_are_asked_for_at_the_business_date(open_door: Open, services: Services) -> None:
    open_door().get("/")
    asked = [url for url in services.asked if "/figures/" in url.path]
    assert {url.params["at"] for url in asked} == {TODAY.isoformat()}
    assert len(asked) == len(CATALOGUE.indicators)


# --- the state of the system ---


def test_the_page_says_how_far_the_data_reaches(open_door: Open) -> None:
    page = text_of(open_door().get("/"))
    assert "Verksamhetsdatum söndag 31 december 2017" in page
    assert "Ekonomiskt bistånd till och med 30 november 2017" in page
    assert "Svar till och med löpande" in page


def test_level_services_with_the_same_events_are_said_to_be_so(open_door: Open) -> None:
    assert f"Alla tre tjänster har samma 39{NBSP}897 händelser." in text_of(open_door().get("/"))


def test_a_service_that_is_behind_is_catching_up(open_door: Open, services: Services) -> None:
    services.statuses = {"indicators": {"lag": 1200, "digest": {"count": 1, "sum": "0"}}}
    page = text_of(open_door().get("/"))
    assert f"indicators kommer ikapp 31 december 2017 1{NBSP}200" in page
    assert "Tjänsterna har inte samma händelser än." in page


def test_a_lag_that_cannot_be_measured_means_that_kafka_is_away(open_door: Open, services: Services) -> None:
    services.statuses = {"followup": {"lag": None}}
    assert "followup når inte Kafka 31 december 2017 .. 0 0 0" in text_of(open_door().get("/"))


@pytest.mark.parametrize(
    ("missing", "kept"),
    [("followup", "79,75"), ("indicators", "Ärende c-2017-00001"), ("intake", "Ärende c-2017-00001")],
)
def test_a_missing_service_is_named_and_the_rest_of_the_page_still_answers(
    open_door: Open, services: Services, missing: str, kept: str
) -> None:
    services.down = {missing}
    page = open_door().get("/")
    assert page.status_code == 200
    assert f"En del saknas. Svarar inte just nu: {missing}." in text_of(page)
    assert f"{missing} svarar inte" in text_of(page)
    assert kept in page.text


def test_what_a_changed_catalogue_asks_for_says_how_far_it_is(open_door: Open, services: Services) -> None:
    services.computing = {"done": 1, "of": 4}
    page = open_door().get("/")
    assert page.status_code == 200
    assert "En ändring i katalogen räknas in: 25 procent är klart." in text_of(page)
    assert "Visas när allt är omräknat efter en ändring i katalogen." in text_of(page)
    assert "svarar inte" not in text_of(page)
    assert "A change in the catalogue is being computed: 25 per cent is done." in text_of(open_door().get("/?lang=en"))


def test_with_every_service_missing_there_is_still_a_page(open_door: Open, services: Services) -> None:
    services.down = {"intake", "followup", "indicators"}
    page = text_of(open_door().get("/"))
    assert "Svarar inte just nu: intake, followup, indicators." in page
    assert "Kan inte visas: tjänsten followup svarar inte just nu." in page


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_part_is_there_whatever_is_missing_in_both_languages(
    open_door: Open, services: Services, language: str
) -> None:
    for down in ({"followup"}, {"indicators"}, {"intake"}, {"followup", "indicators"}):
        services.down = down
        assert open_door().get(f"/?lang={language}").status_code == 200


# --- an answer ---


def test_an_answer_is_passed_on_to_followup_and_the_list_comes_back_with_a_message(
    open_door: Open, services: Services
) -> None:
    browser = open_door("case_worker")
    saved = answer(browser)
    assert saved.status_code == 303
    expected = {"on": "2017-12-28", "response": "answered", "occupation": "work"}
    assert services.answers == [(services.checks[0]["id"], expected)]
    assert "Sparat, behandlas." in text_of(browser.get(saved.headers["location"]))


def test_somebody_who_would_rather_not_answer_is_noted_without_an_occupation(
    open_door: Open, services: Services
) -> None:
    answer(open_door(), answer="declined")
    assert services.answers[0][1] == {"on": "2017-12-28", "response": "declined"}


def test_a_day_may_be_written_without_hyphens(open_door: Open, services: Services) -> None:
    answer(open_door(), on=" 20171228 ")
    assert services.answers[0][1]["on"] == "2017-12-28"


def test_after_an_answer_the_same_part_of_the_list_is_shown(open_door: Open) -> None:
    browser = open_door()
    address, hidden = first_form(browser.get("/?unit=jobbtorg-kista&view=overdue"))
    saved = browser.post(address, data={**hidden, "answer": "work", "on": "2017-12-28"})
    assert saved.headers["location"] == "/?view=overdue&unit=jobbtorg-kista&saved=1"


def test_the_way_back_never_leads_to_another_site(open_door: Open) -> None:
    saved = answer(open_door(), back="https://elsewhere.example/?unit=x")
    assert saved.headers["location"] == "/?saved=1"


@pytest.mark.parametrize("given", ["", "0" * 64, "wröng"])
def test_a_form_without_the_right_csrf_token_is_refused(open_door: Open, services: Services, given: str) -> None:
    refused = answer(open_door(), csrf=given)
    assert refused.status_code == 403
    assert "Inget är sparat" in text_of(refused)
    assert services.answers == []


def test_another_sessions_csrf_token_is_refused(open_door: Open, services: Services) -> None:
    _, others = first_form(open_door().get("/"))
    assert answer(open_door(), csrf=others["csrf"]).status_code == 403
    assert services.answers == []


def test_an_answer_without_a_session_is_not_taken(open_door: Open, services: Services) -> None:
    address, hidden = first_form(open_door().get("/"))
    assert open_door(None).post(address, data={**hidden, "answer": "work", "on": "2017-12-28"}).status_code == 401
    assert services.answers == []


def test_a_role_that_may_not_answer_is_refused(open_door: Open, services: Services) -> None:
    address, hidden = first_form(open_door().get("/"))
    browser = open_door(None)
    refused = browser.post(
        address,
        data={**hidden, "answer": "work", "on": "2017-12-28"},
        headers={"authorization": f"Bearer {door_tokens().issue('analyst')}"},
    )
    assert refused.status_code == 403
    assert services.answers == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"answer": ""}, "Välj vad som gäller"),
        ({"answer": "retired"}, "Välj vad som gäller"),
        ({"on": "28/12"}, "Skriv dagen då svaret gavs"),
        ({"on": "2017-W52-4"}, "Skriv dagen då svaret gavs"),
        ({"on": "2017-02-29"}, "Skriv dagen då svaret gavs"),
        ({"on": ""}, "Skriv dagen då svaret gavs"),
        ({"on": "2018-01-01"}, "kan inte ligga framåt i tiden"),
        ({"on": "2016-01-01"}, "kan inte ligga före 27 juni 2017"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said_at_the_top_and_at_the_field(
    open_door: Open, services: Services, changes: dict[str, str], said: str
) -> None:
    page = answer(open_door(), **changes)
    assert page.status_code == 422
    assert services.answers == []
    assert text_of(page).count(said) == 2
    field = next(iter(changes))
    link = re.search(rf'<a href="#({field}-[0-9a-f]+)">', page.text)
    assert link is not None
    assert f'id="{link[1]}"' in page.text
    assert page.text.count("<details open") == 1
    assert page.text.split("<title>")[1].startswith("Fel: ")


def test_what_had_been_filled_in_is_kept(open_door: Open) -> None:
    page = answer(open_door(), answer="studies", on="i går")
    assert '<option value="studies" selected>' in page.text
    assert 'value="i går"' in page.text


def test_a_check_that_is_no_longer_there_is_said_to_be_gone(open_door: Open, services: Services) -> None:
    browser = open_door()
    address, hidden = first_form(browser.get("/"))
    services.checks.clear()
    page = browser.post(address, data={**hidden, "answer": "work", "on": "2017-12-28"})
    assert page.status_code == 422
    assert "Uppföljningen finns inte längre." in text_of(page)


def test_an_answer_that_followup_cannot_take_now_is_not_said_to_be_saved(open_door: Open, services: Services) -> None:
    services.answer_reply = (503, {"code": "not_available"})
    page = answer(open_door())
    assert page.status_code == 422
    assert "Svaret kunde inte sparas just nu." in text_of(page)


def test_an_answer_that_is_refused_is_shown_with_the_reason(open_door: Open, services: Services) -> None:
    result = {"outcome": "refused", "codes": ["on_in_future"], "message": "The day is later than tomorrow."}
    services.answer_reply = (422, {"results": [result]})
    assert "Svaret togs inte emot: The day is later than tomorrow." in text_of(answer(open_door()))


def test_an_answer_while_followup_is_down_is_an_error_on_a_page_that_still_answers(
    open_door: Open, services: Services
) -> None:
    browser = open_door()
    address, hidden = first_form(browser.get("/"))
    services.down = {"followup"}
    page = browser.post(address, data={**hidden, "answer": "work", "on": "2017-12-28"})
    assert page.status_code == 422
    assert "Tjänsten followup svarar inte just nu." in text_of(page)


def test_a_form_that_is_no_form_is_refused(open_door: Open) -> None:
    assert open_door().post("/uppfoljningar/x/svar", content=b"\xff\x00").status_code == 403


# --- language, markup, headers ---


def test_the_page_is_in_swedish_until_english_is_chosen_and_then_stays_so(open_door: Open) -> None:
    browser = open_door()
    assert '<html lang="sv">' in browser.get("/").text
    assert '<html lang="en">' in browser.get("/?lang=en").text
    assert '<html lang="en">' in browser.get("/").text
    assert '<html lang="sv">' in browser.get("/?lang=sv").text


def test_an_unknown_language_is_swedish(open_door: Open) -> None:
    assert '<html lang="sv">' in open_door().get("/?lang=../etc").text


def test_the_other_language_keeps_what_was_chosen(open_door: Open) -> None:
    page = open_door().get("/?unit=jobbtorg-kista&saved=1")
    assert 'href="/?unit=jobbtorg-kista&amp;lang=en"' in page.text


def test_numbers_and_days_are_written_as_in_english(open_door: Open) -> None:
    page = text_of(open_door().get("/?lang=en"))
    assert "79.75% 1,292 of 1,620" in page
    assert "fully met" in page
    assert "Sunday 31 December 2017" in page
    assert "Closed within twelve months of enrolment" in page


def test_what_a_unit_is_called_is_never_markup(open_door: Open, services: Services) -> None:
    evil = '<script>alert("x")</script>'
    tree = UnitTree({**CATALOGUE.units.units, "evil": Unit("evil", evil)}, CATALOGUE.units.edges)
    services.due_items = [{"unit": "evil", "overdue": 1, "this_week": 0, "answerable": 1}]
    services.checks = [a_check(1, unit="evil", case='"><b>c', id='occupation_6m:p-1:"><b>c')]
    catalogue = replace(CATALOGUE, units=tree)
    page = open_door(catalogue=catalogue).get("/?unit=evil")
    assert "<script" not in page.text
    assert "<b>" not in page.text
    assert evil in unescape(page.text)


def test_what_is_in_the_address_is_never_markup(open_door: Open) -> None:
    page = open_door().get('/?unit="><script>x</script>&view="><b>&cursor=0&lang=<i>')
    assert page.status_code == 200
    assert "<script" not in page.text


@pytest.mark.parametrize("language", ["sv", "en"])
def test_headings_are_in_order_and_every_table_has_a_caption(open_door: Open, language: str) -> None:
    outline = Outline(open_door().get(f"/?lang={language}").text)
    assert outline.levels[0] == 1
    assert outline.levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(outline.levels, outline.levels[1:], strict=False))
    assert outline.count("caption") == outline.count("table") == 3
    assert (outline.count("main"), outline.count("header"), outline.count("footer")) == (1, 1, 1)


def test_every_field_has_a_label_and_no_id_occurs_twice(open_door: Open) -> None:
    outline = Outline(open_door().get("/").text)
    ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
    fields = {
        attrs["id"] for tag, attrs in outline.tags if tag in {"select", "input"} and attrs.get("type") != "hidden"
    }
    assert len(ids) == len(set(ids))
    assert fields == {attrs["for"] for tag, attrs in outline.tags if tag == "label"}


def test_the_pages_have_no_script_and_take_nothing_from_elsewhere(open_door: Open) -> None:
    page = open_door().get("/")
    assert "<script" not in page.text
    assert re.findall(r'(?:src|href|action)="(?![/#])', page.text) == []
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


def test_what_the_pages_link_to_is_there(open_door: Open) -> None:
    browser = open_door()
    links = re.findall(r'<link [^>]*href="([^"]+)"', browser.get("/").text)
    assert len(links) == 2
    assert [browser.get(link).status_code for link in links] == [200, 200]
    assert browser.get("/static/nothing.css").status_code == 404
    assert browser.get("/static/..%2f__init__.py").status_code == 404
