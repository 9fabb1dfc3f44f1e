"""The page where units and staff set how they hear of notices."""

import pytest

from tests.services.door_browser import Open, Outline, form_of, open_door, services, text_of
from tests.services.door_upstreams import Services, a_channel, channels_of_all_kinds

__all__ = ["open_door", "services"]

PAGE = "/installningar/aviseringar"
NEW = {"kind": "email", "whom": "unit:jobbtorg-kista", "target": "kista@stockholm.se", "language": "sv"}


def test_each_channel_says_how_whom_for_and_how_deliveries_stand(open_door: Open, services: Services) -> None:
    services.channels = channels_of_all_kinds()
    page = text_of(open_door().get(PAGE))
    assert "E-post kista@stockholm.se Jobbtorg Kista: handläggarna Skickades senast 29 december 2017 07:00." in page
    failing = "Går inte fram sedan 28 december 2017 07:00: mottagaren svarar inte. Väntar: 2."
    assert f"Jobbtorg Kista: chefen Inget har skickats än. {failing}" in page
    assert "Gick inte fram och försöks inte mer: 3. Orsak: mottagaren tar inte emot (500)." in page
    assert "Kalender Handläggare eva01 Hämtades senast 30 december 2017 19:12." in page
    assert (
        "Chatt mmosts://chat/T…k/ Jobbtorg Kista: handläggarna Inget har skickats än. Väntar på att skickas: 1." in page
    )
    assert "Kalender Registrets månadslistor Har inte hämtats än." in page
    assert page.count("Försök igen") == 2
    assert page.count("Skicka prov") == 4
    assert page.count("Ny adress") == 2
    assert page.count("Ny nyckel") == 1


def test_the_page_in_english(open_door: Open, services: Services) -> None:
    services.channels = channels_of_all_kinds()
    page = text_of(open_door().get(f"{PAGE}?lang=en"))
    assert "Does not arrive since 28 December 2017 07:00: the receiver does not answer. Waiting: 2." in page


def test_the_page_has_one_heading_and_every_field_a_label(open_door: Open, services: Services) -> None:
    services.channels = channels_of_all_kinds()
    outline = Outline(open_door().get(PAGE).text)
    assert outline.levels == [1, 2, *[3] * 6, 2]
    labels = {attributes.get("for") for tag, attributes in outline.tags if tag == "label"}
    fields = {attributes["id"] for tag, attributes in outline.tags if tag in ("select", "input") and "id" in attributes}
    assert fields <= labels


def test_without_channels_the_page_says_so(open_door: Open) -> None:
    assert "Ingen kanal är inställd." in text_of(open_door().get(PAGE))


def test_the_form_offers_what_the_reader_may_set(open_door: Open, services: Services) -> None:
    services.may_set = {"worker": True, "staff": "eva01", "units": [], "register": False, "everybody": False}
    page = open_door().get(PAGE).text
    assert 'value="worker"' in page
    assert "optgroup" not in page
    assert 'value="register"' not in page
    services.may_set = {**services.may_set, "staff": None, "units": ["jobbtorg-kista"]}
    page = open_door().get(PAGE).text
    assert 'value="worker"' not in page
    assert 'value="manager:jobbtorg-kista"' in page
    assert 'value="unit:jobbtorg-farsta"' not in page
    services.may_set = {**services.may_set, "units": []}
    assert '<h2 id="add"' not in open_door().get(PAGE).text


def test_a_channel_is_added_and_the_page_can_be_loaded_again(open_door: Open, services: Services) -> None:
    browser = open_door()
    answer = browser.post(PAGE, data={**form_of(browser.get(PAGE), PAGE), **NEW})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?done=added")
    assert services.acts == [
        ("channels", "POST", {"kind": "email", "audience": "unit", "unit": "jobbtorg-kista",
                              "target": "kista@stockholm.se", "language": "sv"}),
    ]  # fmt: skip
    assert "Kanalen är tillagd." in text_of(browser.get(f"{PAGE}?done=added"))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"kind": "calendar", "target": "", "whom": "worker"}, "https://efterhand.test/followup/v1/calendar/k3y.ics"),
        ({"kind": "webhook", "target": "https://hooks.stockholm.se/x"}, "whsec_a2V5"),
    ],
)
def test_what_is_secret_is_shown_once(open_door: Open, given: dict[str, str], shown: str) -> None:
    browser = open_door()
    answer = browser.post(PAGE, data={**form_of(browser.get(PAGE), PAGE), **NEW, **given})
    assert answer.status_code == 200
    assert f'value="{shown}"' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert shown not in browser.get(PAGE).text


