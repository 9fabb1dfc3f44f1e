"""Units in sum: every count is that of a list of the worklist; why checks were missed; how late feeds are."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from efterhand.catalogue.units import Edge, Unit, UnitTree
from efterhand.timeline.checks import State
from efterhand.timeline.misses import Why
from efterhand.web.rights import Grant
from efterhand.web.sight import Sight
from efterhand_followup.application.audit import audit
from efterhand_followup.application.read_units import MOST_WORKERS, read_unit
from efterhand_followup.application.read_worklist import Presenting, Wanted, read_worklist
from efterhand_followup.application.viewer import Viewer
from efterhand_followup.bootstrap import Services
from efterhand_followup.domain.units import Counts, rolled_up
from efterhand_followup.domain.worklist import OPEN_STATES, Group, Late, Missed, late_between, missed_since
from tests.services.followup_served import client_of, http, services, url
from tests.services.followup_town import SECRET, Sent, Town, closed, enrolled, event, reported_through, town

__all__ = ["client_of", "http", "services", "town", "url"]

TODAY = date(2017, 9, 1)
YEAR_FROM = date(2016, 9, 2)
LAST_DAY = date(2017, 4, 2)
"""On which somebody who was enrolled on the second of January can have the offer in time."""


def offer(on: date, *, received: date | None = None) -> Sent:
    return event("offer.made", received=received or on, person="p1", case="c1", on=on, kind="job")


def summary(http: httpx.Client, unit: str = "city") -> dict[str, Any]:
    answer = http.get(f"/followup/v1/units/{unit}/summary")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


# --- every count is that of a list ---


def checks_at_random() -> st.SearchStrategy[dict[str, Any]]:
    state = st.sampled_from([str(state) for state in State])
    days = st.integers(-45, 20).map(lambda days: TODAY + timedelta(days=days))
    settled = st.sampled_from([YEAR_FROM - timedelta(days=1), YEAR_FROM, TODAY.replace(day=1), date(2017, 5, 5), TODAY])
    return st.fixed_dictionaries(
        {
            "state": state,
            "due": days,
            "settled_on": settled,
            "protocol": st.sampled_from(["offer_90d", "occupation_6m", "assistance_7m"]),
            "unit": st.sampled_from(["city", "north", "south", "annex"]),
            "worker": st.none() | st.sampled_from(["anna", "bo"]),
            "tried_on": st.none() | days,
            "postponed": st.none() | days,
            "protected": st.booleans(),
            "why": st.sampled_from([str(why) for why in Why]),
        }
    )


def planted(town: Town, checks: list[dict[str, Any]]) -> None:
    """Write checks as they stand, with a state that fits their day."""
    with town.engine.begin() as connection:
        for number, check in enumerate(checks):
            due, state = check["due"], check["state"]
            if state in OPEN_STATES:
                state = "overdue" if due < TODAY else "due" if due == TODAY else "upcoming"
            missed = state in ("missed", "expired")
            connection.execute(
                text(
                    "INSERT INTO followup.check (person, id, protocol, subject, case_id, anchor_on, due,"
                    " first_received, unit, worker, state, late, settled_on, protected, because, tried_on,"
                    " postponed_until, missed_why)"
                    " VALUES (:case, :case, :protocol, :case, :case, :due, :due, :due, :unit, :worker, :state, false,"
                    ' :settled_on, :protected, \'[{"source": "/a", "id": "1"}]\', :tried_on, :postponed, :why)'
                ),
                {
                    **check,
                    "case": f"c{number:03}",
                    "state": state,
                    "settled_on": None if state in (*OPEN_STATES, "scheduled") else check["settled_on"],
                    "why": check["why"] if missed else None,
                },
            )


SIGHTS = {
    "everything": Sight(None, None),
    "nobody protected": Sight(None),
    "the north": Sight(frozenset({"north", "south"}), frozenset({"south"})),
}


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    checks=st.lists(checks_at_random(), min_size=1, max_size=16),
    sight=st.sampled_from(list(SIGHTS.values())),
    units=st.permutations(["north", "south", "annex", "city"]),
)
def test_every_count_of_a_unit_is_always_that_of_the_list_it_stands_for(
    town: Town, services: Services, checks: list[dict[str, Any]], sight: Sight, units: list[str]
) -> None:
    town.begin_again()
    town.set_date(TODAY)
    planted(town, checks)
    present = Presenting(services.catalogue, services.tokens, {})

    def listed(unit: str, **wanted: Any) -> list[dict[str, Any]]:
        viewer = Viewer("t", None, sight)
        found = read_worklist(connection, present, viewer, Wanted(unit=unit, **wanted), None, 100)
        assert found["total"] == len(found["items"])
        items: list[dict[str, Any]] = found["items"]
        return items

    def held(row: dict[str, Any], unit: str, **also: Any) -> None:
        """Hold one row's counts against the lists that its links open."""
        for group in (Group.OVERDUE, Group.TODO, Group.WAITING):
            assert row[group] == len(listed(unit, groups=(group,), **also)), (unit, group, also)
        assert row["due"] == sum(each["state"] == "due" for each in listed(unit, groups=(Group.TODO,), **also))
        overdue = listed(unit, groups=(Group.OVERDUE,), **also)
        assert (row["oldest"] or {"due": None})["due"] == (overdue[0]["due"] if overdue else None)
        for late in Late:
            assert row["late"][late] == len(listed(unit, groups=(Group.OVERDUE,), late=late, **also)), (late, also)
        for missed in Missed:
            assert row["missed"][missed] == len(listed(unit, missed=missed, **also)), (missed, also)

    with town.engine.connect() as connection:
        for unit in [each for each in units if sight.sees(each)][:2]:
            told = read_unit(connection, town.catalogue, sight, unit)
            held(told["all"], unit)
            for row in told["protocols"]:
                held(row, unit, protocols=(row["protocol"],))
            for row in told["workers"]:
                held(row, unit, worker=row["worker"], nobodys=row["worker"] is None)
            for row in told["missed"]:
                for missed in Missed:
                    found = listed(unit, missed=missed, protocols=(row["protocol"],), why=Why(row["why"]))
                    assert row[missed] == sum(each["state"] == row["state"] for each in found), row
            for name in ("protocols", "workers"):
                for kind in Missed:
                    assert sum(row["missed"][kind] for row in told[name]) == told["all"]["missed"][kind]


