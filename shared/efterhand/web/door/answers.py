"""What is given in forms about checks: what may be chosen, what can be wrong, how followup takes it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from efterhand.web.door.words import Words

_DAY: Final = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})")

DECLINED: Final = "declined"
OCCUPATIONS: Final = ("work", "studies", "self_employment", "unemployed", "other")
WAYS: Final = ("phone", "sms", "letter", "other")
POSTPONE: Final = "postpone"
SAME_FIELD: Final = {"yes": True, "no": False}


@dataclass(frozen=True)
class FieldError:
    """One thing that was wrong, and the field it is about, if it is about one."""

    text: str
    field: str | None = None


@dataclass(frozen=True)
class Failure:
    """A form that was not saved: what was wrong, and what had been filled in."""

    errors: tuple[FieldError, ...]
    given: Mapping[str, str]

    def of(self, field: str) -> str | None:
        """Return what was wrong with one field."""
        return next((error.text for error in self.errors if error.field == field), None)


def answer_faults(words: Words, given: Mapping[str, str], check: Mapping[str, Any], today: date) -> list[FieldError]:
    """Return what is wrong with an answer as it was filled in.

    Args:
        words: the reader's language.
        given: `answer`, an occupation's code or `declined`, and `on`, the day the answer was given.
        check: that is answered.
        today: the business date.
    """
    faults = []
    if given["answer"] not in (*OCCUPATIONS, DECLINED):
        faults.append(FieldError(words.text("Välj vad som gäller, eller att personen inte vill svara."), "answer"))
    on = day_in(given["on"])
    anchor = date.fromisoformat(check["anchor_on"])
    if on is None:
        faults.append(FieldError(words.text("Skriv dagen då svaret gavs, till exempel 2017-12-28."), "on"))
    elif on > today:
        faults.append(FieldError(words.text("Dagen då svaret gavs kan inte ligga framåt i tiden."), "on"))
    elif on < anchor:
        early = words.text("Dagen då svaret gavs kan inte ligga före %(day)s.", day=words.day(anchor))
        faults.append(FieldError(early, "on"))
    return faults


def attempt_faults(words: Words, given: Mapping[str, str], today: date) -> list[FieldError]:
    """Return what is wrong with an attempt: `how`, and `tried_on`, the day of it."""
    faults = []
    if given["how"] not in WAYS:
        faults.append(FieldError(words.text("Välj hur du försökte nå personen."), "how"))
    on = day_in(given["tried_on"])
    if on is None:
        faults.append(FieldError(words.text("Skriv dagen för försöket, till exempel 2017-12-28."), "tried_on"))
    elif on > today:
        faults.append(FieldError(words.text("Dagen för försöket kan inte ligga framåt i tiden."), "tried_on"))
    return faults


def postpone_faults(words: Words, given: str, field: str, today: date, latest: date | None) -> list[FieldError]:
    """Return what is wrong with a day to put something off to.

    Args:
        words: the reader's language.
        given: the day as it was written.
        field: that it was written in.
        today: the business date.
        latest: the last day that is possible, if it is the same for all.
    """
    until = day_in(given)
    if until is None:
        return [FieldError(words.text("Skriv dagen att skjuta upp till, till exempel 2018-01-14."), field)]
    if until <= today:
        return [FieldError(words.text("Dagen att skjuta upp till måste ligga framåt i tiden."), field)]
    if latest is not None and until > latest:
        late = words.text("Det går att skjuta upp till senast %(day)s.", day=words.day(latest))
        return [FieldError(late, field)]
    return []


def answer_body(given: Mapping[str, str], key: str) -> dict[str, Any]:
    """Return an answer without faults as followup takes it."""
    on = day_in(given["on"])
    body: dict[str, Any] = {"key": key, "on": str(on)}
    if given["answer"] == DECLINED:
        return {**body, "response": DECLINED}
    field = SAME_FIELD.get(given["same_field"])
    about_field = {} if field is None else {"same_field": field}
    return {**body, "response": "answered", "occupation": given["answer"], **about_field}


def day_in(written: str) -> date | None:
    """Return the day that somebody wrote, with or without hyphens, or None where it is none."""
    match = _DAY.fullmatch(written)
    try:
        return date(*(int(part) for part in match.groups())) if match else None
    except ValueError:
        return None
