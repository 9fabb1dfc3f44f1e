"""Random definitions over the whole grammar, well-typed, and random histories of a small town.

Both are written as they stand in a spec: definitions as plain data in the shape of the catalogue's files, a history as
lines. What fails can be kept as a spec as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random
from typing import Any, Final, TypeVar

from efterhand.catalogue.factkinds import ColumnType, FactKind, fact_kinds
from efterhand.catalogue.grammar.derived_facts import parse_derived_fact
from efterhand.catalogue.grammar.indicators import CLOSURE_REASON, DIMENSIONS
from efterhand.catalogue.model import DAYS_IN
from efterhand.catalogue.phrases import PERIODS, TIME_UNITS
from tests.specs.reading import as_place

T = TypeVar("T")
Entry = dict[str, Any]

CODES: Final[dict[str, tuple[str, ...]]] = {
    "reasons": ("work", "studies", "moved", "referred_back"),
    "target_groups": ("ordinary", "resource"),
    "measure_kinds": ("internship", "job_support"),
    "offer_kinds": ("job", "education"),
    "providers": ("municipal", "private"),
    "funders": ("own", "district"),
    "results": ("completed", "interrupted"),
    "units": ("north", "south"),
    "protocols": ("plan_5d", "contact_1m"),
}
"""Few codes of each list, so that histories and definitions meet."""

GROUPS: Final = {"reasons": ("livelihood", "neutral", "not_a_result")}
NUMBERS: Final = {"age": (15, 16, 19, 20, 25, 30), "birth_year": (1990, 1997)}
NUMBER: Final = ColumnType("int")


class Choice:
    """What is drawn at random, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def one(self, options: Sequence[T]) -> T:
        """One of several."""
        return self._random.choice(options)

    def some(self, options: Sequence[T], most: int, least: int = 0) -> list[T]:
        """Some of several, each once."""
        return self._random.sample(options, min(len(options), self._random.randint(least, most)))

    def number(self, least: int, most: int) -> int:
        """A whole number."""
        return self._random.randint(least, most)

    def rarely(self, times: int = 4) -> bool:
        """Once in so many times."""
        return self._random.randrange(times) == 0


@dataclass(frozen=True)
class Names:
    """What can be named at one place, as the grammar's own scopes have it."""

    kinds: Mapping[str, FactKind]
    columns: Mapping[str, ColumnType]
    days: tuple[str, ...] = ()
    finds: Mapping[str, Entry] = field(default_factory=dict)
    outer: "Names | None" = None
    depth: int = 0

    @property
    def counted(self) -> "Names":
        """The names of the outermost row."""
        return self if self.outer is None else self.outer.counted

    def inside(self, kind: FactKind) -> "Names":
        """The names of a row that is looked at."""
        return Names(self.kinds, kind.columns, self.days, self.finds, self, self.depth + 1)

    @property
    def found_rows(self) -> dict[str, Mapping[str, ColumnType]]:
        """The finds that give a row, with its columns."""
        return {
            name: self.kinds[str(find[verb]).partition(".")[0]].columns
            for name, find in self.finds.items()
            for verb in ("first", "last", "at", "the")
            if verb in find
        }

    @property
    def found_values(self) -> dict[str, ColumnType]:
        """The finds that give a number or a day."""
        values = {name: NUMBER for name, find in self.finds.items() if "count" in find}
        for name, find in self.finds.items():
            for verb in ("sum", "min", "max"):
                if verb in find:
                    fact, _, column = find[verb].partition(".")
                    values[name] = self.kinds[fact].columns[column]
        return values

    def columns_of(self, fits: Callable[[ColumnType], bool]) -> list[tuple[str, ColumnType]]:
        """Every column that fits, by the name that it has here."""
        rows = {"": self.columns, **self.found_rows}
        if self.outer is not None:
            rows |= {"counted": self.counted.columns, "outer": self.outer.columns}
        found = [
            (f"{row}.{name}" if row else name, column)
            for row, columns in rows.items()
            for name, column in columns.items()
            if fits(column)
        ]
        values = self.found_values.items()
        return found + [(name, each) for name, each in values if name not in self.columns and fits(each)]

    @property
    def day_names(self) -> list[str]:
        """Every name of a day."""
        return [*self.days, *(name for name, _ in self.columns_of(_is_day))]


