"""What changed between two catalogues, in words: units, code lists, definitions, targets, reminders. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from efterhand.catalogue.grammar.protocols import what_decides, without_reminders
from efterhand.catalogue.model import Catalogue, Formula, Indicator, Protocol
from efterhand.catalogue.reading import kinds_read_by_protocol
from efterhand.catalogue.sentences import (
    LANGUAGES,
    Definition,
    Language,
    fact_in_words,
    reminders_of,
    sentences_of,
)
from efterhand.catalogue.units import Edge

_ONE_DAY: Final = timedelta(days=1)
_LISTS: Final[Mapping[str, tuple[str, str]]] = {
    "reasons": ("avslutsorsaker", "reasons of closure"),
    "target_groups": ("målgrupper", "target groups"),
    "measure_kinds": ("slag av insatser", "kinds of measures"),
    "offer_kinds": ("slag av erbjudanden", "kinds of offers"),
    "providers": ("anordnare", "providers"),
    "funders": ("finansiärer", "funders"),
    "results": ("resultat", "results"),
}


class Part(StrEnum):
    """What of a catalogue changed."""

    UNIT = "unit"
    CODELIST = "codelist"
    GROUP = "group"
    FACT = "fact"
    PROTOCOL = "protocol"
    INDICATOR = "indicator"
    FORMULA = "formula"
    TARGET = "target"
    REMINDER = "reminder"


class What(StrEnum):
    """What became of it."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    MOVED = "moved"
    MERGED = "merged"
    CLOSED = "closed"
    CHANGED = "changed"


@dataclass(frozen=True)
class Change:
    """One change in words.

    `id` is that of what changed. `decides` tells whether figures or checks can come out another way by it, so that
    they have to be worked out again.
    """

    part: Part
    what: What
    id: str
    swedish: str
    english: str
    decides: bool = False

    def text(self, language: Language) -> str:
        """Return the change in one language."""
        return self.swedish if language == "sv" else self.english


def differences(before: Catalogue, after: Catalogue) -> tuple[Change, ...]:
    """Return what changed from one catalogue to another, part by part; nothing where they mean the same."""
    return (
        *_units(before, after),
        *_codelists(before, after),
        *_groups(before, after),
        *_facts(before, after),
        *_protocols(before, after),
        *_indicators(before, after),
        *_formulas(before, after),
    )


# Units


def _units(before: Catalogue, after: Catalogue) -> Iterator[Change]:
    old, new = before.units.units, after.units.units
    for unit in new:
        if unit not in old:
            yield Change(
                Part.UNIT,
                What.ADDED,
                unit,
                f"Ny enhet: ”{new[unit].name}”.",
                f"New unit: “{new[unit].name}”.",
                decides=True,
            )
        elif new[unit].name != old[unit].name:
            yield Change(
                Part.UNIT,
                What.RENAMED,
                unit,
                f"Enheten ”{old[unit].name}” heter nu ”{new[unit].name}”.",
                f"The unit “{old[unit].name}” is now called “{new[unit].name}”.",
            )
    for unit in old:
        if unit not in new:
            yield Change(
                Part.UNIT,
                What.REMOVED,
                unit,
                f"Enheten ”{old[unit].name}” finns inte längre i katalogen.",
                f"The unit “{old[unit].name}” is no longer in the catalogue.",
                decides=True,
            )
    yield from _edges(before, after)


def _edges(before: Catalogue, after: Catalogue) -> Iterator[Change]:
    names = {**before.units.units, **after.units.units}
    merged: dict[tuple[str, date], list[str]] = {}
    for unit in names:
        kept_or_new = [edge for edge in after.units.edges if edge.child == unit and edge not in before.units.edges]
        for edge in kept_or_new:
            if edge.parent not in before.units.units and unit in before.units.units:
                merged.setdefault((edge.parent, edge.from_on), []).append(unit)
    together = {key: units for key, units in merged.items() if len(units) > 1}
    for (parent, day), units in together.items():
        called = [names[unit].name for unit in units]
        yield Change(
            Part.UNIT,
            What.MERGED,
            parent,
            f"{_list(called, 'och', '”', '”')} går ihop i ”{names[parent].name}” från och med {day}.",
            f"{_list(called, 'and', '“', '”')} merge into “{names[parent].name}” from {day} on.",
            decides=True,
        )
    for unit in names:
        in_merger = {(parent, day) for (parent, day), units in together.items() if unit in units}
        yield from _edges_of(unit, before, after, in_merger)