def test_units_roll_up_by_the_tree_of_the_day(http: httpx.Client, town: Town) -> None:
    # South lies under the city until the last of March, and under the north from the first of June.
    for today, above in ((date(2017, 3, 30), "city"), (date(2017, 6, 1), "north")):
        town.begin_again()
        town.move_to(today)
        town.receive(enrolled("p1", today - timedelta(days=80), unit="south"))
        town.settle()
        body = http.get("/followup/v1/units").json()
        south = next(each for each in body["items"] if each["unit"] == "south")
        assert south["above"] == above
        counted = {each["unit"]: each["todo"] + each["overdue"] for each in body["items"]}
        assert (counted["north"] > 0) == (above == "north")
        assert counted["city"] == counted["south"] > 0


def test_a_unit_that_the_catalogue_lacks_is_counted_by_itself(town: Town, http: httpx.Client) -> None:
    town.move_to(TODAY)
    town.receive(enrolled("p1", TODAY - timedelta(days=80), unit="closed-down"))
    town.settle()
    items = {each["unit"]: each for each in http.get("/followup/v1/units").json()["items"]}
    assert (items["closed-down"]["todo"], items["closed-down"]["above"]) == (1, None)
    assert items["city"]["todo"] == 0
    assert summary(http, "closed-down")["all"]["todo"] == 1


def test_of_very_many_workers_those_with_most_overdue_are_told_and_how_many_are_left(
    town: Town, http: httpx.Client
) -> None:
    town.set_date(TODAY)
    usual = {"protocol": "offer_90d", "unit": "north", "tried_on": None, "postponed": None, "protected": False}
    checks = [
        {**usual, "state": "overdue", "due": TODAY - timedelta(days=1), "worker": f"w{number:03}", "settled_on": None}
        for number in range(MOST_WORKERS + 3)
    ]
    planted(town, [{**check, "why": None} for check in [*checks, checks[-1]]])
    told = summary(http)
    assert (len(told["workers"]), told["workers_left"]) == (MOST_WORKERS, 3)
    assert (told["workers"][0]["worker"], told["workers"][0]["overdue"]) == (f"w{MOST_WORKERS + 2:03}", 2)


def test_lateness_is_counted_in_days_and_what_was_missed_from_the_first_of_the_month_or_in_twelve_months() -> None:
    days = {late: [(TODAY - day).days for day in reversed(late_between(late, TODAY))] for late in Late}
    assert (days[Late.WEEK], days[Late.MONTH], days[Late.LONGER][0]) == ([1, 7], [8, 30], 31)
    assert missed_since(Missed.MONTH, date(2017, 9, 15)) == date(2017, 9, 1)
    assert missed_since(Missed.YEAR, date(2017, 9, 15)) == date(2016, 9, 16)
    assert missed_since(Missed.YEAR, date(2017, 2, 28)) == date(2016, 3, 1)


def test_sums_along_the_tree_hold_each_check_once() -> None:
    edges = (Edge("b", "a", date(2017, 1, 1)), Edge("c", "b", date(2017, 1, 1)))
    tree = UnitTree({each: Unit(each, each) for each in "abc"}, edges)
    counts = {"a": Counts(overdue=1), "c": Counts(overdue=2, oldest=date(2017, 1, 1)), "b": Counts(waiting=4)}
    sums = rolled_up(counts, ["a", "b", "c"], tree, TODAY)
    assert [(sums[each].overdue, sums[each].waiting) for each in "abc"] == [(3, 4), (2, 4), (2, 0)]
    assert sums["a"].oldest == date(2017, 1, 1)


