"""Definitions and facts at random, for engines that must say the same of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from efterhand.catalogue import Catalogue, Indicator
from efterhand.catalogue.conditions import (
    ALWAYS,
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
from efterhand.catalogue.factkinds import ColumnType, FactKind
from efterhand.catalogue.model import (
    Between,
    Bucket,
    Derivation,
    DerivedFact,
    Difference,
    Evidence,
    EvidenceWhen,
    Kind,
    Measured,
)
from efterhand.catalogue.phrases import PERIODS, TIME_UNITS, Phrase
from efterhand.timeline.derived import with_derived
from efterhand.timeline.facts import Fact, Facts, Provenance

DAYS = [
    date(2015, 12, 31),
    date(2016, 2, 29),
    date(2016, 6, 23),
    date(2016, 8, 31),
    date(2016, 12, 23),
    date(2017, 1, 1),
    date(2017, 1, 31),
    date(2017, 2, 28),
    date(2017, 5, 1),
    date(2017, 12, 31),
]
TEXTS = {
    "reason": ["work", "studies", "moved"],
    "kind": ["internship", "job_support"],
    "provider": ["municipal", "private"],
    "unit": ["north", "south", "annex"],
    "target_group": ["ordinary", "resource"],
    "sex": ["female", "male", "unknown"],
    "protocol": ["offer_90d", "plan_5d"],
    "case_id": ["c1", "c2"],
}
OTHER_TEXTS = ["x", "y"]
ORDINARY = ("sex", "unit", "target_group", "age_band")
LOOKED_UP = ("case", "stay", "measure", "offer", "assistance", "consent", "check", "person", "episode", "reached")
COUNTED_KINDS = ("case", "case", "measure", "stay", "check", "offer", "assistance", "episode", "reached")


def with_derived_kinds(catalogue: Catalogue) -> Catalogue:
    """The catalogue with a kind of merged spans and one of numbers that are reached."""
    kinds = catalogue.facts
    merged = FactKind(
        "episode", "span", "began_on", "ended_on", ("kind", "began_on"), True,
        {"kind": kinds["measure"].columns["kind"], "began_on": ColumnType("date"), "ended_on": ColumnType("date")},
    )  # fmt: skip
    reached = FactKind(
        "reached", "point", "reached_on", None, ("case_id", "total"), True,
        {"case_id": ColumnType("text"), "total": ColumnType("int"), "reached_on": ColumnType("date")},
    )  # fmt: skip
    return replace(
        catalogue,
        version=f"{catalogue.version}+",
        derived={
            "episode": DerivedFact(merged, Derivation.MERGE, "measure", "kind", 30, ()),
            "reached": DerivedFact(reached, Derivation.REACHES, "offer", "case_id", None, (1, 2)),
        },
    )


# --- facts --------------------------------------------------------------------------------------------------------


def fact(values: Mapping[str, Any]) -> Fact:
    """A row that nobody asks where it comes from."""
    return Fact(values, Provenance(("/s", "e"), date(2017, 1, 1), ()))


def facts_of(person: str, rows: Mapping[str, Sequence[Mapping[str, Any]]], catalogue: Catalogue) -> Facts:
    """A person's facts, with the derived ones; rows say what matters, the rest is unknown."""
    kinds = catalogue.facts
    whole = {
        kind: tuple(fact({**dict.fromkeys(kinds[kind].columns), **row}) for row in own) for kind, own in rows.items()
    }
    stays: dict[str, tuple[Fact, ...]] = {}
    for stay in whole.get("stay", ()):
        stays[stay.values["case_id"]] = (*stays.get(stay.values["case_id"], ()), stay)
    return with_derived(Facts(person, whole, _stays=stays), catalogue)


