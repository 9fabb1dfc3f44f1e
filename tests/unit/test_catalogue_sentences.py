"""Definitions in words: what is said of every built-in one, and that everything that can be written can be said.

The texts are kept: a change of the wording is read before it is accepted.
"""

from pathlib import Path

import pytest

from efterhand.catalogue import Catalogue, load_catalogue
from efterhand.catalogue.factkinds import fact_kinds
from efterhand.catalogue.sentences import Language, explain
from efterhand.catalogue.sentences.words import around_words, fact_words

DATA = Path(__file__).parents[1] / "data"
WIDE = str(DATA / "wide-catalogue")
LANGUAGES: tuple[Language, ...] = ("sv", "en")


def everything_said(catalogue: Catalogue, language: Language) -> dict[str, str]:
    """Every definition of a catalogue in words, by a heading."""
    protocols = {
        f"{catalogue.name} protocol {name}": explain(catalogue, name, language, protocol=True)
        for name in catalogue.protocols
    }
    figures = {
        f"{catalogue.name} {name}": explain(catalogue, name, language)
        for name in (*catalogue.indicators, *catalogue.formulas)
    }
    return {**protocols, **figures}


def kept(file: Path) -> dict[str, str]:
    """The texts of a file, by their headings."""
    blocks = file.read_text(encoding="utf-8").removeprefix("== ").rstrip("\n").split("\n\n== ")
    return dict(block.split("\n", 1) for block in blocks)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_built_in_definition_reads_as_it_was_accepted(language: Language) -> None:
    said = {
        heading: text
        for name in ("stockholm", "nacka")
        for heading, text in everything_said(load_catalogue(name), language).items()
    }

    assert said == kept(DATA / f"sentences-{language}.txt")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_construct_of_the_grammar_reads_as_it_was_accepted(language: Language) -> None:
    assert everything_said(load_catalogue(WIDE), language) == kept(DATA / f"sentences-of-constructs-{language}.txt")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", fact_kinds().values(), ids=lambda kind: kind.name)
def test_every_fact_and_every_column_has_words(kind: object, language: Language) -> None:
    fact = fact_kinds()[kind.name]  # type: ignore[attr-defined]
    words = fact_words(fact, language)

    assert set(words.columns) == set(fact.columns)
    for name, column in fact.columns.items():
        said = words.columns[name]
        assert set(said.values) == set(column.words)
        assert (said.happening is not None) == (column.name == "date")
        assert (said.yes is not None and said.no is not None) == (column.name == "bool")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_every_counted_thing_has_beside_its_columns_has_words(language: Language) -> None:
    assert set(around_words(language)) == {"age", "sex", "unit", "target_group"}


@pytest.mark.parametrize("name", ["stockholm", "nacka", WIDE])
def test_no_word_of_one_language_stands_in_the_other(name: str) -> None:
    catalogue = load_catalogue(name)
    swedish = " ".join(everything_said(catalogue, "sv").values()).lower()
    english = " ".join(everything_said(catalogue, "en").values()).lower()

    for word in (" the ", " of ", " with ", " where ", " which "):
        assert word not in swedish
    for word in (" och ", " eller ", " som ", " inte ", " där "):
        assert word not in " ".join(english.split("“")[0::1]).replace("”", " ") or word in _names(catalogue)


@pytest.mark.parametrize("name", ["stockholm", "nacka"])
def test_every_code_has_an_english_name_and_no_english_sentence_holds_a_swedish_one(name: str) -> None:
    catalogue = load_catalogue(name)
    english = " ".join(everything_said(catalogue, "en").values())

    for codelist, codes in catalogue.codelists.items():
        assert codes.keys() == catalogue.english[codelist].keys()
        for code, swedish in codes.items():
            if swedish != catalogue.english[codelist][code]:
                assert f"“{swedish}”" not in english


def _names(catalogue: Catalogue) -> str:
    codes = [name for codes in catalogue.codelists.values() for name in codes.values()]
    return f" {' '.join([*codes, *(unit.name for unit in catalogue.units.units.values())])} ".lower()


def test_a_definition_that_does_not_exist_cannot_be_explained() -> None:
    with pytest.raises(KeyError):
        explain(load_catalogue("stockholm"), "nothing", "sv")


def test_an_id_of_both_means_the_figure_unless_the_protocol_is_asked_for() -> None:
    catalogue = load_catalogue("stockholm")

    assert explain(catalogue, "offer_90d", "en").startswith("The figure is the share of checks")
    assert explain(catalogue, "offer_90d", "en", protocol=True).startswith("For every case")
