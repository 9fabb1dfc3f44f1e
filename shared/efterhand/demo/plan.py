"""The plan of the built-in municipality: how many cases and persons of each kind, and how many live through what.

The plan is data (`plan_2017/`), found by arithmetic beforehand:

- `cases.csv`: how many cases of a group, sex and age are enrolled in a period and closed in another, so many months
  after (`closed` is `open`, or `back`: referred back within weeks);
- `pairs.csv`: how many persons have two cases, by the groups, ages and calendar years of the two;
- `reasons.csv`: how many of the closures of a sex, age, period and length lead where;
- `quotas.yaml`: how many of what the closures, offers, talks and measures lead to.

A period is `2016-06/12`: from the first day of June to the last of December. Ages are classes that nobody grows out
of in the years of the plan; the days, units, years of birth and all else are the generator's to draw.

Who changes a number has to keep the sums: what is dealt out must be as many as the cases of its pool, or the cast
fails and names the pool; and the test of the published table says which figure has moved.
"""

import csv
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib.resources import files
from typing import Any, Final

import yaml

YOUNG: Final = frozenset({"16-19", "18-19", "20-24", "25-29"})
"""Classes of age of those who are under 30 all the time."""
_END: Final = date(2017, 12, 31)


@dataclass(frozen=True)
class Period:
    """Some days in a row, the first and the last included."""

    first: date
    last: date

    @classmethod
    def of(cls, text: str) -> "Period":
        """Read `2016-06/12`: whole months of one year; `2015-06/05` ends in the year after."""
        first, last = text[:7], int(text[8:])
        year, month = int(first[:4]), int(first[5:])
        end = year if last >= month else year + 1
        return cls(date(year, month, 1), date(end, last, monthrange(end, last)[1]))

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True)
class CaseKind:
    """Cases that are alike."""

    group: str
    sex: str
    age: str
    enrolled: Period
    closed: Period | None
    """None: not in the years of the plan."""
    months: str
    """Closed at most 6, 12 or 18 months after the enrolment, and not within the number before; or `longer`."""
    back: bool
    """Referred back within weeks of the enrolment."""
    cases: int

    @cached_property
    def years(self) -> str:
        """The calendar years in which such a case is open, as the plan writes them."""
        last = self.enrolled.last if self.back else self.closed.last if self.closed else _END
        return " ".join(str(year) for year in range(self.enrolled.first.year, last.year + 1))


@dataclass(frozen=True)
class Half:
    """What is said of one case of a pair."""

    sex: str
    group: str
    age: str
    years: str


@dataclass(frozen=True)
class PairKind:
    """Persons with two cases that are alike in both."""

    first: Half
    second: Half
    persons: int


@dataclass(frozen=True)
class ReasonPool:
    """Where the closures of a pool lead: reason → number; `rest` stands for all other reasons."""

    sex: str
    age: str
    closed: Period
    months: str
    numbers: Mapping[str, int]


@dataclass(frozen=True)
class Plan:
    """The whole plan."""

    cases: tuple[CaseKind, ...]
    pairs: tuple[PairKind, ...]
    reasons: tuple[ReasonPool, ...]
    quotas: Mapping[str, Any]


def read_plan() -> Plan:
    """Return the plan that comes with the product."""
    return Plan(
        tuple(_case_kind(row) for row in _rows("cases.csv")),
        tuple(
            PairKind(
                Half(row["sex"], row["group"], row["age"], row["years"]),
                Half(row["sex"], row["other_group"], row["other_age"], row["other_years"]),
                int(row["persons"]),
            )
            for row in _rows("pairs.csv")
        ),
        tuple(_reason_pool(row) for row in _rows("reasons.csv")),
        yaml.safe_load(_text("quotas.yaml")),
    )


def _case_kind(row: Mapping[str, str]) -> CaseKind:
    closed = None if row["closed"] in {"open", "back"} else Period.of(row["closed"])
    return CaseKind(
        row["group"],
        row["sex"],
        row["age"],
        Period.of(row["enrolled"]),
        closed,
        row["months"],
        row["closed"] == "back",
        int(row["cases"]),
    )


def _reason_pool(row: dict[str, str]) -> ReasonPool:
    numbers = {name: int(row[name]) for name in ("work", "studies", "other_authority", "deceased", "rest")}
    return ReasonPool(row["sex"], row["age"], Period.of(row["closed"]), row["months"], numbers)


def _rows(name: str) -> Iterator[dict[str, str]]:
    yield from csv.DictReader(_text(name).splitlines())


def _text(name: str) -> str:
    return (files("efterhand.demo") / "plan_2017" / name).read_text("utf-8")
