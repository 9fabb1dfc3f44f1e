"""The table of the year's figures: value by sex, target, judgement and coverage, in words where a word says more."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from efterhand.catalogue import Indicator
from efterhand.catalogue.model import Between, Kind
from efterhand.web.door.reading import Reply
from efterhand.web.door.replies import UNKNOWN, no_part
from efterhand.web.door.words import Words

_COLUMNS: Final = (None, "female", "male")
"""All, women, men. Those whose sex is not known count in the total only."""


def figure_table(words: Words, indicators: Mapping[str, Indicator], replies: Mapping[str, Reply]) -> dict[str, Any]:
    """Return the table of what was answered, or why there is none.

    Args:
        words: the reader's language.
        indicators: of the catalogue, by id.
        replies: what was said about each of them.
    """
    text, day = words.text, words.day
    failed = next((reply for reply in replies.values() if not reply.answered), None)
    answered = {name: reply.body for name, reply in replies.items() if reply.answered}
    if not answered:
        return {"missing": no_part(words, failed or Reply("indicators", None))}
    rows = [_row(words, indicators[name], body) for name, body in answered.items()]
    first = next(iter(answered.values()))
    notes = []
    if any(cell["text"] == UNKNOWN for row in rows for cell in row["cells"]):
        notes.append(text(".. betyder att inget räknas i rutan, eller att uppgiften inte finns."))
    if any(row["remark"] for row in rows):
        notes.append(text("Preliminärt betyder att källan inte är känd till periodens slut: värdet kan ändras."))
    if any(row["covered"] for row in rows):
        notes.append(text("Täckning är den andel av dem som skulle följas upp som det finns besked om."))
    if any(row["gone"] for row in rows):
        notes.append(
            text("Gallrat betyder att uppgifter om personer har gallrats, och att summorna av dem inte räcker.")
        )
    if failed:
        notes.append(text("En del nyckeltal kunde inte hämtas."))
    caption = text("Från %(start)s till %(end)s. Målen gäller alla.", start=day(first["from"]), end=day(first["to"]))
    return {"missing": None, "rows": rows, "caption": caption, "notes": notes}


def _row(words: Words, indicator: Indicator, body: Mapping[str, Any]) -> dict[str, Any]:
    text = words.text
    by_sex = {row["dims"].get("sex"): row for row in body["rows"]}
    whole = by_sex[None]
    gone = whole["status"] == "not_available"
    judgements = {"met": text("uppfylls helt"), "partly": text("uppfylls delvis"), "not_met": text("uppfylls ej")}
    remark = text("Preliminärt: känt till och med %(day)s", day=words.day(body["as_of"]))
    return {
        "name": words.name(indicator),
        "swedish": not words.has_name(indicator),
        "remark": remark if body["preliminary"] else None,
        "cells": [_cell(words, indicator, whole if gone else by_sex.get(sex)) for sex in _COLUMNS],
        "target": text("inget mål") if whole["target"] is None else _value(words, indicator, whole["target"]),
        "judgement": judgements.get(whole["judgement"], text("bedöms inte")),
        "gone": gone,
        "covered": indicator.covered,
        "coverage": _coverage(words, whole["coverage"]) if indicator.covered else text("alla räknas"),
    }


def _cell(words: Words, indicator: Indicator, row: Mapping[str, Any] | None) -> dict[str, Any]:
    text, number = words.text, words.number
    if row is None or row["status"] == "no_data" or (row["value"] is None and row["status"] == "shown"):
        return {"shown": False, "text": UNKNOWN, "detail": None}
    if row["status"] == "not_available":
        return {"shown": False, "text": text("kan inte tas fram: gallrat"), "detail": None}
    if row["status"] == "low_coverage":
        least = words.percent(indicator.coverage_minimum or 0)
        detail = text("täckning %(share)s, minst %(least)s krävs", share=_coverage(words, row["coverage"]), least=least)
        return {"shown": False, "text": text("kan inte fastställas"), "detail": detail}
    shown = {"shown": True, "text": _value(words, indicator, row["value"]), "detail": None}
    if indicator.kind == "share":
        shown["detail"] = text("%(part)s av %(whole)s", part=number(row["numerator"]), whole=number(row["denominator"]))
    return shown


def _value(words: Words, indicator: Indicator, value: str) -> str:
    """Write a value with its unit: per cent, or the time in which a duration is counted."""
    if indicator.kind in (Kind.SHARE, Kind.SPLIT):
        return words.percent(value)
    number = words.number(value)
    if not isinstance(indicator.measured, Between):
        return number
    spoken = {
        "days": words.text("%(number)s dagar", number=number),
        "weeks": words.text("%(number)s veckor", number=number),
        "months": words.text("%(number)s månader", number=number),
        "years": words.text("%(number)s år", number=number),
    }
    return spoken[indicator.measured.unit]


def _coverage(words: Words, ratio: str | None) -> str:
    return UNKNOWN if ratio is None else words.percent((Decimal(ratio) * 100).quantize(Decimal("0.1")))
