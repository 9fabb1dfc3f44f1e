"""What the register owner's pages show, made from followup's lists: no I/O, every text in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from efterhand.catalogue import Catalogue
from efterhand.web.door.front import reach_of_data, unit_name
from efterhand.web.door.reading import Reply
from efterhand.web.door.replies import no_part
from efterhand.web.door.sentences import Sentences
from efterhand.web.door.words import Words

PAGE_SIZE: Final = 100
"""Checks on one page of a month's list."""


@dataclass(frozen=True)
class RegisterPage:
    """Puts the pages together for one reader."""

    words: Words
    catalogue: Catalogue

    def months(self, replied: Reply, status: Reply, cursor: str | None) -> dict[str, Any]:
        """Return what the page of all months asks for."""
        body = replied.body if replied.answered else {"items": [], "next": None}
        return {
            "missing": None if replied.answered else no_part(self.words, replied),
            "reach": self._reach(status),
            "rows": [self._month(each) for each in body["items"]],
            "first": "/register" if cursor else None,
            "next": f"/register?{urlencode({'cursor': body['next']})}" if body["next"] else None,
        }

    def month(self, replied: Reply, status: Reply, *, left: bool, cursor: str | None) -> dict[str, Any]:
        """Return what the page of one month asks for; `left`: only what waits for the report is listed."""
        body, text = replied.body, self.words.text
        counts, month = body["counts"], body["month"]
        here = f"/register/{month}"
        reads = f"/followup/v1/register/{month}?format=csv"
        query = {} if left else {"show": "all"}
        opens = date.fromisoformat(body["opens_on"])
        return {
            **self._month(body),
            "reach": self._reach(status),
            "sums": [
                {"name": text("Att matcha"), "value": counts["left"], "more": self._persons(counts["persons_left"])},
                {"name": text("Besked har kommit"), "value": counts["reported"], "more": None},
                {"name": text("Inget besked i tid"), "value": counts["expired"], "more": None},
                {"name": text("I månadens lista"), "value": counts["all"], "more": None},
            ],
            "opens": text("Listan börjar gälla %(day)s.", day=self.words.day(opens))
            if opens > date.fromisoformat(body["on"])
            else None,
            "download": f"{reads}&left=true" if counts["left"] else None,
            "download_all": reads if counts["all"] else None,
            "left": left,
            "show_left": here,
            "show_all": f"{here}?show=all",
            "rows": [self._check(each) for each in body["items"]],
            "first": f"{here}?{urlencode(query)}".rstrip("?") if cursor else None,
            "next": f"{here}?{urlencode({**query, 'cursor': body['next']})}" if body["next"] else None,
            "size": self.words.number(PAGE_SIZE),
        }

    # --- parts of them ---

    def _reach(self, status: Reply) -> list[dict[str, str]]:
        return reach_of_data(self.words, {"followup": status, "indicators": Reply("indicators", None)})

    def _persons(self, count: int) -> str | None:
        return self.words.text("personer: %(count)s", count=self.words.number(count)) if count else None

    def _month(self, body: Mapping[str, Any]) -> dict[str, Any]:
        counts, number, notice = body["counts"], self.words.number, body["notice"]
        return {
            "name": self.words.month(f"{body['month']}-01"),
            "link": f"/register/{body['month']}",
            "waits": counts["left"] > 0,
            "told": self.words.day(notice["send_on"]) if notice else "–",
            "ended": self.words.day(notice["withdrawn_on"]) if notice and notice["withdrawn_on"] else None,
            "cells": [number(counts[name]) for name in ("all", "reported", "left", "expired")],
        }

    def _check(self, item: Mapping[str, Any]) -> dict[str, Any]:
        says = Sentences(self.words, self.catalogue)
        waits = item["state"] in ("upcoming", "due", "overdue", "scheduled")
        text = self.words.text
        ended_as = {"answered": text("Besked har kommit"), "expired": text("Inget besked i tid")}
        ended = {"late": False, "occupation": None, "response": None, **item}
        return {
            "person": item["person"],
            "case": item["case"],
            "link": f"/uppfoljningar/{item['ref']}",
            "name": says.protocol(item["protocol"]),
            "unit": unit_name(self.catalogue, item["unit"]),
            "waits": waits,
            "state": None if waits else ended_as.get(item["state"]) or says.state(ended),
            "protected": item.get("protected", False),
        }