# --- why ---


@pytest.fixture
def missed(town: Town) -> Iterator[Town]:
    """Somebody who was to have an offer by the second of April, and has a plan."""
    town.move_to(date(2017, 1, 2))
    town.receive(
        enrolled("p1", date(2017, 1, 2), contact_consent=True),
        event("plan.set", received=date(2017, 1, 2), person="p1", case="c1", on=date(2017, 1, 2)),
    )
    yield town
    assert audit(town.engine, town.catalogue, SECRET).differences == []


def why(town: Town, protocol: str = "offer_90d") -> tuple[str, str | None]:
    """State and reason of the only check of a protocol."""
    row = next(row for row in town.rows("check") if row["protocol"] == protocol)
    return row["state"], row["missed_why"]


def test_what_nobody_has_done_anything_about_was_missed_for_no_known_reason(missed: Town) -> None:
    missed.move_to(LAST_DAY)
    assert why(missed) == ("due", None)
    missed.move_to(LAST_DAY + timedelta(days=1))
    assert why(missed) == ("missed", "nothing")


def test_an_offer_after_the_last_day_came_too_late_from_its_day_on(missed: Town) -> None:
    missed.move_to(date(2017, 4, 10))
    missed.receive(offer(date(2017, 4, 11), received=date(2017, 4, 10)))
    assert why(missed) == ("missed", "nothing")
    missed.move_to(date(2017, 4, 11))
    assert why(missed) == ("missed", "too_late")


def test_an_offer_in_time_that_is_heard_of_late_was_never_missed(missed: Town) -> None:
    missed.move_to(date(2017, 4, 10))
    missed.receive(offer(date(2017, 4, 1), received=date(2017, 4, 10)))
    assert why(missed) == ("met", None)


def test_a_late_offer_that_was_retracted_is_no_reason(missed: Town) -> None:
    day = date(2017, 4, 10)
    missed.move_to(day)
    missed.receive({**offer(day), "id": "o1"})
    assert why(missed) == ("missed", "too_late")
    missed.receive(event("event.retracted", received=day, person="p1", retracts={"source": "/tiny/a", "id": "o1"}))
    assert why(missed) == ("missed", "nothing")


def test_a_case_that_was_closed_first_for_another_reason_says_so(missed: Town) -> None:
    missed.move_to(date(2017, 3, 1))
    missed.receive(closed("p1", date(2017, 3, 1), reason="own_request"))
    missed.move_to(date(2017, 4, 10))
    assert why(missed) == ("missed", "closed_first")


def attempted(on: date) -> Sent:
    return event(
        "followup.attempted", received=on, person="p1", check="occupation_6m", subject="c1", on=on, how="phone"
    )


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ([], "nothing"),
        ([attempted(date(2017, 9, 5))], "tried"),
        (
            [
                attempted(date(2017, 9, 5)),
                event(
                    "followup.answered",
                    received=date(2017, 11, 3),
                    person="p1",
                    check="occupation_6m",
                    subject="c1",
                    on=date(2017, 11, 2),
                    response="declined",
                ),
            ],
            "too_late",
        ),
    ],
)
def test_a_check_without_an_answer_in_time_says_what_there_was(missed: Town, told: list[Sent], reason: str) -> None:
    missed.move_to(date(2017, 3, 1))
    missed.receive(closed("p1", date(2017, 3, 1)))
    missed.move_to(date(2017, 11, 3))
    missed.receive(*told)
    assert why(missed, "occupation_6m") == ("expired", reason)


def test_a_month_that_the_register_never_reported_says_so_until_it_does(missed: Town) -> None:
    missed.move_to(date(2017, 3, 1))
    missed.receive(closed("p1", date(2017, 3, 1)))
    missed.move_to(date(2018, 1, 5))
    assert why(missed, "assistance_7m") == ("expired", "no_report")
    told = {"person": "p1", "month": "2017-10", "receives": False}
    missed.receive(event("assistance.reported", received=date(2018, 1, 5), **told))
    assert why(missed, "assistance_7m") == ("answered", None)


