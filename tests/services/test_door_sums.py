"""The pages of units, the register's months and data quality: what they show to whom, and where their numbers lead."""

import re
from html import unescape

import httpx
import pytest

from efterhand.web.door.choice import Choice
from tests.services.door_browser import Open, Outline, form_of, open_door, services, text_of
from tests.services.door_sums import DOUBT_COUNTS, EMPTY_SUMMARY, MONTH, ONE_UNIT, REFUSED, SUMMARY, a_month, a_refusal
from tests.services.door_upstreams import Services

__all__ = ["open_door", "services"]

KISTA = "/enheter/jobbtorg-kista"
PAGES = ("/enheter", KISTA, "/register", "/register/2017-11", "/datakvalitet", "/datakvalitet?show=refused")


def links_of(page: httpx.Response) -> dict[str, str]:
    """Every link's address by the text in it."""
    found = re.findall(r'<a [^>]*href="([^"]+)"[^>]*>(.*?)</a>', page.text, re.DOTALL)
    return {" ".join(re.sub(r"<[^>]+>", " ", text).split()): unescape(address) for address, text in found}


# --- every page ---


@pytest.mark.parametrize("address", PAGES)
def test_every_page_says_how_far_the_data_reaches_and_has_captions_in_both_languages(
    open_door: Open, address: str
) -> None:
    for language, reach in (
        ("sv", "Ekonomiskt bistånd till och med 30 november 2017"),
        ("en", "30 November 2017"),
    ):
        join = "&" if "?" in address else "?"
        page = open_door().get(f"{address}{join}lang={language}")
        assert page.status_code == 200
        assert reach in text_of(page)
        outline = Outline(page.text)
        assert outline.levels[0] == 1
        assert outline.levels.count(1) == 1
        assert outline.count("caption") == outline.count("table") > 0


@pytest.mark.parametrize("address", PAGES)
def test_without_a_session_every_page_says_how_to_get_in(open_door: Open, services: Services, address: str) -> None:
    assert open_door(None).get(address).status_code == 401
    assert services.asked == []


@pytest.mark.parametrize(
    ("role", "open_to"),
    [
        ("manager", {"/enheter", KISTA, "/datakvalitet"}),
        ("case_worker", {"/datakvalitet"}),
        ("register_owner", {"/register", "/register/2017-11", "/datakvalitet"}),
        ("integrator", {"/datakvalitet"}),
        ("analyst", set()),
        ("operator", set()),
    ],
)
def test_each_page_is_for_its_roles_and_the_head_leads_to_those_pages_only(
    open_door: Open, services: Services, role: str, open_to: set[str]
) -> None:
    for address in ("/enheter", KISTA, "/register", "/register/2017-11", "/datakvalitet"):
        page = open_door(role).get(address)
        assert page.status_code == (200 if address in open_to else 403), address
        assert "Du har inte rätt att se sidan" in text_of(page) or address in open_to
    linked = set(links_of(open_door(role).get("/")).values()) & {"/enheter", "/register", "/datakvalitet"}
    assert linked == open_to & {"/enheter", "/register", "/datakvalitet"}


def test_the_head_says_which_part_is_open(open_door: Open) -> None:
    assert '<a href="/enheter" aria-current="true">Enheter</a>' in open_door().get(KISTA).text
    assert '<a href="/" aria-current="page">Översikt</a>' in open_door().get("/").text


@pytest.mark.parametrize("address", PAGES)
def test_a_page_whose_service_is_down_says_so(open_door: Open, services: Services, address: str) -> None:
    services.down = {"intake", "followup"}
    page = open_door().get(address)
    assert page.status_code in (200, 503)
    assert "svarar inte just nu" in text_of(page)


# --- units ---


