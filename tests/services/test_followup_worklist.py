"""The worklist: which check is in which group, what is filtered and counted, and what a reader is told of each."""

import itertools
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from efterhand.timeline.checks import State
from efterhand.web.references import reference_of
from efterhand.web.sight import Sight, units_of
from efterhand_followup.adapters.worklist_query import WorkFilter, count_done, count_work, select_work
from efterhand_followup.application.audit import audit
from efterhand_followup.application.read_worklist import Presenting, Wanted, read_worklist
from efterhand_followup.application.viewer import Viewer
from efterhand_followup.bootstrap import Services
from efterhand_followup.domain.worklist import OPEN_GROUPS, Group, Work, group_of
from tests.services.followup_served import client_of, http, services, url
from tests.services.followup_town import SECRET, Sent, Town, closed, enrolled, event, town, whole_town

__all__ = ["client_of", "http", "services", "town", "url", "whole_town"]

TODAY = date(2017, 9, 1)
CLOSED = date(2017, 3, 1)
CHECK = "occupation_6m:p1:c1"


def attempted(on: date, *, received: date | None = None, id_: str | None = None, **more: Any) -> Sent:
    data = {"person": "p1", "check": "occupation_6m", "subject": "c1", "how": "phone", **more}
    return event("followup.attempted", received=received or on, id_=id_, on=on, **data)


def answered(on: date) -> Sent:
    return event(
        "followup.answered",
        received=on,
        person="p1",
        check="occupation_6m",
        subject="c1",
        on=on,
        response="answered",
        occupation="work",
    )


@pytest.fixture
def due_today(town: Town) -> Town:
    """A check that waits for an answer and is due today."""
    town.move_to(date(2017, 8, 1))
    town.receive(
        enrolled("p1", date(2016, 9, 1), contact_consent=True, received=CLOSED), closed("p1", CLOSED, received=CLOSED)
    )
    town.move_to(TODAY)
    return town


def listed(http: httpx.Client, **query: Any) -> dict[str, list[str]]:
    """The ids on the list, by group."""
    groups: dict[str, list[str]] = {}
    query = {"group": ",".join(Group), "protocol": "occupation_6m", **query}
    for item in http.get("/followup/v1/worklist", params=query).json()["items"]:
        groups.setdefault(item["group"], []).append(item["id"])
    return groups


# --- groups ---


def test_a_check_is_to_do_until_due_and_then_overdue(due_today: Town, http: httpx.Client) -> None:
    assert listed(http) == {"todo": [CHECK]}
    due_today.move_to(TODAY + timedelta(days=1))
    assert listed(http) == {"overdue": [CHECK]}


def test_what_is_only_scheduled_is_not_on_the_list(town: Town, http: httpx.Client) -> None:
    town.move_to(date(2017, 3, 2))
    town.receive(enrolled("p1", date(2016, 9, 1), contact_consent=True), closed("p1", CLOSED))
    town.settle()
    assert listed(http) == {}


def test_a_check_waits_for_a_fortnight_after_an_attempt_and_is_then_to_be_done_again(
    due_today: Town, http: httpx.Client
) -> None:
    due_today.receive(attempted(TODAY))
    assert listed(http) == {"waiting": [CHECK]}
    due_today.move_to(TODAY + timedelta(days=13))
    assert listed(http) == {"waiting": [CHECK]}
    due_today.move_to(TODAY + timedelta(days=14))
    assert listed(http) == {"overdue": [CHECK]}


def test_an_attempt_dated_tomorrow_counts_from_tomorrow(due_today: Town, http: httpx.Client) -> None:
    # A day on which nothing else happens to the check.
    today = TODAY + timedelta(days=3)
    due_today.move_to(today)
    due_today.receive(attempted(today + timedelta(days=1), received=today))
    assert listed(http) == {"overdue": [CHECK]}
    due_today.move_to(today + timedelta(days=1))
    assert listed(http) == {"waiting": [CHECK]}
    assert audit(due_today.engine, due_today.catalogue, SECRET).differences == []


def test_an_attempt_that_was_retracted_was_never_made(due_today: Town, http: httpx.Client) -> None:
    due_today.receive(attempted(TODAY, id_="a1"))
    due_today.receive(event("event.retracted", received=TODAY, person="p1", retracts={"source": "/tiny/a", "id": "a1"}))
    assert listed(http) == {"todo": [CHECK]}


def test_what_the_register_answers_waits_for_the_register(due_today: Town, http: httpx.Client) -> None:
    due_today.move_to(date(2017, 10, 2))
    assert listed(http, protocol="assistance_7m") == {"waiting": ["assistance_7m:p1:c1"]}


