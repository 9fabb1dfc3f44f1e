"""What the page of one figure shows: value, meaning, two years month by month, break-downs, and what changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from efterhand.catalogue import Catalogue, Indicator
from efterhand.catalogue.sentences import sentences_of
from efterhand.dates import AGE_BANDS
from efterhand.figures.formulas import formula_dimensions
from efterhand.web.door.chart import Line, drawing
from efterhand.web.door.figures import COUNTS, Definition, FigureWords, Notes, row_of
from efterhand.web.door.figures_choice import FigureChoice, page_of
from efterhand.web.door.figures_table import SEXES, FigureTable
from efterhand.web.door.reading import Reply
from efterhand.web.door.replies import UNKNOWN, no_part
from efterhand.web.door.words import Words

MONTHS: Final = 24
STEPS: Final = ("corrected", "came_in", "went_out", "changed")
_NUMBERS: Final = ("numerator", "denominator", "expected")


@dataclass(frozen=True)
class FigurePage:
    """Puts the page of a figure together for one reader."""

    words: Words
    catalogue: Catalogue
    definition: Definition
    choice: FigureChoice
    today: date
    units: frozenset[str] | None
    """Those whose figures the reader may see; None: all."""
    may_see_cases: bool

    @property
    def path(self) -> str:
        """The page's own path."""
        return page_of(self.definition.id)

    @property
    def said(self) -> FigureWords:
        """Writes its values."""
        return FigureWords(self.words, self.catalogue)

    @property
    def table(self) -> FigureTable:
        """What this page shares with the page of all figures: the filters and their words."""
        return FigureTable(self.words, self.catalogue, self.choice, self.today, self.units)

    def dimensions(self) -> tuple[str, ...]:
        """Return what it can be broken down by in the chosen cell, beside sex."""
        possible = (
            self.definition.dimensions
            if isinstance(self.definition, Indicator)
            else formula_dimensions(self.definition, self.catalogue.indicators)
        )
        return tuple(name for name in possible if name != "sex" and (name == "unit" or name not in self.choice.cell))

    def context(
        self, series: Reply, parts: Mapping[str, Reply], bridge: Reply | None, since: date, reach: Any
    ) -> dict[str, Any]:
        """Return what the template asks for.

        Args:
            series: the months, by sex.
            parts: by dimension, the cells of the last window.
            bridge: from an earlier window; None: it was not asked for.
            since: the last day of that earlier window.
            reach: how far the data reaches, in words.
        """
        notes = Notes()
        windows = series.body["windows"] if series.answered else []
        now = windows[-1] if windows else None
        return {
            "missing": None if series.answered else self.table.no_table(series),
            "name": self.words.name(self.definition),
            "swedish": not self.words.has_name(self.definition),
            "reach": reach,
            "back": self.choice.link(),
            "filters": self.table.filters(self.path),
            "chips": self.table.chips(self.path),
            "cell": self.table.cell_name(),
            "narrowed": self.choice.narrowed,
            "whole": self.choice.but(unit=None, group=None).link(self.path),
            "meaning": sentences_of(self.catalogue, self.definition, "en" if self.words.language == "en" else "sv"),
            "direction": self._direction(),
            "value": None if now is None else self._value(now, series.body["as_of"], notes),
            "chart": self._chart(windows) if windows else None,
            "months": [self._month(each, notes) for each in reversed(windows)],
            "covered": self._covered,
            "counted": not self._counts,
            "breakdowns": self._breakdowns(series, parts, notes),
            "bridge": None if bridge is None else self._bridge(bridge, since),
            "cases": self.choice.link(f"{self.path}/underlag") if self.may_see_cases else None,
            "file": self.choice.link(f"{self.path}.csv") if windows else None,
            "notes": notes.sentences,
        }

    # --- the value ---

    @property
    def _covered(self) -> bool:
        return isinstance(self.definition, Indicator) and self.definition.covered

    @property
    def _counts(self) -> bool:
        return not isinstance(self.definition, Indicator) or self.definition.kind in COUNTS

    def _value(self, window: Mapping[str, Any], as_of: str, notes: Notes) -> dict[str, Any]:
        text, said = self.words.text, self.said
        whole = self.row(window, None) or window["rows"][0]
        named = {None: text("Alla"), "female": text("Kvinnor"), "male": text("Män")}
        return {
            "caption": text(
                "%(cell)s, %(start)s till %(end)s",
                cell=self.table.cell_name(),
                start=self.words.day(window["from"]),
                end=self.words.day(window["to"]),
            ),
            "rows": [{"name": named[sex], **self._numbers(self.row(window, sex), notes)} for sex in SEXES],
            "remarks": said.remarks(self.definition, window, as_of),
            "target": None if whole["target"] is None else said.value(self.definition, whole["target"]),
            "judgement": said.judgement(whole),
            "year": window["to"][:4],
        }

    def row(self, window: Mapping[str, Any], sex: str | None) -> Mapping[str, Any] | None:
        """Return the row of a window for the chosen cell, of one sex or of all."""
        return row_of(self.definition, window, self.choice.cell, sex)

    def _numbers(self, row: Mapping[str, Any] | None, notes: Notes) -> dict[str, Any]:
        """Return a value and the numbers that it is made of."""
        number = self.words.number
        held = row or {}
        return {
            "cell": {**self.said.cell(self.definition, row, notes), "detail": None},
            "numbers": [UNKNOWN if held.get(name) is None else number(held[name]) for name in self._named_numbers],
            "coverage": self.said.coverage(row),
        }

    @property
    def _named_numbers(self) -> list[str]:
        """The numbers that the figure's values are made of."""
        if self._counts:
            return []
        kinds = {"share": _NUMBERS[:2], "split": _NUMBERS[1:2]}
        own = list(kinds.get(str(getattr(self.definition, "kind", "")), _NUMBERS[1:2]))
        return [*own, *(_NUMBERS[2:] if self._covered else ())]

    def number_names(self) -> list[str]:
        """Return the heads of the columns of the numbers."""
        text = self.words.text
        names = {
            "numerator": text("Uppfyller"),
            "denominator": text("Räknade"),
            "expected": text("Skulle följas upp"),
        }
        return [names[name] for name in self._named_numbers]

    def _direction(self) -> str | None:
        """Return which direction is better, where the catalogue says so: by a target, or by a lower value."""
        text = self.words.text
        if self.definition.better == "lower":
            return text("Ett lägre värde är bättre.")
        return text("Ett högre värde är bättre.") if self.definition.targets else None

    # --- the months ---

    def _month(self, window: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
        said = self.said
        rows = [self.row(window, sex) for sex in SEXES]
        whole = rows[0] or window["rows"][0]
        return {
            "name": self.words.month(window["to"]),
            "marks": self.marks(window),
            "cells": [said.cell(self.definition, row, notes) for row in rows],
            "coverage": said.coverage(whole),
            "target": UNKNOWN if whole["target"] is None else said.value(self.definition, whole["target"]),
        }

    def marks(self, window: Mapping[str, Any]) -> list[str]:
        """Return the words for a window that lies ahead or may change."""
        text = self.words.text
        ahead = [text("prognos")] if window["projection"] else []
        return [*ahead, *([text("preliminärt")] if window["preliminary"] else [])]

    def _chart(self, windows: list[Mapping[str, Any]]) -> dict[str, Any] | None:
        """Return the drawing with its words; None where no month has a value."""
        values = {sex: [self._number(window, sex) for window in windows] for sex in SEXES}
        if not _has_any(values[None]):
            return None
        targets = [self._target(window) for window in windows]
        hollow = [window["preliminary"] or window["projection"] for window in windows]
        lines = [
            *([Line("target", targets)] if _has_any(targets) else []),
            *(Line(str(sex), values[sex], hollow) for sex in ("male", "female") if _has_any(values[sex])),
            Line("all", values[None], hollow),
        ]
        months = [self.words.month_short(window["to"]) for window in windows]
        drawn = drawing(lines, months, lambda number: self.words.number(_plain(number)))
        lowest = self.said.value(self.definition, str(_plain(drawn["lowest"])))
        spoken = self._spoken(windows, values, targets, hollow)
        return {**drawn, "lowest": lowest, "unit": self.said.unit_name(self.definition), **spoken}

    def _number(self, window: Mapping[str, Any], sex: str | None) -> Decimal | None:
        row = self.row(window, sex)
        return None if row is None or row["value"] is None else Decimal(row["value"])

    @staticmethod
    def _target(window: Mapping[str, Any]) -> Decimal | None:
        target = window["rows"][0]["target"]
        return None if target is None else Decimal(target)

    def _spoken(
        self,
        windows: list[Mapping[str, Any]],
        values: Mapping[str | None, list[Decimal | None]],
        targets: list[Decimal | None],
        hollow: list[bool],
    ) -> dict[str, Any]:
        """Return what a chart says to those who do not see it, and what explains its lines."""
        text, said = self.words.text, self.said
        ends = [window["to"] for window in windows]
        known = [(value, end) for value, end in zip(values[None], ends, strict=True) if value is not None]
        (first, since), (last, until) = known[0], known[-1]
        (low, low_at), (high, high_at) = min(known), max(known)
        written = {
            "first": said.value(self.definition, str(first)),
            "since": self.words.month(since),
            "last": said.value(self.definition, str(last)),
            "until": self.words.month(until),
            "low": said.value(self.definition, str(low)),
            "low_at": self.words.month(low_at),
            "high": said.value(self.definition, str(high)),
            "high_at": self.words.month(high_at),
        }
        summary = text(
            "Alla: %(first)s i %(since)s, %(last)s i %(until)s. Lägst %(low)s i %(low_at)s, högst %(high)s i"
            " %(high_at)s.",
            **written,
        )
        by_year = {end[:4]: target for end, target in zip(ends, targets, strict=True) if target is not None}
        goals = [
            text("%(target)s för %(year)s", target=said.value(self.definition, str(by_year[year])), year=year)
            for year in sorted(by_year)
        ]
        return {
            "summary": summary,
            "goals": text("Mål: %(targets)s", targets=", ".join(goals)) if goals else None,
            "hollow": any(hollow),
            "women": _has_any(values["female"]),
            "men": _has_any(values["male"]),
        }

    # --- break-downs ---

    def _breakdowns(self, series: Reply, parts: Mapping[str, Reply], notes: Notes) -> list[dict[str, Any]]:
        """Return the tables of what the value is broken down by; the parts of a split come first."""
        own = self.definition.part if isinstance(self.definition, Indicator) else None
        asked = {**({} if own is None else {own: series}), **parts} if series.answered else {}
        return [each for name, reply in asked.items() if (each := self._part(name, reply, notes))]

    def _part(self, dimension: str, reply: Reply, notes: Notes) -> dict[str, Any] | None:
        """Return the table of one dimension; None where there is nothing to tell."""
        name = self.said.dimension(dimension)
        if not reply.answered:
            return {"id": dimension, "name": name, "missing": no_part(self.words, reply), "rows": []}
        window = reply.body["windows"][-1]
        if window["rows"][0]["status"] == "not_available":
            return None
        found = {row["dims"][dimension] for row in window["rows"] if self._is_of(row, dimension)}
        rows = [
            {
                "name": self.said.code(self.definition, dimension, value),
                "depth": depth,
                "swedish": dimension == "unit",
                "link": self._link_to(dimension, value),
                "cells": [
                    self.said.cell(self.definition, self._cell(window, dimension, value, sex), notes) for sex in SEXES
                ],
                "coverage": self.said.coverage(self._cell(window, dimension, value, None)),
            }
            for value, depth in self._in_order(dimension, found)
        ]
        return {"id": dimension, "name": name, "missing": None, "rows": rows} if rows else None

    def _is_of(self, row: Mapping[str, Any], dimension: str) -> bool:
        cell = {name: value for name, value in self.choice.cell.items() if name != dimension}
        return bool(row["dims"].keys() == {*cell, dimension} and row["dims"].items() >= cell.items())

    def _cell(self, window: Mapping[str, Any], dimension: str, value: str, sex: str | None) -> Any:
        return row_of(self.definition, window, {**self.choice.cell, dimension: value}, sex)

    def _link_to(self, dimension: str, value: str) -> str | None:
        if dimension == "unit":
            return self.choice.but(unit=value).link(self.path)
        return self.choice.but(group=value).link(self.path) if dimension == "target_group" else None

    def _in_order(self, dimension: str, found: set[str]) -> Iterable[tuple[str, int]]:
        """Yield the values in the order of the tree, of the bands, of the code list."""
        if dimension == "unit":
            listed = [(each["id"], each["depth"]) for each in self.table.filters(self.path)["units"]]
        elif dimension == "age_band":
            listed = [(name, 0) for name, _, _ in AGE_BANDS]
        else:
            codes = [code for codes in self.catalogue.codelists.values() for code in codes]
            listed = [(code, 0) for code in dict.fromkeys(codes)]
        known = [each for each in listed if each[0] in found]
        top = min((depth for _, depth in known), default=0)
        yield from ((value, depth - top) for value, depth in known)
        yield from ((value, 0) for value in sorted(found - {value for value, _ in listed}))

    # --- what changed ---

    def _bridge(self, reply: Reply, since: date) -> dict[str, Any]:
        text = self.words.text
        if not reply.answered:
            told = text("Kan inte visas för perioder som når in i det som har gallrats.")
            return {"missing": told if reply.status == 410 else no_part(self.words, reply), "since": since}
        body = reply.body
        names = {
            "corrected": text("Rättat sedan dess"),
            "came_in": text("Kom in i perioden"),
            "went_out": text("Gick ur perioden"),
            "changed": text("Räknas på annat sätt"),
        }
        known = self.words.day(body["earlier"]["known"])
        earlier = text("%(day)s, som det var känt %(known)s", day=self.words.day(body["earlier"]["to"]), known=known)
        later = text("%(day)s, som det är känt nu", day=self.words.day(body["later"]["to"]))
        changes = {step["step"]: step for step in body["steps"]}
        return {
            "missing": None,
            "since": since,
            "rows": [
                self._end(earlier, body["earlier"]),
                *(self._step(names[step], changes[step]) for step in STEPS),
                self._end(later, body["later"]),
            ],
        }

    def _end(self, name: str, end: Mapping[str, Any]) -> dict[str, Any]:
        number = self.words.number
        numbers = [UNKNOWN if end[each] is None else number(end[each]) for each in self._named_numbers]
        return {"name": name, "things": number(end["things"]), "numbers": numbers, "value": self._shown(end["value"]),
                "end": True}  # fmt: skip

    def _step(self, name: str, step: Mapping[str, Any]) -> dict[str, Any]:
        numbers = [UNKNOWN if step[each] is None else self._change(step[each]) for each in self._named_numbers]
        return {"name": name, "things": self.words.number(step["things"]), "numbers": numbers,
                "value": self._shown(step["value"]), "end": False}  # fmt: skip

    def _shown(self, value: str | None) -> str:
        return UNKNOWN if value is None else self.said.value(self.definition, value)

    def _change(self, number: int) -> str:
        sign = "+" if number > 0 else "\N{MINUS SIGN}" if number < 0 else "±"
        return f"{sign}{self.words.number(abs(number))}"


def _has_any(values: Iterable[Decimal | None]) -> bool:
    return any(value is not None for value in values)


def _plain(number: Decimal) -> Decimal:
    """Return a number without zeros that say nothing, and never in powers of ten."""
    whole = number.normalize()
    return whole.quantize(Decimal(1)) if whole == whole.to_integral() else whole
