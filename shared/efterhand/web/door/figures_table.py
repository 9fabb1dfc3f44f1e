"""What the page of all figures shows, made from what indicators says: no I/O, every text in the reader's language."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from efterhand.catalogue import Catalogue, Indicator
from efterhand.catalogue.model import Formula
from efterhand.dates import last_day_of_month
from efterhand.web.door.figures import COUNTS, SHARES, Definition, FigureWords, Notes, definitions_of, row_of
from efterhand.web.door.figures_choice import FILE, TABLE, FigureChoice, page_of
from efterhand.web.door.front import unit_name
from efterhand.web.door.reading import Reply
from efterhand.web.door.replies import no_part
from efterhand.web.door.words import Words
from efterhand.web.door.worklist import units_in_order

SEXES: Final = (None, "female", "male")
"""All, women, men. Those whose sex is not known count in the total only."""


@dataclass(frozen=True)
class FigureTable:
    """Puts the page together for one reader."""

    words: Words
    catalogue: Catalogue
    choice: FigureChoice
    today: date
    units: frozenset[str] | None
    """Those whose figures the reader may see; None: all."""

    def context(self, table: Reply, reach: Any) -> dict[str, Any]:
        """Return what the template asks for, from the table and how far the data reaches, in words."""
        notes = Notes()
        rows = self.rows(table.body["items"], notes) if table.answered else []
        return {
            "missing": None if table.answered else self.no_table(table),
            "reach": reach,
            "period": self.period(),
            "narrowed": self.choice.narrowed,
            "whole": self.choice.but(unit=None, group=None).link(),
            "filters": self.filters(TABLE),
            "chips": self.chips(TABLE),
            "before": self.last_year,
            "sections": list(self._sections(rows)),
            "notes": notes.sentences,
            "file": self.choice.link(FILE) if table.answered else None,
        }

    def rows(self, items: Iterable[Mapping[str, Any]], notes: Notes) -> list[dict[str, Any]]:
        """Return a row for each figure, and for each part of a split."""
        known = definitions_of(self.catalogue)
        return [
            row
            for item in items
            if item["indicator"] in known
            for row in self._rows_of(known[item["indicator"]], item, notes)
        ]

    def period(self) -> str:
        """Return the days of the table's windows in words: the twelve months that end on T."""
        return self.words.text("Tolv månader till och med %(end)s", end=self.words.day(self.choice.at))

    @property
    def last_year(self) -> str:
        """The day on which last year's windows end, as short as a column's head needs."""
        before = self.choice.at.replace(year=self.choice.at.year - 1, day=1)
        return self.words.short(last_day_of_month(before))

    def cell_name(self) -> str:
        """Return what the figures are restricted to, in words."""
        text = self.words.text
        unit = unit_name(self.catalogue, self.choice.unit) if self.choice.unit else text("Alla enheter")
        group = self.group_name(self.choice.group) if self.choice.group else text("alla målgrupper")
        return f"{unit}, {group}"

    def group_name(self, group: str) -> str:
        """Return what a target group is called."""
        return self.catalogue.code_name("target_groups", group, english=self.words.language == "en")

    def no_table(self, reply: Reply) -> str:
        """Return why there are no figures."""
        if reply.status == 403:
            return self.words.text("Du har rätt till dina egna enheters nyckeltal, och till dem för alla tillsammans.")
        return no_part(self.words, reply)

    def filters(self, path: str) -> dict[str, Any]:
        """Return what can be chosen on a page."""
        current = last_day_of_month(self.today)
        return {
            "path": path,
            "months": [
                {
                    "day": each.isoformat(),
                    "name": self._month_name(each, current),
                    "chosen": each == self.choice.at,
                }
                for each in self.choice.months(self.today)
            ],
            "unit": self.choice.unit,
            "units": [
                each
                for each in units_in_order(self.catalogue, self.choice.at)
                if self.units is None or each["id"] in self.units
            ],
            "groups": [
                {"id": each, "name": self.group_name(each), "chosen": each == self.choice.group}
                for each in self.catalogue.codelists["target_groups"]
            ],
        }

    def _month_name(self, end: date, current: date) -> str:
        name = self.words.month(end)
        goes_on = end == current and end != self.today
        return self.words.text("%(month)s, pågår", month=name) if goes_on else name

    def chips(self, path: str, **more: str) -> list[dict[str, Any]]:
        """Return what is chosen, each with the address of the page without it."""
        chips = []
        if self.choice.unit:
            name = unit_name(self.catalogue, self.choice.unit)
            chips.append({"name": name, "link": self.choice.but(unit=None).link(path, **more), "swedish": True})
        if self.choice.group:
            link = self.choice.but(group=None).link(path, **more)
            chips.append({"name": self.group_name(self.choice.group), "link": link, "swedish": False})
        return chips

    def _sections(self, rows: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
        """Group the rows: first what has a target, then by what kind of number it is."""
        text = self.words.text
        names = {
            "targets": text("Med mål för %(year)s", year=str(self.choice.at.year)),
            "shares": text("Andelar utan mål"),
            "times": text("Tider utan mål"),
            "counts": text("Antal utan mål"),
            "made": text("Sammansatta mått utan mål"),
        }
        for group, name in names.items():
            own = [row for row in rows if row["group"] == group]
            if own:
                yield {
                    "id": group,
                    "name": name,
                    "rows": own,
                    "judged": group == "targets" and not self.choice.narrowed,
                }

    def _rows_of(self, definition: Definition, item: Mapping[str, Any], notes: Notes) -> Iterable[dict[str, Any]]:
        row = {
            "id": definition.id,
            "name": self.words.name(definition),
            "swedish": not self.words.has_name(definition),
            "link": self.choice.link(page_of(definition.id)),
            "group": self._group_of(definition),
            "unit": FigureWords(self.words, self.catalogue).unit_name(definition),
            "part": None,
            "remarks": [],
            "target": None,
            "judgement": None,
        }
        if "missing" in item:
            note = notes.number(self._why_missing(item["missing"]))
            yield {**row, "cells": [{"text": "..", "detail": None, "note": note}] * 4, "values": [None] * 4}
            return
        for part in (None, *self._parts(definition, item["windows"])):
            yield {**row, **self._row(definition, item, part, notes)}

    def _row(self, definition: Definition, item: Mapping[str, Any], part: str | None, notes: Notes) -> dict[str, Any]:
        """Return what a row tells of a figure, or of one part of a split: now by sex, and of all a year before."""
        said = FigureWords(self.words, self.catalogue)
        name = (definition.part if isinstance(definition, Indicator) else None) or ""
        cell = self.choice.cell if part is None else {**self.choice.cell, name: part}
        earlier, now = item["windows"][0], item["windows"][-1]
        held = [row_of(definition, now, cell, sex) for sex in SEXES] + [row_of(definition, earlier, cell)]
        whole = held[0] or {"target": None, "judgement": "not_judged"}
        return {
            "part": None if part is None else said.code(definition, name, part),
            "remarks": said.remarks(definition, now, item["as_of"]) if part is None else [],
            "cells": [said.cell(definition, each, notes) for each in held],
            "values": held,
            "target": None if whole["target"] is None else said.value(definition, whole["target"]),
            "judgement": said.judgement(whole),
        }

    def _parts(self, definition: Definition, windows: Iterable[Mapping[str, Any]]) -> list[str]:
        """Return the parts of a split that have something in a window, in the order of the code lists."""
        name = definition.part if isinstance(definition, Indicator) else None
        found = {row["dims"][name] for window in windows for row in window["rows"] if name in row["dims"]}
        order = list(dict.fromkeys(code for codes in self.catalogue.codelists.values() for code in codes))
        return sorted(found, key=lambda code: (order.index(code) if code in order else len(order), code))

    def _group_of(self, definition: Definition) -> str:
        if self.choice.at.year in definition.targets:
            return "targets"
        if isinstance(definition, Formula):
            return "made"
        return "shares" if definition.kind in SHARES else "counts" if definition.kind in COUNTS else "times"

    def _why_missing(self, code: str) -> str:
        text = self.words.text
        if code == "being_computed":
            return text("Visas när allt är omräknat efter en ändring i katalogen.")
        return text("Delas inte upp så.")
