"""What the pages say, in Swedish or English: texts from catalogues, numbers and days as they are written there."""

import gettext
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Final, Protocol

from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

LANGUAGES: Final = ("sv", "en")
"""The first is the one that the texts in the code and the templates are written in."""

LOCALE: Final = Path(__file__).parent / "locale"
_NUMBERS: Final = {"sv": "sv_SE", "en": "en_GB"}
_PERCENT: Final = {"sv": "\N{NO-BREAK SPACE}%", "en": "%"}


class Named(Protocol):
    """What the catalogue names in Swedish and English."""

    @property
    def name(self) -> str:
        """The Swedish name."""

    @property
    def english(self) -> str:
        """The English name; the Swedish one where there is none."""


@dataclass(frozen=True)
class Words:
    """One language: its texts and how numbers and days are written in it."""

    language: str
    translations: gettext.NullTranslations = field(repr=False)

    def text(self, message: str, **values: object) -> str:
        """Return a text in this language, with its `%(name)s` filled in."""
        said = self.translations.gettext(message)
        return said % values if values else said

    def has_name(self, definition: Named) -> bool:
        """Tell whether a definition of the catalogue, named in Swedish, has a name in this language."""
        return self.language == LANGUAGES[0] or definition.english != definition.name

    def name(self, definition: Named) -> str:
        """Return what a definition of the catalogue is called in this language, in Swedish if it has no name there."""
        return definition.name if self.language == LANGUAGES[0] else definition.english

    def number(self, value: str | int | Decimal) -> str:
        """Return a number with the decimals it has: 1234.50 is `1 234,50` in Swedish."""
        exact = Decimal(value)
        exponent = exact.as_tuple().exponent
        decimals = -exponent if isinstance(exponent, int) and exponent < 0 else 0
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        return format_decimal(exact, pattern, locale=_NUMBERS[self.language])

    def percent(self, value: str | int | Decimal) -> str:
        """Return a number that is in per cent, with its sign."""
        return self.number(value) + _PERCENT[self.language]

    def day(self, value: date | str) -> str:
        """Return a day with its month in words."""
        return format_date(_as_date(value), "d MMMM y", locale=_NUMBERS[self.language])

    def short(self, value: date | str) -> str:
        """Return a day in a table: its month in three letters."""
        return format_date(_as_date(value), "d MMM y", locale=_NUMBERS[self.language])

    def month(self, value: date | str) -> str:
        """Return the month of a day, in words, with its year."""
        return format_date(_as_date(value), "MMMM y", locale=_NUMBERS[self.language])

    def month_short(self, value: date | str) -> str:
        """Return the month of a day in three letters, with its year."""
        return format_date(_as_date(value), "MMM y", locale=_NUMBERS[self.language])

    def weekday(self, value: date | str) -> str:
        """Return a day with its weekday and month in words."""
        return format_date(_as_date(value), "EEEE d MMMM y", locale=_NUMBERS[self.language])


def load_words(locale: Path = LOCALE, domain: str = "door") -> dict[str, Words]:
    """Return every language, from the catalogues of a domain.

    Args:
        locale: directory of the catalogues; by default the door's.
        domain: name of their files.

    Raises:
        ValueError: a catalogue cannot be read.
    """
    return {language: Words(language, _translations(locale, domain, language)) for language in LANGUAGES}


def _translations(locale: Path, domain: str, language: str) -> gettext.NullTranslations:
    if language == LANGUAGES[0]:
        return gettext.NullTranslations()
    with (locale / language / "LC_MESSAGES" / f"{domain}.po").open("rb") as file:
        catalogue = read_po(file, locale=language, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _as_date(value: date | str) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)
