"""followup's data-quality list on PostgreSQL against the literal reference, after every batch and on other dates."""

from datetime import date, timedelta

import pytest
from hypothesis import Phase, find, given, note, settings
from hypothesis import strategies as st

from efterhand.timeline.doubts import CODES
from tests import reference
from tests.property.services import Services
from tests.property.strategies import Event, Scene, arrivals, batches, in_words, scenes
from tests.reference.days import day_of, stockholm_day

FEWER = settings(max_examples=max(1, settings().max_examples // 2))
"""Every example is many transactions."""


@st.composite
def doubtful_scenes(draw: st.DrawFn) -> Scene:
    """Histories in which more is doubtful than in most: most enrolments are at one unit, and some never come."""
    scene = draw(scenes(most=14, erasures=True))
    told: list[Event] = []
    for event in scene.events:
        if event["type"] == "case.enrolled" and draw(st.integers(0, 3)):
            if not draw(st.integers(0, 2)):
                continue
            event["data"] = {**event["data"], "unit": "north"}
        told.append(event)
    return Scene(told or scene.events, scene.days, scene.business_date, scene.known)


@FEWER
@given(data=st.data())
def test_followup_lists_as_doubtful_what_the_reference_does_after_every_batch(
    services: Services, data: st.DataObject
) -> None:
    scene = data.draw(doubtful_scenes())
    today = min(scene.days[0], scene.business_date)
    arrived: list[Event] = []
    with services.followup() as followup:
        followup.move(today)
        for batch in [*data.draw(batches(data.draw(arrivals(scene.events)))), []]:
            if today < scene.business_date and (not batch or data.draw(st.booleans())):
                today = scene.business_date
                followup.move(today)
            followup.apply(batch)
            arrived += batch
            note(f"business date {today}\n{in_words(arrived)}")
            assert followup.doubts() == reference.doubts(arrived, today)


def turning_days(events: list[Event]) -> list[date]:
    """The days on which an entry can come or go, and their neighbours."""
    days = {day_of(event["data"]["on"]) for event in events if "on" in event["data"]}
    days |= {stockholm_day(event["received"]) + timedelta(days=30) for event in events}
    return sorted({day + timedelta(days=step) for day in days for step in (-1, 0, 1)})


@FEWER
@given(scene=doubtful_scenes())
def test_the_list_of_another_day_needs_nothing_but_the_day(services: Services, scene: Scene) -> None:
    first, *later = turning_days(scene.events)
    with services.followup() as followup:
        followup.move(first)
        followup.apply(scene.events)
        for today in later:
            followup.announce(today)
            note(f"business date {today}\n{in_words(scene.events)}")
            assert followup.doubts() == reference.doubts(scene.events, today)


@pytest.mark.parametrize("code", CODES)
def test_the_histories_have_every_kind_of_doubt(code: str) -> None:
    """Else the comparison would say nothing of it."""

    def is_there(scene: Scene) -> bool:
        return any(found[0] == code for found in reference.doubts(scene.events, scene.business_date))

    find(doubtful_scenes(), is_there, settings=settings(max_examples=2000, phases=(Phase.generate,)))
