"""What the pages of units show, made from followup's sums: no I/O, every text in the reader's language."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from efterhand.catalogue import Catalogue
from efterhand.web.door.choice import LATE, MISSED, OPEN_GROUPS, Choice
from efterhand.web.door.front import feed_names, reach_of_data, unit_name
from efterhand.web.door.reading import Reply
from efterhand.web.door.replies import UNKNOWN, no_part
from efterhand.web.door.sentences import Sentences
from efterhand.web.door.words import Words
from efterhand.web.door.worklist import notice_name

_COUNTED: Final = (*OPEN_GROUPS, *LATE)


@dataclass(frozen=True)
class UnitPage:
    """Puts the pages together for one reader."""

    words: Words
    catalogue: Catalogue

    def overview(self, replied: Reply, status: Reply) -> dict[str, Any]:
        """Return what the page of all units asks for."""
        body = replied.body if replied.answered else {"items": []}
        rows = self._units(body["items"])
        return {
            "missing": None if replied.answered else no_part(self.words, replied),
            "computing": self._computing(replied),
            "reach": self._reach(status),
            "month": self._month(body),
            "rows": rows,
            "rolled_up": any(row["depth"] for row in rows),
        }

    def one(self, replied: Reply, status: Reply) -> dict[str, Any]:
        """Return what the page of one unit asks for, from its sum."""
        body = replied.body
        unit, says = body["unit"], Sentences(self.words, self.catalogue)
        choice = Choice(unit=unit)
        protocols = [
            {**self._row(row, choice.but(protocol=row["protocol"])), "name": says.protocol(row["protocol"])}
            for row in body["protocols"]
        ]
        workers = [
            {
                **self._row(row, choice.but(worker=row["worker"], nobodys=row["worker"] is None)),
                "name": row["worker"] or self.words.text("Utan handläggare"),
            }
            for row in body["workers"]
        ]
        return {
            "name": unit_name(self.catalogue, unit),
            "computing": self._computing(replied),
            "reach": self._reach(status),
            "month": self._month(body),
            "list": choice.link(),
            "sums": self._sums(body["all"], choice),
            "units": self._units(body["units"]),
            "protocols": protocols,
            "workers": workers,
            "workers_left": body["workers_left"],
            "missed": self._missed(body["missed"], choice),
            "missed_all": self._row(body["all"], choice)["missed"],
            "catch_ups": [self._catch_up(each) for each in body["catch_ups"]["items"]],
            "catch_ups_left": body["catch_ups"]["left"],
            "feeds": [self._feed(each) for each in body["feeds"]],
            "nothing": not protocols,
        }

    # --- parts of them ---

    def _reach(self, status: Reply) -> list[dict[str, str]]:
        return reach_of_data(self.words, {"followup": status, "indicators": Reply("indicators", None)})

    def _month(self, body: Mapping[str, Any]) -> str:
        return self.words.month(body["month"]["from"]) if "month" in body else UNKNOWN

    def _computing(self, replied: Reply) -> str | None:
        computing = replied.body.get("computing") if replied.answered else None
        if computing is None:
            return None
        percent = 100 * computing["done"] // max(1, computing["of"])
        return self.words.text("En ändring i katalogen räknas in: %(percent)s procent är klart.", percent=percent)

    def _units(self, items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return rows of units, each under the one above it."""
        children: dict[str | None, list[Mapping[str, Any]]] = {}
        for item in items:
            children.setdefault(item["above"], []).append(item)
        rows: list[dict[str, Any]] = []

        def add(above: str | None, depth: int) -> None:
            for item in sorted(children.get(above, ()), key=lambda each: unit_name(self.catalogue, each["unit"])):
                unit = item["unit"]
                row = {
                    "name": unit_name(self.catalogue, unit),
                    "link": f"/enheter/{quote(unit, safe='')}",
                    "depth": depth,
                }
                rows.append({**self._row(item, Choice(unit=unit)), **row})
                add(unit, depth + 1)

        add(None, 0)
        return rows

    def _row(self, counts: Mapping[str, Any], choice: Choice) -> dict[str, Any]:
        """Return the cells of a row: each count with the part of the list that it counts."""
        cells = {group: _cell(counts[group], choice.but(groups=(group,)), group) for group in OPEN_GROUPS}
        for late in LATE:
            cells[late] = _cell(counts["late"][late], choice.but(groups=("overdue",), late=late), late)
        missed = [_cell(counts["missed"][each], choice.but(missed=each), each) for each in MISSED]
        return {**cells, "oldest": self._oldest(counts["oldest"]), "missed": missed}

    def _oldest(self, oldest: Mapping[str, Any] | None) -> str:
        if oldest is None:
            return "–"
        return self._days(oldest["days"])

    def _days(self, days: int) -> str:
        if days == 1:
            return self.words.text("1 dag")
        return self.words.text("%(count)s dagar", count=self.words.number(days))

    def _sums(self, counts: Mapping[str, Any], choice: Choice) -> list[dict[str, Any]]:
        """Return the numbers on top, each with what it leads to and a few words more."""
        text, row = self.words.text, self._row(counts, choice)
        oldest = counts["oldest"]
        said = {
            "overdue": text("äldst: %(days)s", days=self._days(oldest["days"])) if oldest else None,
            "todo": text("i dag: %(count)s", count=self.words.number(counts["due"])) if counts["due"] else None,
            "waiting": None,
        }
        names = Sentences(self.words, self.catalogue).groups()
        plural = {"overdue": text("Förfallna"), "todo": names["todo"], "waiting": names["waiting"]}
        sums = [{"name": plural[group], **row[group], "more": said[group]} for group in OPEN_GROUPS]
        year = text("12 månader: %(count)s", count=self.words.number(counts["missed"]["year"]))
        return [*sums, {"name": text("Missat i månaden"), **row["missed"][0], "more": year}]

    def _missed(self, missed: Iterable[Mapping[str, Any]], choice: Choice) -> list[dict[str, Any]]:
        says = Sentences(self.words, self.catalogue)
        rows = []
        for each in missed:
            of = choice.but(protocol=each["protocol"], why=each["why"])
            rows.append(
                {
                    "name": says.protocol(each["protocol"]),
                    "why": says.why_missed(each["state"], each["why"]) if each["why"] else UNKNOWN,
                    "cells": [_cell(each[period], of.but(missed=period), period) for period in MISSED],
                }
            )
        return rows

    def _catch_up(self, notice: Mapping[str, Any]) -> dict[str, Any]:
        says, number = Sentences(self.words, self.catalogue), self.words.number
        lists = [f"{says.protocol(each['protocol'])}: {number(each['checks'])}" for each in notice["protocols"]]
        return {
            "name": notice_name(self.words, notice["id"]),
            "unit": unit_name(self.catalogue, notice["unit"]),
            "lists": lists,
            "cell": _cell(notice["checks"], Choice(notice=notice["id"]), "listed"),
        }

    def _feed(self, feed: Mapping[str, Any]) -> dict[str, Any]:
        text, words = self.words.text, self.words
        if feed["through"] is None:
            known, behind = text("löpande"), "–"
        else:
            known, behind = words.day(feed["through"]), self._days(feed["behind"])
        heard = "–"
        if feed["heard_on"] is not None:
            ago = text("i dag") if feed["silent"] == 0 else text("%(days)s sedan", days=self._days(feed["silent"]))
            heard = f"{words.day(feed['heard_on'])}, {ago}"
        return {
            "name": feed_names(words)[feed["feed"]],
            "known": known,
            "behind": behind,
            "is_behind": bool(feed["behind"]),
            "heard": heard,
            "held_back": words.number(feed["held_back"]),
        }


def _cell(count: int, choice: Choice, kind: str) -> dict[str, Any]:
    return {"count": count, "link": choice.link(), "group": kind}
