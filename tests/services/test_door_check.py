"""The page of a check: what is asked and why, an answer, an attempt, a postponement, taking back, the case's story."""

import re
from typing import Any

import httpx
import pytest

from tests.services.door_browser import Browser, Open, Outline, form_of, open_door, services, text_of
from tests.services.door_upstreams import Services, a_check, an_act, door_tokens, town_of_work

__all__ = ["open_door", "services"]

SAVED = {
    "svar": {"answer": "work", "on": "2017-12-28", "same_field": ""},
    "forsok": {"how": "phone", "tried_on": "2017-12-28"},
    "skjut-upp": {"until": "2018-01-14"},
}


def address(services: Services, number: int = 0, path: str = "") -> str:
    return f"/uppfoljningar/{services.checks[number]['ref']}{path}"


def send(browser: Browser, services: Services, kind: str, query: str = "", **changes: str) -> httpx.Response:
    action = address(services, path=f"/{kind}")
    hidden = form_of(browser.get(address(services) + query), action)
    return browser.post(action, data={**hidden, **SAVED[kind], **changes})


# --- what is shown ---


def test_the_page_says_what_is_asked_for_which_case_why_and_until_when(open_door: Open, services: Services) -> None:
    services.checks = [a_check(1, protected=True, worker="eva01")]
    page = text_of(open_door().get(address(services)))
    assert "Fråga om sysselsättning sex månader efter avslut Förfallen Ärende c-2017-00001 Skyddade uppgifter" in page
    assert "Skulle ha gjorts onsdag 27 december 2017 4 dagar sedan" in page
    assert "Går att göra till och med 25 februari 2018" in page
    assert "Enhet Jobbtorg unga Globen Handläggare eva01" in page
    assert "Visas för att ärendet avslutades 27 juni 2017. Regel: Sysselsättning sex månader efter avslut." in page


def test_the_story_tells_what_happened_what_is_expected_and_what_was_told_to_whom(
    open_door: Open, services: Services
) -> None:
    services.others = town_of_work().others
    page = text_of(open_door().get(address(services)))
    for said in (
        "20 dec. 2017 Försökt nå: sms. Sysselsättning sex månader efter avslut.",
        "juli 2017 Registret: inget ekonomiskt bistånd i juli 2017",
        "28 juni 2017 Flyttad till Jobbtorg Kista Tveksam byte före inskrivningen, räknas inte",
        "27 juni 2017 Samtycke till kontakt",
        "26 juni 2017 Avslutad: Arbete Rättar en tidigare uppgift",
        "2 maj 2017 Avslutad: Studier Rättad av en senare uppgift",
        "15 juni 2017 Insats avslutades: Slutförd",
        "1 feb. 2017 Insats började: Praktik",
        "15 jan. 2017 Erbjudande: Jobb",
        "5 dec. 2016 Studie- och yrkesvägledning Återtagen 6 december 2016",
        "1 dec. 2016 Flyttad till Jobbtorg Farsta. Ny målgrupp: Målgrupp resurs",
        "10 nov. 2016 Handläggare: eva01",
        "8 nov. 2016 Jobbplan",
        "7 nov. 2016 Inskriven på Jobbtorg Kista",
        "26 jan. 2018 Invänta uppgift: ekonomiskt bistånd i den sjunde månaden efter avslut Planerad",
        "14 nov. 2016 Ordna jobbplan inom fem arbetsdagar Gjord",
        "5 feb. 2017 Ordna erbjudande inom 90 dagar Missad",
        "chefen för Jobbtorg Kista gäller än",
        "handläggaren (eva01) till och med 28 december 2017",
    ):
        assert said in page, said


def test_nobody_is_shown_by_a_pseudonym(open_door: Open, services: Services) -> None:
    assert re.search(r"\bp-[0-9a-f]{4,}", open_door().get(address(services)).text) is None


