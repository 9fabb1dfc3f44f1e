"""The answer to a check that is given in a form: what may be chosen, what can be wrong, how followup takes it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from efterhand.web.door.words import Words

_DAY: Final = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})")

DECLINED: Final = "declined"
OCCUPATIONS: Final = ("work", "studies", "self_employment", "unemployed", "other")


@dataclass(frozen=True)
class FieldError:
    """One thing that was wrong, and the field it is about, if it is about one."""

    text: str
    field: str | None = None


@dataclass(frozen=True)
class Failure:
    """An answer that was not saved: which check, what was wrong, and what had been filled in."""

    ref: str
    errors: tuple[FieldError, ...]
    given: Mapping[str, str]

    def of(self, field: str) -> str | None:
        """Return what was wrong with one field."""
        return next((error.text for error in self.errors if error.field == field), None)


def choices(words: Words) -> list[tuple[str, str]]:
    """Return what can be chosen, as (code, name)."""
    text = words.text
    return [
        ("work", text("Arbete")),
        ("studies", text("Studier")),
        ("self_employment", text("Eget företag")),
        ("unemployed", text("Arbetslös")),
        ("other", text("Annat")),
        (DECLINED, text("Vill inte svara")),
    ]


def answer_faults(words: Words, given: Mapping[str, str], *, today: date | None) -> tuple[FieldError, ...]:
    """Return what is wrong with an answer as it was filled in.

    Args:
        words: the reader's language.
        given: `answer`, an occupation's code or `declined`, and `on`, the day the answer was given.
        today: the business date, or None when it is not known: then only the service judges.
    """
    faults = []
    if given["answer"] not in (*OCCUPATIONS, DECLINED):
        faults.append(FieldError(words.text("Välj vad som gäller, eller att personen inte vill svara."), "answer"))
    on = day_in(given["on"])
    if on is None:
        faults.append(FieldError(words.text("Skriv dagen då svaret gavs, till exempel 2017-12-28."), "on"))
    elif today is not None and on > today:
        faults.append(FieldError(words.text("Dagen då svaret gavs kan inte ligga framåt i tiden."), "on"))
    return tuple(faults)


def answer_body(answer: str, on: date) -> dict[str, str]:
    """Return the answer as followup takes it: an occupation's code, or `declined`, on a day."""
    if answer == DECLINED:
        return {"on": on.isoformat(), "response": DECLINED}
    return {"on": on.isoformat(), "response": "answered", "occupation": answer}


def day_in(written: str) -> date | None:
    """Return the day that somebody wrote, with or without hyphens, or None where it is none."""
    match = _DAY.fullmatch(written)
    try:
        return date(*(int(part) for part in match.groups())) if match else None
    except ValueError:
        return None
