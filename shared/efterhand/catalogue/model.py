"""What a loaded catalogue holds: protocols and indicators as checked, immutable definitions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from efterhand.catalogue.conditions import Column, Condition, Find
from efterhand.catalogue.factkinds import FactKind, fact_kinds
from efterhand.catalogue.phrases import Phrase
from efterhand.catalogue.units import UnitTree

FEEDS: Final = ("cases", "assistance", "answers")
SUMMED_AFTER_DAYS: Final = 14
"""Where a protocol does not say otherwise."""


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
class Told:
    """One event of a test person: its type and its data."""

    type: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Example:
    """A test person: what is told of them, in the order it is recorded, and what must come of it on a day.

    `expect` holds the expected values by name; None where there must be none. `line` is where it is written.
    """

    name: str
    events: tuple[Told, ...]
    day: date
    expect: Mapping[str, Any]
    line: int


@dataclass(frozen=True)
class Protocol:
    """After which anchor which check is due, what settles it, and who is told.

    `subject_fact` (case or measure) is what a check is about; `anchor` the column with the day that it follows.
    `flag` is what a check shows while it is overdue. A reminder whose day lies more than `summed_after_days` before the
    one on which the anchor's fact was first received is not told by itself but in a list.
    """

    id: str
    name: str
    english: str
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
    flag: str | None
    steps: tuple[Step, ...]
    none_once_closed: bool
    summed_after_days: int = SUMMED_AFTER_DAYS
    tests: tuple[Example, ...] = ()
    """Test persons; no part of what it means."""

    @property
    def takes_answers(self) -> bool:
        """Whether somebody's answer settles it (and not a register's month)."""
        return any(find.replies for find in self.answered_by)

    @property
    def reads_month(self) -> bool:
        """Whether the register's report for the month of due settles it."""
        return any(find.fact == "assistance" for find in self.answered_by)

    @property
    def first_offset(self) -> int:
        """Days from due to the first reminder; 0 where there are none before due."""
        return min((step.offset_days for step in self.steps), default=0)


class Derivation(StrEnum):
    """How a catalogue derives a fact from others."""

    MERGE = "merge"
    """Spans or days that lie no further apart than a gap become one span."""
    REACHES = "reaches"
    """The day on which a number of rows is reached."""


@dataclass(frozen=True)
class DerivedFact:
    """A kind of fact that the catalogue makes of another one.

    Rows of `source` are taken apart by the column `per` (None: all of a person's together). MERGE joins what lies at
    most `gap_days` days apart (None: any distance) into spans `began_on`, `ended_on`. REACHES gives for each of
    `totals` the day (`reached_on`) of the row with which so many are reached.
    """

    kind: FactKind
    derivation: Derivation
    source: str
    per: str | None
    gap_days: int | None
    totals: tuple[int, ...]


class Kind(StrEnum):
    """What a figure is."""

    SHARE = "share"
    COUNT = "count"
    PERSONS = "persons"
    """A count of persons, each once."""
    MEAN = "mean"
    MEDIAN = "median"
    SPLIT = "split"
    """How what is counted falls on values or buckets, each as a share of all."""


class EvidenceWhen(StrEnum):
    """When a day speaks for what goes on during a window."""

    WITHIN = "within"
    """In windows that the day lies in."""
    SINCE = "since"
    """In windows that end on the day or later."""


@dataclass(frozen=True)
class Evidence:
    """What puts something that goes on in the window into the numerator: a day within the window, or before its end.

    `day` is a day of the counted thing (or of its finds), or, with `fact`, of any of the person's rows of that kind
    (those that share the columns of `same` with the counted thing). `where` narrows the counted things, or those rows.
    Where persons are counted once, evidence holds for the person, in every cell the person is in; else for the thing.
    """

    when: EvidenceWhen
    day: Phrase
    fact: str | None
    same: tuple[str, ...]
    where: Condition


@dataclass(frozen=True)
class Between:
    """The days from one day to another, both phrases of the counted thing; shown in `unit`s of time."""

    begins: Phrase
    ends: Phrase
    unit: str


@dataclass(frozen=True)
class Difference:
    """A number less another one."""

    of: Column
    less: Column


Measured = Column | Between | Difference
"""The number of a counted thing; unknown where a part of it is."""

DAYS_IN: Final = {"days": Decimal(1), "weeks": Decimal(7), "months": Decimal("30.4375"), "years": Decimal("365.25")}
"""Days in the units of time that durations are shown in."""


@dataclass(frozen=True)
class Bucket:
    """A named stretch of numbers, both ends included or not; `unknown` is where no number is known."""

    name: str
    lower: int | None = None
    lower_open: bool = False
    upper: int | None = None
    upper_open: bool = False
    unknown: bool = False


