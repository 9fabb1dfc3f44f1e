"""Reads the specs: definitions as an analyst writes them, a short history, and what the figures are to say.

A line of a history is `<day> <person> <type of event> [field=value …]`. What is left out is said by DEFAULTS; events
are recorded and received on their day.
"""

import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

import yaml

import efterhand.catalogue
from efterhand.catalogue import Catalogue, load_catalogue
from efterhand.catalogue.source import Place

HERE: Final = Path(__file__).parent
NOWHERE: Final = Path("written by a test")
STOCKHOLM_TIME: Final = ZoneInfo("Europe/Stockholm")

Event = dict[str, Any]

DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "case.enrolled": {
        "case": "c1", "unit": "north", "target_group": "ordinary", "sex": "female", "birth_year": 1990,
    },
    "case.transferred": {"case": "c1"},
    "case.closed": {"case": "c1", "reason": "work"},
    "plan.set": {"case": "c1"},
    "guidance.held": {"case": "c1"},
    "offer.made": {"case": "c1", "kind": "job"},
    "measure.started": {"case": "c1", "measure": "m1", "kind": "internship"},
    "measure.ended": {"case": "c1", "measure": "m1"},
    "followup.answered": {"check": "contact_1m", "subject": "c1", "response": "answered"},
}  # fmt: skip


class _Plain(yaml.SafeLoader):
    """`on` is a word, a day is a text, and so is a number with decimals."""


_Plain.yaml_implicit_resolvers = {
    letter: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag.rpartition(":")[2] not in ("timestamp", "bool", "float", "int")
    ]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Plain.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Plain.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9]\d*)$"), list("-0123456789"))


def read_plainly(text: str) -> Any:
    """Read YAML as the catalogue reads it: only `true` and `false` are booleans."""
    return yaml.load(text, _Plain)


def as_place(value: Any) -> Place:
    """Return plain data as if it had been read from a catalogue's file."""
    if isinstance(value, dict):
        return Place(NOWHERE, 1, {name: as_place(each) for name, each in value.items()})
    if isinstance(value, list | tuple):
        return Place(NOWHERE, 1, [as_place(each) for each in value])
    return Place(NOWHERE, 1, value)


@dataclass(frozen=True)
class Asked:
    """One question: which figure at which day, by what, and the cells that are the answer, in words."""

    figure: str
    at: date
    by: tuple[str, ...]
    cells: dict[str, str]
    today: date
    rest: dict[str, Any]


@dataclass(frozen=True)
class Spec:
    """One construct or a few: what it is for, the definitions, a history, and what they come to."""

    name: str
    chapter: str
    title: str
    text: str
    definition: str
    facts: str | None
    history: tuple[str, ...]
    ask: tuple[Asked, ...]
    shown: bool
    """Whether it stands in the documentation."""

    @property
    def events(self) -> list[Event]:
        """The history as events."""
        return events_of(self.history)

    @property
    def figures(self) -> dict[str, Any]:
        """The definitions as plain data."""
        return cast(dict[str, Any], read_plainly(self.definition))

    @property
    def derived(self) -> dict[str, Any]:
        """The derived facts as plain data."""
        return {} if self.facts is None else cast(dict[str, Any], read_plainly(self.facts))

    def catalogue(self) -> Catalogue:
        """The definitions as the product loads them, in the specs' own small town."""
        return town(self.definition, self.facts)


def town(definition: str, facts: str | None = None) -> Catalogue:
    """Load definitions as the catalogue of a small town: Stockholm's code lists, three units, two protocols."""
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        for file in (HERE / "town").glob("*.yaml"):
            shutil.copy(file, directory)
        built_in = Path(efterhand.catalogue.__file__).parent
        shutil.copy(built_in / "stockholm" / "codelists.yaml", directory)
        (directory / "indicators.yaml").write_text(definition, encoding="utf-8")
        if facts is not None:
            (directory / "facts.yaml").write_text(facts, encoding="utf-8")
        return load_catalogue(str(directory))


def events_of(history: Sequence[str]) -> list[Event]:
    """Return the events that the lines of a history stand for."""
    return [_event(number, line) for number, line in enumerate(history, 1)]


def _event(number: int, line: str) -> Event:
    day, person, kind, *fields = line.split()
    data: dict[str, Any] = {"person": person, **DEFAULTS.get(kind, {}), **_fields(fields)}
    if kind == "assistance.reported":
        data["month"], day = day, f"{day}-28"
    else:
        data["on"] = day
    received = datetime.combine(date.fromisoformat(day), time.max, STOCKHOLM_TIME).astimezone(UTC)
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/town",
        "type": kind,
        "time": f"{day}T12:00:00+01:00",
        "data": data,
        "received": received.isoformat(),
    }


def _fields(fields: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields:
        name, _, value = field.partition("=")
        found[name] = {"true": True, "false": False}.get(value, int(value) if name == "birth_year" else value)
    return found


def read_spec(path: Path) -> Spec:
    """Read one spec."""
    content = cast(dict[str, Any], read_plainly(path.read_text(encoding="utf-8")))
    known = {"chapter", "title", "text", "definition", "facts", "history", "ask", "shown"}
    assert not content.keys() - known, f"{path.name}: {content.keys() - known}"
    return Spec(
        name=path.stem,
        chapter=content["chapter"],
        title=content["title"],
        text=content["text"].strip(),
        definition=content["definition"],
        facts=content.get("facts"),
        history=tuple(content["history"]),
        ask=tuple(_asked(each) for each in content["ask"]),
        shown=content.get("shown", True),
    )


def _asked(each: dict[str, Any]) -> Asked:
    at = date.fromisoformat(each["at"])
    return Asked(
        figure=each["figure"],
        at=at,
        by=tuple(each.get("by", ())),
        cells={dims: str(told) for dims, told in each["cells"].items()},
        today=date.fromisoformat(each.get("today", each["at"])),
        rest={name: value for name, value in each.items() if name in ("judgement", "preliminary")},
    )


@cache
def specs() -> tuple[Spec, ...]:
    """Every spec, in the order of their names."""
    return tuple(read_spec(path) for path in sorted(HERE.glob("*.yaml")))
