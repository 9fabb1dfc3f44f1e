"""The product's pure core against the literal reference, after every step of a history."""

from datetime import date
from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st

from tests import reference
from tests.property import product
from tests.property.strategies import Scene, arrivals, in_words, scenes, stamp


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


@given(scenes(erasures=True))
def test_checks_are_those_of_the_reference_after_every_step(scene: Scene) -> None:
    for step in range(1, len(scene.events) + 1):
        events = scene.events[:step]
        for day in scene.days:
            note(f"{day}, business date {scene.business_date}\n{in_words(events)}")
            assert product.checks(events, day, scene.business_date) == product.expected_checks(
                events, day, scene.business_date
            )


@given(scenes(erasures=True))
def test_notices_are_those_of_the_reference_after_every_step(scene: Scene) -> None:
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


DOUBTS_OF_BOTH = {
    "closure_before_enrolment": "closure_before_enrolment",
    "transfer_before_enrolment": "transfer_before_enrolment",
    "retraction_without_effect": "retraction_without_effect",
}


@given(scenes())
def test_what_is_doubtful_in_one_persons_history_is_that_of_the_reference(scene: Scene) -> None:
    for step in range(1, len(scene.events) + 1):
        events = scene.events[:step]
        note(in_words(events))
        found = {
            (doubt.code, person, " ".join(doubt.event))
            for person, facts in product.facts_of(events).items()
            for doubt in facts.doubts
        }
        expected = {d for d in reference.doubts(events, scene.business_date) if d[0] in DOUBTS_OF_BOTH}
        assert found == expected
