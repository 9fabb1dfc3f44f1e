"""The first page: what it shows to whom, in which language, and when a service is missing."""

import re
from dataclasses import replace
from html import unescape

import pytest

from efterhand.catalogue import Unit, UnitTree
from efterhand.web.sessions import COOKIE
from tests.services.door_browser import Open, Outline, open_door, services, text_of
from tests.services.door_upstreams import CATALOGUE, Services, door_tokens

__all__ = ["open_door", "services"]

NBSP = "\N{NO-BREAK SPACE}"


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
        ("case_worker", ["Att följa upp", "Systemets läge"], ["Öppna tabellen"]),
        ("analyst", ["Öppna tabellen", "Systemets läge"], ["Att följa upp"]),
        ("operator", ["Systemets läge"], ["Öppna tabellen", "Att följa upp"]),
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


# --- what is due ---


def test_what_is_due_is_counted_by_unit_with_a_total(open_door: Open) -> None:
    page = text_of(open_door().get("/"))
    assert "Jobbtorg Kista 21 2 12" in page
    assert "Jobbtorg Farsta 0 3 1" in page
    assert "Alla enheter 35 11 24" in page


def test_every_count_leads_to_the_part_of_the_list_that_it_counts(open_door: Open) -> None:
    page = open_door().get("/")
    assert 'href="/uppfoljningar?group=overdue&amp;unit=jobbtorg-kista" class="open">21</a>' in page.text
    assert 'href="/uppfoljningar?unit=jobbtorg-kista" lang="sv">Jobbtorg Kista</a>' in page.text
    assert 'href="/uppfoljningar?group=waiting">24</a>' in page.text


def test_a_unit_with_nothing_due_is_left_out(open_door: Open, services: Services) -> None:
    services.due_items = [{"unit": "jobbtorg-city", "overdue": 0, "todo": 0, "waiting": 0}]
    page = text_of(open_door().get("/"))
    assert "Inget är förfallet och inget ska göras den närmaste tiden." in page


# --- the way to the figures ---


def test_the_first_page_leads_to_the_figures_and_asks_for_none(open_door: Open, services: Services) -> None:
    page = open_door().get("/")
    assert '<a class="button" href="/nyckeltal">Öppna tabellen</a>' in page.text
    assert [url for url in services.asked if "/figures" in url.path] == []


@pytest.mark.parametrize(
    ("role", "parts"),
    [
        (
            "administrator",
            ["Översikt", "Uppföljningar", "Enheter", "Registret", "Nyckeltal", "Datakvalitet", "Aviseringar"],
        ),
        ("case_worker", ["Översikt", "Uppföljningar", "Datakvalitet", "Aviseringar"]),
        ("manager", ["Översikt", "Uppföljningar", "Enheter", "Nyckeltal", "Datakvalitet", "Aviseringar"]),
        ("register_owner", ["Översikt", "Uppföljningar", "Registret", "Datakvalitet", "Aviseringar"]),
        ("analyst", ["Översikt", "Nyckeltal"]),
        ("operator", ["Översikt"]),
    ],
)
def test_the_head_of_a_page_leads_to_what_the_reader_may_open(open_door: Open, role: str, parts: list[str]) -> None:
    head = re.search(r'<nav class="house".*?</nav>', open_door(role).get("/").text, re.DOTALL)
    assert head is not None
    assert re.findall(r"<a[^>]*>([^<]*)</a>", head[0]) == parts
    assert '<a href="/" aria-current="page">' in head[0]


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
    [("followup", "Öppna tabellen"), ("indicators", "Jobbtorg Kista"), ("intake", "Jobbtorg Kista")],
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
    page = open_door().get("/uppfoljningar?group=done&group=todo&unit=jobbtorg-kista&saved=1&act=undo")
    assert 'href="/uppfoljningar?group=done&amp;group=todo&amp;unit=jobbtorg-kista&amp;lang=en"' in page.text


def test_numbers_and_days_are_written_as_in_english(open_door: Open) -> None:
    page = text_of(open_door().get("/?lang=en"))
    assert "Sunday 31 December 2017" in page
    assert "39,897 events" in page


def test_what_a_unit_is_called_is_never_markup(open_door: Open, services: Services) -> None:
    evil = '<script>alert("x")</script>'
    tree = UnitTree({**CATALOGUE.units.units, "evil": Unit("evil", evil)}, CATALOGUE.units.edges)
    services.due_items = [{"unit": "evil", "overdue": 1, "todo": 0, "waiting": 1}]
    page = open_door(catalogue=replace(CATALOGUE, units=tree)).get("/")
    assert "<script" not in page.text
    assert evil in unescape(page.text)


def test_what_is_in_the_address_is_never_markup(open_door: Open) -> None:
    page = open_door().get('/?unit="><script>x</script>&lang=<i>')
    assert page.status_code == 200
    assert "<script" not in page.text


@pytest.mark.parametrize("language", ["sv", "en"])
def test_headings_are_in_order_and_every_table_has_a_caption(open_door: Open, language: str) -> None:
    outline = Outline(open_door().get(f"/?lang={language}").text)
    assert outline.levels[0] == 1
    assert outline.levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(outline.levels, outline.levels[1:], strict=False))
    assert outline.count("caption") == outline.count("table") == 2
    assert (outline.count("main"), outline.count("header"), outline.count("footer")) == (1, 1, 1)


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
