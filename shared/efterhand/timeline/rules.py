"""How conditions and finds of the catalogue are judged on a person's facts: the literal counterpart of the SQL."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from efterhand.catalogue.conditions import AllOf, AnyOf, Column, Compare, Condition, Known, Not, OneOf, Order
from efterhand.catalogue.model import Bound, Find
from efterhand.catalogue.phrases import Phrase
from efterhand.timeline.facts import Fact, Facts


@dataclass(frozen=True)
class Subject:
    """What a condition is judged on: the counted fact, the days that have names, and what was found."""

    facts: Facts
    values: Mapping[str, Any]
    days: Mapping[str, date | None]
    found: Mapping[str, Fact | None] = field(default_factory=dict)

    def value(self, column: Column) -> Any:
        """Return a column's value; None where it is unknown or nothing was found."""
        if column.find is None:
            return self.values.get(column.name)
        fact = self.found[column.find]
        return None if fact is None else fact.values[column.name]

    def day(self, phrase: Phrase) -> date | None:
        """Return the day that a phrase means; None where its name stands for no day."""
        day = self.days[phrase.name] if phrase.name in self.days else self.values.get(phrase.name)
        return None if day is None else phrase.after(day)


def holds(condition: Condition, subject: Subject) -> bool:
    """Tell whether a condition holds; an unknown value fulfils no comparison."""
    match condition:
        case OneOf(column, values):
            value = subject.value(column)
            return value is not None and value in values
        case Compare(column, order, bound):
            limit = subject.day(bound) if isinstance(bound, Phrase) else bound
            return _in_order(subject.value(column), order, limit)
        case Known(column):
            if column.name == "":
                return subject.found[column.find or ""] is not None
            return subject.value(column) is not None
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


def look_up(find: Find, subject: Subject, check: tuple[str, str] | None = None) -> Fact | None:
    """Return the row that a find means, or None.

    Args:
        find: what to look for.
        subject: the counted fact, with the days that the find's bounds name.
        check: (protocol, subject) of the check whose replies `same: check` takes.
    """
    candidates = matching(find, subject, check)
    if not candidates:
        return None
    if find.verb == "last":
        return max(candidates, key=lambda fact: (fact.values[find.day], fact.rank))
    return min(candidates, key=lambda fact: (fact.values[find.day], fact.rank))


def matching(find: Find, subject: Subject, check: tuple[str, str] | None = None) -> list[Fact]:
    """Return every row that a find's bounds and conditions let through, in no particular order."""
    return [fact for fact in subject.facts.of(find.fact) if _matches(find, fact, subject, check)]


def _matches(find: Find, fact: Fact, subject: Subject, check: tuple[str, str] | None) -> bool:
    day = fact.values[find.day]
    if day is None:
        return False
    if find.at is not None:
        looked_up = subject.day(find.at)
        return looked_up is not None and day == looked_up.replace(day=1)
    if find.same == "check":
        if (fact.values["protocol"], fact.values["subject"]) != check:
            return False
    elif find.same is not None and fact.values[find.same] != subject.values[find.same]:
        return False
    if find.other is not None and fact.values[find.other] == subject.values[find.other]:
        return False
    if not _within(day, find.lower, subject, lower=True) or not _within(day, find.upper, subject, lower=False):
        return False
    return find.where is None or holds(find.where, Subject(subject.facts, fact.values, subject.days))


def _within(day: date, bound: Bound | None, subject: Subject, *, lower: bool) -> bool:
    if bound is None:
        return True
    limit = subject.day(bound.phrase)
    if limit is None:
        return False
    if day == limit:
        return not bound.open
    return day > limit if lower else day < limit
