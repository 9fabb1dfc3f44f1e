"""What a definition may name at one place: columns of the rows at hand, named days, finds, code lists and groups."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from efterhand.catalogue.conditions import COUNTED, OUTER, Column, Find, Verb
from efterhand.catalogue.errors import nearest
from efterhand.catalogue.factkinds import ColumnType, FactKind
from efterhand.catalogue.phrases import Phrase, parse_phrase
from efterhand.catalogue.source import Place

AGE = ColumnType("int")


@dataclass(frozen=True)
class Group:
    """Codes of one list that definitions speak of together."""

    codelist: str
    codes: frozenset[str]


@dataclass(frozen=True)
class Words:
    """What definitions may refer to: code lists (with `units` and `protocols`), groups and kinds of facts."""

    codelists: Mapping[str, Mapping[str, str]]
    groups: Mapping[str, Group]
    facts: Mapping[str, FactKind]

    def fact(self, place: Place, name: str) -> FactKind:
        """Return a kind of fact. Raises CatalogueError where there is none of that name."""
        if name not in self.facts:
            place.fail(f"'{name}' is no fact; {nearest(name, self.facts)}")
        return self.facts[name]


@dataclass(frozen=True)
class Scope:
    """The names at one place: the row that is judged, the rows around it, the named days, the finds."""

    words: Words
    columns: Mapping[str, ColumnType]
    days: frozenset[str] = frozenset()
    finds: Mapping[str, Find] = field(default_factory=dict)
    outer: "Scope | None" = None

    @property
    def counted(self) -> "Scope":
        """The scope of the outermost row."""
        return self if self.outer is None else self.outer.counted

    def inside(self, kind: FactKind) -> "Scope":
        """Return the scope of a row that a look-up judged on this one looks at."""
        return Scope(self.words, kind.columns, self.days, self.finds, self)

    def with_days(self, *days: str) -> "Scope":
        """Return this scope with more named days."""
        return replace(self, days=self.days | set(days))

    def with_find(self, name: str, find: Find) -> "Scope":
        """Return this scope with one more find."""
        return replace(self, finds={**self.finds, name: find})

    def column(self, place: Place, name: str) -> tuple[Column, ColumnType | None]:
        """Return the column that a name means, with its type; a find that gives a row has no type as a whole.

        Raises:
            CatalogueError: there is no such column.
        """
        row, _, rest = name.rpartition(".")
        if not row:
            if name in self.columns:
                return Column(name), self.columns[name]
            if name in self.finds:
                return Column("", name), self._type_of_find(self.finds[name])
            place.fail(
                f"'{name}' is no column here; {nearest(name, [*self.columns, *self.finds, 'any', 'all', 'not'])}"
            )
        columns = self._columns_of(place, row)
        if rest not in columns:
            place.fail(f"'{rest}' is no column of {row}; {nearest(rest, columns)}")
        return Column(rest, row), columns[rest]

    def _columns_of(self, place: Place, row: str) -> Mapping[str, ColumnType]:
        if row == COUNTED:
            return self.counted.columns
        if row == OUTER:
            if self.outer is None:
                place.fail("'outer' is the row around a look-up; there is none here")
            return self.outer.columns
        if row not in self.finds:
            place.fail(f"'{row}' is no find here; {nearest(row, [*self.finds, COUNTED, OUTER])}")
        if self.finds[row].verb.gives_value:
            place.fail(f"'{row}' is a number or a day by itself and has no columns")
        return self.words.facts[self.finds[row].fact].columns

    def _type_of_find(self, find: Find) -> ColumnType | None:
        if find.verb is Verb.COUNT:
            return ColumnType("int")
        return self.words.facts[find.fact].columns[find.value or ""] if find.verb.gives_value else None

    def phrase(self, place: Place) -> Phrase:
        """Return a day phrase whose name is a day here.

        Raises:
            CatalogueError: it is no phrase, or there is no such day.
        """
        try:
            phrase = parse_phrase(place.text())
        except ValueError as error:
            place.fail(str(error))
        return self.check_day(place, phrase)

    def check_day(self, place: Place, phrase: Phrase) -> Phrase:
        """Return the phrase. Raises CatalogueError where its name is no day here."""
        if phrase.name in self.days:
            return phrase
        if not phrase.row and phrase.name not in self.columns and phrase.name not in self.finds:
            days = [name for name, column in self.columns.items() if column.name == "date"]
            place.fail(f"'{phrase.name}' is no day here; {nearest(phrase.name, [*self.days, *days])}")
        _, kind = self.column(place, phrase.name)
        if kind is None or kind.name != "date":
            place.fail(f"'{phrase.name}' is no day: it is {'a row' if kind is None else kind}")
        return phrase
