"""Another catalogue is taken over by followup beside live traffic."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from efterhand.catalogue import Catalogue, load_catalogue
from efterhand.web.problem import Problem
from efterhand.web.sight import EVERYTHING
from efterhand_followup.application.apply_events import apply_events
from efterhand_followup.application.audit import audit
from efterhand_followup.application.move_date import adopt_catalogue, drain
from efterhand_followup.application.read_checks import CheckFilter, due_summary, read_checks
from efterhand_followup.application.read_notices import NoticeFilter, read_notices
from efterhand_followup.application.read_status import read_status
from efterhand_followup.application.reading import Asked
from efterhand_followup.application.why_check import why_check
from efterhand_followup.entrypoints.clock import Clock
from tests.editing import edited_catalogue, edited_definition
from tests.services.followup_town import SECRET, Sent, Town, closed, enrolled, event, records, reported_through, town
from tests.tiny import tiny_catalogue_directory

__all__ = ["town"]

TINY = tiny_catalogue_directory()
PROTOCOLS = TINY / "protocols.yaml"
START, TODAY = date(2017, 1, 2), date(2017, 4, 20)
NOW = Asked(None, sight=EVERYTHING)

SOONER = edited_definition(PROTOCOLS, "offer_90d", "due: anchor + 90 days", "due: anchor + 60 days")
EARLIER_REMINDER = edited_definition(
    PROTOCOLS, "plan_5d", "- {day: due, who: worker}", "- {day: due - 2 days, who: worker}"
)


@pytest.fixture
def changed(tmp_path: Path) -> Catalogue:
    """An offer must be made sooner, the plan's reminder comes earlier, and a protocol of measures is gone."""
    return load_catalogue(
        str(
            edited_catalogue(
                TINY,
                tmp_path / "changed",
                {"protocols.yaml": [SOONER, EARLIER_REMINDER]},
                [("protocols.yaml", "in_measure_3m")],
            )
        )
    )


def in_town(town: Town, catalogue: Catalogue) -> None:
    """From now on the town's processes have this catalogue."""
    town.catalogue = catalogue
    town.clock = Clock(town.engine, catalogue)
    with town.engine.begin() as connection:
        adopt_catalogue(connection, catalogue)


@pytest.fixture
def old(town: Town) -> Catalogue:
    """What the town has before."""
    in_town(town, load_catalogue(str(TINY)))
    return town.catalogue


def somebody(person: str, received: date = START) -> list[Sent]:
    """Somebody with an open case and a measure that goes on."""
    started = event("measure.started", received=received, person=person, case="c1", on=START, measure="m1")
    started["data"]["kind"] = "internship"
    return [enrolled(person, START, received=received), started]


def computing(town: Town) -> dict[str, int]:
    with town.engine.connect() as connection:
        found: dict[str, int] = read_status(connection, 0, town.catalogue.version)["computing"]
    return found


