"""What Swedish and English need that is no word of a fact: numbers, lists, units of time, articles."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from efterhand.catalogue.phrases import Phrase

Language = Literal["sv", "en"]

_NUMBERS: Final[dict[Language, tuple[str, ...]]] = {
    "sv": ("noll", "en", "två", "tre", "fyra", "fem", "sex", "sju", "åtta", "nio", "tio", "elva", "tolv"),
    "en": ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
}
_ORDINALS: Final[dict[Language, tuple[str, ...]]] = {
    "sv": (
        "", "första", "andra", "tredje", "fjärde", "femte", "sjätte", "sjunde", "åttonde", "nionde", "tionde", "elfte",
        "tolfte",
    ),
    "en": (
        "", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
        "twelfth",
    ),
}  # fmt: skip
_UNITS: Final[dict[str, tuple[str, str, str, str]]] = {
    "days": ("dag", "dagar", "day", "days"),
    "working days": ("arbetsdag", "arbetsdagar", "working day", "working days"),
    "weeks": ("vecka", "veckor", "week", "weeks"),
    "months": ("månad", "månader", "month", "months"),
    "quarters": ("kvartal", "kvartal", "quarter", "quarters"),
    "years": ("år", "år", "year", "years"),
}
_PERIODS: Final[dict[str, tuple[str, str, str]]] = {
    "month": ("den", "månaden", "month"),
    "quarter": ("det", "kvartalet", "quarter"),
    "tertial": ("det", "tertialet", "third of the year"),
    "year": ("det", "året", "year"),
}
"""Article and word with its ending, and the English word."""

_NEGATED: Final = {"en": "någon", "ett": "något", "a": "no", "an": "no"}


@dataclass(frozen=True)
class Tongue:
    """One language: chooses between what is written in both, and knows its grammar."""

    language: Language

    def say(self, swedish: str, english: str) -> str:
        """Return the one of two texts that is in this language."""
        return swedish if self.language == "sv" else english

    def number(self, count: int, *, neuter: bool = False) -> str:
        """Return a number: as a word up to twelve, else in digits."""
        if not 0 <= count <= 12:
            return self.digits(count)
        return "ett" if self.language == "sv" and count == 1 and neuter else _NUMBERS[self.language][count]

    def digits(self, number: int | Decimal) -> str:
        """Return a number in digits, with a decimal comma in Swedish."""
        text = str(number) if isinstance(number, int) else format(number, "f")
        return text.replace(".", ",").replace("-", "−") if self.language == "sv" else text.replace("-", "−")

    def ordinal(self, number: int) -> str:
        """Return the word for the so-manieth."""
        words = _ORDINALS[self.language]
        if number < len(words):
            return words[number]
        return f"{number}{self.say(':e', 'th')}"

    def time(self, count: int, unit: str) -> str:
        """Return a stretch of time: `tolv månader`, `90 dagar`."""
        one, many = _UNITS[unit][:2] if self.language == "sv" else _UNITS[unit][2:]
        word = one if count == 1 else many
        return f"{self.number(count, neuter=unit in ('quarters', 'years'))} {word}"

    def units(self, unit: str) -> str:
        """Return the plural of a unit of time."""
        return _UNITS[unit][1 if self.language == "sv" else 3]

    def both(self, parts: Sequence[str]) -> str:
        """Join texts with commas and `och`."""
        return self._join(parts, self.say("och", "and"))

    def either(self, parts: Sequence[str]) -> str:
        """Join texts with commas and `eller`."""
        return self._join(parts, self.say("eller", "or"))

    @staticmethod
    def _join(parts: Sequence[str], word: str) -> str:
        return f"{', '.join(parts[:-1])} {word} {parts[-1]}" if len(parts) > 1 else "".join(parts)

    def quoted(self, text: str) -> str:
        """Return a name between quotation marks."""
        return self.say(f"”{text}”", f"“{text}”")

    def negated(self, one: str) -> str:
        """Return `någon insats` of `en insats`, `no measure` of `a measure`."""
        article, _, rest = one.partition(" ")
        return f"{_NEGATED.get(article, article)} {rest}"

    def at_least_one(self, one: str) -> str:
        """Return `minst en insats` of `en insats`."""
        _, _, rest = one.partition(" ")
        return self.say(f"minst {one}", f"at least one {rest}")

    def placed(self, day: str) -> str:
        """Return a day with the word that says that something falls on it: `vid avslutet`, `på mätdagen`."""
        if self.language == "sv":
            return f"{'på' if day.endswith(('dag', 'dagen')) or day.startswith(('dag', 'den ')) else 'vid'} {day}"
        return f"on {day}" if "day" in day or "date" in day else f"on the day of {day}"

    def edge(self, phrase: Phrase, day: str) -> str:
        """Return the first or last day of a period near a day."""
        article, swedish, english = _PERIODS[phrase.period]
        first = phrase.edge == "start"
        edge = self.say(
            "den första dagen" if first else "den sista dagen", "the first day" if first else "the last day"
        )
        if not phrase.count:
            bare = swedish.removesuffix("en").removesuffix("et") if swedish != "året" else "år"
            return self.say(f"{edge} i samma {bare} som {day}", f"{edge} of the same {english} as {day}")
        nth = self.ordinal(abs(phrase.count))
        way = self.say("efter", "after") if phrase.count > 0 else self.say("före", "before")
        return self.say(f"{edge} i {article} {nth} {swedish} {way} {day}", f"{edge} of the {nth} {english} {way} {day}")


def sentence(text: str) -> str:
    """Return a text as a sentence: with a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', ':')) else '.'}"