def _edges_of(unit: str, before: Catalogue, after: Catalogue, in_merger: set[tuple[str, date]]) -> Iterator[Change]:
    names = {**before.units.units, **after.units.units}
    if unit not in after.units.units:
        return
    old = [edge for edge in before.units.edges if edge.child == unit]
    new = [edge for edge in after.units.edges if edge.child == unit]
    gone, come = [edge for edge in old if edge not in new], [edge for edge in new if edge not in old]
    called, fresh = names[unit].name, unit not in before.units.units

    def change(what: What, swedish: str, english: str) -> Change:
        return Change(Part.UNIT, what, unit, swedish, english, decides=True)

    ended = {
        edge: next((e for e in gone if (e.parent, e.from_on) == (edge.parent, edge.from_on)), None) for edge in come
    }
    for edge in come:
        above, was = names[edge.parent].name, ended[edge]
        if (edge.parent, edge.from_on) in in_merger:
            continue
        if was is not None:
            follows = any(other.from_on - _ONE_DAY == edge.to_on for other in new)
            if edge.to_on is not None and not follows:
                closes = was.to_on is None
                yield change(
                    What.CLOSED if closes else What.CHANGED,
                    f"”{called}” {'stänger' if closes else 'ligger under ”' + above + '” till och med'} {edge.to_on}.",
                    f"“{called}” {'closes on' if closes else 'lies under “' + above + '” until'} {edge.to_on}.",
                )
            elif edge.to_on is None:
                yield change(
                    What.CHANGED,
                    f"”{called}” ligger kvar under ”{above}” även efter {was.to_on}.",
                    f"“{called}” stays under “{above}” also after {was.to_on}.",
                )
            continue
        moved = not fresh and any(_ends_with(other, edge.from_on) for other in new if other != edge)
        until_sv = "" if edge.to_on is None else f" till och med {edge.to_on}"
        until_en = "" if edge.to_on is None else f" until {edge.to_on}"
        word_sv, word_en = ("flyttar till", "moves to") if moved else ("ligger under", "lies under")
        yield change(
            What.MOVED if moved else What.ADDED if fresh else What.CHANGED,
            f"”{called}” {word_sv} ”{above}” från och med {edge.from_on}{until_sv}.",
            f"“{called}” {word_en} “{above}” from {edge.from_on} on{until_en}.",
        )
    for edge in gone:
        if edge in ended.values():
            continue
        above = names[edge.parent].name
        yield change(
            What.CHANGED,
            f"”{called}” ligger inte längre under ”{above}” från och med {edge.from_on}.",
            f"“{called}” no longer lies under “{above}” from {edge.from_on} on.",
        )


def _ends_with(edge: Edge, day: date) -> bool:
    return edge.to_on is not None and edge.to_on + _ONE_DAY == day


def _list(names: Iterable[str], word: str, opening: str, closing: str) -> str:
    quoted = [f"{opening}{name}{closing}" for name in names]
    return f"{', '.join(quoted[:-1])} {word} {quoted[-1]}" if len(quoted) > 1 else "".join(quoted)


# Code lists and groups


def _codelists(before: Catalogue, after: Catalogue) -> Iterator[Change]:
    for name, new in after.codelists.items():
        old = before.codelists.get(name, {})
        swedish, english = _LISTS.get(name, (name, name))
        for code in new:
            if code not in old:
                yield Change(
                    Part.CODELIST,
                    What.ADDED,
                    f"{name}.{code}",
                    f"Ny kod bland {swedish}: ”{new[code]}” ({code}).",
                    f"New code among the {english}: “{new[code]}” ({code}).",
                )
            elif new[code] != old[code]:
                yield Change(
                    Part.CODELIST,
                    What.RENAMED,
                    f"{name}.{code}",
                    f"”{old[code]}” bland {swedish} heter nu ”{new[code]}” ({code}).",
                    f"“{old[code]}” among the {english} is now called “{new[code]}” ({code}).",
                )
            elif after.code_name(name, code, english=True) != before.code_name(name, code, english=True):
                called = after.code_name(name, code, english=True)
                yield Change(
                    Part.CODELIST,
                    What.RENAMED,
                    f"{name}.{code}",
                    f"”{old[code]}” bland {swedish} heter nu på engelska ”{called}” ({code}).",
                    f"“{old[code]}” among the {english} is now called “{called}” in English ({code}).",
                )
        for code in old:
            if code not in new:
                yield Change(
                    Part.CODELIST,
                    What.REMOVED,
                    f"{name}.{code}",
                    f"”{old[code]}” ({code}) är borttagen bland {swedish}.",
                    f"“{old[code]}” ({code}) is removed from the {english}.",
                )


