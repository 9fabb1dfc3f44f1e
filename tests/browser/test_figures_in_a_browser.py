"""The pages of figures in Chromium: no violation that axe knows of, no scrolling sideways, by keyboard alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.browser.test_pages_in_a_browser import SCREENS, faults, look, on_every_screen
from tests.services.door_upstreams import FIGURES, Services, a_counted_case, a_figure

TABLE = "/nyckeltal?at=2017-12-31"
ONE = "/nyckeltal/self_sufficient_6m"


def everything() -> Services:
    """Figures with something of everything that a page can show."""
    gone = a_figure(None, None, None, status="not_available", target="65")
    both = [{"subject": f"c-{n}", "case": f"c-{n}", "link": None, "dims": {}, "check": None} for n in (1, 2)]
    services = Services(figures={**FIGURES, "youth_closed_6m": [gone]}, absent={"closed_to_studies": "being_computed"})
    services.cases = [a_counted_case(0, protected=True), a_counted_case(1, made_of=both), *services.cases[2:]]
    return services


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("figures", TABLE),
        ("figures-unit", f"{TABLE}&unit=norra&group=resource"),
        ("figure", f"{ONE}?at=2017-12-31"),
        ("figure-ahead", f"{ONE}?at=2018-03-31&unit=norra"),
        ("figure-gone", "/nyckeltal/youth_closed_6m?at=2017-12-31"),
        ("figure-count", "/nyckeltal/unique_persons?at=2017-12-31"),
        ("cases", f"{ONE}/underlag?at=2017-12-31"),
        ("cases-second", f"{ONE}/underlag?at=2017-12-31&sex=female&cursor=50"),
    ],
)
def test_the_pages_of_figures_are_accessible_on_every_screen_in_both_languages(
    modules: Path, chromium: str, name: str, path: str
) -> None:
    found = look(everything(), on_every_screen(name, path=path), modules, chromium)
    assert [each["status"] for each in found] == [200] * len(found)
    assert faults(found) == []


def test_the_pages_that_cannot_show_anything_are_accessible(modules: Path, chromium: str) -> None:
    services = replace(everything(), down={"indicators"})
    for name, path in (("figures-missing", TABLE), ("figure-missing", ONE), ("cases-missing", f"{ONE}/underlag")):
        found = look(services, on_every_screen(name, path=path), modules, chromium)
        assert faults(found) == []


@pytest.mark.parametrize("script", [True, False])
def test_from_the_table_to_the_cases_behind_a_figure_by_keyboard_alone_and_the_focus_is_always_seen(
    modules: Path, chromium: str, script: bool
) -> None:
    checks = on_every_screen("figures-keyboard", kind="figures", path=TABLE, script=script)
    for each in look(everything(), checks, modules, chromium):
        assert each["unseen"] == []
        assert "unit=stockholm" in each["chosen"]
        assert each["figure"].startswith("/nyckeltal/closed_12m?")
        assert each["cases"].startswith("/nyckeltal/closed_12m/underlag?")
        assert each["note"] == "note-1"


def test_the_pages_of_figures_print_without_what_is_for_the_screen(modules: Path, chromium: str) -> None:
    wanted = {TABLE: "79,75", f"{ONE}?at=2017-12-31": "945", f"{ONE}/underlag?at=2017-12-31": "c-2017-00002"}
    checks = [
        {"name": f"print-figures-{number}", "kind": "print", "language": "sv", "path": path, **SCREENS["wide"]}
        for number, path in enumerate(wanted)
    ]
    for found, text in zip(look(everything(), checks, modules, chromium), wanted.values(), strict=True):
        assert found["shown"] == []
        assert text in found["text"]
