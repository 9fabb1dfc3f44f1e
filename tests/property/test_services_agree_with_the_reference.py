"""followup and indicators on PostgreSQL against the literal reference, after every batch of a history."""

from datetime import date

from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests import reference
from tests.property import product
from tests.property.services import CHECK_COLUMNS, NOTICE_COLUMNS, Services, only
from tests.property.strategies import Event, Scene, arrivals, batches, in_words, scenes
from tests.reference.days import last_of_month
from tests.reference.figures import Dims
from tests.tiny import MUNICIPALITY

FEWER = settings(max_examples=max(1, settings().max_examples // 3))
"""Every example is many transactions."""
DIMENSIONS = {
    "closed_12m": ("sex", "unit", "target_group", "age_band"),
    "self_sufficient_6m": ("sex", "unit", "target_group", "age_band", "closure_reason"),
    "offer_90d": ("sex", "unit", "target_group", "age_band"),
    "unique_persons": ("sex", "unit", "target_group", "age_band"),
}


@FEWER
@given(st.data(), scenes(erasures=True))
def test_followup_holds_the_checks_and_notices_of_the_reference_after_every_batch(
    services: Services, data: st.DataObject, scene: Scene
) -> None:
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
            for day in [today, *scene.days]:
                note(f"{day}, business date {today}\n{in_words(arrived)}")
                assert followup.checks(day) == only(product.expected_checks(arrived, day, today), CHECK_COLUMNS)
                assert followup.notices(day) == only(product.expected_notices(arrived, day, today), NOTICE_COLUMNS)


def hold(services_figure: tuple[date, bool, dict[Dims, reference.Row]], expected: reference.Figure) -> None:
    """Compare a figure; a cell in which nothing is counted may be left out."""
    from_on, preliminary, rows = services_figure
    assert (from_on, preliminary) == (expected.from_on, expected.preliminary)
    assert rows == expected.rows


@FEWER
@given(st.data(), scenes(erasures=True))
def test_indicators_tell_the_figures_of_the_reference_after_every_batch(
    services: Services, data: st.DataObject, scene: Scene
) -> None:
    today = scene.business_date
    by = {
        name: tuple(data.draw(st.lists(st.sampled_from(dimensions), max_size=2, unique=True)))
        for name, dimensions in DIMENSIONS.items()
    }
    arrived: list[Event] = []
    with services.indicators() as indicators:
        indicators.move(today)
        for batch in data.draw(batches(data.draw(arrivals(scene.events)))):
            indicators.apply(batch)
            arrived += batch
            at = data.draw(st.sampled_from([*scene.days, *map(last_of_month, scene.days)]))
            known = data.draw(st.sampled_from([None, scene.known]))
            for name in DIMENSIONS:
                note(f"{name} at {at} by {by[name]} known {known}, business date {today}\n{in_words(arrived)}")
                hold(
                    indicators.figure(name, at, by[name], known),
                    reference.figures(arrived, name, at, by[name], known, today, MUNICIPALITY),
                )
