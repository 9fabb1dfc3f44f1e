"""What a loaded catalogue holds: protocols and indicators as checked, immutable definitions."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from efterhand.catalogue.conditions import Column, Condition
from efterhand.catalogue.phrases import Phrase
from efterhand.catalogue.units import UnitTree

FEEDS: Final = ("cases", "assistance", "answers")


@dataclass(frozen=True)
class Bound:
    """A first or last day of a find; `open` leaves the day itself out."""

    phrase: Phrase
    open: bool = False


@dataclass(frozen=True)
class Find:
    """A look-up among the person's other facts.

    first / last: the row with the earliest / latest day within the bounds; at: the row of the month that `at` lies in.
    `same` names a column that must equal the counted fact's, `other` one that must differ; `same="check"` takes
    the replies to this very check.
    """

    verb: str
    fact: str
    day: str
    at: Phrase | None = None
    same: str | None = None
    other: str | None = None
    lower: Bound | None = None
    upper: Bound | None = None
    where: Condition | None = None


class Recipient(StrEnum):
    """Whom a notice is for; a worker's goes to the unit when the case has no worker."""

    WORKER = "worker"
    MANAGER = "manager"


@dataclass(frozen=True)
class Step:
    """A reminder, so many days from due (negative: before)."""

    offset_days: int
    to: Recipient

    @property
    def name(self) -> str:
        """The step with its sign: -30, 0, +1."""
        return f"{self.offset_days:+d}" if self.offset_days else "0"


@dataclass(frozen=True)
class Protocol:
    """After which anchor which check is due, what settles it, and who is told."""

    id: str
    name: str
    feed: str
    subject_fact: str
    anchor: str
    finds: Mapping[str, Find]
    where: Condition
    due: Phrase
    met_by: tuple[Find, ...]
    answered_by: tuple[Find, ...]
    cancelled_by: tuple[Find, ...]
    gives_up: Phrase | None
    gives_up_as: str | None
    steps: tuple[Step, ...]
    none_once_closed: bool

    @property
    def takes_answers(self) -> bool:
        """Whether somebody's answer settles it (and not a register's month)."""
        return any(find.fact == "reply" for find in self.answered_by)

    @property
    def reads_month(self) -> bool:
        """Whether the register's report for the month of due settles it."""
        return any(find.fact == "assistance" for find in self.answered_by)

    @property
    def first_offset(self) -> int:
        """Days from due to the first reminder; 0 where there are none before due."""
        return min((step.offset_days for step in self.steps), default=0)


@dataclass(frozen=True)
class Indicator:
    """A figure with a fixed definition.

    `day` is the measuring day of a counted thing; `during` the span of what counts on every day of it. `as_of` is the
    column whose day decides unit, target group and age.
    """

    id: str
    name: str
    kind: str
    """share, count or persons."""
    counts: str
    day: Phrase | None
    during: tuple[Phrase, Phrase] | None
    as_of: Column
    once_per: str | None
    finds: Mapping[str, Find]
    where: Condition
    unless: Condition | None
    reported: Condition | None
    share: Condition | None
    window_months: int
    coverage_minimum: Decimal | None
    decimals: int
    feed: str
    targets: Mapping[int, Decimal]
    better: str
    dimensions: tuple[str, ...]
    definition: str
    """Hash of what decides the contributions; names, targets and decimals are not part of it."""

    @property
    def covered(self) -> bool:
        """Whether only what has been reported counts, and coverage is stated."""
        return self.reported is not None


@dataclass(frozen=True)
class Catalogue:
    """Everything an installation has decided: code lists, groups, units, protocols, indicators."""

    name: str
    version: str
    codelists: Mapping[str, Mapping[str, str]]
    groups: Mapping[str, frozenset[str]]
    units: UnitTree
    protocols: Mapping[str, Protocol]
    indicators: Mapping[str, Indicator]

    def has(self, list_name: str, code: str) -> bool:
        """Tell whether a code list (or `units`, `protocols`, `answerable_protocols`) holds a code."""
        if list_name == "units":
            return code in self.units.units
        if list_name == "protocols":
            return code in self.protocols
        if list_name == "answerable_protocols":
            return code in self.protocols and self.protocols[code].takes_answers
        return code in self.codelists[list_name]

    def as_json(self) -> dict[str, Any]:
        """Return what a sender may send: units with their dated edges, code lists, protocols, indicators."""
        places = [(edge.child, edge.parent, edge.from_on, edge.to_on) for edge in self.units.edges]
        under = {edge.child for edge in self.units.edges}
        tops = [(unit, None, None, None) for unit in self.units.units if unit not in under]
        return {
            "name": self.name,
            "version": self.version,
            "units": [
                {"id": unit, "name": self.units.units[unit].name, "parent": parent, "from": from_on, "to": to_on}
                for unit, parent, from_on, to_on in [*tops, *places]
            ],
            "codelists": {name: dict(codes) for name, codes in self.codelists.items()},
            "groups": {name: sorted(codes) for name, codes in self.groups.items()},
            "protocols": [
                {
                    "id": p.id,
                    "name": p.name,
                    "feed": p.feed,
                    "subject": p.subject_fact,
                    "takes_answers": p.takes_answers,
                }
                for p in self.protocols.values()
            ],
            "indicators": [
                {"id": i.id, "name": i.name, "kind": i.kind, "feed": i.feed, "dimensions": list(i.dimensions)}
                for i in self.indicators.values()
            ],
        }
