"""Conditions, look-ups and days in words.

Every condition is a subordinate clause (`avslutsorsaken inte är …`), so that it can follow `där`, `om` and `att`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

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
    Value,
    Verb,
)
from efterhand.catalogue.factkinds import ColumnType, FactKind
from efterhand.catalogue.model import Catalogue
from efterhand.catalogue.phrases import Phrase
from efterhand.catalogue.sentences.language import Language, Tongue
from efterhand.catalogue.sentences.words import ColumnWords, FactWords, around_words, fact_words

_AROUND_TYPES: Final = {
    "age": ColumnType("int"),
    "unit": ColumnType("text", codelist="units"),
    "target_group": ColumnType("text", codelist="target_groups"),
}


@dataclass(frozen=True)
class Here:
    """Where a clause is said: of which row, inside which others, with which finds and named days.

    `adjective` tells the outermost row from others of its kind: the counted case, the followed case.
    """

    kind: FactKind
    days: Mapping[str, str]
    finds: Mapping[str, Find]
    adjective: str
    outer: "Here | None" = None

    @property
    def counted(self) -> "Here":
        """The outermost row."""
        return self if self.outer is None else self.outer.counted

    def inside(self, kind: FactKind) -> "Here":
        """Return the place inside of a look-up's `where`."""
        return replace(self, kind=kind, outer=self)


@dataclass(frozen=True)
class _Said:
    """A column as it is called here: whose it is (None: of the row at hand), and its words."""

    words: ColumnWords
    type: ColumnType
    row: str
    label: str | None


