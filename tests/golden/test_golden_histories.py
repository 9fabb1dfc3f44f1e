"""Histories worked out by hand, on the product's core, on followup and indicators, and on the reference."""

from datetime import date, datetime
from typing import Any

import pytest

from efterhand.contracts import find_faults
from efterhand.dates import STOCKHOLM
from tests.golden.engines import ENGINES, reference_figure, service_engine, service_figure
from tests.golden.expectations import hold_against, hold_figure_against
from tests.golden.histories import Golden, goldens
from tests.property.product import catalogue
from tests.property.services import Services
from tests.reference import INDICATORS, PROTOCOLS

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


@pytest.mark.parametrize("golden", GOLDENS, ids=[golden.name for golden in GOLDENS])
def test_every_event_of_a_golden_history_would_be_taken_at_the_door(golden: Golden) -> None:
    for event in golden.events:
        received = datetime.fromisoformat(event["received"])
        sent = {name: value for name, value in event.items() if name != "received"}
        day = received.astimezone(STOCKHOLM).date()
        assert find_faults(sent, received=received, business_date=day, codes=catalogue()) == []


def test_the_golden_histories_show_every_protocol_and_every_indicator() -> None:
    checks = {check.split(":")[0] for _, expected in EXPECTED for check in expected.get("checks", {})}
    assert checks == set(PROTOCOLS)
    counted = {expected["indicator"] for _, expected in FIGURES}
    with_a_value = {expected["indicator"] for _, expected in FIGURES if _has_a_value(expected)}
    assert counted == with_a_value == set(INDICATORS)


def _has_a_value(expected: dict[str, Any]) -> bool:
    """Whether a value worked out by hand is given."""
    cells = (cell for cell in expected["rows"].values() if isinstance(cell, dict))
    return any(said.get("value") is not None for said in (expected, *cells))


def test_every_golden_history_says_something() -> None:
    assert all(golden.events and (golden.expect or golden.figures) for golden in GOLDENS)
    assert len(GOLDENS) >= 90