def test_the_way_back_leads_to_the_list_as_it_was(open_door: Open, services: Services) -> None:
    page = open_door().get(address(services, path="?group=overdue&unit=jobbtorg-kista"))
    assert 'href="/uppfoljningar?group=overdue&amp;unit=jobbtorg-kista">Till listan' in page.text


def test_a_check_that_is_no_longer_there_is_said_to_be_gone(open_door: Open) -> None:
    page = open_door().get("/uppfoljningar/0123456789abcdef01234567")
    assert page.status_code == 404
    assert "Uppföljningen finns inte längre" in text_of(page)


@pytest.mark.parametrize("state", ["down", "computing"])
def test_a_check_that_cannot_be_read_now_is_not_said_to_be_gone(
    open_door: Open, services: Services, state: str
) -> None:
    where = address(services)
    services.down = {"followup"} if state == "down" else set()
    services.computing = {"done": 1, "of": 4} if state == "computing" else None
    page = open_door().get(where)
    assert page.status_code == 503
    assert "Sidan kan inte visas just nu" in text_of(page)


@pytest.mark.parametrize(("role", "status"), [("analyst", 403), ("operator", 403), (None, 401)])
def test_who_may_not_see_checks_is_told_so(open_door: Open, services: Services, role: str | None, status: int) -> None:
    assert open_door(role).get(address(services)).status_code == status
    assert services.asked == []


@pytest.mark.parametrize(
    ("check", "shown", "hidden"),
    [
        (a_check(1), ["Vad gör personen nu?", "Notera försöket", "Skjut upp"], ["Inom samma område"]),
        (a_check(1, protocol="occupation_3m"), ["Inom samma område som insatsen?"], []),
        (a_check(1, protocol="offer_90d"), ["Notera försöket", "Om det får vänta"], ["Vad gör personen nu?"]),
        (a_check(1, state="answered", open=False, group="done"), ["Besvarad"], ["Spara", "Notera försöket"]),
        (a_check(1, acts=[an_act("answer")]), ["Sparat, behandlas", "Ångra"], ["Vad gör personen nu?"]),
    ],
)
def test_only_what_can_be_done_is_offered(
    open_door: Open, services: Services, check: dict[str, Any], shown: list[str], hidden: list[str]
) -> None:
    services.checks = [check]
    page = text_of(open_door().get(address(services)))
    assert [each for each in shown if each not in page] == []
    assert [each for each in hidden if each in page] == []


# --- an answer ---


def test_an_answer_is_passed_on_to_followup_with_the_key_of_the_form(open_door: Open, services: Services) -> None:
    browser = open_door("case_worker")
    saved = send(browser, services, "svar", then="stay")
    assert saved.status_code == 303
    check, kind, body = services.acts[0]
    assert (check, kind) == (services.checks[0]["id"], "answer")
    key = body.pop("key")
    assert re.fullmatch("[0-9a-f]{32}a", key)
    assert body == {"on": "2017-12-28", "response": "answered", "occupation": "work"}
    services.checks[0]["acts"] = [an_act("answer")]
    page = text_of(browser.get(saved.headers["location"]))
    assert "Sparat, behandlas. Det räknas in, oftast inom någon sekund." in page


def test_somebody_who_would_rather_not_answer_is_noted_without_an_occupation(
    open_door: Open, services: Services
) -> None:
    send(open_door(), services, "svar", answer="declined", same_field="yes")
    assert services.acts[0][2].keys() == {"key", "on", "response"}


@pytest.mark.parametrize(("given", "expected"), [("yes", True), ("no", False)])
def test_whether_it_is_in_the_field_of_the_measure_goes_along(
    open_door: Open, services: Services, given: str, expected: bool
) -> None:
    services.checks = [a_check(1, protocol="occupation_3m")]
    send(open_door(), services, "svar", same_field=given)
    assert services.acts[0][2]["same_field"] is expected


def test_a_day_may_be_written_without_hyphens(open_door: Open, services: Services) -> None:
    send(open_door(), services, "svar", on=" 20171228 ")
    assert services.acts[0][2]["on"] == "2017-12-28"


