"""The register owner's months: whom to match, how many have been reported and are left, and the list as a file."""

import csv
from datetime import date
from io import StringIO
from typing import Any

import httpx
import pytest

from efterhand.web.references import reference_of
from efterhand.web.tokens import Tokens
from efterhand_followup.application.read_register import CSV_COLUMNS
from tests.services.followup_served import client_of, http, services, url
from tests.services.followup_town import SECRET, Sent, Town, closed, enrolled, event, town

__all__ = ["client_of", "http", "services", "town", "url"]

CLOSED = date(2017, 1, 20)
MONTH = "2017-08"
"""Seven months later."""
OPENS = date(2017, 9, 1)


def reported(person: str, received: date, month: str = MONTH) -> Sent:
    return event("assistance.reported", received=received, person=person, month=month, receives=False)


@pytest.fixture
def three(town: Town) -> Town:
    """Three persons whose August is looked at."""
    town.move_to(CLOSED)
    for person in ("p1", "p2", "p3"):
        case = f"c-{person}"
        town.receive(enrolled(person, date(2016, 6, 1), case=case, received=CLOSED), closed(person, CLOSED, case=case))
    return town


def month(http: httpx.Client, **query: Any) -> dict[str, Any]:
    body: dict[str, Any] = http.get(f"/followup/v1/register/{MONTH}", params=query).json()
    return body


def test_a_month_is_listed_from_the_day_on_which_its_notice_comes(three: Town, http: httpx.Client) -> None:
    three.move_to(date(2017, 8, 31))
    assert http.get("/followup/v1/register").json()["items"] == []
    assert (month(http)["notice"], month(http)["opens_on"]) == (None, "2017-09-01")
    three.move_to(OPENS)
    (told,) = http.get("/followup/v1/register").json()["items"]
    assert told == {
        "month": MONTH,
        "opens_on": "2017-09-01",
        "notice": {
            "id": "register/2017-08",
            "status": "open",
            "made_on": "2017-09-01",
            "send_on": "2017-09-01",
            "withdrawn_on": None,
        },
        "counts": {"all": 3, "reported": 0, "left": 3, "persons_left": 3, "expired": 0},
    }


def test_what_is_reported_leaves_the_list_until_nobody_is_left(three: Town, http: httpx.Client) -> None:
    three.move_to(OPENS)
    three.receive(reported("p2", OPENS))
    assert month(http)["counts"] == {"all": 3, "reported": 1, "left": 2, "persons_left": 2, "expired": 0}
    assert [each["person"] for each in month(http, left=True)["items"]] == ["p1", "p3"]
    assert [each["person"] for each in month(http)["items"]] == ["p1", "p2", "p3"]
    day = date(2017, 9, 8)
    three.move_to(day)
    three.receive(reported("p1", day), reported("p3", day))
    three.settle()
    told = month(http, left=True)
    assert (told["items"], told["counts"]["left"]) == ([], 0)
    assert (told["notice"]["status"], told["notice"]["withdrawn_on"]) == ("withdrawn", "2017-09-08")


def test_what_was_not_reported_in_time_is_left_no_more_but_a_late_report_still_counts(
    three: Town, http: httpx.Client
) -> None:
    three.move_to(date(2017, 11, 21))
    assert month(http)["counts"] == {"all": 3, "reported": 0, "left": 0, "persons_left": 0, "expired": 3}
    three.receive(reported("p1", date(2017, 11, 21)))
    assert month(http)["counts"] == {"all": 3, "reported": 1, "left": 0, "persons_left": 0, "expired": 2}


def test_a_row_names_pseudonym_case_and_check_and_leads_to_the_check(three: Town, http: httpx.Client) -> None:
    three.move_to(OPENS)
    item = month(http)["items"][0]
    check = "assistance_7m:p1:c-p1"
    assert item == {
        "id": check,
        "person": "p1",
        "case": "c-p1",
        "protocol": "assistance_7m",
        "unit": "north",
        "due": "2017-08-20",
        "state": "overdue",
        "ref": reference_of(Tokens(SECRET), check),
    }
    found = http.get("/followup/v1/references", params={"ref": item["ref"]}).json()["items"]
    assert found == [{"ref": item["ref"], "check": check}]


def test_the_file_holds_the_whole_list_however_long_its_pages_are(three: Town, http: httpx.Client) -> None:
    three.move_to(OPENS)
    three.receive(reported("p2", OPENS))
    for left, persons in ((True, ["p1", "p3"]), (False, ["p1", "p2", "p3"])):
        answer = http.get(f"/followup/v1/register/{MONTH}", params={"format": "csv", "left": left, "limit": 1})
        assert answer.headers["content-disposition"] == 'attachment; filename="register-2017-08.csv"'
        head, *lines = csv.reader(StringIO(answer.text))
        assert tuple(head) == CSV_COLUMNS
        assert [line[0] for line in lines] == persons
        assert lines[0] == ["p1", MONTH, "c-p1", "assistance_7m", "north", "2017-08-20", "overdue"]


def test_pages_join_to_the_whole_list(three: Town, http: httpx.Client) -> None:
    three.move_to(OPENS)
    persons: list[str] = []
    cursor: str | None = None
    while cursor is not None or not persons:
        body = month(http, limit=1, **({} if cursor is None else {"cursor": cursor}))
        persons += [each["person"] for each in body["items"]]
        cursor = body["next"]
    assert persons == ["p1", "p2", "p3"]


def test_older_months_are_on_the_pages_behind(three: Town, http: httpx.Client) -> None:
    three.move_to(date(2019, 9, 1))
    on = date(2018, 6, 1)
    three.receive(enrolled("p4", date(2018, 1, 2), case="c4", received=on), closed("p4", on, case="c4"))
    three.settle()
    first = http.get("/followup/v1/register").json()
    assert [each["month"] for each in first["items"]] == ["2019-01"]
    second = http.get("/followup/v1/register", params={"cursor": first["next"]}).json()
    assert ([each["month"] for each in second["items"]], second["next"]) == ([MONTH], None)


@pytest.mark.parametrize("text", ["2017-13", "2017-8", "august", "2017-08-01", "0001-01", "9999-12"])
def test_what_is_no_month_is_refused(three: Town, http: httpx.Client, text: str) -> None:
    answer = http.get(f"/followup/v1/register/{text}")
    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_month")


def test_before_a_business_date_is_known_the_register_asks_to_try_again(http: httpx.Client) -> None:
    assert http.get("/followup/v1/register").status_code == 503
    assert http.get(f"/followup/v1/register/{MONTH}").status_code == 503