@contextmanager
def being_computed(done: int, of: int) -> Iterator[None]:
    """What is asked for is not shown yet."""
    with pytest.raises(Problem) as caught:
        yield
    assert (caught.value.status, caught.value.code) == (503, "being_computed")
    assert caught.value.extra["progress"] == {"done": done, "of": of, "percent": 100 * done // of}


def listed(town: Town, read: Callable[..., Any], wanted: Any) -> dict[str, Any]:
    with town.engine.connect() as connection:
        found: dict[str, Any] = read(connection, town.catalogue, NOW, wanted, None, 1000)
    return found


def as_by_a_fresh_build(town: Town, events: list[Sent]) -> None:
    """What is stored is what a town comes to that has never had another catalogue."""
    found = audit(town.engine, town.catalogue, SECRET)
    assert (found.differences, found.pending) == ([], 0)
    state = town.state()
    town.begin_again()
    town.set_date(TODAY)
    town.receive(*events)
    town.settle()
    fresh = town.state()
    for each in (state, fresh):
        for table in ("person", "context"):
            for row in each[table]:
                row["generation"] = 0
    assert state == fresh


def test_while_a_catalogue_is_taken_over_unchanged_protocols_are_shown_and_the_others_say_how_far_they_are(
    town: Town, old: Catalogue, changed: Catalogue
) -> None:
    town.move_to(START)
    events = [each for number in range(5) for each in somebody(f"p{number}")]
    town.receive(*events)
    town.move_to(TODAY)
    in_town(town, changed)
    assert computing(town) == {"done": 0, "of": 5}
    done = 0
    while (now := computing(town))["done"] < now["of"]:
        assert now["done"] >= done
        done = now["done"]
        told = {"protocols": ["offer_90d", "plan_5d"], **now}
        checks = listed(town, read_checks, CheckFilter())
        assert checks["computing"] == told
        assert {each["protocol"] for each in checks["items"]} == {"in_measure_6m", "in_measure_12m"}
        assert {each["person"] for each in checks["items"]} == {row["person"] for row in town.rows("person")}
        for several in (("in_measure_6m",), ("in_measure_6m", "offer_90d")):
            found = listed(town, read_checks, CheckFilter(protocols=several))["items"]
            assert {each["protocol"] for each in found} == {"in_measure_6m"}
        with being_computed(done, now["of"]):
            listed(town, read_checks, CheckFilter(protocols=("offer_90d",)))
        notices = listed(town, read_notices, NoticeFilter(status="open"))
        assert notices["computing"] == told
        assert notices["items"] == []
        with town.engine.connect() as connection:
            assert due_summary(connection, changed, NOW)["computing"] == told
            with being_computed(done, now["of"]):
                why_check(connection, changed, "offer_90d:p0:c1", sight=EVERYTHING)
        # Live traffic: somebody new, and an offer to somebody who has not been computed yet.
        offer = event(
            "offer.made", received=TODAY, person=f"p{4 - done // 3}", case="c1", on=date(2017, 2, 1), kind="job"
        )
        fresh = [*somebody(f"q{done}", TODAY), offer, reported_through("cases", TODAY, TODAY)]
        town.receive(*fresh)
        events += fresh
        with town.engine.begin() as connection:
            drain(connection, changed, 1)
    town.settle()
    checks = listed(town, read_checks, CheckFilter())
    assert "computing" not in checks
    assert {each["due"] for each in checks["items"] if each["protocol"] == "offer_90d"} == {date(2017, 3, 3)}
    assert "in_measure_3m" not in {row["protocol"] for row in town.rows("check")}
    as_by_a_fresh_build(town, events)


def test_units_that_move_hold_at_once_and_nobody_is_computed(town: Town, old: Catalogue, tmp_path: Path) -> None:
    town.move_to(START)
    town.receive(*somebody("p1"))
    moved = edited_catalogue(
        TINY,
        tmp_path / "moved",
        {
            "units.yaml": [
                ("{id: north, name: Norr, under: [{parent: city,", "{id: north, name: Norr, under: [{parent: annex,"),
                (", under: [{parent: south, from: 2018-01-01}]", ""),
            ]
        },
    )
    assert listed(town, read_checks, CheckFilter(unit="annex"))["items"] == []
    in_town(town, load_catalogue(str(moved)))
    assert computing(town) == {"done": 1, "of": 1}
    assert {each["person"] for each in listed(town, read_checks, CheckFilter(unit="annex"))["items"]} == {"p1"}
    assert listed(town, read_notices, NoticeFilter(unit="city"))["items"] == []
    assert audit(town.engine, town.catalogue, SECRET).differences == []


def test_two_workers_with_different_catalogues_never_mix(town: Town, old: Catalogue, changed: Catalogue) -> None:
    town.move_to(START)
    events: list[Sent] = []
    dues = {old.version: date(2017, 4, 2), changed.version: date(2017, 3, 3)}

    def receive(by: Catalogue, *sent: Sent) -> None:
        with town.engine.begin() as connection:
            apply_events(connection, records(sent), by, SECRET)
        events.extend(sent)

    for number, holds in enumerate((old, changed, changed, old, changed)):
        in_town(town, holds)
        for by in (old, changed):
            receive(
                by,
                *somebody(f"p{number}-{by.version}"),
                event("plan.set", received=TODAY, person="p0-" + old.version, case="c1", on=START),
                reported_through("cases", date(2017, 1, 10 + number), START),
            )
            with town.engine.begin() as connection:
                drain(connection, by, 1)
        generation = max(row["generation"] for row in town.rows("person"))
        computed = {row["person"] for row in town.rows("person") if row["generation"] == generation}
        found = {
            row["due"] for row in town.rows("check") if row["protocol"] == "offer_90d" and row["person"] in computed
        }
        assert found == {dues[holds.version]}
    in_town(town, changed)
    town.move_to(TODAY)
    as_by_a_fresh_build(town, events)


def test_what_another_worker_keeps_leaves_the_same_notices(town: Town, old: Catalogue, changed: Catalogue) -> None:
    """A case that was closed, and heard of late, by a worker that leaves it to another one."""
    logs = []
    for by in (old, changed):
        in_town(town, changed)
        town.begin_again()
        town.move_to(START)
        town.receive(*somebody("p1"))
        town.move_to(date(2017, 2, 20))
        late = closed("p1", date(2017, 2, 1), reason="other_authority", received=date(2017, 2, 10))
        with town.engine.begin() as connection:
            apply_events(connection, records([{**late, "id": "late"}]), by, SECRET)
        town.settle()
        logs.append([{name: row[name] for name in ("id", "status", "made_on")} for row in town.log()])
    assert logs[0] == logs[1]
    assert {row["status"] for row in logs[0]} >= {"withdrawn"}
