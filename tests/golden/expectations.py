"""Holds answers against what a golden history says; what it does not mention is not looked at."""

import re
from collections.abc import Iterable, Mapping, Sequence
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
    asked_for = {"on", "after", "business_date"}
    allowed = asked_for | {"checks", "notices", "summed", "more", "doubts", "doubts_are", "no_doubts"}
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
        notices = _told(golden, engine.notices(events, on, business_date))
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
    if engine.doubts is not None and {"doubts", "doubts_are", "no_doubts"} & expected.keys():
        _hold_doubts_against(expected, engine.doubts(events, business_date), engine.doubt_kinds)


def _told(golden: Golden, notices: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The notices of the protocols that the history tells of; one to the register owner is of the assistance ones."""
    if golden.protocols is None:
        return dict(notices)
    words = {*golden.protocols, "catchup"}
    if any(protocol.startswith("assistance_") for protocol in golden.protocols):
        words.add("register")
    return {each: notice for each, notice in notices.items() if re.split("[:/]", each)[0] in words}


def _hold_doubts_against(
    expected: Mapping[str, Any], found: set[tuple[str, str]], kinds: frozenset[str] | None
) -> None:
    """Among the doubts are `doubts`; they are `doubts_are`; there are none."""

    def tellable(doubts: Iterable[Sequence[str]]) -> set[tuple[str, str]]:
        return {(kind, about) for kind, about in doubts if kinds is None or kind in kinds}

    assert tellable(expected.get("doubts", [])) <= found
    if "doubts_are" in expected:
        assert found == tellable(expected["doubts_are"])
    assert not (expected.get("no_doubts") and found)


OF_A_CELL = ("value", "status", "coverage", "judgement")
"""What is said of one cell: in its row, or beside the rows of the one that `cell` names (else of all)."""


def _dims(text: str) -> Dims:
    return () if text == "all" else tuple(sorted(tuple(part.split("=")) for part in text.split(",")))  # type: ignore[misc]


def _numbers(row: Row) -> str:
    """numerator, numerator/denominator, numerator/denominator of expected, or sum days/denominator."""
    text = f"{row.numerator}" if row.sum is None else f"{row.sum} days"
    if row.denominator is not None:
        text += f"/{row.denominator}"
    if row.expected is not None:
        text += f" of {row.expected}"
    return text


def hold_figure_against(expected: Mapping[str, Any], figure: Figure) -> None:
    """Compare one entry of `figures`."""
    asked = {"indicator", "at", "by", "known", "after", "business_date", "cell", "more"}
    told = {"rows", *OF_A_CELL, "from", "preliminary"}
    assert not expected.keys() - asked - told, expected.keys() - asked - told
    cells = {
        _dims(cell): said if isinstance(said, Mapping) else {"is": said} for cell, said in expected["rows"].items()
    }
    found = {cell: _numbers(row) for cell, row in figure.rows.items()}
    if expected.get("more"):
        found = {cell: numbers for cell, numbers in found.items() if cell in cells}
    assert found == {cell: str(said["is"]) for cell, said in cells.items()}
    chosen = _dims(expected.get("cell", "all"))
    told_of = {name: expected[name] for name in OF_A_CELL if name in expected}
    for cell, said in [(chosen, told_of), *cells.items()]:
        assert not said.keys() - {"is", *OF_A_CELL}, said
        row = figure.rows[cell]
        for name in said.keys() - {"is"}:
            assert getattr(row, name) == said[name], f"{name} of {cell}"
    if "from" in expected:
        assert figure.from_on.isoformat() == expected["from"]
    if "preliminary" in expected:
        assert figure.preliminary == expected["preliminary"]