def test_the_summary_says_what_was_missed_and_why_and_the_list_shows_it(missed: Town, http: httpx.Client) -> None:
    missed.move_to(date(2017, 4, 10))
    assert summary(http, "north")["missed"] == [
        {"protocol": "offer_90d", "state": "missed", "why": "nothing", "month": 1, "year": 1}
    ]
    listed = http.get("/followup/v1/worklist?missed=month&why=nothing&unit=north").json()
    assert [(each["case"], each["missed_why"], each["group"]) for each in listed["items"]] == [
        ("c1", "nothing", "done")
    ]
    missed.move_to(date(2017, 7, 1))
    (row,) = summary(http, "north")["missed"]
    assert (row["month"], row["year"]) == (0, 1)
    listed = http.get("/followup/v1/worklist?missed=year").json()
    assert [(each["case"], each["group"]) for each in listed["items"]] == [("c1", None)]


# --- catch-up lists and feeds ---


def test_an_open_catch_up_notice_is_told_with_what_it_lists(town: Town, http: httpx.Client) -> None:
    received = date(2017, 8, 30)
    town.move_to(received)
    for person in ("p1", "p2", "p3"):
        on = date(2016, 12, 1)
        town.receive(
            enrolled(person, on, case=f"c-{person}", contact_consent=True, received=received),
            closed(person, date(2017, 2, 1), case=f"c-{person}", received=received),
        )
    town.receive(event("person.protected", received=received, person="p3", protected=True, on=received))
    town.move_to(TODAY)
    manager = http_of_a_manager(http)
    for client, persons in ((http, ["p1", "p2", "p3"]), (manager, ["p1", "p2"])):
        (notice,) = summary(client)["catch_ups"]["items"]
        assert (notice["id"], notice["unit"], notice["on"]) == ("catchup/north/2017-08-30", "north", "2017-08-30")
        listed = client.get("/followup/v1/worklist", params={"list": notice["id"]}).json()
        assert sorted({each["person"] for each in listed["items"]}) == persons
        assert notice["checks"] == listed["total"] == sum(each["checks"] for each in notice["protocols"])
    town.move_to(date(2017, 12, 1))
    assert summary(http)["catch_ups"] == {"items": [], "left": 0}


def http_of_a_manager(http: httpx.Client) -> httpx.Client:
    """Somebody who sees no protected persons, of the same service."""
    from efterhand.web.tokens import Tokens

    token = Tokens(SECRET).issue("manager")
    return httpx.Client(
        base_url=http.base_url, headers={"authorization": f"Bearer {token}"}, trust_env=False, timeout=60
    )


def test_a_feed_says_how_far_it_is_known_when_it_was_heard_and_what_waits_for_it(
    town: Town, http: httpx.Client
) -> None:
    town.move_to(date(2017, 1, 2))
    town.receive(enrolled("p1", date(2017, 1, 2)), reported_through("cases", date(2017, 1, 2), date(2017, 1, 2)))
    town.move_to(date(2017, 4, 1))
    town.receive(reported_through("cases", date(2017, 3, 30), date(2017, 4, 1)))
    town.move_to(date(2017, 4, 10))
    feeds = {each["feed"]: each for each in summary(http)["feeds"]}
    assert feeds["cases"] == {
        "feed": "cases",
        "through": "2017-03-30",
        "behind": 11,
        "heard_on": "2017-04-01",
        "silent": 9,
        "held_back": 1,
    }
    assert (feeds["answers"]["through"], feeds["answers"]["behind"], feeds["answers"]["silent"]) == (None, None, None)
    town.receive(reported_through("cases", date(2017, 4, 10), date(2017, 4, 10)))
    town.settle()
    told = summary(http)
    assert [each["held_back"] for each in told["feeds"]] == [0, 0, 0]
    assert told["all"]["missed"] == {"month": 1, "year": 1}


# --- who ---


def test_a_leader_sees_the_own_units_and_those_under_them_and_no_others(
    town: Town, services: Services, url: str
) -> None:
    town.move_to(TODAY)
    token = services.tokens.issue("manager", grants=[Grant("manager", "north")], staff="m-1")
    with httpx.Client(
        base_url=url, headers={"authorization": f"Bearer {token}"}, trust_env=False, timeout=60
    ) as client:
        items = client.get("/followup/v1/units").json()["items"]
        assert [(each["unit"], each["above"]) for each in items] == [("north", None), ("south", "north")]
        assert summary(client, "south")["unit"] == "south"
        unknown = client.get("/followup/v1/units/nowhere/summary")
        for unit in ("city", "annex"):
            answer = client.get(f"/followup/v1/units/{unit}/summary")
            assert (answer.status_code, answer.json()) == (404, unknown.json()), unit


def test_before_a_business_date_is_known_units_ask_to_try_again(http: httpx.Client) -> None:
    assert http.get("/followup/v1/units").status_code == 503
    assert http.get("/followup/v1/units/north/summary").status_code == 503


@pytest.mark.parametrize("query", ["missed=week", "late=day", "why=because"])
def test_a_filter_that_there_is_not_is_refused(town: Town, http: httpx.Client, query: str) -> None:
    town.move_to(TODAY)
    assert http.get(f"/followup/v1/worklist?{query}").status_code == 422
