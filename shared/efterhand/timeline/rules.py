"""How conditions and look-ups of the catalogue are judged on a person's facts: the literal counterpart of the SQL."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from efterhand.catalogue.conditions import (
    COUNTED,
    OUTER,
    AllOf,
    AnyOf,
    Bound,
    Column,
    Compare,
    Condition,
    Exists,
    Find,
    Known,
    Not,
    OneOf,
    Order,
    SameAs,
    Verb,
)
from efterhand.catalogue.factkinds import FactKind
from efterhand.catalogue.phrases import Phrase
from efterhand.timeline.facts import Fact, Facts


@dataclass(frozen=True)
class Subject:
    """What a condition is judged on: a row, the days that have names, what was found, and the row around it.

    `found` holds a row, a number or a day for each find; None where nothing was found. `check` is (protocol, subject)
    of the check whose replies are looked up.
    """

    facts: Facts
    kinds: Mapping[str, FactKind]
    values: Mapping[str, Any]
    days: Mapping[str, date | None] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict)
    check: tuple[str, str] | None = None
    outer: "Subject | None" = None

    @property
    def counted(self) -> "Subject":
        """The outermost row."""
        return self if self.outer is None else self.outer.counted

    def value(self, column: Column) -> Any:
        """Return a column's value; None where it is unknown or nothing was found."""
        if column.row == "":
            return self.values.get(column.name)
        if column.row == COUNTED:
            return self.counted.values.get(column.name)
        if column.row == OUTER:
            return None if self.outer is None else self.outer.values.get(column.name)
        found = self.counted.found[column.row]
        if found is None or column.name == "":
            return found
        return found.values[column.name]

    def day(self, phrase: Phrase) -> date | None:
        """Return the day that a phrase means; None where its name stands for no day."""
        if phrase.name in self.days:
            day = self.days[phrase.name]
        elif phrase.row or phrase.name in self.values:
            day = self.value(Column(phrase.column, phrase.row))
        else:
            day = self.counted.found.get(phrase.name)
        return None if day is None else phrase.after(day)

    def inside(self, row: Fact) -> "Subject":
        """Return the subject of a row that a look-up judged on this one looks at."""
        return Subject(self.facts, self.kinds, row.values, self.days, check=self.check, outer=self)


def holds(condition: Condition, subject: Subject) -> bool:
    """Tell whether a condition holds; an unknown value fulfils no comparison."""
    match condition:
        case OneOf(column, values):
            value = subject.value(column)
            return value is not None and value in values
        case Compare(left, order, bound):
            value = subject.day(left) if isinstance(left, Phrase) else subject.value(left)
            limit = subject.day(bound) if isinstance(bound, Phrase) else bound
            return _in_order(value, order, limit)
        case SameAs(column, other):
            value = subject.value(column)
            return value is not None and value == subject.value(other)
        case Known(column):
            return subject.value(column) is not None
        case Exists(find):
            return bool(matching(find, subject))
        case AllOf(parts):
            return all(holds(part, subject) for part in parts)
        case AnyOf(parts):
            return any(holds(part, subject) for part in parts)
        case Not(part):
            return not holds(part, subject)


def _in_order(value: Any, order: Order, limit: Any) -> bool:
    if value is None or limit is None:
        return False
    if order is Order.LESS:
        return bool(value < limit)
    if order is Order.AT_MOST:
        return bool(value <= limit)
    if order is Order.AT_LEAST:
        return bool(value >= limit)
    return bool(value > limit)


def find_all(finds: Mapping[str, Find], subject: Subject) -> Subject:
    """Return the subject with what its finds come to, in order: a later one may speak of an earlier one."""
    found: dict[str, Any] = {}
    for name, find in finds.items():
        found[name] = look_up(find, replace(subject, found=dict(found)))
    return replace(subject, found=found)


def look_up(find: Find, subject: Subject) -> Any:
    """Return what a look-up comes to: a row, or a number or day; None where there is none."""
    rows = matching(find, subject)
    key = subject.kinds[find.fact].key
    match find.verb:
        case Verb.COUNT:
            return len(rows)
        case Verb.SUM | Verb.MIN | Verb.MAX:
            values = [row.values[find.value or ""] for row in rows]
            known = [value for value in values if value is not None]
            fold: Any = {Verb.SUM: sum, Verb.MIN: min, Verb.MAX: max}[find.verb]
            return fold(known) if known else None
        case Verb.FIRST | Verb.LAST | Verb.AT:
            # Of one month there is one row; of several spans that hold a day the one that begins last is meant.
            days = [row.values[find.day or ""] for row in rows]
            chosen = (min if find.verb is Verb.FIRST else max)(days, default=None)
            return _by_key([row for row, day in zip(rows, days, strict=True) if day == chosen], key)
        case _:
            return _by_key(rows, key)


def _by_key(rows: Iterable[Fact], key: tuple[str, ...]) -> Fact | None:
    """Return the row with the smallest key; where there is none, the one recorded first."""
    return min(rows, key=lambda row: ([_sortable(row.values[part]) for part in key], row.rank), default=None)


def _sortable(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def matching(find: Find, subject: Subject) -> list[Fact]:
    """Return every row that a look-up's bounds and conditions let through, in no particular order."""
    return [fact for fact in subject.facts.of(find.fact) if _matches(find, fact, subject)]


def _matches(find: Find, fact: Fact, subject: Subject) -> bool:
    if find.replies and (fact.values["protocol"], fact.values["subject"]) != subject.check:
        return False
    for name in find.same:
        if fact.values[name] is None or fact.values[name] != subject.values[name]:
            return False
    for name in find.other:
        if fact.values[name] is None or subject.values[name] is None or fact.values[name] == subject.values[name]:
            return False
    if find.at is not None and not _is_at(find, fact, subject):
        return False
    if find.day is not None:
        day = fact.values[find.day]
        if day is None and (find.verb in (Verb.FIRST, Verb.LAST) or find.lower or find.upper):
            return False
        if not _within(day, find.lower, subject, lower=True) or not _within(day, find.upper, subject, lower=False):
            return False
    return find.where is None or holds(find.where, subject.inside(fact))


def _is_at(find: Find, fact: Fact, subject: Subject) -> bool:
    """Tell whether a row is that of the month, or holds the day, that is looked up."""
    looked_up = subject.day(find.at) if find.at is not None else None
    begins = fact.values[find.day or ""]
    if looked_up is None or begins is None:
        return False
    kind = subject.kinds[find.fact]
    if kind.shape == "month":
        return bool(begins == looked_up.replace(day=1))
    ends = fact.values[kind.ends or ""]
    return bool(begins <= looked_up and (ends is None or looked_up <= ends))


def _within(day: date | None, bound: Bound | None, subject: Subject, *, lower: bool) -> bool:
    if bound is None:
        return True
    limit = subject.day(bound.phrase)
    if limit is None or day is None:
        return False
    if day == limit:
        return not bound.open
    return day > limit if lower else day < limit