def _groups(before: Catalogue, after: Catalogue) -> Iterator[Change]:
    for name in {**before.groups, **after.groups}:
        old, new = before.groups.get(name), after.groups.get(name)
        if old == new:
            continue
        if old is None or new is None:
            what = What.ADDED if old is None else What.REMOVED
            codes = ", ".join(sorted(new or old or ()))
            swedish, english = ("Ny grupp", "New group") if old is None else ("Borttagen grupp", "Removed group")
            yield Change(Part.GROUP, what, name, f"{swedish}: {name} ({codes}).", f"{english}: {name} ({codes}).")
            continue
        come, gone = ", ".join(sorted(new - old)), ", ".join(sorted(old - new))
        swedish = "; ".join([f"nu även {come}"] * bool(come) + [f"inte längre {gone}"] * bool(gone))
        english = "; ".join([f"now also {come}"] * bool(come) + [f"no longer {gone}"] * bool(gone))
        yield Change(Part.GROUP, What.CHANGED, name, f"Gruppen {name}: {swedish}.", f"The group {name}: {english}.")


def _facts(before: Catalogue, after: Catalogue) -> Iterator[Change]:
    for name in {**before.derived, **after.derived}:
        old, new = before.derived.get(name), after.derived.get(name)
        if old == new:
            continue
        what = What.ADDED if old is None else What.REMOVED if new is None else What.CHANGED
        said = {}
        for language in LANGUAGES:
            was = None if old is None else fact_in_words(before, old, language)
            now = None if new is None else fact_in_words(after, new, language)
            said[language] = _was_and_now([was] if was else [], [now] if now else [], language)
        yield Change(Part.FACT, what, name, f"”{name}”: {said['sv']}", f"“{name}”: {said['en']}", decides=True)


# Definitions


def _protocols(before: Catalogue, after: Catalogue) -> Iterator[Change]:
    for protocol_id in {**before.protocols, **after.protocols}:
        old, new = before.protocols.get(protocol_id), after.protocols.get(protocol_id)
        if old is None or new is None:
            yield _come_or_gone(Part.PROTOCOL, old, new)
            continue
        yield from _renamed(Part.PROTOCOL, old, new)
        yield from _said_otherwise(
            Part.PROTOCOL,
            (before, without_reminders(old)),
            (after, without_reminders(new)),
            decides=_decides(before, old) != _decides(after, new),
        )
        if _reminding(old) != _reminding(new):
            was = {language: reminders_of(before, old, language) for language in LANGUAGES}
            now = {language: reminders_of(after, new, language) for language in LANGUAGES}
            yield _change(Part.REMINDER, What.CHANGED, new, was, now)


def _reminding(protocol: Protocol) -> tuple[object, ...]:
    return protocol.steps, protocol.none_once_closed, protocol.summed_after_days


def _decides(catalogue: Catalogue, protocol: Protocol) -> tuple[object, ...]:
    """Return what decides a protocol's checks, with how the facts that it looks up are derived."""
    read = kinds_read_by_protocol(protocol)
    return what_decides(protocol), {name: fact for name, fact in catalogue.derived.items() if name in read}


def _indicators(before: Catalogue, after: Catalogue) -> Iterator[Change]:
    for indicator_id in {**before.indicators, **after.indicators}:
        old, new = before.indicators.get(indicator_id), after.indicators.get(indicator_id)
        if old is None or new is None:
            yield _come_or_gone(Part.INDICATOR, old, new)
            continue
        yield from _renamed(Part.INDICATOR, old, new)
        yield from _said_otherwise(
            Part.INDICATOR,
            (before, replace(old, targets={})),
            (after, replace(new, targets={})),
            decides=old.definition != new.definition,
        )
        yield from _targets(old, new)


def _formulas(before: Catalogue, after: Catalogue) -> Iterator[Change]:
    for formula_id in {**before.formulas, **after.formulas}:
        old, new = before.formulas.get(formula_id), after.formulas.get(formula_id)
        if old is None or new is None:
            yield _come_or_gone(Part.FORMULA, old, new)
            continue
        yield from _renamed(Part.FORMULA, old, new)
        yield from _said_otherwise(
            Part.FORMULA,
            (before, replace(old, targets={})),
            (after, replace(new, targets={})),
            decides=False,
        )
        yield from _targets(old, new)


