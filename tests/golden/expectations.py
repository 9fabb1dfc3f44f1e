"""Holds answers against what a golden history says; what it does not mention is not looked at."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from tests.golden.engines import Engine
from tests.golden.histories import Golden
from tests.reference import Figure, Row

Dims = tuple[tuple[str, str], ...]


def _as_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _shown(wanted: Mapping[str, Any], engine: Engine) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if engine.columns is None or name in engine.columns}


def _only(answer: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _as_text(answer[name]) for name in wanted}


def hold_against(golden: Golden, expected: Mapping[str, Any], engine: Engine) -> None:
    """Compare one entry of `expect`."""
    allowed = {"on", "after", "business_date", "checks", "notices", "summed", "doubts", "more"}
    assert not expected.keys() - allowed, expected.keys() - allowed
    events = golden.events[: int(expected.get("after", len(golden.events)))]
    on = date.fromisoformat(expected["on"])
    business_date = date.fromisoformat(expected.get("business_date", expected["on"]))
    checks = engine.checks(events, on, business_date)
    for check_id, said in expected.get("checks", {}).items():
        if said == "absent":
            assert check_id not in checks, f"{on}: {check_id}"
            continue
        wanted = _shown({"state": said} if isinstance(said, str) else said, engine)
        asked = {name: value for name, value in wanted.items() if name in checks[check_id]}
        assert {name: _as_text(checks[check_id][name]) for name in wanted if name in asked} == asked, (
            f"{on}: {check_id}"
        )
    if "notices" in expected or "summed" in expected:
        notices = engine.notices(events, on, business_date)
        opened = {each for each, notice in notices.items() if notice["status"] == "open"}
        said = expected.get("notices", [])
        if not expected.get("more") and "notices" in expected:
            assert opened == set(said), f"{on}"
        if isinstance(said, Mapping):
            for notice_id, wanted in said.items():
                assert notice_id in opened, f"{on}: {notice_id}"
                shown = _shown(wanted, engine)
                assert _only(notices[notice_id], shown) == shown, f"{on}: {notice_id}"
        if "summed" in expected:
            assert notices.keys() - opened == set(expected["summed"]), f"{on}"
    for kind, about in expected.get("doubts", []):
        assert engine.doubts is None or (kind, about) in engine.doubts(events, business_date)


def _dims(text: str) -> Dims:
    return () if text == "all" else tuple(sorted(tuple(part.split("=")) for part in text.split(",")))  # type: ignore[misc]


def _numbers(row: Row) -> str:
    """numerator, numerator/denominator, or numerator/denominator of expected."""
    text = f"{row.numerator}"
    if row.denominator is not None:
        text += f"/{row.denominator}"
    if row.expected is not None:
        text += f" of {row.expected}"
    return text


def hold_figure_against(expected: Mapping[str, Any], figure: Figure) -> None:
    """Compare one entry of `figures`."""
    asked = {"indicator", "at", "by", "known", "after", "business_date", "cell", "more"}
    told = {"rows", "value", "status", "coverage", "judgement", "from", "preliminary"}
    assert not expected.keys() - asked - told, expected.keys() - asked - told
    rows = {_dims(cell): str(numbers) for cell, numbers in expected["rows"].items()}
    found = {cell: _numbers(row) for cell, row in figure.rows.items()}
    if expected.get("more"):
        found = {cell: numbers for cell, numbers in found.items() if cell in rows}
    assert found == rows
    row = figure.rows[_dims(expected.get("cell", "all"))]
    for name in ("value", "status", "coverage", "judgement"):
        if name in expected:
            assert getattr(row, name) == expected[name], name
    if "from" in expected:
        assert figure.from_on.isoformat() == expected["from"]
    if "preliminary" in expected:
        assert figure.preliminary == expected["preliminary"]