@dataclass(frozen=True)
class Indicator:
    """A figure with a fixed definition.

    `day` is the measuring day of a counted thing; `during` the span of what counts on every day of it. `as_of` is the
    day that decides unit, target group and age (of what counts during a span, every day decides by itself).
    """

    id: str
    name: str
    english: str
    kind: Kind
    counts: str
    day: Phrase | None
    during: tuple[Phrase, Phrase] | None
    as_of: Phrase
    once_per: tuple[str, ...]
    """What is counted once: `person`, or `person` in each of some dimensions; empty: every counted thing."""
    first_per_person: bool
    """Whether only a person's first counted thing inside the window counts."""
    finds: Mapping[str, Find]
    where: Condition
    unless: Condition | None
    reported: Condition | None
    share: Condition | None
    evidence: Evidence | None
    measured: Measured | None
    """What a mean, a median or a split with buckets is taken of; of a split without buckets the column that splits."""
    buckets: tuple[Bucket, ...]
    by: tuple[Column, ...]
    """Further dimensions, beside those that every figure has."""
    window_months: int
    """Length of the window; 0: the one day T."""
    settles: Phrase | None
    """From which day on a figure that ends on T is complete, told by the day `window_end`; None: from T."""
    coverage_minimum: Decimal | None
    decimals: int
    feed: str
    targets: Mapping[int, Decimal]
    better: str
    dimensions: tuple[str, ...]
    definition: str
    """Hash of what decides the contributions; names, targets and decimals are not part of it."""
    tests: tuple[Example, ...] = ()
    """Test persons; no part of what it means."""

    @property
    def covered(self) -> bool:
        """Whether only what has been reported counts, and coverage is stated."""
        return self.reported is not None

    @property
    def part(self) -> str | None:
        """The dimension in which the parts of a split lie: its column (or find), or `part`; None of other kinds."""
        if self.kind is not Kind.SPLIT:
            return None
        return self.measured.name or self.measured.row if isinstance(self.measured, Column) else "part"

    @property
    def by_reason(self) -> bool:
        """Whether it is broken down by the reason of closure: where the closure is what is measured from."""
        return "closure_reason" in self.dimensions


class Operation(StrEnum):
    """How a formula makes a figure of others."""

    RATIO = "ratio"
    DIFFERENCE = "difference"
    STANDARDISE = "standardise"
    MEAN_OF = "mean_of"
    AVERAGE_OF = "average_of"


@dataclass(frozen=True)
class Formula:
    """A figure made of others when it is read, for the same window and the same cell.

    RATIO: the value of `of` by that of `to`, `times` a number. DIFFERENCE: of the values of two cells, `between` =
    (dimension, minuend, subtrahend). STANDARDISE: the values in the groups of the dimensions `over`, weighed by how
    many of all (of the total) lie in each group. MEAN_OF: the plain mean of the values over a dimension. AVERAGE_OF:
    the plain mean of the values on the ends of the window's months.
    """

    id: str
    name: str
    english: str
    operation: Operation
    of: str
    to: str | None
    to_average: bool
    """RATIO: the divisor is the average of `to` over the ends of the window's months."""
    times: Decimal
    over: tuple[str, ...]
    between: tuple[str, str, str] | None
    decimals: int
    targets: Mapping[int, Decimal]
    better: str


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
    formulas: Mapping[str, Formula]
    derived: Mapping[str, DerivedFact]
    stray_targets: tuple[str, ...] = ()
    """What the file of targets names that is neither an indicator nor a formula."""
    english: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Code list → code → its English name, of those that have one."""

    @cached_property
    def facts(self) -> Mapping[str, FactKind]:
        """Every kind of fact: those that events make and those that this catalogue derives."""
        return {**fact_kinds(), **{name: fact.kind for name, fact in self.derived.items()}}

    def code_name(self, list_name: str, code: str, *, english: bool) -> str:
        """Return what a code is called: in English where it has such a name; the code where the list lacks it."""
        named = self.english.get(list_name, {}).get(code) if english else None
        return named or self.codelists.get(list_name, {}).get(code, code)

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
            "english": {name: dict(codes) for name, codes in self.english.items() if codes},
            "groups": {name: sorted(codes) for name, codes in self.groups.items()},
            "protocols": [
                {
                    "id": p.id,
                    "name": p.name,
                    "english": p.english,
                    "feed": p.feed,
                    "subject": p.subject_fact,
                    "takes_answers": p.takes_answers,
                }
                for p in self.protocols.values()
            ],
            "indicators": [
                *(
                    {
                        "id": i.id,
                        "name": i.name,
                        "english": i.english,
                        "kind": i.kind,
                        "feed": i.feed,
                        "dimensions": list(i.dimensions),
                    }
                    for i in self.indicators.values()
                ),
                *(
                    {
                        "id": f.id,
                        "name": f.name,
                        "english": f.english,
                        "kind": f.operation,
                        "feed": self.indicators[f.of].feed,
                        "dimensions": list(self.indicators[f.of].dimensions),
                    }
                    for f in self.formulas.values()
                ),
            ],
        }
