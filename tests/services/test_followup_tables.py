"""followup's tables are a function of what was received; moving the date by many days is moving it day by day."""

from datetime import date, timedelta
from itertools import groupby
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from efterhand.clock import local_date
from efterhand.timeline.events import parse_instant
from efterhand.web.sight import EVERYTHING
from efterhand_followup.application.audit import audit
from efterhand_followup.application.read_checks import CheckFilter, read_checks
from efterhand_followup.application.read_notices import NoticeFilter, read_notices
from efterhand_followup.application.reading import Asked
from tests.property import product
from tests.property.strategies import Scene, arrivals, batches, scenes
from tests.services.followup_town import (
    SECRET,
    Sent,
    Town,
    closed,
    days_between,
    enrolled,
    event,
    reported_through,
    town,
    whole_town,
)

__all__ = ["town", "whole_town"]

# Every example empties the tables itself.
EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    database=None,
    print_blob=True,
    phases=(Phase.explicit, Phase.generate),  # making a failure smaller takes minutes with a database
    suppress_health_check=list(HealthCheck),
)


def received_on(sent: Sent) -> date:
    return local_date(parse_instant(sent["received"]))


def assert_audit_finds_nothing(town: Town) -> None:
    found = audit(town.engine, town.catalogue, SECRET)
    assert found.differences == []
    assert found.pending == 0


def assert_same(rows: list[Any], wanted: list[Any]) -> None:
    """Equal but for who may see a notice about many: that follows the persons who were on its list last."""
    rows, wanted = (
        [row if row["person"] else {**row, "protected": None, "told": None} for row in log] for log in (rows, wanted)
    )
    only = [row for row in rows if row not in wanted]
    missing = [row for row in wanted if row not in rows]
    assert (only, missing) == ([], [])


@EXAMPLES
@given(data=st.data(), scene=scenes())
def test_any_order_any_repeats_and_any_batches_give_the_same_tables(whole_town: Town, data: Any, scene: Scene) -> None:
    """Also when the date comes before, between or after the events."""
    whole_town.begin_again()
    whole_town.move_to(scene.business_date)
    whole_town.receive(*scene.events)
    whole_town.settle()
    expected = whole_town.state()

    whole_town.begin_again()
    cut = data.draw(batches(data.draw(arrivals(scene.events))))
    moves = sorted(data.draw(st.lists(st.integers(0, len(cut)), max_size=3)))
    earlier = iter([scene.business_date - timedelta(days=days) for days in (70, 3, 0)])
    for number, batch in enumerate(cut):
        for _ in range(moves.count(number)):
            whole_town.move_to(next(earlier))
        whole_town.receive(*batch)
    whole_town.move_to(scene.business_date)
    assert whole_town.state() == expected
    assert_audit_finds_nothing(whole_town)