def test_what_was_settled_lately_is_done_for_thirty_days(due_today: Town, http: httpx.Client) -> None:
    due_today.receive(answered(TODAY))
    assert listed(http) == {"done": [CHECK]}
    due_today.move_to(TODAY + timedelta(days=29))
    assert listed(http) == {"done": [CHECK]}
    due_today.move_to(TODAY + timedelta(days=30))
    assert listed(http) == {}


DAYS = st.integers(-40, 40).map(lambda days: TODAY + timedelta(days=days))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    works=st.lists(
        st.builds(
            Work,
            state=st.sampled_from([str(state) for state in State]),
            settled_on=st.none() | DAYS,
            asks_register=st.booleans(),
            tried_on=st.none() | DAYS,
            postponed_until=st.none() | DAYS,
        ),
        min_size=1,
        max_size=12,
    )
)
def test_the_query_always_puts_checks_into_the_groups_that_the_rule_says(town: Town, works: list[Work]) -> None:
    town.begin_again()
    planted(town, works)
    wanted = WorkFilter(TODAY, frozenset({"offer_90d", "assistance_7m"}), frozenset({"assistance_7m"}), Sight(None))
    expected: dict[Group, list[str]] = {group: [] for group in Group}
    for number, work in enumerate(works):
        group = group_of(work, TODAY)
        if group is not None:
            expected[group].append(f"c{number:03}")
    with town.engine.connect() as connection:
        counted = count_work(connection, wanted).get("north", dict.fromkeys(OPEN_GROUPS, 0))
        assert counted == {group: len(expected[group]) for group in OPEN_GROUPS}
        assert count_done(connection, wanted) == len(expected[Group.DONE])
        for size in range(1, 5):
            for groups in itertools.combinations(Group, size):
                rows = select_work(connection, wanted, groups, "case", None, 100)
                assert [row["case_id"] for row in rows] == sorted(itertools.chain(*(expected[each] for each in groups)))


def planted(town: Town, works: list[Work]) -> None:
    """Write checks as they stand, whatever facts could lead to that."""
    with town.engine.begin() as connection:
        for number, work in enumerate(works):
            connection.execute(
                text(
                    "INSERT INTO followup.check (person, id, protocol, subject, case_id, anchor_on, due,"
                    " first_received, unit, state, late, settled_on, protected, because, tried_on, postponed_until)"
                    " VALUES (:case, :case, :protocol, :case, :case, :today, :due, :today, 'north', :state, false,"
                    " :settled_on, false, '[]', :tried_on, :postponed)"
                ),
                {
                    "case": f"c{number:03}",
                    "protocol": "assistance_7m" if work.asks_register else "offer_90d",
                    "today": TODAY,
                    "due": TODAY - timedelta(days=1) if work.state == "overdue" else TODAY,
                    "state": work.state,
                    "settled_on": work.settled_on,
                    "tried_on": work.tried_on,
                    "postponed": work.postponed_until,
                },
            )


# --- what a reader is told ---


def test_an_item_says_what_is_asked_why_and_what_has_been_tried(
    due_today: Town, services: Services, http: httpx.Client
) -> None:
    object.__setattr__(
        services, "settings", services.settings.model_copy(update={"case_links": {"/tiny/a": "https://x.se/{case}"}})
    )
    due_today.receive(
        attempted(date(2017, 8, 20), received=TODAY, id_="a2", how="sms"), attempted(date(2017, 8, 10), id_="a1")
    )
    item = http.get("/followup/v1/worklist?protocol=occupation_6m").json()["items"][0]
    assert item["ref"] == reference_of(services.tokens, CHECK)
    assert (item["case"], item["link"], item["worker"]) == ("c1", "https://x.se/c1", None)
    assert item["why"]["day"] == "2017-03-01"
    assert (item["why"]["anchor"], item["why"]["rule"]) == ("closed_on", "occupation_6m")
    assert [(each["on"], each["how"]) for each in item["tried"]] == [("2017-08-10", "phone"), ("2017-08-20", "sms")]
    assert (item["takes_answer"], item["asks_register"], item["open"]) == (True, False, True)
    assert (item["postponed_until"], item["acts"]) == (None, [])