def test_units_stand_under_the_unit_above_them_with_counts_that_lead_to_the_list(open_door: Open) -> None:
    page = open_door().get("/enheter")
    shown = text_of(page)
    order = [shown.index(name) for name in ("Jobbtorg Farsta", "Jobbtorg Kista", "Jobbtorg unga Globen")]
    assert order == sorted(order)
    assert "Jobbtorg Kista 21 45 dagar 2 12 6 70" in shown
    assert 'href="/uppfoljningar?group=overdue&amp;unit=jobbtorg-kista" class="open">21</a>' in page.text
    assert 'href="/uppfoljningar?unit=jobbtorg-kista&amp;missed=year">70</a>' in page.text
    assert links_of(page)["Jobbtorg Kista"] == KISTA


def test_whoever_leads_one_unit_comes_to_it_at_once(open_door: Open, services: Services) -> None:
    services.sums["followup", "units"] = ONE_UNIT
    answer = open_door().get("/enheter")
    assert (answer.status_code, answer.headers["location"]) == (303, KISTA)


def test_whoever_leads_no_unit_is_told_so(open_door: Open, services: Services) -> None:
    services.sums["followup", "units"] = {**ONE_UNIT, "items": []}
    assert "Du leder ingen enhet." in text_of(open_door().get("/enheter"))


def test_a_unit_says_how_much_waits_and_for_how_long_by_follow_up_and_by_worker(open_door: Open) -> None:
    page = open_door().get(KISTA)
    shown = text_of(page)
    assert (
        "Förfallna 21 äldst: 45 dagar Att göra 2 i dag: 1 Väntar på svar 12 Missat i månaden 6 12 månader: 70" in shown
    )
    assert "eva01 12 4 4 4 45 dagar 1 6 30" in shown
    assert "Utan handläggare 1" in shown
    chosen = {Choice.of_query(link.partition("?")[2]) for link in links_of(page).values()}
    assert Choice(
        groups=("overdue",), unit="jobbtorg-kista", worker="eva01", late="longer"
    ).query() in page.text.replace("&amp;", "&")
    assert any(each.nobodys for each in chosen) or "nobodys=1" in page.text


def test_a_unit_says_what_was_missed_and_why_and_leads_to_those_checks(open_door: Open) -> None:
    page = open_door().get(KISTA)
    shown = text_of(page)
    for sentence in (
        "Gjordes, men för sent 1 15",
        "Inget gjordes 3 24",
        "Ärendet avslutades innan 0 2",
        "Försökt nå, men inget svar 1 12",
        "Inget försök att nå personen är noterat 0 7",
        "Registret har inte lämnat besked 0 2",
        "Allt 6 70",
    ):
        assert sentence in shown
    wanted = Choice(unit="jobbtorg-kista", protocol="offer_90d", missed="year", why="too_late")
    assert wanted.link() in page.text.replace("&amp;", "&")


def test_a_unit_shows_its_catch_up_lists_and_its_late_sources(open_door: Open) -> None:
    page = open_door().get(KISTA)
    shown = text_of(page)
    assert "Kom in i efterhand 14 december 2017 Jobbtorg Kista" in shown
    listed = Choice(notice="catchup/jobbtorg-kista/2017-12-14").link()
    assert links_of(page)["Kom in i efterhand 14 december 2017"] == listed
    assert "Ekonomiskt bistånd 30 november 2017 31 dagar 5 december 2017, 26 dagar sedan 4" in shown
    assert "Svar löpande – – 0" in shown


def test_a_unit_with_nothing_says_so(open_door: Open) -> None:
    shown = text_of(open_door().get("/enheter/jobbtorg-city"))
    assert "Inget väntar här, och inget har missats de senaste 12 månaderna." in shown


def test_a_unit_with_many_workers_and_units_under_it_says_how_many_are_left(open_door: Open) -> None:
    shown = text_of(open_door().get("/enheter/stockholm"))
    assert "Enheterna under" in shown
    assert "Ytterligare 31 handläggare har färre förfallna." in shown


def test_a_unit_outside_the_reach_is_as_one_that_does_not_exist(open_door: Open) -> None:
    page = open_door().get("/enheter/nowhere")
    assert page.status_code == 404
    assert "Enheten kan inte visas" in text_of(page)


