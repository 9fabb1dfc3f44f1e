"""Whether a condition can ever hold: what codes, numbers and the order of days leave possible.

Only what is certain is said: where a condition is too long to look through, or days could lie either way, it can hold.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from efterhand.catalogue.conditions import (
    COUNTED,
    OUTER,
    AllOf,
    AnyOf,
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
    Value,
)
from efterhand.catalogue.factkinds import ColumnType, FactKind
from efterhand.catalogue.model import Catalogue, Protocol
from efterhand.catalogue.phrases import MONTHS_IN, PERIODS, Phrase

_LONGEST: Final = 512
"""Alternatives of a condition that are looked through."""
_MONTH: Final = 30.4375

_IN_ORDER: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "case": (("enrolled_on", "closed_on"), ("assistance_since", "enrolled_on")),
    "stay": (("from_on", "until_on"), ("from_on", "open_until")),
    "measure": (("started_on", "ended_on"), ("started_on", "last_on")),
}
"""Days of one row that always come in this order."""

Literal = tuple[Condition, bool]


def stretch(phrase: Phrase) -> tuple[int, int]:
    """Return the fewest and the most days that a phrase can lie after (negative: before) the day it names."""
    if phrase.edge is not None:
        length = PERIODS[phrase.period]
        begins, ends = _months(phrase.count * length), _months((phrase.count + 1) * length)
        if phrase.edge == "end":
            return begins[0], ends[1]
        return (1 if phrase.count > 0 else begins[0] - 31 * length), begins[1]
    if phrase.unit in MONTHS_IN:
        return _months(phrase.count * MONTHS_IN[phrase.unit])
    if phrase.unit == "working days":
        most = abs(phrase.count) * 2 + 14 if phrase.count else 0
        return (phrase.count, most) if phrase.count >= 0 else (-most, phrase.count)
    days = phrase.count * (7 if phrase.unit == "weeks" else 1)
    return days, days


def _months(months: int) -> tuple[int, int]:
    if not months:
        return 0, 0
    return int(months * _MONTH) - 4, int(months * _MONTH) + 4


@dataclass(frozen=True)
class Around:
    """What a condition is judged on: the row, the named days with what they follow, the finds, the row around it.

    `place` tells the rows apart. `known` are days that must have a value for the row to matter at all.
    """

    catalogue: Catalogue
    columns: Mapping[str, ColumnType]
    days: Mapping[str, Phrase]
    finds: Mapping[str, Find]
    known: frozenset[str] = frozenset()
    kind: str = ""
    place: str = ""
    outer: "Around | None" = None

    @property
    def always_known(self) -> frozenset[str]:
        """The columns that have a value in every row that matters."""
        day = self.catalogue.facts[self.kind].day if self.kind else None
        return self.known | {day} if day is not None else self.known

    @property
    def counted(self) -> "Around":
        """The outermost row."""
        return self if self.outer is None else self.outer.counted

    def inside(self, kind: FactKind) -> "Around":
        """Return the surroundings inside of a look-up."""
        return Around(
            self.catalogue, kind.columns, self.days, self.finds, frozenset(), kind.name, f"{self.place}/", self
        )

    def node(self, name: str, row: str = "") -> str:
        """Return the name that tells a column of a row from all others."""
        if row == COUNTED:
            return self.counted.node(name)
        if row == OUTER and self.outer is not None:
            return self.outer.node(name)
        if row in self.finds:
            return f"{row}.{name}"
        return f"{self.place}{name}"

    def day(self, phrase: Phrase) -> str:
        """Return the node of the day that a phrase names."""
        if phrase.name in self.days:
            return f"day {phrase.name}"
        return self.node(phrase.column, phrase.row)

    def type(self, column: Column) -> ColumnType | None:
        """Return the type of a column; None of a find as a whole."""
        if column.name == "":
            return None
        if column.row == COUNTED:
            return self.counted.columns.get(column.name)
        if column.row == OUTER and self.outer is not None:
            return self.outer.columns.get(column.name)
        if column.row in self.finds:
            return self.catalogue.facts[self.finds[column.row].fact].columns.get(column.name)
        return self.columns.get(column.name)


def can_hold(conditions: Iterable[tuple[Condition | None, bool]], around: Around) -> bool:
    """Tell whether conditions can hold (True) or not hold (False) together; None asks for nothing."""
    parts = [AllOf((part,)) if holds else Not(part) for part, holds in conditions if part is not None]
    alternatives = _alternatives(AllOf(tuple(parts)), True)
    return alternatives is None or any(_possible(literals, around) for literals in alternatives)


def can_find(find: Find, around: Around) -> bool:
    """Tell whether a look-up can ever find a row: its bounds leave a day, and its `where` can hold."""
    kind = around.catalogue.facts[find.fact]
    inside = around.inside(kind)
    days = _Days(around)
    days.add_row(inside, kind.name)
    if find.day is not None:
        node = inside.node(find.day)
        for bound, closed, opened in (
            (find.lower, Order.AT_LEAST, Order.MORE),
            (find.upper, Order.AT_MOST, Order.LESS),
        ):
            if bound is not None:
                order = opened if bound.open else closed
                days.compare(node, (0, 0), order, around.day(bound.phrase), stretch(bound.phrase))
    if find.where is None:
        return days.possible()
    alternatives = _alternatives(find.where, True)
    return alternatives is None or any(_possible(literals, inside, days) for literals in alternatives)


def _alternatives(condition: Condition, holds: bool) -> list[list[Literal]] | None:
    """Return the ways in which a condition can hold, each as what must hold together; None: too many."""
    match condition:
        case Not(part):
            return _alternatives(part, not holds)
        case AllOf(parts) | AnyOf(parts):
            members = [_alternatives(part, holds) for part in parts]
            if any(member is None for member in members):
                return None
            known = [member for member in members if member is not None]
            if isinstance(condition, AllOf) != holds:
                return [way for member in known for way in member] if len(known) < _LONGEST else None
            count = 1
            for member in known:
                count *= len(member)
            if count > _LONGEST:
                return None
            return [[literal for way in ways for literal in way] for ways in product(*known)]
        case _:
            return [[(condition, holds)]]


@dataclass
class _Days:
    """What is known of the order of days: for two of them the most days that the first can lie after the second."""

    around: Around
    most: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        top = self.around.counted
        self.add_row(top, top.kind)
        for name, phrase in top.days.items():
            if phrase.name != name:
                self.compare(top.day(phrase), stretch(phrase), Order.AT_MOST, f"day {name}", (0, 0))
                self.compare(top.day(phrase), stretch(phrase), Order.AT_LEAST, f"day {name}", (0, 0))
        for name, find in top.finds.items():
            if not find.verb.gives_value:
                for first, last in _IN_ORDER.get(find.fact, ()):
                    self._at_most(f"{name}.{first}", f"{name}.{last}", 0)

    def copy(self) -> "_Days":
        fresh = _Days.__new__(_Days)
        fresh.around, fresh.most = self.around, dict(self.most)
        return fresh

    def add_row(self, around: Around, kind: str) -> None:
        """Take in what always holds of the days of a row."""
        for first, last in _IN_ORDER.get(kind, ()):
            self._at_most(around.node(first), around.node(last), 0)

    def compare(self, left: str, by: tuple[int, int], order: Order, right: str, to: tuple[int, int]) -> None:
        """Take in that `left` moved `by` compares so with `right` moved `to`."""
        if order in (Order.AT_MOST, Order.LESS):
            self._at_most(left, right, to[1] - by[0] - (order is Order.LESS))
        else:
            self._at_most(right, left, by[1] - to[0] - (order is Order.MORE))

    def _at_most(self, first: str, second: str, days: int) -> None:
        key = (first, second)
        self.most[key] = min(days, self.most.get(key, days))

    def possible(self) -> bool:
        """Tell whether there are days that lie so."""
        most = dict(self.most)
        nodes = sorted({node for pair in most for node in pair})
        for middle, first, last in product(nodes, nodes, nodes):
            if (first, middle) in most and (middle, last) in most:
                days = most[first, middle] + most[middle, last]
                most[first, last] = min(days, most.get((first, last), days))
        return all(most.get((node, node), 0) >= 0 for node in nodes)


@dataclass
class _Room:
    """What is left possible of one column."""

    allowed: set[Value] | None = None
    barred: set[Value] = field(default_factory=set)
    lower: int | None = None
    upper: int | None = None
    known: bool = False
    unknown: bool = False

    def is_empty(self, kind: ColumnType | None, codes: Iterable[str]) -> bool:
        if self.known and self.unknown:
            return True
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            return True
        values: set[Value] | None = self.allowed
        if values is None and self.known and kind is not None:
            listed: Sequence[Value] = [*codes] or [*kind.words] or ([True, False] if kind.name == "bool" else [])
            values = set(listed) if listed else None
        if values is None:
            return False
        return not any(self._fits(value) for value in values - self.barred)

    def _fits(self, value: Value) -> bool:
        if isinstance(value, bool) or not isinstance(value, int):
            return True
        return (self.lower is None or value >= self.lower) and (self.upper is None or value <= self.upper)


def _possible(literals: list[Literal], around: Around, days: _Days | None = None) -> bool:
    order = _Days(around) if days is None else days.copy()
    rooms: dict[Column, _Room] = {}
    for literal, holds in literals:
        if not _take(literal, holds, around, rooms):
            return False
    for name in around.always_known:
        rooms.setdefault(Column(name), _Room()).known = True
    for literal, holds in literals:
        if isinstance(literal, Compare) and isinstance(literal.bound, Phrase):
            _order_days(literal, holds, around, rooms, order)
        elif isinstance(literal, Compare) and not holds and isinstance(literal.left, Column):
            room = rooms.setdefault(literal.left, _Room())
            if room.known and not isinstance(literal.bound, Phrase):
                _narrow(room, _OPPOSITE[literal.order], literal.bound)
    if not order.possible():
        return False
    for column, room in rooms.items():
        kind = around.type(column)
        codes = around.catalogue.codelists.get(kind.codelist or "", {}) if kind is not None else {}
        if room.is_empty(kind, codes):
            return False
    return around.kind != "check" or _check_possible(rooms, around.catalogue)


_OPPOSITE: Final = {
    Order.LESS: Order.AT_LEAST,
    Order.AT_MOST: Order.MORE,
    Order.AT_LEAST: Order.LESS,
    Order.MORE: Order.AT_MOST,
}


def _take(literal: Condition, holds: bool, around: Around, rooms: dict[Column, _Room]) -> bool:
    """Take in one part; False where it contradicts itself."""
    match literal:
        case OneOf(column, values):
            room = rooms.setdefault(column, _Room())
            if holds:
                room.known = True
                room.allowed = set(values) if room.allowed is None else room.allowed & set(values)
            else:
                room.barred |= set(values)
        case Known(column):
            room = rooms.setdefault(column, _Room())
            room.known, room.unknown = room.known or holds, room.unknown or not holds
            if column.name == "" and holds and column.row in around.finds:
                return can_find(around.finds[column.row], around.counted)
        case SameAs(column, other) if holds:
            for each in (column, other):
                rooms.setdefault(each, _Room()).known = True
        case Compare(left, order, bound) if holds:
            if isinstance(left, Column):
                room = rooms.setdefault(left, _Room())
                room.known = True
                if isinstance(bound, int):
                    _narrow(room, order, bound)
        case Exists(find) if holds:
            return can_find(find, around)
        case _:
            pass
    return True


def _narrow(room: _Room, order: Order, bound: int) -> None:
    if order in (Order.AT_LEAST, Order.MORE):
        least = bound + (order is Order.MORE)
        room.lower = least if room.lower is None else max(room.lower, least)
    else:
        most = bound - (order is Order.LESS)
        room.upper = most if room.upper is None else min(room.upper, most)


def _order_days(literal: Compare, holds: bool, around: Around, rooms: Mapping[Column, _Room], days: _Days) -> None:
    left = literal.left if isinstance(literal.left, Phrase) else Phrase(str(literal.left))
    right = literal.bound
    if not isinstance(right, Phrase):
        return
    order = literal.order
    if not holds:
        # What does not hold may be unknown; only of days that are known it says that they lie the other way.
        if not (_is_known(left, rooms, around) and _is_known(right, rooms, around)):
            return
        order = _OPPOSITE[order]
    days.compare(around.day(left), stretch(left), order, around.day(right), stretch(right))


def _is_known(phrase: Phrase, rooms: Mapping[Column, _Room], around: Around) -> bool:
    if phrase.name in around.days:
        return True
    room = rooms.get(Column(phrase.column, phrase.row))
    return room is not None and room.known


def _check_possible(rooms: Mapping[Column, _Room], catalogue: Catalogue) -> bool:
    """Tell whether a check of some protocol can be so."""
    return any(_protocol_fits(protocol, rooms) for protocol in catalogue.protocols.values())


def _protocol_fits(protocol: Protocol, rooms: Mapping[Column, _Room]) -> bool:
    def asked(name: str) -> _Room:
        return rooms.get(Column(name), _Room())

    wanted = asked("protocol")
    if (wanted.allowed is not None and protocol.id not in wanted.allowed) or protocol.id in wanted.barred:
        return False
    verdict = asked("verdict")
    verdicts = set(_verdicts(protocol))
    if verdict.known and not (verdicts & (verdict.allowed or verdicts)) - verdict.barred:
        return False
    if protocol.subject_fact != "measure" and (asked("measure_kind").known or asked("provider").known):
        return False
    if not protocol.takes_answers and any(asked(name).known for name in ("response", "occupation", "same_field")):
        return False
    return protocol.anchor in ("closed_on", "ended_on") or not asked("reason").known


def _verdicts(protocol: Protocol) -> Iterator[str]:
    for verdict, finds in (
        ("met", protocol.met_by),
        ("answered", protocol.answered_by),
        ("cancelled", protocol.cancelled_by),
    ):
        if finds:
            yield verdict