_KINDS: Final[Mapping[Part, tuple[str, str]]] = {
    Part.PROTOCOL: ("Uppföljningen", "The protocol"),
    Part.INDICATOR: ("Nyckeltalet", "The indicator"),
    Part.FORMULA: ("Nyckeltalet", "The indicator"),
    Part.REMINDER: ("Påminnelserna för", "The reminders of"),
}


def _come_or_gone(part: Part, old: Definition | None, new: Definition | None) -> Change:
    definition = new or old
    assert definition is not None  # noqa: S101
    swedish, english = _KINDS[part]
    told_sv = "är nytt" if part is not Part.PROTOCOL else "är ny"
    if new is None:
        told_sv = "är borttaget" if part is not Part.PROTOCOL else "är borttagen"
    told_en = "is new" if new is not None else "is removed"
    return Change(
        part,
        What.REMOVED if new is None else What.ADDED,
        definition.id,
        f"{swedish} ”{definition.name}” {told_sv}.",
        f"{english} “{definition.english}” {told_en}.",
        decides=part is not Part.FORMULA,
    )


def _renamed(part: Part, old: Definition, new: Definition) -> Iterator[Change]:
    if (old.name, old.english) != (new.name, new.english):
        swedish, english = _KINDS[part]
        yield Change(
            part,
            What.RENAMED,
            new.id,
            f"{swedish} ”{old.name}” heter nu ”{new.name}”.",
            f"{english} “{old.english}” is now called “{new.english}”.",
        )


def _said_otherwise(
    part: Part, old: tuple[Catalogue, Definition], new: tuple[Catalogue, Definition], *, decides: bool
) -> Iterator[Change]:
    """Say which sentences about a definition are others now; other names of codes are told by themselves."""
    if not decides and _meaning(old[1]) == _meaning(new[1]):
        return
    was = {language: sentences_of(*old, language) for language in LANGUAGES}
    now = {language: sentences_of(*new, language) for language in LANGUAGES}
    if was != now or decides:
        yield _change(part, What.CHANGED, new[1], was, now, decides=decides)


def _meaning(definition: Definition) -> Definition:
    """Return a definition without what is told by itself, or is no part of what it means."""
    if isinstance(definition, Formula):
        return replace(definition, name="", english="", targets={})
    if isinstance(definition, Indicator):
        return replace(definition, name="", english="", targets={}, tests=(), definition="")
    return replace(definition, name="", english="", tests=())


def _change(
    part: Part,
    what: What,
    definition: Definition,
    was: Mapping[Language, list[str]],
    now: Mapping[Language, list[str]],
    *,
    decides: bool = False,
) -> Change:
    swedish, english = _KINDS[part]
    said = {}
    for language in LANGUAGES:
        old = [each for each in was[language] if each not in now[language]]
        new = [each for each in now[language] if each not in was[language]]
        said[language] = _was_and_now(old, new, language)
    return Change(
        part,
        what,
        definition.id,
        f"{swedish} ”{definition.name}”: {said['sv']}",
        f"{english} “{definition.english}”: {said['en']}",
        decides=decides,
    )


def _was_and_now(was: Iterable[str], now: Iterable[str], language: Language) -> str:
    words = ("Förut: ", "Nu: ") if language == "sv" else ("Before: ", "Now: ")
    told = [f"{word}{' '.join(texts)}" for word, texts in zip(words, (list(was), list(now)), strict=True) if texts]
    if not told:
        return "Det den bygger på är ändrat." if language == "sv" else "What it rests on has changed."
    return " ".join(told)


def _targets(old: Indicator | Formula, new: Indicator | Formula) -> Iterator[Change]:
    for year in sorted({*old.targets, *new.targets}):
        was, now = old.targets.get(year), new.targets.get(year)
        if was == now:
            continue
        what = What.ADDED if was is None else What.REMOVED if now is None else What.CHANGED
        swedish = f"Målet {year} för ”{new.name}”: {_goal(was, 'sv')} förut, {_goal(now, 'sv')} nu."
        english = f"The target of “{new.english}” for {year}: {_goal(was, 'en')} before, {_goal(now, 'en')} now."
        yield Change(Part.TARGET, what, f"{new.id}.{year}", swedish, english)


def _goal(goal: Decimal | None, language: Language) -> str:
    if goal is None:
        return "inget" if language == "sv" else "none"
    text = format(goal, "f")
    return text.replace(".", ",") if language == "sv" else text