def stays_of(case: Mapping[str, Any], places: list[tuple[date, str, str]]) -> list[dict[str, Any]]:
    """The stays of a case: at the enrolment's place and, from later days on, at others."""
    begun = [(case["enrolled_on"], *places[0][1:]), *(each for each in places[1:] if each[0] > case["enrolled_on"])]
    begun = sorted({day: (day, unit, group) for day, unit, group in begun}.values())
    stays = []
    for (day, unit, group), following in zip(begun, [*begun[1:], None], strict=True):
        until = None if following is None else following[0] - timedelta(days=1)
        ends = [each for each in (until, case["closed_on"]) if each is not None]
        stays.append(
            {
                "case_id": case["case_id"], "from_on": day, "until_on": until,
                "open_until": min(ends) if ends else None, "unit": unit, "target_group": group,
            }
        )  # fmt: skip
    return stays


@st.composite
def histories(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Rows of one person."""
    day = st.sampled_from(DAYS)
    rows: dict[str, list[dict[str, Any]]] = {"person": [], "stay": [], "case": []}
    if draw(st.integers(0, 7)) < 7:
        rows["person"] = [
            {"sex": draw(st.sampled_from(TEXTS["sex"])), "birth_year": draw(st.sampled_from([1961, 1987, 1997, 2001]))}
        ]
    for number in range(draw(st.sampled_from([1, 2, 1, 2, 0])) if rows["person"] else 0):
        enrolled, closed = draw(day), draw(st.none() | day)
        case = {
            "case_id": f"c{number + 1}",
            "enrolled_on": enrolled,
            "closed_on": None if closed is None else max(enrolled, closed),
            "reason": draw(st.sampled_from(TEXTS["reason"])) if closed else None,
            "on_assistance": draw(st.none() | st.booleans()),
            "assistance_since": draw(st.none() | day),
        }
        rows["case"].append(case)
        place = st.tuples(day, st.sampled_from(TEXTS["unit"]), st.sampled_from(TEXTS["target_group"]))
        rows["stay"] += stays_of(case, draw(st.lists(place, min_size=1, max_size=2)))
    cases = [case["case_id"] for case in rows["case"]]
    if cases:
        of_case = st.sampled_from(cases)
        rows["measure"] = []
        for number in range(draw(st.integers(0, 3))):
            started, ended = draw(day), draw(st.none() | day)
            rows["measure"].append(
                {
                    "measure_id": f"m{number}", "case_id": draw(of_case), "kind": draw(st.sampled_from(TEXTS["kind"])),
                    "provider": draw(st.none() | st.sampled_from(TEXTS["provider"])), "started_on": started,
                    "ended_on": None if ended is None else max(started, ended),
                    "last_on": None if ended is None else max(started, ended),
                    "reason": draw(st.none() | st.sampled_from(TEXTS["reason"])),
                }
            )  # fmt: skip
        offered = draw(st.lists(st.tuples(of_case, day), max_size=3))
        rows["offer"] = [
            {"case_id": case_id, "made_on": on, "kind": "job", "nth": offered[: place + 1].count((case_id, on))}
            for place, (case_id, on) in enumerate(offered)
        ]
        rows["check"] = [
            {
                "protocol": protocol, "subject": subject, "case_id": subject, "anchor_on": draw(day), "due": draw(day),
                "verdict": draw(st.sampled_from([None, "met", "cancelled"])), "same_field": draw(st.booleans()),
                "reason": draw(st.none() | st.sampled_from(TEXTS["reason"])),
            }
            for protocol, subject in draw(
                st.lists(st.tuples(st.sampled_from(TEXTS["protocol"]), of_case), max_size=2, unique=True)
            )
        ]  # fmt: skip
    months = draw(st.dictionaries(st.sampled_from([each.replace(day=1) for each in DAYS]), st.booleans(), max_size=3))
    rows["assistance"] = [{"month": month, "receives": receives} for month, receives in months.items()]
    consents = draw(st.dictionaries(day, st.booleans(), max_size=2))
    rows["consent"] = [{"changed_on": on, "contact": contact} for on, contact in consents.items()]
    return rows


# --- definitions --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sight:
    """What a condition may name: columns of the row itself and of the rows around it, and named days."""

    kinds: Mapping[str, FactKind]
    columns: Mapping[str, str]
    """Of the row itself: name to type."""
    named_days: tuple[str, ...] = ()
    finds: Mapping[str, Find] = field(default_factory=dict)
    outer: "Sight | None" = None

    @property
    def counted(self) -> "Sight":
        return self if self.outer is None else self.outer.counted

    def inside(self, fact: str) -> "Sight":
        types = {name: kind.name for name, kind in self.kinds[fact].columns.items()}
        return Sight(self.kinds, types, self.named_days, self.finds, self)

    def of_type(self, *types: str) -> list[Column]:
        found = [Column(name) for name, kind in self.columns.items() if kind in types]
        if self.outer is not None:
            found += [Column(name, COUNTED) for name, kind in self.counted.columns.items() if kind in types]
            found += [Column(name, OUTER) for name, kind in self.outer.columns.items() if kind in types]
        for name, find in self.finds.items():
            if find.verb.gives_value:
                kind = "int" if find.verb is Verb.COUNT else self.kinds[find.fact].columns[find.value or ""].name
                found += [Column("", name)] if kind in types else []
            else:
                columns = self.kinds[find.fact].columns.items()
                found += [Column(each, name) for each, kind in columns if kind.name in types]
        return found

    def days(self) -> list[str]:
        return [*self.named_days, *(str(column) for column in self.of_type("date"))]


PHRASES: st.SearchStrategy[Callable[[str], Phrase]] = st.one_of(
    st.just(lambda name: Phrase(name)),
    st.tuples(st.sampled_from(TIME_UNITS), st.sampled_from([-13, -1, 1, 6])).map(
        lambda each: lambda name: Phrase(name, each[1], each[0])
    ),
    st.tuples(st.sampled_from(["start", "end"]), st.sampled_from(sorted(PERIODS)), st.integers(-2, 2)).map(
        lambda each: lambda name: Phrase(name, each[2], "", each[0], each[1])
    ),
)


@st.composite
def phrases(draw: st.DrawFn, sight: Sight) -> Phrase:
    return draw(PHRASES)(draw(st.sampled_from(sight.days())))


@st.composite
def conditions(draw: st.DrawFn, sight: Sight, depth: int = 2) -> Condition:
    """A condition, with at most so many levels of others inside."""
    shapes = ["one of", "number", "day", "same", "known", "always"]
    if depth:
        shapes += ["not", "all", "any", "some", "some", "not"]
    match draw(st.sampled_from(shapes)):
        case "one of":
            column = draw(st.sampled_from(sight.of_type("text", "bool")))
            return OneOf(column, draw(_values(column)))
        case "number" if sight.of_type("int"):
            column = draw(st.sampled_from(sight.of_type("int")))
            number = draw(st.sampled_from([0, 1, 2, 17, 20, 25, 30, 1990]))
            return Compare(column, draw(_ORDERS), number) if draw(st.booleans()) else OneOf(column, (number,))
        case "day" if sight.days():
            if draw(st.booleans()) and sight.of_type("date"):
                left: Column | Phrase = draw(st.sampled_from(sight.of_type("date")))
            else:
                left = draw(phrases(sight))
            return Compare(left, draw(_ORDERS), draw(phrases(sight)))
        case "same":
            kind = draw(st.sampled_from(["text", "date", "bool", "int"]))
            if len(sight.of_type(kind)) > 1:
                return SameAs(*(draw(st.sampled_from(sight.of_type(kind))) for _ in range(2)))
        case "known":
            rows = [Column("", name) for name in sight.finds]
            return Known(draw(st.sampled_from([*sight.of_type("text", "date", "bool", "int"), *rows])))
        case "not":
            return Not(draw(conditions(sight, depth - 1)))
        case "all":
            return AllOf(tuple(draw(st.lists(conditions(sight, depth - 1), max_size=3))))
        case "any":
            return AnyOf(tuple(draw(st.lists(conditions(sight, depth - 1), max_size=3))))
        case "some":
            return Exists(draw(finds(sight, depth - 1, [Verb.SOME])))
    return ALWAYS


_ORDERS = st.sampled_from(list(Order))


def _values(column: Column) -> st.SearchStrategy[tuple[Any, ...]]:
    pool: list[Any] = TEXTS.get(column.name, OTHER_TEXTS)
    if column.name in ("receives", "contact", "on_assistance", "same_field", "born_abroad"):
        pool = [True, False]
    return st.lists(st.sampled_from(pool), max_size=2, unique=True).map(tuple)


_VERBS = [Verb.FIRST, Verb.LAST, Verb.AT, Verb.THE, Verb.COUNT, Verb.SUM, Verb.MIN, Verb.MAX]


@st.composite
def finds(draw: st.DrawFn, sight: Sight, depth: int = 1, verbs: list[Verb] = _VERBS) -> Find:
    """A look-up that is judged on a row."""
    verb = draw(st.sampled_from(verbs))
    able = {name: kind for name, kind in sight.kinds.items() if name in LOOKED_UP}
    match verb:
        case Verb.AT:
            able = {name: kind for name, kind in able.items() if kind.shape in ("month", "span")}
        case Verb.FIRST | Verb.LAST:
            able = {name: kind for name, kind in able.items() if kind.day}
        case Verb.SUM | Verb.MIN | Verb.MAX:
            able = {name: kind for name, kind in able.items() if _folded(kind, verb)}
    kind = able[draw(st.sampled_from(sorted(able)))]
    shared = [
        name
        for name, column in kind.columns.items()
        if sight.columns.get(name) == column.name and column.name in ("text", "int", "bool")
    ]
    some_shared = st.lists(st.sampled_from(shared), max_size=1).map(tuple) if shared else st.just(())
    same = draw(some_shared)
    other = draw(some_shared) if not same else ()
    if verb is Verb.THE and not same:
        kind, other = able["person"], ()
    day = kind.day
    if verb in (Verb.FIRST, Verb.LAST, Verb.COUNT, Verb.SOME) and kind.days and draw(st.booleans()):
        day = draw(st.sampled_from(kind.days))
    bound: st.SearchStrategy[Bound | None] = st.none()
    if sight.days() and day is not None and verb is not Verb.AT:
        bound = st.none() | st.tuples(phrases(sight), st.booleans()).map(lambda each: Bound(*each))
    if verb is Verb.AT and not sight.days():
        return draw(finds(sight, depth, [Verb.COUNT]))
    return Find(
        verb=verb,
        fact=kind.name,
        day=day,
        value=draw(st.sampled_from(_folded(kind, verb))) if verb in (Verb.SUM, Verb.MIN, Verb.MAX) else None,
        at=draw(phrases(sight)) if verb is Verb.AT else None,
        same=same,
        other=other,
        lower=draw(bound),
        upper=draw(bound),
        where=draw(st.none() | conditions(sight.inside(kind.name), depth)),
    )


def _folded(kind: FactKind, verb: Verb) -> list[str]:
    types = ("int",) if verb is Verb.SUM else ("int", "date")
    return [name for name, column in kind.columns.items() if column.name in types]


@st.composite
def indicators(draw: st.DrawFn, base: Indicator, kinds: Mapping[str, FactKind]) -> Indicator:
    """A definition that means something, whatever that is."""
    counts = draw(st.sampled_from(COUNTED_KINDS))
    own = {name: kind.name for name, kind in kinds[counts].columns.items()}
    row = Sight(kinds, {**own, "age": "int"})
    during = draw(st.integers(0, 2)) == 0
    plain = st.sampled_from(kinds[counts].days).map(Phrase)
    day, as_of = (draw(st.one_of(plain, phrases(row))) for _ in range(2))
    columns = {**row.columns, "sex": "text", "unit": "text", "target_group": "text", **own}
    sight = Sight(kinds, columns, () if during else ("day",))
    for name in draw(st.sampled_from([(), ("f1",), ("f1", "f2")])):
        sight = replace(sight, finds={**sight.finds, name: draw(finds(sight))})
    value_kinds = [Kind.COUNT, Kind.PERSONS, Kind.SHARE]
    kind = draw(st.sampled_from(value_kinds if during else [*value_kinds, Kind.MEAN, Kind.MEDIAN, Kind.SPLIT]))
    once_per: tuple[str, ...] = ()
    if kind is Kind.PERSONS or (kind is Kind.SHARE and during and draw(st.booleans())):
        once_per = draw(st.sampled_from([("person",), ("person", "target_group"), ("person", "sex", "unit")]))
    condition = conditions(sight)
    measured, buckets = draw(_measured(sight, kind))
    further = [column for column in sight.of_type("text", "int", "bool") if (column.name or column.row) not in columns]
    further += [Column(name) for name in ("kind", "provider", "age") if name in columns]
    if kind is Kind.SPLIT and isinstance(measured, Column) and not buckets:
        further = [each for each in further if (each.name or each.row) != (measured.name or measured.row)]
    by = tuple(
        {(each.name or each.row): each for each in draw(st.lists(st.sampled_from(further), max_size=2))}.values()
    )
    by_reason = counts in ("case", "check") and draw(st.booleans())
    names = (*ORDINARY, *(["closure_reason"] if by_reason else []))
    return replace(
        base,
        id="at_random",
        kind=kind,
        counts=counts,
        day=None if during else day,
        during=(draw(phrases(row)), draw(phrases(row))) if during else None,
        as_of=as_of,
        once_per=once_per,
        first_per_person=not during and not once_per and draw(st.booleans()),
        finds=sight.finds,
        where=draw(st.one_of(st.just(ALWAYS), st.just(ALWAYS), condition)),
        unless=draw(st.one_of(st.none(), st.none(), condition)),
        reported=draw(st.none() | condition) if not during and kind not in (Kind.COUNT, Kind.PERSONS) else None,
        share=draw(condition) if kind is Kind.SHARE and not during else None,
        evidence=draw(_evidence(sight, once_per)) if kind is Kind.SHARE and during else None,
        measured=measured,
        buckets=buckets,
        by=by,
        window_months=draw(st.sampled_from([0, 12, 12, 36])),
        tests=(),
        dimensions=(*names, *(each.name or each.row for each in by)),
    )


@st.composite
def _measured(draw: st.DrawFn, sight: Sight, kind: Kind) -> tuple[Measured | None, tuple[Bucket, ...]]:
    if kind not in (Kind.MEAN, Kind.MEDIAN, Kind.SPLIT):
        return None, ()
    if kind is Kind.SPLIT and draw(st.booleans()):
        # Its parts are a dimension: no other one may be called the same.
        columns = [each for each in sight.of_type("text", "bool", "int") if each.name not in ORDINARY]
        return draw(st.sampled_from(columns)), ()
    number = st.sampled_from(sight.of_type("int"))
    measured: Measured = draw(
        st.one_of(
            number,
            st.builds(Between, phrases(sight), phrases(sight), st.sampled_from(["days", "months"])),
            st.builds(Difference, number, number),
        )
    )
    if kind is not Kind.SPLIT:
        return measured, ()
    edges = st.none() | st.sampled_from([0, 20, 100])
    bucket = st.builds(Bucket, st.sampled_from(["low", "mid"]), edges, st.booleans(), edges, st.booleans())
    buckets = draw(st.lists(bucket, min_size=1, max_size=2, unique_by=lambda each: each.name))
    return measured, (*buckets, *([Bucket("none", unknown=True)] if draw(st.booleans()) else []))


@st.composite
def _evidence(draw: st.DrawFn, sight: Sight, once_per: tuple[str, ...]) -> Evidence:
    when = draw(st.sampled_from(list(EvidenceWhen)))
    if draw(st.booleans()):
        return Evidence(when, draw(phrases(sight)), None, (), draw(conditions(sight)))
    fact = draw(st.sampled_from([each for each in LOOKED_UP if each != "person"]))
    inside = sight.inside(fact)
    shared = [name for name in inside.columns if sight.columns.get(name) == "text" == inside.columns[name]]
    same = (draw(st.sampled_from(shared)),) if shared and not once_per and draw(st.booleans()) else ()
    return Evidence(when, draw(phrases(inside)), fact, same, draw(st.just(ALWAYS) | conditions(inside)))