def _is_day(column: ColumnType) -> bool:
    return column.name == "date"


def _is_number(column: ColumnType) -> bool:
    return column.name == "int"


class Writer:
    """Writes definitions."""

    def __init__(self, choice: Choice, kinds: Mapping[str, FactKind]) -> None:
        self.choice = choice
        self.kinds = {name: kind for name, kind in kinds.items() if kind.has_table}

    # --- phrases

    def phrase(self, names: Names) -> str:
        """A day phrase."""
        return self._moved(self.choice.one(names.day_names))

    def _moved(self, name: str) -> str:
        form = self.choice.number(0, 7)
        if form <= 4:
            return name
        if form <= 6:
            unit = self.choice.one(TIME_UNITS)
            most = {"days": 400, "working days": 12, "weeks": 30, "months": 14, "quarters": 5, "years": 2}[unit]
            return f"{name} {self.choice.one('+-')} {self.choice.number(1, most)} {unit}"
        period, edge = self.choice.one(tuple(PERIODS)), self.choice.one(("start", "end"))
        way = self.choice.one(("of", "after", "before"))
        nth = "" if way == "of" else self.choice.one(("", "1st ", "2nd ", "3rd "))
        return f"{edge} of {nth}{period} {way} {name}"

    # --- conditions

    def condition(self, names: Names, deep: int = 2) -> Entry:
        """A condition of one or two tests."""
        made: Entry = {}
        for _ in range(self.choice.number(1, 2)):
            made |= self._part(names, deep)
        return made

    def likely(self, names: Names, deep: int = 2) -> Entry:
        """A condition that holds about as often as not: most of what is drawn does not hold."""
        made = self.condition(names, deep)
        return {"not": made} if self.choice.number(0, 1) else made

    def _part(self, names: Names, deep: int) -> Entry:
        form = self.choice.number(0, 9) if deep else self.choice.number(0, 5)
        if form == 9 and names.depth < 2:
            return {self.choice.one(("some", "none")): self.some(names, deep - 1)}
        if form in (7, 8):
            return {self.choice.one(("any", "all")): [self.condition(names, deep - 1) for _ in range(2)]}
        if form == 6:
            return {"not": self.condition(names, deep - 1)}
        if form == 5 and names.day_names:
            return self._moved_day(names)
        if form == 4 and names.found_rows:
            asked = self.choice.one(("known", {"known": True}, {"known": False}))
            return {self.choice.one(tuple(names.found_rows)): asked}
        name, column = self.choice.one(names.columns_of(lambda _: True))
        return {name: self._test(name, column, names)}

    def _moved_day(self, names: Names) -> Entry:
        unit = self.choice.one(("days", "months", "weeks"))
        moved = f"{self.choice.one(names.day_names)} {self.choice.one('+-')} {self.choice.number(1, 12)} {unit}"
        return {moved: {self.choice.one(("before", "after", "from", "to")): self.phrase(names)}}

    def _test(self, name: str, column: ColumnType, names: Names) -> Any:
        form = self.choice.number(0, 9)
        if form == 9:
            return self.choice.one(("known", {"known": True}, {"known": False}))
        if form == 8:
            return {"not": self._plain(name, column, names)}
        if form == 7:
            others = [other for other, kind in names.columns_of(lambda each: each.name == column.name)]
            return {"same_as": self.choice.one(others)}
        return self._plain(name, column, names)

    def _plain(self, name: str, column: ColumnType, names: Names) -> Any:
        if column.name == "date":
            return {order: self.phrase(names) for order in self.choice.some(("from", "to", "after", "before"), 2, 1)}
        if column.name == "int":
            return self._number_test(name)
        if column.name == "bool":
            return self.choice.one((True, False))
        if column.codelist in GROUPS and self.choice.rarely(2):
            return {"in": self.choice.one(GROUPS[column.codelist])}
        values = CODES[column.codelist] if column.codelist else column.words or ("c1", "c2", "m1")
        return self.choice.some(values, 2, 1) if self.choice.rarely() else self.choice.one(values)

    def _number_test(self, name: str) -> Any:
        numbers = NUMBERS.get(name.rpartition(".")[2], (1, 2, 3, 0))
        if self.choice.rarely():
            return self.choice.one((self.choice.one(numbers), self.choice.some(numbers, 2, 1)))
        orders = self.choice.some(("from", "to", "above", "below"), 2, 1)
        return {order: self.choice.one(numbers) for order in orders}

    # --- look-ups

    def some(self, names: Names, deep: int) -> Entry:
        """What follows `some` or `none`."""
        kind = self._kind()
        named = f"{kind.name}.{self.choice.one(kind.days)}" if kind.days and self.choice.rarely() else kind.name
        return {"in": named, **self._rest(kind, names, deep)}

    def find(self, names: Names) -> Entry:
        """A look-up with a name."""
        verb = self.choice.one(("first", "last", "count", "at", "the", "min", "max", "sum"))
        if verb == "at":
            kind = self._kind(lambda each: each.shape in ("month", "span"))
            return {"at": kind.name, "day": self.phrase(names), **self._rest(kind, names, 1, bounded=False)}
        if verb == "the":
            kind = self._kind(lambda each: each.shape == "one" or bool(_shared(each, names)))
            made = {"the": kind.name, **self._rest(kind, names, 1)}
            if kind.shape != "one" and "same" not in made:
                made["same"] = _shared(kind, names)[0]
            return made
        if verb in ("first", "last", "count"):
            kind = self._kind(lambda each: each.day is not None)
            named = f"{kind.name}.{self.choice.one(kind.days)}" if self.choice.rarely(3) else kind.name
            return {verb: named, **self._rest(kind, names, 1)}
        types = ("int",) if verb == "sum" else ("int", "date")
        kind = self._kind(lambda each: any(column.name in types for column in each.columns.values()))
        column = self.choice.one([name for name, each in kind.columns.items() if each.name in types])
        made = {verb: f"{kind.name}.{column}", **self._rest(kind, names, 1)}
        if kind.days and self.choice.rarely(3):
            made["day"] = self.choice.one(kind.days)
        return made

    def _kind(self, fits: Callable[[FactKind], bool] = lambda _: True) -> FactKind:
        return self.choice.one([kind for kind in self.kinds.values() if fits(kind)])

    def _rest(self, kind: FactKind, names: Names, deep: int, *, bounded: bool = True) -> Entry:
        made: Entry = {}
        shared = _shared(kind, names)
        if shared and self.choice.number(0, 2):
            same = self.choice.some(shared, 2, 1)
            made["same"] = same if len(same) > 1 or self.choice.rarely() else same[0]
        elif shared and self.choice.rarely(3):
            made["other"] = self.choice.one(shared)
        if bounded and kind.day and names.day_names:
            for keys in (("from", "after"), ("to", "before")):
                if self.choice.rarely(3):
                    made[self.choice.one(keys)] = self.phrase(names)
        if self.choice.rarely(3):
            made["where"] = self.likely(names.inside(kind), deep)
        return made

    # --- indicators

    def indicator(self) -> Entry:
        """An indicator."""
        counted = self._kind(lambda each: bool(each.days))
        row = Names(self.kinds, {**counted.columns, "age": NUMBER})
        made: Entry = {"name": "x", "counts": counted.name, "feed": "cases"}
        during = self.choice.rarely(3)
        own = counted.ends or counted.day or ""
        if during:
            made["during"] = [self._moved(counted.day or ""), self._moved(own) if self.choice.rarely() else own]
        else:
            made["day"] = self._moved(self.choice.one(counted.days))
        if self.choice.rarely(3):
            made["as_of"] = self._moved(self.choice.one(counted.days))
        if self.choice.rarely(2):
            made["window"] = self.choice.one((60, 24, 3, 1, 0))
        further = {
            "sex": fact_kinds()["person"].columns["sex"],
            "unit": ColumnType("text", codelist="units"),
            "target_group": ColumnType("text", codelist="target_groups"),
        }
        names = replace(row, columns={**further, **row.columns}, days=() if during else ("day",))
        for name in ("f1", "f2", "f3")[: self.choice.number(0, 3)]:
            made.setdefault("find", {})[name] = self.find(names)
            names = replace(names, finds=dict(made["find"]))
        if self.choice.rarely(3):
            made["where"] = self.likely(names)
        if self.choice.rarely(5):
            made["unless"] = self.condition(names)
        return self._figure(made, names, during=during)

    def _figure(self, made: Entry, names: Names, *, during: bool) -> Entry:
        kind = self.choice.one(("count", "share") if during else ("count", "share", "mean", "median", "split"))
        if kind == "share":
            made["share"] = self._evidence(names) if during else self.likely(names)
        elif kind in ("mean", "median"):
            made[kind] = self._measured(names)
        elif kind == "split":
            made["split"] = self._split(names)
        if kind != "count" and not during and self.choice.rarely(3):
            made["reported"] = self.likely(names)
            made["coverage"] = self.choice.one((0, 50, 100))
        if (kind == "count" or during) and "same" not in made.get("share", {}) and self.choice.rarely(3):
            made["once_per"] = self.choice.one(("person", ["person", "target_group"], ["person", "unit", "age_band"]))
        elif not during and self.choice.rarely(3):
            made["first_per"] = "person"
        by = self._by(names, made.get("split"))
        if by:
            made["by"] = by
        return made

    def _by(self, names: Names, split: Any) -> list[str]:
        parts = split["of"] if isinstance(split, Mapping) else split
        taken = _called(parts) if isinstance(parts, str) else ""
        fitting = [name for name in self._further(names) if _called(name) != taken]
        return self.choice.some(fitting, 2) if fitting else []

    def _further(self, names: Names) -> list[str]:
        """What can be a further dimension, or the parts of a split: every figure has some by itself."""
        columns = [name for name, _ in names.columns_of(lambda each: not _is_day(each))]
        return [name for name in columns if _called(name) not in (*DIMENSIONS, CLOSURE_REASON)]

    def _measured(self, names: Names) -> Any:
        numbers = [name for name, _ in names.columns_of(_is_number)]
        form = self.choice.number(0, 3)
        if form == 3:
            return {"minus": [self.choice.one(numbers), self.choice.one(numbers)]}
        if form == 2:
            return self.choice.one(numbers)
        return {self.choice.one(tuple(DAYS_IN)): [self.phrase(names), self.phrase(names)]}

    def _split(self, names: Names) -> Any:
        if self.choice.rarely(2):
            return self.choice.one(self._further(names))
        cut = self.choice.one((0, 1, 20, 365))
        buckets = {
            "low": self.choice.one(({"to": cut}, {"below": cut})),
            "middle": {"from": cut, "to": cut + 10},
            "high": self.choice.one(({"above": cut}, {"from": cut})),
            "none": {"known": False},
        }
        chosen = self.choice.some(tuple(buckets), 4, 1)
        return {"of": self._measured(names), "buckets": {name: buckets[name] for name in chosen}}

    def _evidence(self, names: Names) -> Entry:
        when = self.choice.one(("within", "since"))
        if self.choice.rarely(2):
            own: Entry = {when: self.phrase(names)}
            return {**own, "where": self.likely(names, 1)} if self.choice.rarely(3) else own
        kind = self._kind(lambda each: each.day is not None)
        inside = names.inside(kind)
        made: Entry = {when: self.phrase(inside), "of": kind.name}
        shared = [name for name, column in kind.columns.items() if names.columns.get(name) == column]
        if shared and self.choice.rarely(2):
            made["same"] = self.choice.one(shared)
        if self.choice.rarely(3):
            made["where"] = self.likely(inside, 1)
        return made

    # --- derived facts

    def derived(self) -> Entry:
        """A derived fact."""
        kinds = [kind for kind in fact_kinds().values() if kind.day and kind.name not in ("check", "reply", "person")]
        source = self.choice.one(kinds)
        texts = [name for name, column in source.columns.items() if column.name == "text"]
        per = {"per": self.choice.one(texts)} if texts and self.choice.rarely(2) else {}
        if self.choice.rarely(2):
            return {"reaches": source.name, **per, "totals": sorted(self.choice.some((1, 2, 3), 2, 1))}
        return {"merge": source.name, **per, "gap": self.choice.one(("90 days", "0 days", "1 days", "any"))}