def test_a_case_of_a_source_without_a_link_has_none_and_a_strange_number_is_escaped(
    town: Town, services: Services, http: httpx.Client
) -> None:
    links = {"/tiny/b": "https://x.se/?c={case}"}
    object.__setattr__(services, "settings", services.settings.model_copy(update={"case_links": links}))
    town.move_to(TODAY)
    town.receive(enrolled("p1", TODAY - timedelta(days=88), case="c&1"))
    odd = enrolled("p2", TODAY - timedelta(days=88), case="c&2")
    town.receive({**odd, "source": "/tiny/b"})
    town.settle()
    found = {item["case"]: item["link"] for item in http.get("/followup/v1/worklist").json()["items"]}
    assert found == {"c&1": None, "c&2": "https://x.se/?c=c%262"}


def test_a_reference_that_was_given_out_leads_back_to_its_check(due_today: Town, http: httpx.Client) -> None:
    ref = http.get("/followup/v1/worklist?protocol=occupation_6m").json()["items"][0]["ref"]
    http.get("/followup/v1/worklist")
    found = http.get("/followup/v1/references", params={"ref": f"{ref},{'0' * 24}"}).json()["items"]
    assert found == [{"ref": ref, "check": CHECK}]


def test_the_days_case_workers_and_parts_of_numbers_narrow_the_list_and_its_counts(
    town: Town, http: httpx.Client
) -> None:
    town.move_to(TODAY)
    for number in range(6):
        case = f"C-{number}0{number}"
        town.receive(enrolled(f"p{number}", TODAY - timedelta(days=85 + number), case=case, unit="north"))
        if number % 2:
            on = TODAY - timedelta(days=80)
            town.receive(event("case.assigned", received=on, person=f"p{number}", case=case, on=on, worker="anna"))
    town.settle()

    def cases(**query: str) -> tuple[list[str], dict[str, int]]:
        body = http.get("/followup/v1/worklist", params=query).json()
        return [item["case"] for item in body["items"]], body["counts"]

    assert cases()[0] == ["C-505", "C-404", "C-303", "C-202", "C-101", "C-000"]
    assert cases(sort="-due")[0] == ["C-000", "C-101", "C-202", "C-303", "C-404", "C-505"]
    assert cases(sort="case")[0] == ["C-000", "C-101", "C-202", "C-303", "C-404", "C-505"]
    assert cases(worker="anna") == (["C-505", "C-303", "C-101"], {"overdue": 0, "todo": 3, "waiting": 0, "done": 0})
    assert cases(case="c-3", unit="city")[0] == ["C-303"]
    assert cases(case="50") == (["C-505"], {"overdue": 0, "todo": 1, "waiting": 0, "done": 0})
    assert cases(case="%")[0] == []
    assert cases(unit="south")[0] == []
    assert cases(group="overdue")[0] == []
    assert cases(group="overdue")[1]["todo"] == 6
    # Nobody knows by which id cases name the holder of this token.
    assert cases(mine="true") == ([], {"overdue": 0, "todo": 0, "waiting": 0, "done": 0})