@dataclass(frozen=True)
class Speech:
    """Says parts of definitions of a catalogue in a language."""

    catalogue: Catalogue
    language: Language

    @property
    def tongue(self) -> Tongue:
        """The language's grammar."""
        return Tongue(self.language)

    def say(self, swedish: str, english: str) -> str:
        """Return the one of two texts that is in this language."""
        return self.tongue.say(swedish, english)

    def fact(self, kind: str) -> FactWords:
        """Return the words of a kind of fact."""
        return fact_words(self.catalogue.facts[kind], self.language)

    # Rows and columns

    def _particular(self, here: Here) -> str:
        """Return `det räknade ärendet`."""
        return self._with_adjective(self.fact(here.kind.name), here.adjective)

    def _with_adjective(self, words: FactWords, adjective: str) -> str:
        rest = words.the.removeprefix("the ")
        return self.say(f"{_the(words.one)} {adjective} {words.the}", f"the {adjective} {rest}")

    def label(self, name: str, here: Here) -> str | None:
        """Return what a find is called; None where its kind of fact says which row is meant."""
        find = here.finds[name]
        if find.verb.gives_value:
            return self.tongue.quoted(name)
        if self._is_alone(name, here):
            return None
        label = self.fact(find.fact).label
        return self.say(f"”{name}”-{label}", f"the “{name}” {label.removeprefix('the ')}")

    def _is_alone(self, name: str, here: Here) -> bool:
        fact = here.finds[name].fact
        alike = [find for find in here.finds.values() if find.fact == fact and not find.verb.gives_value]
        return len(alike) == 1 and fact != here.counted.kind.name

    def row(self, name: str, here: Here) -> str:
        """Return what a row or number that a find has found is called."""
        return self.label(name, here) or self.fact(here.finds[name].fact).label

    def _column(self, column: Column, here: Here) -> _Said:
        if column.row in here.finds:
            kind = self.catalogue.facts[here.finds[column.row].fact]
            return self._said(column.name, kind, self.label(column.row, here))
        if column.row == COUNTED and here.outer is not None:
            return self._said(column.name, here.counted.kind, self._particular(here.counted))
        if column.row == OUTER and here.outer is not None:
            return self._said(column.name, here.outer.kind, self._outer_label(here))
        return self._said(column.name, here.kind, None)

    def _outer_label(self, here: Here) -> str | None:
        outer = here.outer
        if outer is None or outer.kind.name not in (here.kind.name, here.counted.kind.name):
            return None
        if outer.outer is None:
            return self._particular(outer)
        return self._with_adjective(self.fact(outer.kind.name), self.say("nyss nämnda", "former"))

    def _said(self, name: str, kind: FactKind, label: str | None) -> _Said:
        words = self.fact(kind.name)
        if name in kind.columns:
            return _Said(words.columns[name], kind.columns[name], words.label, label)
        declared = _AROUND_TYPES.get(name) or self.catalogue.facts["person"].columns[name]
        return _Said(around_words(self.language)[name], declared, words.label, label)

    def noun(self, column: Column, here: Here) -> str:
        """Return a column as a noun with its article: `avslutsorsaken`, `det räknade ärendets avslut`."""
        if column.name == "":
            return self.row(column.row, here)
        said = self._column(column, here)
        return self._owned(said.words, said.label)

    def bare(self, column: Column, here: Here) -> str:
        """Return a column as a noun without an article."""
        if column.name == "":
            return self.row(column.row, here)
        said = self._column(column, here)
        return said.words.bare if said.label is None else self._owned(said.words, said.label)

    def _owned(self, words: ColumnWords, label: str | None) -> str:
        if label is None:
            return words.definite
        return self.say(f"{label}s {words.bare}", f"the {words.bare} of {label}")

    def value(self, value: Value, kind: ColumnType, words: ColumnWords | None = None) -> str:
        """Return a value in words; a code by its name in the code list."""
        text = str(value)
        if words is not None and text in words.values:
            return words.values[text]
        if kind.codelist == "units" and text in self.catalogue.units.units:
            return self.tongue.quoted(self.catalogue.units.units[text].name)
        if kind.codelist == "protocols" and text in self.catalogue.protocols:
            protocol = self.catalogue.protocols[text]
            return self.tongue.quoted(self.say(protocol.name, protocol.english))
        if text in self.catalogue.codelists.get(kind.codelist or "", {}):
            return self.tongue.quoted(self.code(kind.codelist or "", text))
        return self.tongue.digits(value) if isinstance(value, int) else self.tongue.quoted(text)

    def code(self, codelist: str, code: str) -> str:
        """Return what a code of a list is called."""
        swedish = self.catalogue.code_name(codelist, code, english=False)
        return self.say(swedish, self.catalogue.code_name(codelist, code, english=True))

    # Days

    def day(self, phrase: Phrase, here: Here, *, labelled: bool = False) -> str:
        """Return a day as a noun: `avslutet`, `dagen tolv månader efter inskrivningen`."""
        name = self._name_of_day(phrase, here, labelled=labelled)
        if phrase.edge is not None:
            return self.tongue.edge(phrase, name)
        if not phrase.count:
            return name
        distance = self._distance(phrase, name)
        if abs(phrase.count) == 1 and phrase.unit == "days":
            return distance
        return self.say(f"dagen {distance}", f"the day {distance}")

    def on(self, phrase: Phrase, here: Here) -> str:
        """Return when something happens: `vid avslutet`, `tolv månader efter inskrivningen`."""
        name = self._name_of_day(phrase, here)
        if phrase.edge is None and phrase.count:
            distance = self._distance(phrase, name)
            return self.tongue.placed(distance) if distance.startswith("the day") else distance
        return self.tongue.placed(self.day(phrase, here))

    def _distance(self, phrase: Phrase, name: str) -> str:
        way = self.say("efter", "after") if phrase.count > 0 else self.say("före", "before")
        if abs(phrase.count) == 1 and phrase.unit == "days":
            return f"{self.say('dagen', 'the day')} {way} {name}"
        return f"{self.tongue.time(abs(phrase.count), phrase.unit)} {way} {name}"

    def _name_of_day(self, phrase: Phrase, here: Here, *, labelled: bool = False) -> str:
        if phrase.name in here.days:
            column = here.days[phrase.name]
            return column if "." not in column else self._anchor(column, here, labelled=labelled)
        if phrase.row or phrase.column in here.kind.columns:
            said = self._column(Column(phrase.column, phrase.row), here)
            label = self._row_label(here) if labelled and said.label is None and not phrase.row else said.label
            return self._owned(said.words, label)
        return self.row(phrase.name, here)

    def _anchor(self, dotted: str, here: Here, *, labelled: bool) -> str:
        """Return a named day that is a column of the outermost row."""
        kind, _, column = dotted.partition(".")
        words = self.fact(kind).columns[column]
        return self._owned(words, self._particular(here.counted) if labelled else None)

    def _row_label(self, here: Here) -> str:
        if here.outer is None:
            return self._particular(here)
        return self._with_adjective(self.fact(here.kind.name), self.say("nyss nämnda", "former"))

    # Conditions

    def clause(self, condition: Condition, here: Here, *, holds: bool = True) -> str:
        """Return a condition, or its complement, as a subordinate clause."""
        match condition:
            case Not(part):
                return self.clause(part, here, holds=not holds)
            case AllOf(parts) | AnyOf(parts):
                return self._combined(parts, here, holds=holds, conjunction=isinstance(condition, AllOf) == holds)
            case OneOf(column, values):
                return self._one_of(column, values, here, holds=holds)
            case Compare(left, order, bound):
                return self._compare(left, order, bound, here, holds=holds)
            case SameAs(column, other):
                pair = f"{self.noun(column, here)} {self.say('och', 'and')} {self.noun(other, here)}"
                if holds:
                    return self.say(f"{pair} är desamma", f"{pair} are the same")
                return self.say(f"{pair} inte är desamma", f"{pair} are not the same")
            case Known(column):
                return self._known(column, here, holds=holds)
            case Exists(find):
                return self._exists(find, here, holds=holds)

    def _combined(self, parts: tuple[Condition, ...], here: Here, *, holds: bool, conjunction: bool) -> str:
        members = list(_flat(parts, conjunction=conjunction, holds=holds))
        if not members:
            everything, nothing = self.say("allt är med", "anything goes"), self.say("inget är med", "nothing goes")
            return everything if conjunction else nothing
        clauses: list[tuple[str, bool]] = []
        while members:
            part, part_holds = members.pop(0)
            upper = _upper_of(part, members) if conjunction and part_holds else None
            if upper is not None:
                members.remove((upper, True))
                clauses.append((self._number_between(part, upper, here), False))
            else:
                clauses.append((self.clause(part, here, holds=part_holds), isinstance(part, AllOf | AnyOf)))
        texts = [text for text, _ in clauses]
        nested = any(composite for _, composite in clauses)
        if len(texts) == 1:
            return texts[0]
        if conjunction:
            return f", {self.say('och', 'and')} ".join(texts) if nested else self.tongue.both(texts)
        joined = f", {self.say('eller', 'or')} ".join(texts) if nested else self.tongue.either(texts)
        return self.say(f"antingen {joined}", f"either {joined}")

    def _number_between(self, low: Condition, high: Condition, here: Here) -> str:
        assert isinstance(low, Compare)  # noqa: S101
        assert isinstance(high, Compare)  # noqa: S101
        lower, upper = low.bound, high.bound
        if low.left == Column("age"):
            return self.say(f"personen är {lower}–{upper} år", f"the person is {lower}–{upper} years old")
        noun = self.noun(low.left, here) if isinstance(low.left, Column) else self.day(low.left, here)
        return self.say(f"{noun} är från {lower} till {upper}", f"{noun} is from {lower} to {upper}")

    def _one_of(self, column: Column, values: tuple[Value, ...], here: Here, *, holds: bool) -> str:
        negation = self.say("" if holds else "inte ", "" if holds else "not ")
        if column.name == "":
            texts = self.tongue.either([str(value) for value in values])
            return self.say(
                f"{self.row(column.row, here)} {negation}är {texts}",
                f"{self.row(column.row, here)} is {negation}{texts}",
            )
        said = self._column(column, here)
        if said.type.name == "bool":
            return self._truth(said, values, holds=holds)
        if column == Column("age"):
            texts = self.tongue.either([str(value) for value in values])
            return self.say(f"personen {negation}är {texts} år", f"the person is {negation}{texts} years old")
        texts = self.tongue.either([self.value(value, said.type, said.words) for value in self._ordered(values, said)])
        if said.words.clause is None:
            noun = self._owned(said.words, said.label)
            return self.say(f"{noun} {negation}är {texts}", f"{noun} is {negation}{texts}")
        pattern = said.words.clause[0 if holds else 1]
        clause = pattern.format(row=said.label or said.row, values=texts)
        return clause if "{row}" in pattern else self._according_to(clause, said)

    def _ordered(self, values: tuple[Value, ...], said: _Said) -> list[Value]:
        """Return codes in the order of their code list."""
        order = list(self.catalogue.codelists.get(said.type.codelist or "", ()))
        return sorted(values, key=lambda value: order.index(str(value)) if str(value) in order else 0)

    def _truth(self, said: _Said, values: tuple[Value, ...], *, holds: bool) -> str:
        if len(set(values)) > 1:
            noun = self._owned(said.words, said.label)
            return self._is_known(noun, holds=holds)
        pair = said.words.yes if values[0] else said.words.no
        text = pair[0 if holds else 1] if pair else self._owned(said.words, said.label)
        return text.format(row=said.label or said.row) if "{row}" in text else self._according_to(text, said)

    def _according_to(self, clause: str, said: _Said) -> str:
        return clause if said.label is None else f"{clause} {self.say('enligt', 'according to')} {said.label}"

    def _compare(self, left: Column | Phrase, order: Order, bound: int | Phrase, here: Here, *, holds: bool) -> str:
        if isinstance(bound, Phrase):
            phrase = left if isinstance(left, Phrase) else Phrase(str(left))
            return self._falls(self.day(phrase, here), order, bound, here, holds=holds)
        limit = self.tongue.digits(bound)
        words = {
            Order.AT_LEAST: ("minst {}", "at least {}"),
            Order.MORE: ("mer än {}", "more than {}"),
            Order.AT_MOST: ("högst {}", "at most {}"),
            Order.LESS: ("mindre än {}", "less than {}"),
        }[order]
        negation = self.say("" if holds else "inte ", "" if holds else "not ")
        said = self.say(*words).format(limit)
        if left == Column("age"):
            said = said.replace("mer än", "över").replace("mindre än", "under")
            return self.say(f"personen {negation}är {said} år", f"the person is {negation}{said} years old")
        noun = self.noun(left, here) if isinstance(left, Column) else self.day(left, here)
        return self.say(f"{noun} {negation}är {said}", f"{noun} is {negation}{said}")

    def _falls(self, day: str, order: Order, bound: Phrase, here: Here, *, holds: bool) -> str:
        when = {
            Order.AT_MOST: self.say(f"senast {self.on(bound, here)}", f"on or before {self.day(bound, here)}"),
            Order.AT_LEAST: self.say(f"tidigast {self.on(bound, here)}", f"on or after {self.day(bound, here)}"),
            Order.LESS: self.say(f"före {self.day(bound, here)}", f"before {self.day(bound, here)}"),
            Order.MORE: self.say(f"efter {self.day(bound, here)}", f"after {self.day(bound, here)}"),
        }[order]
        if holds:
            return self.say(f"{day} infaller {when}", f"{day} falls {when}")
        return self.say(f"{day} inte infaller {when}", f"{day} does not fall {when}")

    def _known(self, column: Column, here: Here, *, holds: bool) -> str:
        if column.name == "":
            find = here.finds[column.row]
            found = self.fact(find.fact).found
            if found is not None and self.label(column.row, here) is None:
                return found[0 if holds else 1]
            row = self.row(column.row, here)
            return (
                self.say(f"{row} finns", f"{row} exists")
                if holds
                else self.say(f"{row} inte finns", f"{row} does not exist")
            )
        said = self._column(column, here)
        noun = self._owned(said.words, said.label)
        if said.type.name != "date":
            return self._is_known(noun, holds=holds)
        if holds:
            return self.say(f"{noun} har ett datum", f"{noun} has a date")
        return self.say(f"{noun} inte har något datum", f"{noun} has no date")

    def _is_known(self, noun: str, *, holds: bool) -> str:
        if holds:
            return self.say(f"det finns uppgift om {noun}", f"{noun} is known")
        return self.say(f"det inte finns någon uppgift om {noun}", f"{noun} is not known")

    # Look-ups

    def _exists(self, find: Find, here: Here, *, holds: bool) -> str:
        one = self._happening(find)[0]
        if holds:
            return f"{self.say('personen har', 'the person has')} {one}{self.details(find, here)}"
        none = self.tongue.negated(one)
        return f"{self.say('personen inte har', 'the person has')} {none}{self.details(find, here)}"

    def _happening(self, find: Find) -> tuple[str, str, str]:
        words = self.fact(find.fact)
        return (words.columns[find.day].happening if find.day else None) or words.forms

    def found(self, find: Find, here: Here) -> str:
        """Return what a named look-up gives, with its article: `det första avslutet i samma ärende`."""
        one, the, many = self._happening(find)
        words = self.fact(find.fact)
        details = self.details(find, here)
        match find.verb:
            case Verb.FIRST | Verb.LAST:
                which = self.say("första", "first") if find.verb is Verb.FIRST else self.say("senaste", "last")
                return self.say(f"{_the(one)} {which} {the}", f"the {which} {the.removeprefix('the ')}") + details
            case Verb.AT if find.at is not None:
                return self._at(find, find.at, here) + details
            case Verb.THE:
                if find.same:
                    shared = self.tongue.both([words.columns[name].bare for name in find.same])
                    details = self.details(replace(find, same=()), here)
                    return self.say(f"{words.the} med samma {shared}", f"{words.the} with the same {shared}") + details
                return words.the + details
            case Verb.COUNT:
                return self.say(f"antalet {many}", f"the number of {many}") + details
            case _:
                return self._folded(find, words) + details

    def _folded(self, find: Find, words: FactWords) -> str:
        column = self.catalogue.facts[find.fact].columns[find.value or ""]
        noun = words.columns[find.value or ""].definite
        if find.verb is Verb.SUM:
            return self.say(f"summan av {noun} för {words.many}", f"the sum of {noun} of {words.many}")
        if column.name == "date":
            which = self.say("tidigaste", "earliest") if find.verb is Verb.MIN else self.say("senaste", "latest")
            return self.say(
                f"den {which} dagen för {noun} bland {words.many}", f"the {which} day of {noun} among {words.many}"
            )
        which = self.say("lägsta", "lowest") if find.verb is Verb.MIN else self.say("högsta", "highest")
        return self.say(
            f"det {which} värdet av {noun} bland {words.many}", f"the {which} value of {noun} among {words.many}"
        )

    def _at(self, find: Find, at: Phrase, here: Here) -> str:
        words = self.fact(find.fact)
        labelled = find.fact == here.kind.name
        if self.catalogue.facts[find.fact].shape == "month":
            day = self.day(at, here, labelled=labelled)
            return self.say(f"{words.the} för den månad då {day} infaller", f"{words.the} for the month of {day}")
        return self.say(f"{words.the} som pågår {self.on(at, here)}", f"{words.the} going on {self.on(at, here)}")

    def settling(self, find: Find, here: Here) -> str:
        """Return what settles a check: `ett erbjudande i samma ärende till och med förfallodagen`."""
        if find.at is not None:
            return self._at(find, find.at, here) + self.details(find, here)
        narrowed = find.lower or find.upper or find.where or find.other
        if find.fact == here.kind.name and find.day and set(find.same) == set(here.kind.key) and not narrowed:
            return self.fact(find.fact).columns[find.day].definite
        one = self._happening(find)[0]
        if find.replies:
            one = self.say(f"{one} på uppföljningen", f"{one} to the check")
        anywhere = self.fact(find.fact).anywhere if not (find.same or find.other) else ""
        return f"{one}{' ' if anywhere else ''}{anywhere}{self.details(find, here)}"

    def details(self, find: Find, here: Here) -> str:
        """Return what narrows a look-up, with a space before it; nothing where nothing does."""
        words = self.fact(find.fact)
        parts = [self.shared(words.columns[name]) for name in find.same]
        for name in find.other:
            shared = words.columns[name]
            parts.append(shared.other or self.say(f"med olika {shared.bare}", f"with another {shared.bare}"))
        key = set(self.catalogue.facts[find.fact].key)
        labelled = find.fact == here.kind.name and not key & set(find.same)
        if (bounds := self._bounds(find, here, labelled=labelled)) is not None:
            parts.append(bounds)
        if find.where is not None:
            inside = here.inside(self.catalogue.facts[find.fact])
            parts.append(f"{self.say('där', 'where')} {self.clause(find.where, inside)}")
        return "".join(f" {part}" for part in parts)

    def shared(self, words: ColumnWords) -> str:
        """Return that rows have a column in common: `i samma ärende`."""
        return words.same or self.say(f"med samma {words.bare}", f"with the same {words.bare}")

    def _bounds(self, find: Find, here: Here, *, labelled: bool) -> str | None:
        lower = self._bound(find.lower, here, ("från och med", "from"), ("efter", "after"), labelled=labelled)
        upper = self._bound(
            find.upper, here, ("till och med", "up to and including"), ("före", "before"), labelled=labelled
        )
        if lower is None or upper is None:
            return lower or upper
        smooth = find.lower is not None and find.upper is not None and not (find.lower.open or find.upper.open)
        return f"{lower} {upper}" if smooth else f"{lower} {self.say('och', 'and')} {upper}"

    def _bound(
        self, bound: Bound | None, here: Here, closed: tuple[str, str], opened: tuple[str, str], *, labelled: bool
    ) -> str | None:
        if bound is None:
            return None
        return f"{self.say(*(opened if bound.open else closed))} {self.day(bound.phrase, here, labelled=labelled)}"


def _the(one: str) -> str:
    return "det" if one.startswith("ett ") else "den"


def _flat(parts: Iterable[Condition], *, conjunction: bool, holds: bool) -> Iterator[tuple[Condition, bool]]:
    """Give the members of nested conditions that are joined by the same word, each with whether it holds."""
    for each in parts:
        part, part_holds = each, holds
        while isinstance(part, Not):
            part, part_holds = part.part, not part_holds
        if isinstance(part, AllOf | AnyOf) and (
            len(part.parts) == 1 or (isinstance(part, AllOf) == part_holds) == conjunction
        ):
            yield from _flat(part.parts, conjunction=conjunction, holds=part_holds)
        else:
            yield part, part_holds


def _upper_of(part: Condition, others: Iterable[tuple[Condition, bool]]) -> Compare | None:
    """Return the upper bound of the number whose lower bound is given."""
    if not isinstance(part, Compare) or part.order is not Order.AT_LEAST or isinstance(part.bound, Phrase):
        return None
    for other, holds in others:
        fits = isinstance(other, Compare) and other.order is Order.AT_MOST and other.left == part.left
        if fits and holds and isinstance(other, Compare) and isinstance(other.bound, int):
            return other
    return None
