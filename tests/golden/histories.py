"""Reads the golden histories: YAML in which only true and false are truths and every day stays a text."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import yaml

HERE = Path(__file__).parent

Event = dict[str, Any]


class _Plain(yaml.SafeLoader):
    """`on` is a word, a day is a text."""


_Plain.yaml_implicit_resolvers = {
    letter: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool")
    ]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Plain.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


@dataclass(frozen=True)
class Golden:
    """A history, the sentence that it shows, and what it comes to."""

    name: str
    sentence: str
    events: list[Event]
    expect: list[dict[str, Any]]
    figures: list[dict[str, Any]]
    protocols: frozenset[str] | None
    """Those whose notices it tells; None: of all."""


DEFAULTS: dict[str, dict[str, Any]] = {
    "case.enrolled": {
        "case": "c1",
        "unit": "north",
        "target_group": "ordinary",
        "sex": "female",
        "birth_year": 1995,
    },
    "case.transferred": {"case": "c1"},
    "case.assigned": {"case": "c1"},
    "case.closed": {"case": "c1"},
    "plan.set": {"case": "c1"},
    "guidance.held": {"case": "c1"},
    "offer.made": {"case": "c1", "kind": "job"},
    "followup.answered": {"check": "occupation_6m", "subject": "c1"},
    "measure.started": {"case": "c1", "measure": "m1"},
    "measure.ended": {"case": "c1", "measure": "m1"},
}
ENVELOPE = ("type", "id", "source", "time", "received")


def _event(number: int, short: dict[str, Any]) -> Event:
    """Spell out an event: what is left out is about p1 and c1, from /tiny/a, recorded and received on its day."""
    data = {**DEFAULTS.get(short["type"], {}), **{k: v for k, v in short.items() if k not in ENVELOPE}}
    if short["type"] != "source.reported_through":
        data.setdefault("person", "p1")
    day: str = data.get("on") or data.get("through") or short["received"]
    received = date.fromisoformat(short.get("received", day))
    stamp = datetime.combine(received, time.max, ZoneInfo("Europe/Stockholm")).astimezone(UTC)
    return {
        "specversion": "1.0",
        "id": short.get("id", f"e{number}"),
        "source": short.get("source", "/tiny/a"),
        "type": short["type"],
        "time": short.get("time", f"{day}T12:00:00+01:00"),
        "data": data,
        "received": stamp.isoformat(),
    }


def goldens(directory: Path = HERE) -> list[Golden]:
    """Every golden history."""
    found = []
    for path in sorted(directory.glob("*.yaml")):
        content = cast(dict[str, Any], yaml.load(path.read_text(encoding="utf-8"), _Plain))
        unknown = content.keys() - {"sentence", "protocols", "events", "expect", "figures"}
        assert not unknown, f"{path.name}: {unknown}"
        found.append(
            Golden(
                path.stem,
                content["sentence"],
                [_event(number, short) for number, short in enumerate(content["events"], 1)],
                content.get("expect", []),
                content.get("figures", []),
                frozenset(content["protocols"]) if "protocols" in content else None,
            )
        )
    return found