def _called(column: str) -> str:
    return column.rpartition(".")[2]


def _shared(kind: FactKind, names: Names) -> list[str]:
    return [name for name, column in names.columns.items() if kind.columns.get(name) == column]


@dataclass(frozen=True)
class Written:
    """Some indicators, and the derived facts that they may speak of, as they stand in the files of a catalogue."""

    figures: Entry
    derived: Entry


def definitions(choice: Choice, many: int) -> Written:
    """Random definitions."""
    derived = {name: Writer(choice, {}).derived() for name in ("d1", "d2")[: choice.number(0, 2)]}
    kinds = dict(fact_kinds())
    for name, entry in derived.items():
        kinds[name] = parse_derived_fact(name, as_place(entry), fact_kinds()).kind
    writer = Writer(choice, kinds)
    return Written({f"i{number}": writer.indicator() for number in range(1, many + 1)}, derived)


# --- histories

PERSONS: Final = tuple(f"p{number}" for number in range(1, 8))
NEVER_ENROLLED: Final = "p8"
DAYS: Final = tuple(
    date.fromisoformat(each)
    for each in (
        "2016-12-31", "2017-01-01", "2017-01-31", "2017-02-28", "2017-03-01", "2017-06-15", "2016-02-29", "2015-08-31",
        "2017-12-31", "2016-06-22",
    )
)  # fmt: skip

