"""What is counted at a unit, how it adds up along the tree of a day, and how far behind a feed is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from efterhand.catalogue.units import UnitTree
from efterhand.persons.watermarks import Watermark
from efterhand_followup.domain.worklist import Late


@dataclass(frozen=True)
class Counts:
    """How many checks are in each open group, how late, and how many were missed.

    Attributes:
        overdue: and not waiting.
        todo: upcoming or due, and not waiting.
        due: of those to be done, the ones that are due today.
        waiting: tried lately, put off, or for the register.
        oldest: the earliest due day among the overdue.
        late: the overdue by how long they have been.
        held_back: would have given up, if their feed were known to today.
        missed_month: missed or expired since the first of the month.
        missed_year: the same in the last twelve months.
    """

    overdue: int = 0
    todo: int = 0
    due: int = 0
    waiting: int = 0
    oldest: date | None = None
    late: Mapping[Late, int] = field(default_factory=lambda: dict.fromkeys(Late, 0))
    held_back: int = 0
    missed_month: int = 0
    missed_year: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Return both together."""
        days = [each for each in (self.oldest, other.oldest) if each is not None]
        return Counts(
            self.overdue + other.overdue,
            self.todo + other.todo,
            self.due + other.due,
            self.waiting + other.waiting,
            min(days, default=None),
            {each: self.late[each] + other.late[each] for each in Late},
            self.held_back + other.held_back,
            self.missed_month + other.missed_month,
            self.missed_year + other.missed_year,
        )

    def as_json(self, today: date) -> dict[str, Any]:
        """Return the counts as others see them; `oldest` with the days that it is late by."""
        oldest = None if self.oldest is None else {"due": self.oldest, "days": (today - self.oldest).days}
        return {
            "overdue": self.overdue,
            "todo": self.todo,
            "due": self.due,
            "waiting": self.waiting,
            "oldest": oldest,
            "late": {str(late): number for late, number in self.late.items()},
            "missed": {"month": self.missed_month, "year": self.missed_year},
        }


def in_all(counts: Iterable[Counts]) -> Counts:
    """Return the sum of counts."""
    return sum(counts, Counts())


def rolled_up(counts: Mapping[str, Counts], units: Iterable[str], tree: UnitTree, day: date) -> dict[str, Counts]:
    """Return the counts of each of some units with those under it in the tree of a day."""
    sums = {unit: Counts() for unit in units}
    for unit, own in counts.items():
        for above in tree.ancestors_on(unit, day):
            if above in sums:
                sums[above] += own
    return sums


@dataclass(frozen=True)
class Feed:
    """How far a feed is known and when it was heard last, on a day; None: it is live."""

    name: str
    through: date | None
    heard_on: date | None

    def as_json(self, today: date, held_back: int) -> dict[str, Any]:
        """Return it as others see it, in days before today, with how many checks wait for it to be judged."""
        return {
            "feed": self.name,
            "through": self.through,
            "behind": None if self.through is None else max(0, (today - self.through).days),
            "heard_on": self.heard_on,
            "silent": None if self.heard_on is None else (today - self.heard_on).days,
            "held_back": held_back,
        }


def feeds_of(names: Iterable[str], through: Mapping[str, date], watermarks: Iterable[Watermark]) -> list[Feed]:
    """Return feeds by name.

    Args:
        names: of the feeds.
        through: how far each with a watermark is known.
        watermarks: all that were ever received.
    """
    heard: dict[str, date] = {}
    for each in watermarks:
        heard[each.feed] = max(each.received_on, heard.get(each.feed, each.received_on))
    return [Feed(name, through.get(name), heard.get(name)) for name in names]