def test_while_a_changed_catalogue_is_computed_a_unit_says_how_far_it_has_come(
    open_door: Open, services: Services
) -> None:
    services.sums["followup", "units/jobbtorg-kista/summary"] = {**SUMMARY, "computing": {"done": 1, "of": 4}}
    assert "25 procent är klart" in text_of(open_door().get(KISTA))


# --- the worklist's further filters ---


def test_the_list_is_asked_for_what_a_units_numbers_stand_for(open_door: Open, services: Services) -> None:
    choice = Choice(unit="jobbtorg-kista", worker="eva01", late="month", groups=("overdue",))
    page = open_door().get(choice.link())
    (asked,) = [url for url in services.asked if url.path.endswith("/worklist")]
    assert (asked.params["worker"], asked.params["late"], asked.params["unit"]) == ("eva01", "month", "jobbtorg-kista")
    shown = text_of(page)
    assert "Handläggare: eva01" in shown
    assert "Förfallen i 8–30 dagar" in shown
    # Another choice in the form keeps what has no field there.
    assert '<input type="hidden" name="worker" value="eva01">' in page.text
    assert choice.but(worker=None).link() in page.text.replace("&amp;", "&")


def test_what_was_missed_is_listed_with_why_and_its_chips_take_it_away(open_door: Open, services: Services) -> None:
    check = services.checks[0]
    services.checks = [
        {**check, "group": None, "open": False, "state": "missed", "missed_why": "too_late", "protocol": "offer_90d"}
    ]
    page = open_door().get(Choice(missed="year", why="too_late", nobodys=True).link())
    (asked,) = [url for url in services.asked if url.path.endswith("/worklist")]
    assert (asked.params["missed"], asked.params["why"], asked.params["nobodys"]) == ("year", "too_late", "true")
    assert "Missat de senaste 12 månaderna" in text_of(page)
    assert "Utan handläggare" in text_of(page)
    assert '<option value="year" selected>' in page.text
    assert "Gjordes, men för sent." in text_of(page)
    # What is done and was missed is only looked at.
    assert " checked" not in page.text
    assert "Gör med de markerade" not in text_of(page)


def test_a_catch_up_notice_lists_its_checks(open_door: Open, services: Services) -> None:
    notice = "catchup/jobbtorg-kista/2017-12-14"
    page = open_door().get(Choice(notice=notice).link())
    (asked,) = [url for url in services.asked if url.path.endswith("/worklist")]
    assert asked.params["list"] == notice
    assert "Kom in i efterhand 14 december 2017" in text_of(page)


@pytest.mark.parametrize("query", ["late=day", "missed=week", "why=because", "why=tried", "late=week&missed=month"])
def test_what_an_address_says_wrongly_is_as_if_it_said_nothing(open_door: Open, services: Services, query: str) -> None:
    assert open_door().get(f"/uppfoljningar?{query}").status_code == 200
    (asked,) = [url for url in services.asked if url.path.endswith("/worklist")]
    assert {"late", "why"} & set(asked.params) == set()


# --- the register ---


def test_the_months_say_how_many_are_left(open_door: Open) -> None:
    page = open_door().get("/register")
    shown = text_of(page)
    assert "November 2017 Väntar på svar 1 december 2017 131 127 4 0" in shown
    assert "Oktober 2017 Klar 1 november 2017 132 131 0 1" in shown
    assert "September 2017 Klar – 90 90 0 0" in shown
    assert links_of(page)["Äldre månader"] == "/register?cursor=older"


def test_a_month_lists_whom_to_match_and_offers_the_list_as_a_file(open_door: Open, services: Services) -> None:
    page = open_door().get("/register/2017-11")
    shown, links = text_of(page), links_of(page)
    assert "Att matcha 4 personer: 3 Besked har kommit 127" in shown
    assert "p-0000000000000001 c-2017-00001" in shown
    assert links["Ladda ned det som är kvar (CSV)"] == "/followup/v1/register/2017-11?format=csv&left=true"
    assert links["Ladda ned hela månaden (CSV)"] == "/followup/v1/register/2017-11?format=csv"
    assert links["Nästa 100"] == "/register/2017-11?cursor=more"
    assert "Gäller tills alla har fått besked." in shown
    (asked,) = [url for url in services.asked if url.path.endswith("/register/2017-11")]
    assert asked.params["left"] == "true"