_HAPPENS: Final[dict[str, dict[str, Sequence[str]]]] = {
    "case.closed": {"reason": CODES["reasons"]},
    "case.transferred": {"unit": ("south", "north"), "target_group": CODES["target_groups"]},
    "guidance.held": {},
    "measure.started": {
        "measure": ("m1", "m2"), "kind": CODES["measure_kinds"], "provider": CODES["providers"],
        "funder": CODES["funders"],
    },
    "measure.ended": {"measure": ("m1", "m2"), "result": CODES["results"], "reason": CODES["reasons"]},
    "offer.made": {"kind": CODES["offer_kinds"]},
    "plan.set": {},
    "consent.changed": {"contact": ("true", "false")},
    "followup.answered": {
        "subject": ("c1", "c2"), "response": ("answered", "declined"), "same_field": ("true", "false"),
    },
    "assistance.reported": {},
}  # fmt: skip

_AT_LEAST: Final = {"case.transferred": "unit=south", "consent.changed": "contact=true"}


def history(choice: Choice) -> list[str]:
    """A random history: persons are enrolled, and then something happens on few days, also to one never enrolled."""
    few = sorted(choice.some(DAYS, 4, 2))
    lines: list[str] = []
    cases: list[tuple[str, str]] = []

    def day(of: Sequence[date]) -> date:
        return choice.one(of) + timedelta(days=choice.one((0, 0, 0, 0, 0, 0, 0, 1, -1, 31)))

    def fields(**values: Sequence[str]) -> list[str]:
        return [f"{name}={choice.one(options)}" for name, options in values.items() if not choice.rarely(3)]

    for person in PERSONS[: choice.number(1, len(PERSONS))]:
        born = fields(sex=("female", "male", "unknown"), birth_year=("1997", "1992", "2001", "1987"))
        for case in ("c1", "c2")[: choice.number(1, 2)]:
            more = fields(
                unit=CODES["units"], target_group=CODES["target_groups"], reached_by=("referral", "self"),
                education=("compulsory", "post_secondary"), born_abroad=("true", "false"), contact_consent=("true",),
                assistance=("true", "false"),
            )  # fmt: skip
            enrolled = day(few[:2])
            if choice.rarely():
                more.append(f"assistance_since={enrolled - timedelta(days=choice.one((0, 1, 300)))}")
            lines.append(" ".join([str(enrolled), person, "case.enrolled", f"case={case}", *born, *more]))
            cases.append((person, case))
    cases.append((NEVER_ENROLLED, "c1"))
    for _ in range(choice.number(0, 12 * len(cases))):
        (person, case), on, kind = choice.one(cases), day(few), choice.one(tuple(_HAPPENS))
        own = fields(**_HAPPENS[kind])
        if kind in _AT_LEAST and not own:
            own = [_AT_LEAST[kind]]
        if kind == "followup.answered" and "response=declined" not in own:
            own.append(f"occupation={choice.one(('work', 'unemployed'))}")
        if kind == "assistance.reported":
            own.append(f"receives={choice.one(('false', 'true'))}")
        elif kind not in ("consent.changed", "followup.answered"):
            own.append(f"case={case}")
        stamp = f"{on:%Y-%m}" if kind == "assistance.reported" else str(on)
        lines.append(" ".join([stamp, person, kind, *own]))
    return lines