def test_save_and_next_shows_the_following_check_of_the_list(open_door: Open, services: Services) -> None:
    services.checks[1]["acts"] = [an_act("answer")]
    saved = send(open_door(), services, "svar", query="?group=overdue", then="next")
    # The second one is being saved itself.
    assert saved.headers["location"] == f"{address(services, 2)}?group=overdue&saved=answer"


def test_after_the_last_one_of_the_list_it_is_said_that_there_is_no_other(open_door: Open, services: Services) -> None:
    services.checks = [a_check(1)]
    browser = open_door()
    saved = send(browser, services, "svar", then="next")
    assert "Svaret är sparat. Det finns ingen fler i listan." in text_of(browser.get(saved.headers["location"]))


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        ("svar", {"answer": ""}, "Välj vad som gäller"),
        ("svar", {"answer": "retired"}, "Välj vad som gäller"),
        ("svar", {"on": "28/12"}, "Skriv dagen då svaret gavs"),
        ("svar", {"on": "2017-W52-4"}, "Skriv dagen då svaret gavs"),
        ("svar", {"on": "2017-02-29"}, "Skriv dagen då svaret gavs"),
        ("svar", {"on": ""}, "Skriv dagen då svaret gavs"),
        ("svar", {"on": "2018-01-01"}, "Dagen då svaret gavs kan inte ligga framåt i tiden"),
        ("svar", {"on": "2016-01-01"}, "kan inte ligga före 27 juni 2017"),
        ("forsok", {"how": "pigeon"}, "Välj hur du försökte nå personen."),
        ("forsok", {"tried_on": "2018-01-01"}, "Dagen för försöket kan inte ligga framåt i tiden."),
        ("forsok", {"tried_on": "x"}, "Skriv dagen för försöket"),
        ("skjut-upp", {"until": "2017-12-31"}, "Dagen att skjuta upp till måste ligga framåt i tiden."),
        ("skjut-upp", {"until": "2018-02-28"}, "Det går att skjuta upp till senast 27 februari 2018."),
        ("skjut-upp", {"until": ""}, "Skriv dagen att skjuta upp till"),
    ],
)
def test_what_is_wrong_is_said_at_the_top_and_at_the_field(
    open_door: Open, services: Services, kind: str, changes: dict[str, str], said: str
) -> None:
    page = send(open_door(), services, kind, **changes)
    assert page.status_code == 422
    assert services.acts == []
    assert text_of(page).count(said) == 2
    field = next(iter(changes))
    assert f'<a href="#{field}">' in page.text
    assert f'id="{field}"' in page.text
    assert page.text.split("<title>")[1].startswith("Fel: ")


def test_what_had_been_filled_in_is_kept(open_door: Open, services: Services) -> None:
    page = send(open_door(), services, "svar", answer="studies", on="i går")
    assert re.search(r'value="studies" data-press="2" checked', page.text)
    assert 'value="i går"' in page.text
    assert 'id="tried_on" value="2017-12-31"' in page.text
    assert 'id="until" value="2018-01-07"' in page.text


# --- attempts, postponements, taking back ---


def test_an_attempt_is_noted(open_door: Open, services: Services) -> None:
    browser = open_door()
    saved = send(browser, services, "forsok", how="letter")
    assert services.acts[0][1] == "attempt"
    assert {**services.acts[0][2], "key": ""} == {"key": "", "on": "2017-12-28", "how": "letter"}
    assert "Försöket är noterat." in text_of(browser.get(saved.headers["location"]))


def test_a_check_is_put_off_and_the_day_is_said_in_words(open_door: Open, services: Services) -> None:
    browser = open_door()
    saved = send(browser, services, "skjut-upp")
    assert services.acts[0][1] == "postpone"
    assert services.acts[0][2]["until"] == "2018-01-14"
    services.checks[0]["acts"] = [an_act("postpone")]
    page = text_of(browser.get(saved.headers["location"]))
    assert "Uppföljningen är uppskjuten." in page
    assert "Uppskjuten till söndag 14 januari 2018 31 december 2017, du" in page


