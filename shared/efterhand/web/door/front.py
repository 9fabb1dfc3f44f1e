"""What the first page shows, made from the services' replies: no I/O, every text in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from efterhand.catalogue import Catalogue
from efterhand.catalogue.model import FEEDS
from efterhand.web.door.choice import OPEN_GROUPS, Choice
from efterhand.web.door.figures_choice import TABLE
from efterhand.web.door.reading import Reply
from efterhand.web.door.replies import UNKNOWN, Replies, business_date, known_through, no_part
from efterhand.web.door.system import system_table
from efterhand.web.door.words import Words
from efterhand.web.rights import Principal, Right


@dataclass(frozen=True)
class Front:
    """Puts the page together for one reader."""

    words: Words
    catalogue: Catalogue
    principal: Principal

    def context(self, replies: Replies) -> dict[str, Any]:
        """Return what the template asks for; a part that the reader has no right to is None."""
        sees_status = self.principal.may(Right.STATUS_READ)
        return {
            "absent": self._absent(replies),
            "reach": reach_of_data(self.words, replies.statuses),
            "due": None if replies.due is None else self._due(replies.due),
            "figures": TABLE if self.principal.may(Right.FIGURES_READ) else None,
            "system": system_table(self.words, replies.statuses) if sees_status else None,
        }

    def _absent(self, replies: Replies) -> str | None:
        text, missing, percent = self.words.text, replies.missing(), replies.percent_computed()
        told = []
        if missing:
            names = ", ".join(missing)
            told.append(text("Svarar inte just nu: %(services)s. Resten av sidan gäller ändå.", services=names))
        if percent is not None:
            told.append(text("En ändring i katalogen räknas in: %(percent)s procent är klart.", percent=percent))
        return " ".join(told) or None

    def _due(self, reply: Reply) -> dict[str, Any]:
        if not reply.answered:
            return {"missing": no_part(self.words, reply)}
        rows = [
            {
                "name": unit_name(self.catalogue, unit["unit"]),
                "link": Choice(unit=unit["unit"]).link(),
                "cells": _cells(unit, unit["unit"]),
            }
            for unit in reply.body["items"]
            if any(unit[group] for group in OPEN_GROUPS)
        ]
        return {
            "missing": None,
            "rows": sorted(rows, key=lambda row: ([-cell["count"] for cell in row["cells"]], row["name"])),
            "all": _cells(reply.body["all"], None),
            "list": Choice().link(),
        }


def _cells(counts: Mapping[str, Any], unit: str | None) -> list[dict[str, Any]]:
    """Return the counts of the groups, each with the part of the list that it counts."""
    return [
        {"group": group, "count": counts[group], "link": Choice(groups=(group,), unit=unit).link()}
        for group in OPEN_GROUPS
    ]


def reach_of_data(words: Words, statuses: Mapping[str, Reply]) -> list[dict[str, str]]:
    """Return the business date and how far each feed is known, in words."""
    text = words.text
    today, known = business_date(statuses), known_through(statuses)
    facts = [{"name": text("Verksamhetsdatum"), "value": words.weekday(today) if today else UNKNOWN}]
    names = {
        "cases": text("Ärenden till och med"),
        "assistance": text("Ekonomiskt bistånd till och med"),
        "answers": text("Svar till och med"),
    }
    for feed in FEEDS:
        through = known.get(feed) if known else UNKNOWN
        value = text("löpande") if through is None else through if through == UNKNOWN else words.day(through)
        facts.append({"name": names[feed], "value": value})
    return facts


def feed_names(words: Words) -> dict[str, str]:
    """Return what each feed is called."""
    text = words.text
    return {"cases": text("Ärenden"), "assistance": text("Ekonomiskt bistånd"), "answers": text("Svar")}


def unit_name(catalogue: Catalogue, unit: str) -> str:
    """Return what a unit is called; its id where the catalogue lacks it."""
    known = catalogue.units.units.get(unit)
    return known.name if known else unit