def test_the_whole_of_a_month_says_how_each_check_ended(open_door: Open, services: Services) -> None:
    page = open_door().get("/register/2017-11?show=all&cursor=x")
    shown, links = text_of(page), links_of(page)
    assert "Besked har kommit" in shown
    assert "p-0000000000000004 c-2017-00004 Ekonomiskt bistånd i den sjunde månaden efter avslut Inget besked" in shown
    assert links["Nästa 100"] == "/register/2017-11?show=all&cursor=more"
    assert links["Till listans början"] == "/register/2017-11?show=all"


def test_the_page_with_pseudonyms_says_that_it_has_them(open_door: Open) -> None:
    page = text_of(open_door().get("/register/2017-11"))
    assert "Personer visas med pseudonym och ärendenummer." in page
    assert "Personer visas bara med ärendenummer." not in page


@pytest.mark.parametrize(
    ("month", "sentence"),
    [
        (a_month("2017-11", "withdrawn", reported=5), "Alla i månadens lista är klara."),
        (a_month("2017-11", None), "Ingen uppföljning gäller den här månaden."),
        ({**a_month("2017-12", None, left=3), "on": "2017-12-31"}, "Listan börjar gälla 1 januari 2018."),
    ],
)
def test_a_month_with_nothing_to_match_says_why(
    open_door: Open, services: Services, month: dict[str, object], sentence: str
) -> None:
    services.sums["followup", "register/2017-11"] = {**MONTH, **month, "items": [], "next": None}
    assert sentence in text_of(open_door().get("/register/2017-11"))


def test_what_is_no_month_is_not_found(open_door: Open) -> None:
    page = open_door().get("/register/november")
    assert page.status_code == 404
    assert "En månad skrivs så här: 2017-08." in text_of(page)


# --- data quality ---


def test_the_doubtful_are_counted_by_kind_with_what_to_do_and_lead_to_the_case(open_door: Open) -> None:
    page = open_door().get("/datakvalitet")
    shown, links = text_of(page), links_of(page)
    assert "Tveksamt 43" in shown
    assert "Inte mottaget 4" in shown
    assert re.search("Väntar på inskrivningen Skicka inskrivningen[^0-9]* 28 ", shown)
    assert links["Väntar på inskrivningen"] == "/datakvalitet?show=doubts&code=waits_for_enrolment"
    assert links["Avslut före inskrivningen, räknas inte , ärende c-2017-00001"] == f"/uppfoljningar/{1:024x}"
    assert links["c-2017-00001"] == "https://flai.example/arende/c-2017-00001"
    assert links["Nästa 30"] == "/datakvalitet?show=doubts&cursor=more"
    assert "Skyddade uppgifter" in shown


def test_filters_are_in_the_address_and_are_passed_on(open_door: Open, services: Services) -> None:
    address = "/datakvalitet?show=doubts&code=disagreement&source=%2Fstockholm%2Fflai&unit=jobbtorg-kista"
    page = open_door().get(address)
    for path in ("/followup/v1/doubts", "/followup/v1/doubts/counts"):
        asked = next(url for url in services.asked if url.path == path and "code" in url.params)
        assert (asked.params["source"], asked.params["unit"]) == ("/stockholm/flai", "jobbtorg-kista")
    assert links_of(page)["Ta bort Jobbtorg Kista ×"] == address.replace("&unit=jobbtorg-kista", "")
    assert links_of(page)["Rensa filter"] == "/datakvalitet?show=doubts"


def test_an_integrator_sees_what_was_refused_and_cannot_send_it_again(open_door: Open, services: Services) -> None:
    page = open_door("integrator").get("/datakvalitet")
    shown = text_of(page)
    assert "En kod som katalogen saknar" in shown
    assert "Tveksamt" not in shown
    assert "Skicka igen" not in shown
    assert [url for url in services.asked if "doubts" in url.path] == []


