"""What facts and their columns are called, read from words.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from efterhand.catalogue.factkinds import FactKind, fact_kinds
from efterhand.catalogue.sentences.language import Language
from efterhand.catalogue.source import Place, read_yaml

WORDS_FILE: Final = Path(__file__).parents[1] / "words.yaml"
AROUND: Final = "around"
"""The words of what a counted thing has beside its own columns."""
_DERIVED: Final = "derived"

Pair = tuple[str, str]
Forms = tuple[str, str, str]


@dataclass(frozen=True)
class ColumnWords:
    """How a column is called in one language.

    `definite` is the value (of a date: what happens on the day), `bare` the same without an article. `happening` is
    what a look-up by the day finds. Pairs are what is said where it holds, and where it does not.
    """

    definite: str
    bare: str
    happening: Forms | None
    clause: Pair | None
    yes: Pair | None
    no: Pair | None
    same: str | None
    other: str | None
    values: Mapping[str, str]


@dataclass(frozen=True)
class FactWords:
    """How a fact is called in one language: one, the one, many; `found` says that it was found, or not."""

    one: str
    the: str
    many: str
    label: str
    anywhere: str
    found: Pair | None
    columns: Mapping[str, ColumnWords]

    @property
    def forms(self) -> Forms:
        """One, the one, many."""
        return (self.one, self.the, self.many)


def fact_words(kind: FactKind, language: Language) -> FactWords:
    """Return the words of a kind of fact; of one that a catalogue derives, made of its name."""
    known = _all_words(language)
    if kind.name in fact_kinds():
        return known[kind.name]
    pattern = known[_DERIVED]
    one, the, many = (form.format(name=kind.name) for form in pattern.forms)
    if language == "en" and kind.name.startswith(tuple("aeiou")):
        one = f"an {one.removeprefix('a ')}"
    everywhere = {name: words for fact in known.values() for name, words in fact.columns.items()}
    columns = {name: pattern.columns.get(name) or everywhere[name] for name in kind.columns}
    return FactWords(one, the, many, the, "", None, columns)


def around_words(language: Language) -> Mapping[str, ColumnWords]:
    """Return the words of what a counted thing has beside its own columns: age, sex, unit, target group."""
    return _all_words(language)[AROUND].columns


@cache
def _all_words(language: Language) -> Mapping[str, FactWords]:
    return {name: _fact(place, language) for name, place in read_yaml(WORDS_FILE).mapping().items()}


def _fact(place: Place, language: Language) -> FactWords:
    fields = place.fields(required=("sv", "en", "columns"), optional=("any", "label", "found"))
    one, the, many = _forms(fields[language])
    return FactWords(
        one=one,
        the=the,
        many=many,
        label=fields["label"].mapping()[language].text() if "label" in fields else the,
        anywhere=fields["any"].mapping()[language].text() if "any" in fields else "",
        found=_pair(fields.get("found"), language),
        columns={name: _column(column, language) for name, column in fields["columns"].mapping().items()},
    )


def _column(place: Place, language: Language) -> ColumnWords:
    keys = ("happening", "clause", "yes", "no", "same", "other", "values")
    fields = place.fields(required=("sv", "en"), optional=keys)
    definite, bare = (each.text() for each in fields[language].items())
    return ColumnWords(
        definite=definite,
        bare=bare,
        happening=_forms(fields["happening"].mapping()[language]) if "happening" in fields else None,
        clause=_pair(fields.get("clause"), language),
        yes=_pair(fields.get("yes"), language),
        no=_pair(fields.get("no"), language),
        same=fields["same"].mapping()[language].text() if "same" in fields else None,
        other=fields["other"].mapping()[language].text() if "other" in fields else None,
        values={
            value: words.mapping()[language].text()
            for value, words in (fields["values"].mapping().items() if "values" in fields else ())
        },
    )


def _pair(place: Place | None, language: Language) -> Pair | None:
    if place is None:
        return None
    holds, fails = (each.text() for each in place.mapping()[language].items())
    return holds, fails


def _forms(place: Place) -> Forms:
    one, the, many = (each.text() for each in place.items())
    return one, the, many
