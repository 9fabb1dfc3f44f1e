"""How figures are written: values with their units, what they rest on, the judgement, and why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from efterhand.catalogue import Catalogue, Indicator
from efterhand.catalogue.model import Between, Formula, Kind, Operation
from efterhand.figures.formulas import YEAR
from efterhand.web.door.replies import UNKNOWN
from efterhand.web.door.words import Words

Definition = Indicator | Formula

SHARES: Final = frozenset({Kind.SHARE, Kind.SPLIT})
COUNTS: Final = frozenset({Kind.COUNT, Kind.PERSONS})
_AS_ITS_OPERAND: Final = frozenset({Operation.STANDARDISE, Operation.MEAN_OF, Operation.AVERAGE_OF})


def definitions_of(catalogue: Catalogue) -> dict[str, Definition]:
    """Return every figure that a catalogue defines, by id, in its order."""
    return {**catalogue.indicators, **catalogue.formulas}


@dataclass
class Notes:
    """Footnotes of a page: each sentence once, with its number."""

    sentences: list[str] = field(default_factory=list)

    def number(self, sentence: str) -> int:
        """Return the number of a footnote, a new one if it has not been said yet."""
        if sentence not in self.sentences:
            self.sentences.append(sentence)
        return self.sentences.index(sentence) + 1


def row_of(
    definition: Definition, window: Mapping[str, Any], cell: Mapping[str, str], sex: str | None = None
) -> Mapping[str, Any] | None:
    """Return the row of a window for a cell, of one sex or of all.

    What is not available has one row for all its cells. Where nothing is counted there is none; a count is then 0.
    """
    rows = window["rows"]
    if rows and rows[0]["status"] == "not_available":
        first: Mapping[str, Any] = rows[0]
        return first
    wanted = {**cell, **({} if sex is None else {"sex": sex})}
    found = next((row for row in rows if row["dims"] == wanted), None)
    if found is None and isinstance(definition, Indicator) and definition.kind in COUNTS:
        return {**_NOTHING_COUNTED, "dims": wanted}
    return found


_NOTHING_COUNTED: Final[Mapping[str, Any]] = {
    "value": "0", "numerator": 0, "denominator": None, "expected": None, "sum": None, "coverage": None,
    "status": "shown", "target": None, "judgement": "not_judged",
}  # fmt: skip


@dataclass(frozen=True)
class FigureWords:
    """Writes figures in one language."""

    words: Words
    catalogue: Catalogue

    def value(self, definition: Definition, value: str) -> str:
        """Write a value with its unit: per cent, percentage points, or the time in which a duration is counted."""
        text, number = self.words.text, self.words.number(value)
        unit = self.unit(definition)
        spoken = {
            "percent": self.words.percent(value),
            "points": text("%(number)s procentenheter", number=number),
            "days": text("%(number)s dagar", number=number),
            "weeks": text("%(number)s veckor", number=number),
            "months": text("%(number)s månader", number=number),
            "years": text("%(number)s år", number=number),
        }
        return spoken.get(unit, number)

    def unit(self, definition: Definition) -> str:
        """Return what a figure's values are in: `percent`, `points`, a unit of time, or nothing of these: `number`."""
        if isinstance(definition, Formula):
            of = self.unit(self.catalogue.indicators[definition.of])
            if definition.operation is Operation.DIFFERENCE:
                return "points" if of == "percent" else of
            return of if definition.operation in _AS_ITS_OPERAND else "number"
        if definition.kind in SHARES:
            return "percent"
        return definition.measured.unit if isinstance(definition.measured, Between) else "number"

    def unit_name(self, definition: Definition) -> str:
        """Return the name of the unit of a figure's values, for an axis or a file; of a plain number none."""
        text = self.words.text
        names = {
            "percent": text("procent"),
            "points": text("procentenheter"),
            "days": text("dagar"),
            "weeks": text("veckor"),
            "months": text("månader"),
            "years": text("år"),
        }
        return names.get(self.unit(definition), "")

    def cell(self, definition: Definition, row: Mapping[str, Any] | None, notes: Notes) -> dict[str, Any]:
        """Return a cell of a table: its text and what it rests on; without a value, two dots and a footnote."""
        why = self.why_not(definition, row)
        if why is not None or row is None:
            detail = (
                self.words.text("täckning %(share)s", share=self.coverage(row)) if row and row["coverage"] else None
            )
            return {"text": UNKNOWN, "detail": detail, "note": notes.number(why or "")}
        if row["value"] is None:
            return {"text": self.words.number(row["denominator"] or 0), "detail": None, "note": None}
        return {"text": self.value(definition, row["value"]), "detail": self.rests_on(row), "note": None}

    def rests_on(self, row: Mapping[str, Any]) -> str | None:
        """Return how many a value is made of; None where the value says it itself."""
        text, number = self.words.text, self.words.number
        if row["denominator"] is None:
            return None
        if row["numerator"] is None:
            return text("%(whole)s räknade", whole=number(row["denominator"]))
        return text("%(part)s av %(whole)s", part=number(row["numerator"]), whole=number(row["denominator"]))

    def why_not(self, definition: Definition, row: Mapping[str, Any] | None) -> str | None:
        """Return why a cell has no value; None: it has one."""
        text = self.words.text
        if row is None or row["status"] == "no_data":
            return text("Inget räknas i rutan.")
        if row["status"] == "not_available":
            return text("Kan inte tas fram: uppgifter om personer har gallrats, och summorna av dem räcker inte.")
        if row["status"] == "low_coverage":
            least = self.words.percent(definition.coverage_minimum or 0) if isinstance(definition, Indicator) else ""
            return text(
                "Kan inte fastställas: besked finns om för få av dem som skulle följas upp. Minst %(least)s krävs.",
                least=least,
            )
        return None

    def coverage(self, row: Mapping[str, Any] | None) -> str:
        """Return how many of those who should be followed up have been reported, in per cent."""
        ratio = None if row is None else row["coverage"]
        return UNKNOWN if ratio is None else self.words.percent((Decimal(ratio) * 100).quantize(Decimal("0.1")))

    def judgement(self, row: Mapping[str, Any]) -> dict[str, str]:
        """Return how a value stands to its target: a word, and the shape that stands beside it (or none)."""
        text = self.words.text
        said = {"met": text("uppfylls helt"), "partly": text("uppfylls delvis"), "not_met": text("uppfylls ej")}
        kind = row["judgement"]
        return {"word": said.get(kind, text("bedöms inte")), "shape": kind if kind in said else ""}

    def remarks(self, definition: Definition, window: Mapping[str, Any], as_of: str) -> list[str]:
        """Return what is to be known of a figure's window: an unusual length, that it lies ahead, or may change."""
        text = self.words.text
        told = []
        months = definition.window_months if isinstance(definition, Indicator) else YEAR
        if not months:
            told.append(text("Läget på periodens sista dag."))
        elif months != YEAR:
            told.append(text("Perioden är %(months)s månader.", months=months))
        if window["projection"]:
            told.append(text("Prognos: så blir värdet om inget mer händer."))
        if window["preliminary"]:
            told.append(text("Preliminärt: känt till och med %(day)s.", day=self.words.day(as_of)))
        return told

    def code(self, definition: Definition, dimension: str, value: str) -> str:
        """Return what a value of a dimension is called."""
        text = self.words.text
        if dimension == "unit":
            known = self.catalogue.units.units.get(value)
            return known.name if known else value
        if dimension == "sex":
            return {"female": text("Kvinnor"), "male": text("Män")}.get(value, value)
        if dimension == "age_band":
            return text("%(ages)s\N{NO-BREAK SPACE}år", ages=value.replace("-", "–"))
        codelist = self._codelist(definition, dimension)
        return self.catalogue.code_name(codelist, value, english=self.words.language == "en") if codelist else value

    def dimension(self, name: str) -> str:
        """Return what a dimension is called."""
        text = self.words.text
        names = {
            "sex": text("Kön"),
            "unit": text("Enhet"),
            "target_group": text("Målgrupp"),
            "age_band": text("Ålder"),
            "closure_reason": text("Avslutsorsak"),
            "reason": text("Avslutsorsak"),
            "kind": text("Slag av insats"),
            "provider": text("Anordnare"),
            "funder": text("Finansiär"),
            "result": text("Resultat"),
        }
        return names.get(name, name)

    def _codelist(self, definition: Definition, dimension: str) -> str | None:
        lists = {"target_group": "target_groups", "closure_reason": "reasons"}
        if dimension in lists:
            return lists[dimension]
        indicator = self.catalogue.indicators[definition.of] if isinstance(definition, Formula) else definition
        column = self.catalogue.facts[indicator.counts].columns.get(dimension)
        return None if column is None else column.codelist
