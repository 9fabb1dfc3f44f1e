"""The product's pure core against the literal reference, after every step of a history."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from efterhand.timeline.doubts import doubtful_of
from tests import reference
from tests.property import product
from tests.property.strategies import ABOUT, Scene, arrivals, in_words, scenes, stamp

OF_EACH = settings(max_examples=max(1, settings().max_examples // 2))
"""Histories about each thing."""


def test_what_cancels_a_check_counts_also_while_its_giving_up_is_held_back_by_a_watermark() -> None:
    def sent(id_: str, type_: str, data: dict[str, Any]) -> dict[str, Any]:
        at = "2017-01-01T08:00:00Z"
        envelope = {"specversion": "1.0", "id": id_, "source": "/tiny/a", "type": type_, "time": at}
        return {**envelope, "data": data, "received": stamp(date(2018, 1, 2))}

    enrolled = {
        "unit": "north",
        "target_group": "ordinary",
        "sex": "female",
        "birth_year": 1950,
        "contact_consent": True,
    }
    events = [
        sent("1", "case.enrolled", {"person": "p1", "case": "c1", "on": "2017-01-01", **enrolled}),
        sent("2", "case.closed", {"person": "p1", "case": "c1", "on": "2017-01-01", "reason": "work"}),
        sent("3", "source.reported_through", {"feed": "answers", "through": "2017-08-31"}),
        sent("4", "consent.changed", {"person": "p1", "contact": False, "on": "2018-01-01"}),
    ]  # due 2017-07-01, gives up 2017-09-01, which the answers have not come to
    asked = (events, date(2018, 1, 2), date(2018, 1, 2))
    assert product.checks(*asked)["occupation_6m:p1:c1"]["state"] == "cancelled"


@pytest.mark.parametrize("about", ABOUT)
@OF_EACH
@given(data=st.data())
def test_checks_are_those_of_the_reference_after_every_step(about: str, data: st.DataObject) -> None:
    scene = data.draw(scenes(about=about, erasures=True))
    for step in range(1, len(scene.events) + 1):
        events = scene.events[:step]
        for day in scene.days:
            note(f"{day}, business date {scene.business_date}\n{in_words(events)}")
            assert product.checks(events, day, scene.business_date) == product.expected_checks(
                events, day, scene.business_date
            )


@pytest.mark.parametrize("about", ABOUT)
@OF_EACH
@given(data=st.data())
def test_notices_are_those_of_the_reference_after_every_step(about: str, data: st.DataObject) -> None:
    scene = data.draw(scenes(about=about, erasures=True))
    for step in range(1, len(scene.events) + 1):
        events = scene.events[:step]
        for day in scene.days:
            note(f"{day}, business date {scene.business_date}\n{in_words(events)}")
            assert product.notices(events, day, scene.business_date) == product.expected_notices(
                events, day, scene.business_date
            )


@given(st.data(), scenes(erasures=True))
def test_any_order_and_any_repeats_give_the_same_checks_and_notices(data: st.DataObject, scene: Scene) -> None:
    arrived = data.draw(arrivals(scene.events))
    for day in scene.days:
        at = (day, scene.business_date)
        assert product.checks(arrived, *at) == product.checks(scene.events, *at)
        assert product.notices(arrived, *at) == product.notices(scene.events, *at)


@given(st.data(), scenes(erasures=True))
def test_any_order_and_any_repeats_give_the_same_facts(data: st.DataObject, scene: Scene) -> None:
    arrived = data.draw(arrivals(scene.events))
    assert product.facts_of(arrived) == product.facts_of(scene.events)


@given(scenes(erasures=True))
def test_what_is_doubtful_in_one_persons_history_is_that_of_the_reference(scene: Scene) -> None:
    for step in range(1, len(scene.events) + 1):
        events = scene.events[:step]
        note(in_words(events))
        for day in {*scene.days, scene.business_date}:
            found = {
                (doubt.code, person, doubt.about)
                for person, facts in product.facts_of(events).items()
                for doubt in doubtful_of(facts)
                if doubt.stands_on(day)
            }
            # that another person has the case too is not seen in one person's facts
            expected = {d for d in reference.doubts(events, day) if d[0] != "case_of_two_persons"}
            assert found == expected
