"""What a system has come to, read from outside; the same from the literal reference; and how two of them differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import yaml

import efterhand.catalogue
from tests import reference
from tests.kill.history import LAST_DATE, Plan
from tests.kill.running import SERVICES, Failed, RunningSystem
from tests.reference import Edge, Municipality
from tests.reference.catalogues import STOCKHOLM_PROTOCOLS

INDICATORS: Final = (
    "closed_12m",
    "self_sufficient_6m",
    "offer_90d",
    "plan_5d",
    "guidance_share",
    "stockholmsjobb_persons",
    "stockholmsjobb_no_return_4m",
    "training_work_3m",
    "persons_by_target_group",
    "unique_persons",
    "days_to_livelihood",
)
"""At least one of every way of counting."""
DIMENSIONS: Final = ("sex", "unit", "target_group", "age_band")
DAYS: Final = (LAST_DATE, date(2017, 9, 15))
"""The business date, which is read as it is stored, and a day that is evaluated when it is asked for."""
KNOWN: Final = date(2017, 6, 30)

CHECK_FIELDS: Final = ("anchor_on", "due", "state", "settled_on", "late", "flag", "unit", "person", "subject")
NOTICE_FIELDS: Final = ("check", "step", "moment", "send_on", "unit", "to", "status")
FIGURE_FIELDS: Final = (
    "value", "numerator", "denominator", "expected", "sum", "coverage", "status", "target", "judgement",
)  # fmt: skip

Answers = dict[str, Any]
"""By a name that tells where in the outcome it belongs."""


def read(system: RunningSystem) -> Answers:
    """Read everything that must be the same after any crash; the system is level.

    Raises:
        Failed: the services are not level after all.
    """
    answers: Answers = {}
    statuses = system.statuses(timeout=20.0)
    digests = {name: None if status is None else status["digest"] for name, status in statuses.items()}
    if any(digest is None or digest != digests["intake"] for digest in digests.values()):
        raise Failed(f"the digests differ: {digests}")
    answers["digest"] = digests["intake"]
    for service, told in statuses.items():
        answers[f"parked by {service}"] = told and told["parked"]
    for day in DAYS:
        for check in system.items("/followup/v1/checks", on=day.isoformat()):
            answers[f"{day} check {check['id']}"] = check
        for status in ("open", "summed"):
            for notice in system.items("/followup/v1/notices", on=day.isoformat(), status=status):
                answers[f"{day} notice {notice['id']}"] = notice
    for indicator, known in _figures_asked():
        parameters = {"at": LAST_DATE.isoformat(), "by": ",".join(DIMENSIONS)}
        if known is not None:
            parameters["known"] = known.isoformat()
        figure = system.get(f"/indicators/v1/figures/{indicator}", **parameters)
        answers[_figure_name(indicator, known)] = {name: figure[name] for name in ("from", "to", "preliminary")}
        for row in figure["rows"]:
            answers[f"{_figure_name(indicator, known)} {_cell(row['dims'].items())}"] = row
    archive = system.query("SELECT source, id, (received AT TIME ZONE 'Europe/Stockholm')::date FROM intake.event")
    answers["archive"] = {f"{source} {event_id}": str(day) for source, event_id, day in archive}
    for service in ("followup", "indicators"):
        audit = system.post(f"/{service}/v1/audit", timeout=120.0).raise_for_status().json()
        answers[f"audit of {service}"] = audit["differences"]
    return answers


def expected(plan: Plan) -> Answers:
    """The same from the reference, so far as it knows it."""
    events, erased, town = plan.accepted, plan.erased, stockholm()
    answers: Answers = {f"parked by {service}": 0 for service in SERVICES}
    answers |= {f"audit of {service}": [] for service in ("followup", "indicators")}
    for day in DAYS:
        for check in reference.checks(events, day, LAST_DATE, town, STOCKHOLM_PROTOCOLS):
            answers[f"{day} check {check.id}"] = {name: _text(getattr(check, name)) for name in CHECK_FIELDS}
        for notice in reference.notices(events, day, LAST_DATE, town, protocols=STOCKHOLM_PROTOCOLS):
            answers[f"{day} notice {notice.id}"] = {
                **{name: _text(getattr(notice, name)) for name in NOTICE_FIELDS},
                "to": _addressed(notice),
            }
    for indicator, known in _figures_asked():
        figure = reference.figures(events, indicator, LAST_DATE, DIMENSIONS, known, LAST_DATE, town)
        answers[_figure_name(indicator, known)] = {
            "from": str(figure.from_on),
            "to": str(figure.to_on),
            "preliminary": figure.preliminary,
        }
        for dims, row in figure.rows.items():
            answers[f"{_figure_name(indicator, known)} {_cell(dims)}"] = {
                name: getattr(row, name) for name in FIGURE_FIELDS
            }
    answers["archive"] = {
        f"{event['source']} {event['id']}": event["received"]
        for event in events
        if event["type"] == "person.erased" or event["data"].get("person") not in erased
    }
    return answers


def as_the_reference_tells_it(answers: Answers) -> Answers:
    """An outcome that was read, without what the reference does not tell, and without cells that may be left out."""
    told: Answers = {}
    for name, answer in answers.items():
        words = name.split(" ")
        if name == "digest":
            continue
        if len(words) > 2 and words[1] == "check":
            told[name] = {field: answer[field] for field in CHECK_FIELDS}
        elif len(words) > 2 and words[1] == "notice":
            told[name] = {field: answer[field] for field in NOTICE_FIELDS}
        elif isinstance(answer, dict) and "dims" in answer:
            told[name] = {field: answer[field] for field in FIGURE_FIELDS}
        else:
            told[name] = answer
    return told


def differences(one: Answers, other: Answers, one_is: str, other_is: str) -> list[str]:
    """How two outcomes differ, a line each; empty when they do not."""
    found: list[str] = []
    for name in sorted(one.keys() | other.keys()):
        first, second = one.get(name), other.get(name)
        if (
            first == second
            or (first is None and _counts_nothing(second))
            or (second is None and _counts_nothing(first))
        ):
            continue
        if isinstance(first, dict) and isinstance(second, dict):
            parts = sorted(key for key in first.keys() | second.keys() if first.get(key) != second.get(key))
            told = [f"{key}: {first.get(key)} / {second.get(key)}" for key in parts[:5]]
            more = f" and {len(parts) - 5} more" if len(parts) > 5 else ""
            found.append(f"{name}: {one_is} / {other_is}: {'; '.join(told)}{more}")
        else:
            found.append(f"{name}: {one_is} {str(first)[:500]}; {other_is} {str(second)[:500]}")
    return found


def stockholm() -> Municipality:
    """The built-in municipality as the reference wants it, read from its catalogue's text."""
    directory = Path(efterhand.catalogue.__file__).parent / "stockholm"
    edges = [
        Edge(unit["id"], edge["parent"], _day(edge["from"]), _day(edge["to"]) if "to" in edge else None)
        for unit in yaml.safe_load((directory / "units.yaml").read_text())
        for edge in unit.get("under", ())
    ]
    indicators: Mapping[str, Any] = yaml.safe_load((directory / "indicators.yaml").read_text())
    targets = {
        (name, int(year)): (str(target), "higher")
        for name, indicator in indicators.items()
        for year, target in indicator.get("target", {}).items()
    }
    return Municipality(edges=tuple(edges), targets=targets)


def _figures_asked() -> list[tuple[str, date | None]]:
    return [*((indicator, None) for indicator in INDICATORS), ("self_sufficient_6m", KNOWN)]


def _figure_name(indicator: str, known: date | None) -> str:
    return f"figure {indicator}" + (f" as known {known}" if known else "")


def _cell(dims: Iterable[tuple[str, str]]) -> str:
    return "/".join(f"{name}={value}" for name, value in sorted(dims)) or "all"


def _counts_nothing(row: Any) -> bool:
    """Whether this is a cell in which nothing is counted, which may be left out."""
    return isinstance(row, dict) and "numerator" in row and not row["numerator"] and not row["denominator"]


def _addressed(notice: reference.Notice) -> str:
    if notice.to == "register_owner":
        return "register"
    return f"{notice.to}:{notice.worker if notice.to == 'worker' else notice.unit}"


def _text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)