def test_one_takes_back_what_one_did_oneself_and_nothing_else(open_door: Open, services: Services) -> None:
    services.checks[0]["acts"] = [
        an_act("attempt", "k1", mine=False, pending=False),
        an_act("attempt", "k2", pending=False, undone=True),
        an_act("undo", "k3", pending=False, undoes="k2"),
        an_act("postpone", "k4"),
    ]
    browser = open_door()
    page = browser.get(address(services))
    assert page.text.count(">Ångra<") == 1
    assert "31 december 2017, en kollega" in text_of(page)
    assert "31 december 2017, du, tillbakataget" in text_of(page)
    hidden = form_of(page, address(services, path="/angra"))
    undone = browser.post(address(services, path="/angra"), data=hidden)
    assert services.acts[0][1] == "undo"
    assert services.acts[0][2] == {"key": hidden["key"], "act": "k4"}
    assert "Det är tillbakataget." in text_of(browser.get(undone.headers["location"]))


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ((503, {"code": "not_available"}), "Det kunde inte sparas just nu."),
        ((409, {"code": "not_open"}), "Uppföljningen är redan klar."),
        ((409, {"code": "nothing_to_undo"}), "Det är redan tillbakataget"),
        ((422, {"results": [{"message": "The day is later than tomorrow."}]}), "inte emot: The day is later than"),
    ],
)
def test_what_followup_does_not_take_is_shown_with_the_reason(
    open_door: Open, services: Services, reply: tuple[int, dict[str, Any]], said: str
) -> None:
    services.act_reply = reply
    page = send(open_door(), services, "forsok")
    assert page.status_code == 422
    assert said in text_of(page)


def test_a_form_about_a_check_that_is_gone_is_answered_so(open_door: Open, services: Services) -> None:
    browser = open_door()
    where = address(services, path="/svar")
    hidden = form_of(browser.get(address(services)), where)
    services.checks = services.checks[1:]
    page = browser.post(where, data={**hidden, **SAVED["svar"]})
    assert page.status_code == 404
    assert services.acts == []


# --- who may ---


@pytest.mark.parametrize("kind", ["svar", "forsok", "skjut-upp", "angra"])
def test_a_form_that_is_not_from_an_own_page_is_refused(open_door: Open, services: Services, kind: str) -> None:
    where = address(services, path=f"/{kind}")
    others = form_of(open_door().get(address(services)), address(services, path="/svar"))
    for csrf in ("", "0" * 64, "wröng", others["csrf"]):
        refused = open_door().post(where, data={"csrf": csrf})
        assert refused.status_code == 403
        assert "Inget är sparat" in text_of(refused)
    assert open_door(None).post(where, data={"csrf": others["csrf"]}).status_code == 401
    bearer = {"authorization": f"Bearer {door_tokens().issue('analyst')}"}
    assert open_door(None).post(where, data={}, headers=bearer).status_code == 403
    assert open_door().post(where, content=b"\xff\x00").status_code == 403
    assert services.acts == []


@pytest.mark.parametrize("language", ["sv", "en"])
def test_headings_tables_labels_and_ids_are_in_order(open_door: Open, services: Services, language: str) -> None:
    services.checks = [a_check(1, acts=[an_act("postpone")])]
    services.others = town_of_work().others
    outline = Outline(open_door().get(f"{address(services)}?lang={language}").text)
    assert outline.levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(outline.levels, outline.levels[1:], strict=False))
    assert outline.count("caption") == outline.count("table") == 4
    ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_english_is_said_in_english(open_door: Open, services: Services) -> None:
    page = text_of(open_door().get(f"{address(services)}?lang=en"))
    assert "Ask about occupation six months after the closure" in page
    assert "What does the person do now?" in page
    assert "Closed: Arbete Corrects an earlier one" in page
    assert "Study and career guidance Retracted 6 December 2016" in page