@EXAMPLES
@given(scene=scenes())
def test_what_is_read_agrees_with_the_reference_on_the_business_date_and_on_other_days(
    whole_town: Town, scene: Scene
) -> None:
    whole_town.begin_again()
    whole_town.receive(*scene.events)
    first = min(scene.business_date, *(received_on(each) for each in scene.events))
    for number in range(1, 9):
        # By steps, so that some notices are made and then withdrawn.
        whole_town.move_to(first + (scene.business_date - first) * number // 8)
    for day in {scene.business_date, *scene.days}:
        asked = Asked(day, sight=EVERYTHING)
        with whole_town.engine.connect() as connection:
            checks = _pages(lambda c: read_checks(connection, whole_town.catalogue, asked, CheckFilter(), c, 3))  # noqa: B023
            notices = _pages(
                lambda c: read_notices(connection, whole_town.catalogue, asked, NoticeFilter(), c, 1)  # noqa: B023
            )
            assert notices == read_notices(connection, whole_town.catalogue, asked, NoticeFilter(), None, 1000)["items"]
        wanted_checks = product.expected_checks(scene.events, day, scene.business_date)
        shown = ("anchor_on", "due", "state", "late", "flag", "settled_on", "unit")
        assert {each["id"]: {name: each[name] for name in shown} for each in checks} == {
            check_id: {name: each[name] for name in shown} for check_id, each in wanted_checks.items()
        }
        wanted_notices = product.expected_notices(scene.events, day, scene.business_date)
        shown = ("check", "step", "moment", "send_on", "unit", "to", "status")
        assert len({(each["id"], each["status"]) for each in notices}) == len(notices)
        assert {
            each["id"]: {name: each[name] for name in shown} for each in notices if each["status"] != "withdrawn"
        } == {notice_id: {name: each[name] for name in shown} for notice_id, each in wanted_notices.items()}


def _pages(read: Any) -> list[Any]:
    items, cursor = [], None
    while True:
        page = read(cursor)
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


@EXAMPLES
@given(scene=scenes(), steps=st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_a_jump_of_the_date_leaves_the_same_log_as_small_steps(town: Town, scene: Scene, steps: list[int]) -> None:
    """And so does everything that comes late, after the date has moved already."""
    events = sorted(scene.events, key=received_on)
    first_day, last_day = received_on(events[0]), received_on(events[-1]) + timedelta(days=60)
    by_day = {day: list(group) for day, group in groupby(events, key=received_on)}

    def live(*days: date) -> list[Any]:
        town.begin_again()
        for day in days:
            town.set_date(day)
            town.receive(*by_day.get(day, []))
            town.settle()
        return town.log()

    jumped = live(*by_day, last_day)

    stops = {first_day + timedelta(days=sum(steps[:n])) for n in range(len(steps) + 1)} | {last_day} | set(by_day)
    assert_same(live(*sorted(stop for stop in stops if stop <= last_day)), jumped)

    town.begin_again()
    town.move_to(first_day)
    town.move_to(last_day)
    town.receive(*events)
    town.settle()
    assert_same(town.log(), jumped)


def test_a_year_day_by_day_leaves_the_same_log_as_one_jump(town: Town) -> None:
    start = date(2017, 1, 2)
    events = [
        enrolled("p1", start),
        event("case.assigned", received=start, person="p1", case="c1", on=date(2017, 1, 3), worker="w1"),
        enrolled("p2", date(2016, 9, 1), received=start),
        closed("p2", date(2016, 12, 15), received=start, reason="other_authority"),
        enrolled("p3", date(2016, 6, 1), received=start, contact_consent=True),
        closed("p3", date(2016, 11, 30), received=start),
        enrolled("p4", start, unit="south"),
        event("case.transferred", received=start, person="p4", case="c1", on=date(2017, 1, 3), unit="north"),
    ]
    logs = []
    for days in (days_between(start, date(2017, 12, 31)), [start, date(2017, 12, 31)]):
        town.begin_again()
        town.move_to(start)
        town.receive(*events)
        for day in days:
            town.move_to(day)
        logs.append(town.log())
        assert_audit_finds_nothing(town)
    assert logs[0] == logs[1]
    by_id = {row["id"]: row for row in logs[1]}
    first = by_id["offer_90d:p1:c1/-30/2017-04-02"]
    assert (first["made_on"], first["withdrawn_on"], first["status"]) == (
        date(2017, 3, 3),
        date(2017, 4, 3),
        "withdrawn",
    )
    assert by_id["offer_90d:p1:c1/+1/2017-04-02"]["status"] == "open"
    register = by_id["register/2017-07"]
    assert (register["made_on"], register["withdrawn_on"]) == (date(2017, 8, 1), date(2017, 10, 15))


def test_notices_of_every_day_passed_are_made_and_withdrawn_on_the_topic(town: Town) -> None:
    start = date(2017, 1, 2)
    town.move_to(start)
    town.receive(enrolled("p1", start))
    town.move_to(date(2017, 12, 31))
    told = [(each["id"].split("/")[1], each["status"]) for each in town.outbox("followup-notices")]
    assert told == [
        ("-30", "open"),
        ("-7", "open"),
        ("0", "open"),
        ("+1", "open"),
        ("-30", "withdrawn"),
        ("-7", "withdrawn"),
        ("0", "withdrawn"),
    ]


def test_nobody_is_told_missed_while_the_file_of_the_night_has_not_come(town: Town) -> None:
    start = date(2017, 1, 2)
    town.move_to(start)
    town.receive(enrolled("p1", start), reported_through("cases", start, start))
    town.move_to(date(2017, 4, 20))
    assert [row["state"] for row in town.rows("check")] == ["overdue"]
    town.receive(reported_through("cases", date(2017, 4, 2), date(2017, 4, 20)))
    town.settle()
    assert [row["state"] for row in town.rows("check")] == ["overdue"]
    town.receive(reported_through("cases", date(2017, 4, 3), date(2017, 4, 20)))
    town.settle()
    assert [row["state"] for row in town.rows("check")] == ["missed"]
    # A wrong watermark is put right by a later one, also backwards.
    later = reported_through("cases", date(2017, 4, 2), date(2017, 4, 20))
    town.receive({**later, "time": "2017-04-20T09:00:00+01:00"})
    town.settle()
    assert [row["state"] for row in town.rows("check")] == ["overdue"]
    assert_audit_finds_nothing(town)


def test_a_watermark_finds_only_the_persons_that_waited_for_it(town: Town) -> None:
    start = date(2017, 1, 2)
    town.move_to(start)
    town.receive(
        enrolled("p1", start), enrolled("p2", date(2017, 1, 1)), reported_through("cases", date(2017, 1, 1), start)
    )
    town.move_to(date(2017, 4, 20))
    town.receive(reported_through("cases", date(2017, 4, 2), date(2017, 4, 20)))
    assert {row["person"]: row["dirty"] for row in town.rows("person")} == {"p1": False, "p2": True}


def test_history_that_is_loaded_late_floods_nobody(town: Town) -> None:
    today = date(2017, 12, 1)
    town.move_to(today)
    town.receive(*[enrolled(f"p{n}", date(2017, 9, 1), received=today) for n in range(1, 6)])
    town.settle()
    by_status: dict[str, list[str]] = {}
    for row in town.log():
        by_status.setdefault(row["status"], []).append(row["id"])
    # Being missed has withdrawn the steps before it; a step of yesterday is told by itself.
    assert by_status == {"open": [f"offer_90d:p{n}:c1/+1/2017-11-30" for n in range(1, 6)]}


def test_steps_of_long_ago_are_summed_into_one_notice_for_the_manager(town: Town) -> None:
    today = date(2018, 3, 1)
    town.move_to(today)
    town.receive(*[enrolled(f"p{n}", date(2017, 9, 1), received=today) for n in range(1, 6)])
    town.settle()
    assert {row["id"]: row["status"] for row in town.log()} == {
        "catchup/north/2018-03-01": "open",
        **{f"offer_90d:p{n}:c1/+1/2017-11-30": "summed" for n in range(1, 6)},
    }
    told = town.outbox("followup-notices")
    assert [each["id"] for each in told] == ["catchup/north/2018-03-01"]


def test_a_catch_up_notice_is_open_while_one_of_its_steps_is(town: Town) -> None:
    today = date(2017, 11, 25)
    town.move_to(today)
    for n in (1, 2):
        town.receive(enrolled(f"p{n}", date(2017, 9, 1), received=today))
    town.settle()
    catch_up = "catchup/north/2017-11-25"
    assert [row["id"] for row in town.log() if row["status"] == "open"] == [
        catch_up,
        *[f"offer_90d:p{n}:c1/-7/2017-11-30" for n in (1, 2)],
    ]
    town.receive(closed("p1", today))
    town.settle()
    assert town.one("SELECT status FROM followup.notice WHERE id = :id", id=catch_up) == "open"
    town.receive(closed("p2", today))
    town.settle()
    assert town.one("SELECT status FROM followup.notice WHERE id = :id", id=catch_up) == "withdrawn"
    told = [each for each in town.outbox("followup-notices") if each["id"] == catch_up]
    assert [each["status"] for each in told] == ["open", "withdrawn"]
    assert told[0] == {"id": catch_up, "unit": "north", "to": "manager:north", "status": "open"}


def test_before_a_business_date_is_known_events_are_kept_and_nothing_is_computed(town: Town) -> None:
    town.receive(enrolled("p1", date(2017, 1, 2)), reported_through("cases", date(2017, 1, 2), date(2017, 1, 2)))
    assert len(town.rows("event")) == 2
    assert town.rows("check") == []
    town.move_to(date(2017, 1, 2))
    assert [row["id"] for row in town.rows("check")] == ["offer_90d:p1:c1"]


def test_the_date_never_moves_back(town: Town) -> None:
    town.move_to(date(2017, 5, 1))
    town.move_to(date(2017, 4, 1))
    assert town.one("SELECT business_date FROM followup.context") == date(2017, 5, 1)
