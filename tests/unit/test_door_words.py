"""What the pages say: no text without its English, none that nobody says any more, numbers and days per language."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from efterhand.catalogue import load_catalogue
from efterhand.web import door
from efterhand.web.door.words import LANGUAGES, LOCALE, load_words

DOOR = Path(door.__file__).parent
NBSP = "\N{NO-BREAK SPACE}"


def said() -> set[str]:
    """Every text in the code and the templates."""
    return {
        message
        for _, _, message, _, _ in extract_from_dir(
            DOOR,
            [("**.py", "python"), ("templates/**.html", "jinja2")],
            options_map={"templates/**.html": {"newstyle_gettext": "true"}},
            keywords={"_": None, "text": None},
        )
        if isinstance(message, str)
    }


def catalogue(language: str) -> Catalog:
    with (LOCALE / language / "LC_MESSAGES" / "door.po").open("rb") as file:
        return read_po(file, locale=language)


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_text_has_a_translation_and_none_is_left_over_or_fuzzy(language: str) -> None:
    messages = [message for message in catalogue(language) if message.id]
    assert len(said()) > 80
    assert {message.id for message in messages if message.context is None} == said()
    assert [message.id for message in messages if not message.string] == []
    assert [message.id for message in messages if message.fuzzy] == []


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_translation_fills_in_the_same_values(language: str) -> None:
    for message in catalogue(language):
        assert set(re.findall(r"%\(\w+\)s", str(message.id))) == set(re.findall(r"%\(\w+\)s", str(message.string)))


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_the_built_in_catalogues_protocols_and_indicators_have_a_name(language: str) -> None:
    words, stockholm = load_words()[language], load_catalogue("stockholm")
    definitions = (*stockholm.protocols.values(), *stockholm.indicators.values(), *stockholm.formulas.values())
    assert [each.id for each in definitions if not words.has_name(each)] == []


def test_a_definition_without_a_name_in_the_language_is_called_by_its_swedish_one() -> None:
    own = replace(load_catalogue("stockholm").indicators["closed_12m"], name="Eget nyckeltal", english="Eget nyckeltal")
    assert load_words()["en"].name(own) == "Eget nyckeltal"
    assert not load_words()["en"].has_name(own)
    assert load_words()["sv"].has_name(own)


@pytest.mark.parametrize(
    ("language", "value", "written"),
    [
        ("sv", "75.98", "75,98"),
        ("sv", "75.90", "75,90"),
        ("sv", 39897, f"39{NBSP}897"),
        ("sv", "0", "0"),
        ("en", "75.98", "75.98"),
        ("en", 39897, "39,897"),
    ],
)
def test_numbers_keep_their_decimals_and_are_written_as_in_the_language(
    language: str, value: str | int, written: str
) -> None:
    assert load_words()[language].number(value) == written


def test_per_cent_has_a_space_before_it_in_swedish_only() -> None:
    assert load_words()["sv"].percent("78.0") == f"78,0{NBSP}%"
    assert load_words()["en"].percent("78.0") == "78.0%"


def test_days_have_their_month_in_words() -> None:
    day = date(2017, 5, 1)
    assert load_words()["sv"].day(day) == "1 maj 2017"
    assert load_words()["en"].day("2017-05-01") == "1 May 2017"
    assert load_words()["sv"].weekday(day) == "måndag 1 maj 2017"
