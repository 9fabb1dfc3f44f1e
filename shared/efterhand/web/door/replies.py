"""What the services said to one page, and what follows from it for every part: the day, how far the data reaches."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from efterhand.web.door.reading import SERVICES, Reply
from efterhand.web.door.words import Words

UNKNOWN: Final = ".."
"""Stands where a value is missing; never 0 and never nothing."""


@dataclass(frozen=True)
class Replies:
    """Everything that the services said; None: not asked, for want of the right."""

    statuses: Mapping[str, Reply]
    due: Reply | None = None

    def missing(self) -> list[str]:
        """Return the services that are down, or could not answer something."""
        asked = [reply for reply in (self.due,) if reply is not None]
        silent = {reply.service for reply in (*self.statuses.values(), *asked) if reply.missing}
        return [service for service in SERVICES if service in silent]

    def percent_computed(self) -> int | None:
        """Return how far what a changed catalogue asks for has been computed; None: everything is shown."""
        lists = [reply.body.get("computing") for reply in (self.due,) if reply and reply.answered]
        return min((100 * each["done"] // max(1, each["of"]) for each in lists if each), default=None)


def business_date(statuses: Mapping[str, Reply]) -> date | None:
    """Return the business date: the one of its owner, else the one that another service works with."""
    days = (reply.body.get("date") for reply in statuses.values() if reply.answered)
    return next((date.fromisoformat(day) for day in days if day), None)


def known_through(statuses: Mapping[str, Reply]) -> Mapping[str, str | None] | None:
    """Return up to which day each feed is known, None for one that is live; None alone: nobody says it."""
    followup, indicators = statuses["followup"], statuses["indicators"]
    if followup.answered:
        through: Mapping[str, str | None] = followup.body["through"]
        return through
    if indicators.answered:
        as_of: Mapping[str, str | None] = indicators.body["as_of"]
        return as_of
    return None


def no_part(words: Words, reply: Reply) -> str:
    """Return why a part of the page cannot be shown."""
    text = words.text
    if reply.status == 403:
        return text("Du har inte rätt att se den här delen.")
    if reply.being_computed:
        return text("Visas när allt är omräknat efter en ändring i katalogen.")
    if reply.missing:
        return text("Kan inte visas: tjänsten %(service)s svarar inte just nu.", service=reply.service)
    return text("Kan inte visas: tjänsten %(service)s gav ett svar som inte kan läsas.", service=reply.service)