def test_what_was_refused_says_why_what_to_do_and_what_was_sent(open_door: Open) -> None:
    shown = text_of(open_door().get("/datakvalitet?show=refused"))
    assert "En kod som katalogen saknar: data.reason" in shown
    assert "3 gånger" in shown
    assert "Innehåller ett personnummer" in shown
    assert "Innehållet är inte sparat." in shown
    assert '"reason": "jobb"' in shown
    assert "30 dec. 2017 09:12" in shown


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (202, {"results": [{"outcome": "accepted"}]}, "Händelsen togs emot."),
        (422, {"results": [{"outcome": "refused"}]}, "Händelsen togs inte emot nu heller."),
        (409, {"code": "closed"}, "Händelsen togs emot."),
        (503, {"code": "not_available"}, "Händelsen kunde inte skickas."),
    ],
)
def test_what_was_refused_is_sent_again_and_the_page_says_what_came_of_it(
    open_door: Open, services: Services, status: int, body: dict[str, object], sentence: str
) -> None:
    services.resend_reply = (status, body)
    browser = open_door()
    page = browser.get("/datakvalitet?show=refused&code=unknown_code")
    assert page.text.count("/igen") == 1
    given = form_of(page, "/datakvalitet/9/igen")
    answer = browser.post("/datakvalitet/9/igen", data=given)
    assert answer.status_code == 303
    assert services.acts == [("9", "resend", {"body": ""})]
    assert answer.headers["location"].startswith("/datakvalitet?show=refused&code=unknown_code&sent=")
    assert sentence in text_of(browser.get(answer.headers["location"]))


@pytest.mark.parametrize("role", ["integrator", "manager"])
def test_only_with_the_right_is_anything_sent_again_and_only_from_the_own_page(
    open_door: Open, services: Services, role: str
) -> None:
    browser = open_door(role)
    token = form_of(open_door().get("/datakvalitet?show=refused"), "/datakvalitet/9/igen")
    assert browser.post("/datakvalitet/9/igen", data=token).status_code == 403
    assert open_door().post("/datakvalitet/9/igen", data={}).status_code == 403
    assert services.acts == []


def test_a_list_is_empty_because_nothing_is_wrong_or_because_of_the_filter(open_door: Open, services: Services) -> None:
    nothing = {"items": [], "next": None}
    services.sums["followup", "doubts"] = nothing
    services.sums["followup", "doubts/counts"] = {**DOUBT_COUNTS, "all": 0, "codes": []}
    services.sums["intake", "refused"] = nothing
    assert "Inget är tveksamt just nu." in text_of(open_door().get("/datakvalitet"))
    assert "Allt som har skickats är mottaget." in text_of(open_door().get("/datakvalitet?show=refused"))
    page = open_door().get("/datakvalitet?code=disagreement")
    assert "Inget stämmer med urvalet. Rensa filter" in text_of(page)
    assert "Här tar listan slut." in text_of(open_door().get("/datakvalitet?cursor=x"))


# --- weight ---


def test_the_heaviest_pages_weigh_less_than_150_kilobytes(open_door: Open, services: Services) -> None:
    row = SUMMARY["workers"][0]  # type: ignore[index]
    services.sums["followup", "units/jobbtorg-kista/summary"] = {**SUMMARY, "workers": [row] * 50}
    many = {**EMPTY_SUMMARY, "units": [{"unit": f"unit-{n}", "above": None, **row} for n in range(60)]}
    services.sums["followup", "units/jobbtorg-city/summary"] = many
    services.sums["followup", "units"] = {**ONE_UNIT, "items": many["units"]}
    services.sums["followup", "register/2017-11"] = {**MONTH, "items": [MONTH["items"][0]] * 100}  # type: ignore[index]
    long_one = a_refusal(1, "unknown_code", "wrong_value", event={"data": "å" * 60_000})
    services.sums["intake", "refused"] = {**REFUSED, "items": [long_one] * 30}
    for address in ("/enheter", KISTA, "/enheter/jobbtorg-city", "/register/2017-11", "/datakvalitet?show=refused"):
        assert len(open_door().get(address).content) < 150_000, address