@pytest.mark.parametrize(
    ("given", "sentence", "field"),
    [
        ({"kind": ""}, "Välj hur det ska meddelas.", "kind"),
        ({"whom": ""}, "Välj vem det är för.", "whom"),
        ({"target": ""}, "Skriv en adress, högst 500 tecken. En kalender har ingen.", "target"),
        ({"kind": "calendar"}, "Skriv en adress, högst 500 tecken. En kalender har ingen.", "target"),
    ],
)
def test_a_mistake_is_told_at_the_top_and_at_the_field_and_what_was_filled_in_stays(
    open_door: Open, services: Services, given: dict[str, str], sentence: str, field: str
) -> None:
    browser = open_door()
    filled = {**NEW, **given}
    answer = browser.post(PAGE, data={**form_of(browser.get(PAGE), PAGE), **filled})
    assert answer.status_code == 422
    assert text_of(answer).count(sentence) == 2
    assert f'href="#{field}"' in answer.text
    assert not filled["target"] or f'value="{filled["target"]}"' in answer.text
    assert services.acts == []


@pytest.mark.parametrize(
    ("code", "status", "sentence"),
    [
        ("target_not_allowed", 422, "Dit får inget skickas. Fråga driften vilka adresser som är tillåtna."),
        ("channel_exists", 409, "Den finns redan."),
        ("too_many", 422, "Det finns för många."),
        ("not_yours", 403, "Du har inte rätt att ställa in den."),
        ("another", 422, "Det togs inte emot: Something else."),
        ("not_available", 503, "Det kunde inte sparas just nu."),
    ],
)
def test_what_followup_does_not_take_is_said_in_plain_words(
    open_door: Open, services: Services, code: str, status: int, sentence: str
) -> None:
    services.channel_reply = (status, {"code": code, "detail": "Something else."})
    browser = open_door()
    answer = browser.post(PAGE, data={**form_of(browser.get(PAGE), PAGE), **NEW})
    assert answer.status_code == 422
    assert sentence in text_of(answer)


@pytest.mark.parametrize(
    ("act", "asked", "done", "sentence"),
    [
        ("prova", ("test", "POST"), "sent", "Provet är skickat."),
        ("igen", ("retry", "POST"), "again", "Det som inte gick fram skickas igen."),
        ("bort", ("", "DELETE"), "removed", "Kanalen är borttagen."),
    ],
)
def test_a_channel_is_tried_tried_again_and_taken_away(
    open_door: Open, services: Services, act: str, asked: tuple[str, str], done: str, sentence: str
) -> None:
    services.channels = [a_channel("email", failed=1)]
    browser, action = open_door(), f"{PAGE}/{1:016x}/{act}"
    answer = browser.post(action, data=form_of(browser.get(PAGE), action))
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?done={done}")
    ((path, method, _),) = services.acts
    assert (path, method) == (f"channels/{1:016x}/{asked[0]}".rstrip("/"), asked[1])
    assert sentence in text_of(browser.get(answer.headers["location"]))


def test_a_calendar_gets_another_address(open_door: Open, services: Services) -> None:
    services.channels = [a_channel("calendar")]
    browser, action = open_door(), f"{PAGE}/{1:016x}/ny-adress"
    answer = browser.post(action, data=form_of(browser.get(PAGE), action))
    assert "Kopiera kalenderns adress nu" in text_of(answer)


def test_a_test_that_does_not_arrive_says_why(open_door: Open, services: Services) -> None:
    services.channels = [a_channel("email")]
    browser, action = open_door(), f"{PAGE}/{1:016x}/prova"
    form = form_of(browser.get(PAGE), action)
    services.channel_reply = (502, {"code": "not_delivered", "reason": "refused 550"})
    answer = browser.post(action, data=form)
    assert "Provet gick inte fram: mottagaren tar inte emot (550)." in text_of(answer)


def test_the_page_asks_for_a_session_a_right_and_its_own_form(open_door: Open, services: Services) -> None:
    assert open_door(None).get(PAGE).status_code == 401
    assert open_door("analyst").get(PAGE).status_code == 403
    for path in ("", "/x/prova", "/x/bort"):
        assert open_door(None).post(PAGE + path, data=NEW).status_code == 401
        assert open_door().post(PAGE + path, data=NEW).status_code == 403
    assert services.acts == []


def test_while_followup_is_away_the_page_says_so(open_door: Open, services: Services) -> None:
    services.down = {"followup"}
    page = open_door().get(PAGE)
    assert page.status_code == 200
    assert "followup" in text_of(page)


def test_the_language_of_the_page_changes_also_after_a_form(open_door: Open, services: Services) -> None:
    browser = open_door()
    answer = browser.post(PAGE, data={**form_of(browser.get(PAGE), PAGE), **NEW, "kind": ""})
    assert f'href="{PAGE}?lang=en"' in answer.text
