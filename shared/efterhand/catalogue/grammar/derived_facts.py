"""Facts that a catalogue derives from others, as they are written: `episode: {merge: measure, gap: 90 days}`."""

from typing import Final

from efterhand.catalogue.errors import nearest
from efterhand.catalogue.factkinds import ColumnType, FactKind
from efterhand.catalogue.model import Derivation, DerivedFact
from efterhand.catalogue.phrases import Phrase, parse_phrase
from efterhand.catalogue.source import Place

_NOT_DERIVED_FROM: Final = ("person", "check", "reply")
ANY_GAP: Final = "any"


def parse_derived_fact(name: str, place: Place, kinds: "dict[str, FactKind]") -> DerivedFact:
    """Read one derived kind of fact.

    Args:
        name: of the kind.
        place: where it is written.
        kinds: the kinds that events make.

    Raises:
        CatalogueError: the name is taken, or a key, fact or column is unknown or does not fit.
    """
    if name in kinds:
        place.fail(f"'{name}' is a fact already")
    if "reaches" in place.mapping():
        return _reaches(name, place, kinds)
    return _merge(name, place, kinds)


def _merge(name: str, place: Place, kinds: dict[str, FactKind]) -> DerivedFact:
    entries = place.fields(required=("merge", "gap"), optional=("per",))
    source = _source(entries["merge"], kinds)
    if source.day is None:
        entries["merge"].fail(f"{source.name} has no day")
    per = _per(entries.get("per"), source)
    columns = {**_per_column(per, source), "began_on": ColumnType("date"), "ended_on": ColumnType("date")}
    kind = FactKind(name, "span", "began_on", "ended_on", (*_named(per), "began_on"), True, columns)
    return DerivedFact(kind, Derivation.MERGE, source.name, per, _gap(entries["gap"]), ())


def _reaches(name: str, place: Place, kinds: dict[str, FactKind]) -> DerivedFact:
    entries = place.fields(required=("reaches", "totals"), optional=("per",))
    source = _source(entries["reaches"], kinds)
    if source.day is None:
        entries["reaches"].fail(f"{source.name} has no day")
    per = _per(entries.get("per"), source)
    totals = tuple(total.integer() for total in entries["totals"].items())
    if not totals or min(totals) < 1 or list(totals) != sorted(set(totals)):
        entries["totals"].fail("totals are numbers from 1, in order, each once")
    columns = {**_per_column(per, source), "total": ColumnType("int"), "reached_on": ColumnType("date")}
    kind = FactKind(name, "point", "reached_on", None, (*_named(per), "total"), True, columns)
    return DerivedFact(kind, Derivation.REACHES, source.name, per, None, totals)


def _source(place: Place, kinds: dict[str, FactKind]) -> FactKind:
    name = place.text()
    if name not in kinds or name in _NOT_DERIVED_FROM:
        place.fail(f"no fact can be derived from '{name}'; {nearest(name, set(kinds) - set(_NOT_DERIVED_FROM))}")
    return kinds[name]


def _per(place: Place | None, source: FactKind) -> str | None:
    texts = [name for name, column in source.columns.items() if column.name == "text"]
    return None if place is None else place.one_of(texts)


def _named(per: str | None) -> tuple[str, ...]:
    return () if per is None else (per,)


def _per_column(per: str | None, source: FactKind) -> dict[str, ColumnType]:
    return {} if per is None else {per: source.columns[per]}


def _gap(place: Place) -> int | None:
    if place.value == ANY_GAP:
        return None
    try:
        phrase = parse_phrase(f"day + {place.text()}")
    except ValueError:
        phrase = Phrase("day", unit="")
    if phrase.unit != "days":
        place.fail("a gap is so many days ('90 days'), or 'any'")
    return phrase.count
