"""Histories worked out by hand, on the product's core, on followup and indicators, and on the reference."""

from datetime import date
from typing import Any

import pytest

from tests.golden.engines import ENGINES, reference_figure, service_engine, service_figure
from tests.golden.expectations import hold_against, hold_figure_against
from tests.golden.histories import Golden, goldens
from tests.property.services import Services

GOLDENS = goldens()
EXPECTED = [(golden, expected) for golden in GOLDENS for expected in golden.expect]
FIGURES = [(golden, expected) for golden in GOLDENS for expected in golden.figures]


@pytest.mark.parametrize("engine", [*ENGINES, "followup"])
@pytest.mark.parametrize(("golden", "expected"), EXPECTED, ids=[f"{g.name} on {e['on']}" for g, e in EXPECTED])
def test_a_golden_history_leads_to_the_checks_and_notices_that_it_says(
    golden: Golden, expected: dict[str, Any], engine: str, services: Services
) -> None:
    hold_against(golden, expected, service_engine(services) if engine == "followup" else ENGINES[engine])


@pytest.mark.parametrize("by_services", [False, True], ids=["the reference", "the service"])
@pytest.mark.parametrize(
    ("golden", "expected"), FIGURES, ids=[f"{g.name} {e['indicator']} at {e['at']}" for g, e in FIGURES]
)
def test_a_golden_history_leads_to_the_figures_that_it_says(
    golden: Golden, expected: dict[str, Any], by_services: bool, services: Services
) -> None:
    events = golden.events[: int(expected.get("after", len(golden.events)))]
    at = date.fromisoformat(expected["at"])
    known = date.fromisoformat(expected["known"]) if "known" in expected else None
    business_date = date.fromisoformat(expected.get("business_date", expected["at"]))
    asked = (expected["indicator"], at, tuple(expected.get("by", ())), known)
    if by_services:
        hold_figure_against(expected, service_figure(services, events, *asked, business_date))
    else:
        hold_figure_against(expected, reference_figure(events, *asked, business_date))


def test_every_golden_history_says_something() -> None:
    assert all(golden.events and (golden.expect or golden.figures) for golden in GOLDENS)
    assert len(GOLDENS) >= 25
