"""intake on PostgreSQL against the literal reference: what becomes of what is sent, by order of receipt."""

from collections.abc import Callable
from datetime import date
from typing import Any

from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from tests import reference
from tests.property import product
from tests.property.services import Services
from tests.property.strategies import Event, Scene, batches, scenes
from tests.reference.history import identity

LATE = date(2019, 12, 31)
"""A business date on which nothing in the tiny domain lies in the future."""

SAME_INSTANT = {
    "2017-01-01T08:00:00Z": "2017-01-01T03:00:00.0000004-05:00",
    "2017-01-01T09:00:00+01:00": "2017-01-01T08:00:00.000000Z",
}


def again(draw: Callable[..., Any], event: Event) -> Event:
    """The event once more: as it was, written otherwise, or with other content."""
    how = draw(st.sampled_from(("as it was", "written otherwise", "other time", "other data", "with a schema")))
    if how == "written otherwise":
        time = SAME_INSTANT.get(event["time"], event["time"])
        data = dict(reversed(event["data"].items()))
        return {**dict(reversed(event.items())), "time": time, "data": data, "datacontenttype": "application/json"}
    if how == "other time":
        return {**event, "time": "2017-01-01T08:00:01Z"}
    if how == "with a schema":
        return {**event, "dataschema": f"urn:efterhand:{event['type']}:1"}
    if how == "other data" and "person" in event["data"]:
        return {**event, "data": {**event["data"], "person": draw(st.sampled_from(("p1", "p9")))}}
    return event


def is_well_formed(event: Event) -> bool:
    """An answer's or an attempt's protocol is one that the catalogue has; assistance began no later than the case."""
    data = event["data"]
    began_later = data.get("assistance_since", "") > data.get("on", "9999-12-31")
    return data.get("check", "occupation_6m") in product.catalogue().protocols and not began_later


@st.composite
def sendings(draw: Callable[..., Any], scene: Scene) -> list[Event]:
    """A scene's events as they are sent, some of them again and changed, in some order."""
    events = [event for event in scene.events if is_well_formed(event)]
    sent = [{name: value for name, value in event.items() if name != "received"} for event in events]
    assume(sent)
    repeated = draw(st.lists(st.sampled_from(sent), min_size=1, max_size=8))
    everything = sent + [again(draw, event) for event in repeated]
    return list(draw(st.permutations(everything)))


@settings(max_examples=max(1, settings().max_examples // 2))
@given(st.data(), scenes(erasures=True, often_erased=True))
def test_intake_accepts_refuses_and_holds_what_the_reference_does_after_every_post(
    services: Services, data: st.DataObject, scene: Scene
) -> None:
    sent: list[Event] = []
    outcomes: list[tuple[str, list[str]]] = []
    with services.intake(LATE) as intake:
        for batch in data.draw(batches(data.draw(sendings(scene)))):
            sent += batch
            outcomes += intake.post(batch)
            expected, held = reference.receive(sent)
            note("\n".join(f"{outcome}: {event}" for outcome, event in zip(outcomes, sent, strict=True)))
            assert outcomes == expected
            assert intake.held() == {identity(event) for event in held}