@pytest.mark.parametrize("sort", ["due", "-due", "case"])
def test_pages_of_any_size_hold_every_check_once_in_order(town: Town, http: httpx.Client, sort: str) -> None:
    town.move_to(TODAY)
    town.receive(*(enrolled(f"p{n}", TODAY - timedelta(days=80 + n // 3), case=f"c{9 - n}") for n in range(9)))
    town.settle()
    whole = [item["id"] for item in http.get(f"/followup/v1/worklist?sort={sort}").json()["items"]]
    assert len(whole) == 9
    for limit in (1, 2, 4):
        found, cursor = [], ""
        while cursor is not None:
            query = {"sort": sort, "limit": limit, **({"cursor": cursor} if cursor else {})}
            body = http.get("/followup/v1/worklist", params=query).json()
            found += [item["id"] for item in body["items"]]
            cursor = body["next"]
        assert found == whole


@pytest.mark.parametrize(
    "query",
    ["group=open", "sort=age", "cursor=x", "cursor=WyJjYXNlIiwiYyIsImkiXQ", "limit=0", f"case={'x' * 101}"],
)
def test_a_question_that_makes_no_sense_is_a_problem(due_today: Town, http: httpx.Client, query: str) -> None:
    answer = http.get(f"/followup/v1/worklist?{query}")
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_counts_by_unit_add_up_to_the_list(town: Town, http: httpx.Client) -> None:
    town.move_to(TODAY)
    for number in range(5):
        unit = "north" if number % 2 else "south"
        town.receive(enrolled(f"p{number}", TODAY - timedelta(days=86), case=f"c{number}", unit=unit))
    town.settle()
    body = http.get("/followup/v1/worklist/counts").json()
    assert body["items"] == [
        {"unit": "north", "overdue": 0, "todo": 2, "waiting": 0},
        {"unit": "south", "overdue": 0, "todo": 3, "waiting": 0},
    ]
    assert body["all"] == {"overdue": 0, "todo": 5, "waiting": 0}


def test_only_those_with_the_right_see_a_protected_persons_checks(
    due_today: Town, http: httpx.Client, client_of: Callable[[str | None], httpx.Client]
) -> None:
    ref = http.get("/followup/v1/worklist?protocol=occupation_6m").json()["items"][0]["ref"]
    due_today.receive(event("person.protected", received=TODAY, person="p1", protected=True, on=TODAY))
    worker = client_of("case_worker")
    assert listed(worker) == {}
    assert worker.get("/followup/v1/worklist").json()["counts"]["todo"] == 0
    assert worker.get("/followup/v1/worklist/counts").json()["items"] == []
    assert worker.get("/followup/v1/references", params={"ref": ref}).json()["items"] == []
    assert worker.get(f"/followup/v1/checks/{CHECK}/story").status_code == 404
    assert worker.post(f"/followup/v1/checks/{CHECK}/postpone", json={"until": "2017-09-10"}).status_code == 404
    assert http.get("/followup/v1/worklist?protocol=occupation_6m").json()["items"][0]["protected"] is True


def test_what_is_out_of_reach_is_neither_listed_nor_counted_nor_found(town: Town, services: Services) -> None:
    town.move_to(TODAY)
    for unit in ("north", "south"):
        town.receive(enrolled(f"p-{unit}", TODAY - timedelta(days=86), case=f"c-{unit}", unit=unit))
    town.settle()
    present = Presenting(town.catalogue, services.tokens, {})
    for reach, seen in (
        (None, ["c-north", "c-south"]),
        (frozenset({"city"}), ["c-north", "c-south"]),
        (frozenset({"south"}), ["c-south"]),
        (frozenset[str](), []),
    ):
        viewer = Viewer("somebody", None, Sight(units_of(reach, town.catalogue.units, TODAY)))
        with town.engine.connect() as connection:
            body = read_worklist(connection, present, viewer, Wanted(sort="case"), None, 10)
            narrowed = read_worklist(connection, present, viewer, Wanted(unit="south"), None, 10)
        assert [item["case"] for item in body["items"]] == seen
        assert body["counts"]["todo"] == len(seen)
        assert [item["case"] for item in narrowed["items"]] == [case for case in seen if case == "c-south"]


def test_my_list_holds_the_cases_whose_worker_i_am(town: Town, services: Services) -> None:
    town.move_to(TODAY)
    for who in ("anna", "bo"):
        on = TODAY - timedelta(days=86)
        town.receive(enrolled(f"p-{who}", on, case=f"c-{who}"))
        town.receive(event("case.assigned", received=on, person=f"p-{who}", case=f"c-{who}", on=on, worker=who))
    town.settle()
    viewer = Viewer("anna", "anna", Sight(None))
    with town.engine.connect() as connection:
        body = read_worklist(
            connection, Presenting(town.catalogue, services.tokens, {}), viewer, Wanted(mine=True), None, 10
        )
    assert ([item["case"] for item in body["items"]], body["counts"]["todo"]) == (["c-anna"], 1)


@pytest.mark.parametrize("path", ["worklist", "worklist/counts", "references?ref=x", "views", "checks/a:b:c/story"])
def test_the_reads_need_the_right_to_checks(client_of: Callable[[str | None], httpx.Client], path: str) -> None:
    assert client_of("analyst").get(f"/followup/v1/{path}").status_code == 403
    assert client_of(None).get(f"/followup/v1/{path}").status_code == 401


# --- saved views ---


def test_a_view_is_kept_under_its_name_until_it_is_taken_away(http: httpx.Client) -> None:
    assert http.put("/followup/v1/views/Mina förfallna", json={"query": "group=overdue"}).status_code == 204
    http.put("/followup/v1/views/Mina förfallna", json={"query": "group=overdue&mine=1"})
    assert http.get("/followup/v1/views").json()["items"] == [
        {"name": "Mina förfallna", "query": "group=overdue&mine=1"}
    ]
    assert http.delete("/followup/v1/views/Mina förfallna").status_code == 204
    assert http.get("/followup/v1/views").json()["items"] == []
    assert http.delete("/followup/v1/views/Mina förfallna").status_code == 404


def test_nobody_sees_or_takes_away_anothers_views(
    http: httpx.Client, client_of: Callable[[str | None], httpx.Client]
) -> None:
    http.put("/followup/v1/views/v", json={"query": "a=1"})
    another = client_of("administrator")
    assert another.get("/followup/v1/views").json()["items"] == []
    assert another.delete("/followup/v1/views/v").status_code == 404
    another.put("/followup/v1/views/v", json={"query": "b=1"})
    assert http.get("/followup/v1/views").json()["items"] == [{"name": "v", "query": "a=1"}]


def test_a_view_that_cannot_be_kept_is_a_problem(http: httpx.Client) -> None:
    assert http.put(f"/followup/v1/views/{'n' * 61}", json={"query": ""}).status_code == 422
    assert http.put("/followup/v1/views/n", json={"query": "q" * 1001}).status_code == 422
    for number in range(30):
        assert http.put(f"/followup/v1/views/v{number}", json={"query": ""}).status_code == 204
    assert http.put("/followup/v1/views/one-more", json={"query": ""}).status_code == 422
    assert http.put("/followup/v1/views/v3", json={"query": "again"}).status_code == 204


# --- the story of a case ---


def test_the_story_tells_what_happened_and_marks_what_was_corrected_taken_back_or_doubtful(
    town: Town, http: httpx.Client
) -> None:
    town.move_to(date(2017, 8, 1))
    town.receive(
        enrolled("p1", date(2016, 9, 1), contact_consent=True, received=date(2016, 9, 1)),
        closed("p1", date(2017, 2, 1), received=date(2017, 2, 1)),
        closed("p1", CLOSED, received=date(2017, 3, 2)),
        event("plan.set", received=CLOSED, id_="plan", person="p1", case="c1", on=date(2016, 9, 5)),
        event("event.retracted", received=CLOSED, person="p1", retracts={"source": "/tiny/a", "id": "plan"}),
        event("case.transferred", received=CLOSED, person="p1", case="c1", on=date(2016, 8, 1), unit="south"),
        enrolled("p1", date(2015, 1, 1), case="c0", birth_year=1996, received=CLOSED),
        attempted(date(2017, 8, 1)),
    )
    town.move_to(TODAY)
    story = http.get(f"/followup/v1/checks/{CHECK}/story").json()
    told = [
        (each["on"], each["type"], each["corrects"], each["corrected"], each["retracted_on"], each["doubts"])
        for each in story["events"]
    ]
    assert told == [
        ("2016-08-01", "case.transferred", False, False, None, ["transfer_before_enrolment"]),
        ("2016-09-01", "case.enrolled", False, False, None, []),
        ("2016-09-05", "plan.set", False, False, "2017-03-01", []),
        ("2017-02-01", "case.closed", False, True, None, []),
        ("2017-03-01", "case.closed", True, False, None, []),
        ("2017-08-01", "followup.attempted", False, False, None, []),
    ]
    assert "p1" not in str([each["data"] for each in story["events"]])
    assert story["check"]["id"] == CHECK
    assert story["postpone_until"] == "2017-10-31"
    others = {each["protocol"]: each["state"] for each in story["checks"]}
    assert others["assistance_7m"] == "scheduled"
    assert {(each["check"], each["step"], each["to"], each["status"]) for each in story["notices"]} >= {
        (CHECK, "-14", "unit:north", "open"),
        (CHECK, "0", "unit:north", "open"),
    }


def test_the_story_tells_of_the_measures_and_the_registers_months_of_the_case(
    whole_town: Town, services: Services
) -> None:
    from efterhand_followup.application.read_story import read_story

    whole_town.move_to(TODAY)
    start, end = date(2017, 1, 10), date(2017, 3, 31)
    measure = {"person": "p1", "case": "c1", "measure": "m1"}
    whole_town.receive(
        enrolled("p1", date(2016, 12, 1), received=start),
        event("measure.started", received=start, kind="stockholmsjobb", on=start, **measure),
        event("measure.ended", received=end, on=end, **measure),
        event("assistance.reported", received=TODAY, person="p1", month="2017-07", receives=False),
        event("assistance.reported", received=TODAY, person="p1", month="2017-05", receives=True),
    )
    whole_town.settle()
    viewer = Viewer("somebody", None, Sight(None))
    present = Presenting(whole_town.catalogue, services.tokens, {})
    with whole_town.engine.connect() as connection:
        story = read_story(connection, present, viewer, "occupation_3m:p1:m1")
    assert [(each["type"], str(each["on"])) for each in story["events"]] == [
        ("case.enrolled", "2016-12-01"),
        ("measure.started", "2017-01-10"),
        ("measure.ended", "2017-03-31"),
        ("assistance.reported", "2017-07-01"),
    ]
