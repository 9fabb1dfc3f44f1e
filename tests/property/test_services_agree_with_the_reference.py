"""followup and indicators on PostgreSQL against the literal reference, after every batch of a history."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests import reference
from tests.property import product
from tests.property.services import CHECK_COLUMNS, NOTICE_COLUMNS, Services, only
from tests.property.strategies import ABOUT, Event, arrivals, batches, in_words, scenes
from tests.reference.days import last_of_month, plus_months
from tests.reference.figures import Dims
from tests.tiny import MUNICIPALITY

FEWER = settings(max_examples=max(1, settings().max_examples // 10))
"""Histories about each thing; every example is many transactions."""
LAST_DAY = date(2019, 12, 31)
"""As known on that day, everything is known."""


@pytest.mark.parametrize("about", ABOUT)
@FEWER
@given(data=st.data())
def test_followup_holds_the_checks_and_notices_of_the_reference_after_every_batch(
    services: Services, about: str, data: st.DataObject
) -> None:
    scene = data.draw(scenes(about=about, erasures=True))
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


@pytest.mark.parametrize("indicator", product.indicators())
def test_a_figure_can_be_broken_down_by_all_that_the_rules_name(indicator: str) -> None:
    assert set(reference.DIMENSIONS[indicator]) <= set(product.catalogue().indicators[indicator].dimensions)


@st.composite
def questions(draw: Callable[..., Any]) -> dict[str, tuple[str, ...]]:
    """Some figures, and by what each is broken down."""
    asked = draw(st.lists(st.sampled_from(product.indicators()), min_size=1, max_size=8, unique=True))
    return {
        name: tuple(draw(st.lists(st.sampled_from(reference.DIMENSIONS[name]), max_size=2, unique=True)))
        for name in asked
    }


@pytest.mark.parametrize("about", ABOUT)
@FEWER
@given(data=st.data())
def test_indicators_tell_the_figures_of_the_reference_after_every_batch(
    services: Services, about: str, data: st.DataObject
) -> None:
    scene, by = data.draw(scenes(about=about, erasures=True)), data.draw(questions())
    today = scene.business_date
    ends = [*scene.days, *map(last_of_month, scene.days), *(plus_months(day, 12) for day in scene.days)]
    arrived: list[Event] = []
    with services.indicators() as indicators:
        indicators.move(today)
        for batch in data.draw(batches(data.draw(arrivals(scene.events)))):
            indicators.apply(batch)
            arrived += batch
            at = data.draw(st.sampled_from(ends))
            known = data.draw(st.sampled_from([None, scene.known, LAST_DAY]))
            prepared = reference.Known(arrived, known, today, MUNICIPALITY)
            for name, dimensions in by.items():
                note(f"{name} at {at} by {dimensions} known {known}, business date {today}\n{in_words(arrived)}")
                hold(indicators.figure(name, at, dimensions, known), prepared.figure(name, at, dimensions))
