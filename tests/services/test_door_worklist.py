"""The worklist's page: what is listed, chosen, sorted and selected, the same done with several checks, saved views."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.services.door_browser import Browser, Open, Outline, form_of, open_door, services, text_of
from tests.services.door_upstreams import Services, a_check, an_act, door_tokens, town_of_work

__all__ = ["open_door", "services"]

LIST = "/uppfoljningar"


def cases(page: httpx.Response) -> list[str]:
    """The numbers of the cases on a page, in its order."""
    cells = re.findall(r'<td role="cell" class="case">(.*?)</td>', page.text)
    return [re.findall(r"c-2017-\d{5}", cell)[-1] for cell in cells]


def links(page: httpx.Response) -> list[str]:
    return [unescape(each) for each in re.findall(r'href="([^"]+)"', page.text)]


def post_several(browser: Browser, refs: list[str], **said: str) -> httpx.Response:
    hidden = form_of(browser.get(LIST), f"{LIST}/flera")
    given = {"act": "phone", "bulk_on": "2017-12-31", **hidden, **said}
    return browser.post(f"{LIST}/flera", data={**given, "ref": refs})


# --- what is listed ---


def test_what_has_to_be_done_now_is_listed_until_something_else_is_chosen(open_door: Open, services: Services) -> None:
    services.checks = town_of_work().checks
    page = open_door().get(LIST)
    assert len(cases(page)) == 11
    assert "Förfallen: 8, Att göra: 3." in text_of(page)
    assert text_of(page).count("Väntar på svar") == 1


@pytest.mark.parametrize(
    ("group", "count", "tag"),
    [("overdue", 8, "Förfallen"), ("todo", 3, "Att göra"), ("waiting", 3, "Väntar på svar"), ("done", 2, "Klar")],
)
def test_each_group_has_its_word(open_door: Open, services: Services, group: str, count: int, tag: str) -> None:
    services.checks = town_of_work().checks
    page = open_door().get(f"{LIST}?group={group}")
    assert len(cases(page)) == count
    assert re.findall(r'<td role="cell" class="state">[^A-ZÅÄÖ]*([^<]+)', page.text).count(tag) >= count - 1


def test_a_row_says_what_to_do_for_which_case_why_when_and_what_has_been_tried(
    open_door: Open, services: Services
) -> None:
    services.checks = town_of_work().checks
    page = text_of(open_door().get(f"{LIST}?group=overdue&group=todo&group=waiting"))
    assert "Fråga om sysselsättning sex månader efter avslut" in page
    assert "Ordna erbjudande inom 90 dagar" in page
    assert "Invänta uppgift: ekonomiskt bistånd i den sjunde månaden efter avslut" in page
    assert "Visas för att ärendet avslutades 27 juni 2017. Regel: Sysselsättning sex månader efter avslut." in page
    assert "Visas för att inskrivningen gjordes 11 oktober 2017. Regel: Erbjudande inom 90 dagar." in page
    assert "Försökt nå 2 gånger, senast 27 december 2017: sms." in page
    assert "Uppskjuten till 14 januari 2018." in page
    assert "Väntar på registret." in page
    assert "27 dec. 2017 Jobbtorg unga Globen eva01" in page


def test_what_settled_a_check_is_said_in_plain_words(open_door: Open, services: Services) -> None:
    services.checks = town_of_work().checks
    page = text_of(open_door().get(f"{LIST}?group=done"))
    assert "Klar Besvarad: Studier" in page
    assert "Klar Inget svar i tid" in page


def test_the_number_of_a_case_leads_into_its_own_system_where_that_is_known(
    open_door: Open, services: Services
) -> None:
    services.checks = [a_check(1), a_check(2, link=None)]
    page = open_door().get(LIST)
    assert 'href="https://flai.example/arende/c-2017-00001" rel="noreferrer"' in page.text
    assert "arende/c-2017-00002" not in page.text


def test_what_is_saved_says_that_it_is_processed_until_it_has_come_back(open_door: Open, services: Services) -> None:
    services.checks = [a_check(1, acts=[an_act("answer")])]
    assert "Sparat, behandlas" in text_of(open_door().get(LIST))
    services.checks = [a_check(1, acts=[an_act("answer", pending=False)])]
    assert "Sparat, behandlas" not in text_of(open_door().get(LIST))


def test_nobody_is_shown_by_a_pseudonym_and_no_address_holds_one(open_door: Open, services: Services) -> None:
    page = open_door().get(f"{LIST}?group=overdue")
    assert f"{LIST}/{services.checks[0]['ref']}?group=overdue" in links(page)
    assert re.search(r"\bp-[0-9a-f]{4,}", page.text) is None


def test_a_protected_persons_check_is_marked_in_words(open_door: Open, services: Services) -> None:
    services.checks = [a_check(1, protected=True)]
    assert "Skyddade uppgifter" in text_of(open_door().get(LIST))


def test_the_list_comes_in_pages_of_fifty(open_door: Open, services: Services) -> None:
    services.checks = [a_check(number) for number in range(1, 61)]
    browser = open_door()
    first = browser.get(f"{LIST}?unit=")
    assert len(cases(first)) == 50
    following = next(link for link in links(first) if "cursor=" in link)
    second = browser.get(following)
    assert len(cases(second)) == 10
    assert "Till listans början" in second.text


def test_the_page_says_how_far_the_data_reaches(open_door: Open) -> None:
    assert "Verksamhetsdatum söndag 31 december 2017" in text_of(open_door().get(LIST))
    assert "Ekonomiskt bistånd till och med 30 november 2017" in text_of(open_door().get(LIST))


# --- what is chosen ---


def test_what_is_chosen_stands_at_the_top_and_each_can_be_taken_away(open_door: Open) -> None:
    page = open_door().get(f"{LIST}?group=overdue&group=done&unit=jobbtorg-kista&protocol=occupation_6m&case=0001")
    chosen = text_of(page)
    for name in ("Förfallen ×", "Klar ×", "Jobbtorg Kista ×", "Ärendenummer med 0001 ×", "Rensa filter"):
        assert name in chosen
    assert f"{LIST}?group=done&unit=jobbtorg-kista&protocol=occupation_6m&case=0001" in links(page)
    assert f"{LIST}?group=overdue&group=done&protocol=occupation_6m&case=0001" in links(page)
    assert LIST in links(page)


def test_the_filters_are_open_and_hold_what_is_chosen(open_door: Open, services: Services) -> None:
    page = open_door().get(f"{LIST}?group=done&unit=jobbtorg-kista&case=x%22y")
    assert '<option value="jobbtorg-kista" selected>' in page.text
    assert 'value="done" checked' in page.text
    assert 'value="overdue" checked' not in page.text
    assert 'value="x&#34;y"' in page.text
    asked = next(url for url in services.asked if url.path == "/followup/v1/worklist")
    assert dict(asked.params) == {
        "group": "done", "unit": "jobbtorg-kista", "case": 'x"y', "sort": "due", "limit": "50"
    }  # fmt: skip


def test_my_own_can_be_chosen_when_it_is_known_who_i_am(open_door: Open, services: Services) -> None:
    assert "Bara mina" not in open_door().get(LIST).text
    services.staff = "eva01"
    page = open_door().get(f"{LIST}?mine=1")
    assert "Bara mina" in text_of(page)
    assert services.asked[-1].params.get("mine") or any(url.params.get("mine") == "true" for url in services.asked)


def test_the_heads_of_columns_change_the_order(open_door: Open) -> None:
    page = open_door().get(f"{LIST}?group=overdue")
    assert '<th scope="col" role="columnheader" aria-sort="ascending">' in page.text
    assert f"{LIST}?group=overdue&sort=-due" in links(page)
    assert f"{LIST}?group=overdue&sort=case" in links(page)
    page = open_door().get(f"{LIST}?group=overdue&sort=-due")
    assert 'aria-sort="descending"' in page.text
    assert '<input type="hidden" name="sort" value="-due">' in page.text


def test_what_the_address_says_wrongly_is_as_if_it_said_nothing(open_door: Open, services: Services) -> None:
    page = open_door().get(f"{LIST}?group=mine&sort=age&view=%3Cb%3E&saved=many&act=burn")
    assert page.status_code == 200
    asked = next(url for url in services.asked if url.path == "/followup/v1/worklist")
    assert dict(asked.params) == {"group": "overdue,todo", "sort": "due", "limit": "50"}


def test_what_is_in_the_address_is_never_markup(open_door: Open) -> None:
    page = open_door().get(f'{LIST}?unit="><script>x</script>&case="><b>&protocol="><i>&key="><u>&saved=1&act=postpone')
    assert re.findall(r"<(?:b|i|u)>", page.text) == []
    assert page.text.count("<script") == 1


@pytest.mark.parametrize(
    ("query", "said", "link"),
    [
        ("", "Inget att göra just nu. Väntar på svar: 1.", f"{LIST}?group=waiting"),
        ("?unit=jobbtorg-city", "Inget stämmer med urvalet.", LIST),
        ("?group=done", "Inget stämmer med urvalet.", LIST),
        ("?cursor=7", "Här tar listan slut.", LIST),
    ],
)
def test_an_empty_page_says_why_it_is_empty(
    open_door: Open, services: Services, query: str, said: str, link: str
) -> None:
    services.checks = [a_check(12, group="waiting")]
    page = open_door().get(LIST + query)
    assert said in text_of(page)
    nothing = re.search(r'<p class="nothing">.*?</p>', page.text, re.DOTALL)
    assert nothing is not None
    assert f'href="{link}"' in nothing[0]


def test_nothing_to_do_at_all_is_said_so(open_door: Open, services: Services) -> None:
    services.checks = []
    assert "Inget att göra just nu." in text_of(open_door().get(LIST))


@pytest.mark.parametrize(("role", "status"), [("analyst", 403), ("operator", 403), (None, 401)])
def test_who_may_not_see_checks_is_told_so(open_door: Open, services: Services, role: str | None, status: int) -> None:
    assert open_door(role).get(LIST).status_code == status
    assert services.asked == []


def test_a_list_that_cannot_be_read_says_so_and_keeps_its_filters(open_door: Open, services: Services) -> None:
    services.down = {"followup"}
    page = open_door().get(f"{LIST}?unit=jobbtorg-kista")
    assert page.status_code == 200
    assert "Kan inte visas: tjänsten followup svarar inte just nu." in text_of(page)
    assert '<option value="jobbtorg-kista" selected>' in page.text


# --- several at once ---


def test_all_on_the_page_can_be_selected_without_a_script(open_door: Open, services: Services) -> None:
    services.checks = town_of_work().checks
    browser = open_door()
    page = browser.get(f"{LIST}?group=done&group=todo")
    link = next(link for link in links(page) if "select=page" in link)
    assert "Markera alla på den här sidan" in text_of(page)
    selected = browser.get(link)
    assert selected.text.count('name="ref"') == 3
    assert len(re.findall(r'name="ref" value="[0-9a-f]+" checked', selected.text)) == 3


def test_an_attempt_is_noted_for_several_at_once_and_can_be_taken_back(open_door: Open, services: Services) -> None:
    browser = open_door("case_worker")
    refs = [check["ref"] for check in services.checks[:3]]
    saved = post_several(browser, refs, act="sms", bulk_on="2017-12-30")
    assert saved.status_code == 303
    _, kind, body = services.acts[0]
    assert kind == "acts"
    assert (body["kind"], body["said"]) == ("attempt", {"how": "sms", "on": "2017-12-30"})
    assert body["checks"] == [check["id"] for check in services.checks[:3]]
    page = browser.get(saved.headers["location"])
    assert "Försök noterade: 3. Sparat, behandlas." in text_of(page)
    hidden = form_of(page, f"{LIST}/angra")
    assert hidden["act"] == body["key"]
    undone = browser.post(f"{LIST}/angra", data=hidden)
    assert services.acts[1][2]["kind"] == "undo"
    assert services.acts[1][2]["said"] == {"act": body["key"]}
    assert "Tillbakatagna: 1." in text_of(browser.get(undone.headers["location"]))


def test_several_are_put_off_to_a_day(open_door: Open, services: Services) -> None:
    saved = post_several(open_door(), [services.checks[0]["ref"]], act="postpone", bulk_on="2018-01-14")
    query = parse_qs(urlsplit(saved.headers["location"]).query)
    assert (query["saved"], query["act"]) == (["1"], ["postpone"])
    assert services.acts[0][2]["said"] == {"until": "2018-01-14"}


@pytest.mark.parametrize(
    ("refs", "changes", "said", "field"),
    [
        (0, {}, "Markera minst en uppföljning i listan.", "refs"),
        (1, {"act": ""}, "Välj vad du vill göra med de markerade.", "act"),
        (1, {"act": "burn"}, "Välj vad du vill göra med de markerade.", "act"),
        (1, {"bulk_on": "2018-01-01"}, "Dagen för försöket kan inte ligga framåt i tiden.", "bulk_on"),
        (1, {"bulk_on": "i går"}, "Skriv dagen för försöket", "bulk_on"),
        (1, {"act": "postpone"}, "Dagen att skjuta upp till måste ligga framåt i tiden.", "bulk_on"),
        (1, {"act": "postpone", "bulk_on": ""}, "Skriv dagen att skjuta upp till", "bulk_on"),
    ],
)
def test_what_is_wrong_is_said_at_the_top_and_at_the_field_and_the_selection_is_kept(
    open_door: Open, services: Services, refs: int, changes: dict[str, str], said: str, field: str
) -> None:
    chosen = [check["ref"] for check in services.checks[:refs]]
    page = post_several(open_door(), chosen, **changes)
    assert page.status_code == 422
    assert services.acts == []
    assert text_of(page).count(said) == 2
    assert f'<a href="#{field}">' in page.text
    assert f'id="{field}"' in page.text
    assert len(re.findall(r'value="[0-9a-f]+" checked', page.text)) == refs


def test_those_that_could_not_be_changed_are_told_of(open_door: Open, services: Services) -> None:
    results = [
        {"check": "a", "saved": True, "code": None, "message": None},
        {"check": "b", "saved": False, "code": "not_open", "message": "Its state is answered."},
        {"check": "c", "saved": False, "code": "wrong_value", "message": "No later than 2018-02-01."},
    ]
    services.act_reply = (207, {"results": results})
    refs = [check["ref"] for check in services.checks[:3]]
    page = text_of(post_several(open_door(), [*refs, "0" * 24], act="postpone", bulk_on="2018-01-14"))
    assert "Uppskjutna: 1." in page
    assert "Finns inte längre: 1." in page
    assert "Redan klara eller borttagna: 1." in page
    assert "No later than 2018-02-01." in page


def test_what_followup_cannot_take_now_is_not_said_to_be_saved(open_door: Open, services: Services) -> None:
    services.act_reply = (503, {"code": "not_available"})
    page = post_several(open_door(), [services.checks[0]["ref"]])
    assert page.status_code == 422
    assert "Det kunde inte sparas just nu." in text_of(page)


@pytest.mark.parametrize("path", ["flera", "angra", "urval", "urval/bort"])
@pytest.mark.parametrize("given", ["", "0" * 64])
def test_a_form_that_is_not_from_an_own_page_is_refused(
    open_door: Open, services: Services, path: str, given: str
) -> None:
    refused = open_door().post(f"{LIST}/{path}", data={"csrf": given, "name": "x", "key": "k"})
    assert refused.status_code == 403
    assert "Inget är sparat" in text_of(refused)
    assert (services.acts, services.views) == ([], {})
    assert open_door(None).post(f"{LIST}/{path}", data={"csrf": given}).status_code == 401


def test_a_role_that_may_not_answer_has_nothing_to_select_and_is_refused(open_door: Open, services: Services) -> None:
    bearer = {"authorization": f"Bearer {door_tokens().issue('operator')}"}
    assert open_door(None).post(f"{LIST}/flera", data={"ref": "x"}, headers=bearer).status_code == 401
    assert services.acts == []


# --- saved views ---


def test_what_is_chosen_is_kept_under_a_name_and_taken_away_again(open_door: Open, services: Services) -> None:
    browser = open_door()
    page = browser.get(f"{LIST}?group=overdue&unit=jobbtorg-kista&cursor=3")
    kept = browser.post(f"{LIST}/urval", data={**form_of(page, f"{LIST}/urval"), "name": " Förfallna i Kista "})
    assert kept.status_code == 303
    assert services.views == {"Förfallna i Kista": "group=overdue&unit=jobbtorg-kista"}
    page = browser.get(kept.headers["location"])
    assert '<span aria-current="true">Förfallna i Kista</span>' in page.text
    assert f"{LIST}?group=overdue&unit=jobbtorg-kista" in links(browser.get(LIST))
    browser.post(f"{LIST}/urval/bort", data=form_of(page, f"{LIST}/urval/bort"))
    assert services.views == {}


@pytest.mark.parametrize("name", ["", "  ", "a/b"])
def test_a_view_without_a_name_is_not_kept(open_door: Open, services: Services, name: str) -> None:
    browser = open_door()
    page = browser.post(f"{LIST}/urval", data={**form_of(browser.get(LIST), f"{LIST}/urval"), "name": name})
    assert page.status_code == 422
    assert "Ge urvalet ett namn, utan snedstreck." in text_of(page)
    assert services.views == {}


def test_the_way_back_never_leads_to_another_site(open_door: Open, services: Services) -> None:
    saved = post_several(open_door(), [services.checks[0]["ref"]], back="https://elsewhere.example/?unit=x")
    assert saved.headers["location"].startswith(f"{LIST}?saved=1&act=attempt&key=")


# --- markup ---


@pytest.mark.parametrize("language", ["sv", "en"])
def test_headings_labels_and_ids_are_in_order(open_door: Open, services: Services, language: str) -> None:
    services.checks = town_of_work().checks
    services.views = {"Mina": "group=overdue"}
    outline = Outline(open_door().get(f"{LIST}?group=overdue&lang={language}").text)
    assert outline.levels[0] == 1
    assert outline.count("caption") == outline.count("table") == 1
    ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    fields = {attrs["id"] for tag, attrs in outline.tags if tag == "select" or (tag == "input" and "id" in attrs)}
    assert fields <= {attrs.get("for") for tag, attrs in outline.tags if tag == "label"}


def test_the_page_weighs_less_than_150_kilobytes(open_door: Open, services: Services) -> None:
    services.checks = [a_check(number) for number in range(1, 51)]
    browser = open_door()
    page = browser.get(LIST)
    assert len(cases(page)) == 50
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    weight = len(page.content) + sum(len(browser.get(each).content) for each in files)
    assert weight < 150_000
