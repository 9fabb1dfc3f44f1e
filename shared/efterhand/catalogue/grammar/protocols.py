"""Protocols as they are written."""

from dataclasses import replace
from typing import Final

from efterhand.catalogue.conditions import ALWAYS, Find, Verb
from efterhand.catalogue.grammar.conditions import parse_condition
from efterhand.catalogue.grammar.lookups import parse_find, parse_finds
from efterhand.catalogue.grammar.scope import AGE, Scope, Words
from efterhand.catalogue.grammar.tests import OF_CHECKS, parse_tests
from efterhand.catalogue.model import FEEDS, SUMMED_AFTER_DAYS, Protocol, Recipient, Step
from efterhand.catalogue.phrases import Phrase, parse_phrase
from efterhand.catalogue.source import Place

_OPTIONAL: Final = (
    "english", "met_by", "answered_by", "cancelled_by", "gives_up", "flag", "tell", "none_once_closed",
    "summed_after_days", "tests",
)  # fmt: skip
SUBJECTS: Final = {"case": "case_id", "measure": "measure_id"}
"""What a check can be about, and the column with its id."""
LONGEST_SUMMED_AFTER_DAYS: Final = 3660
FLAGS: Final = ("green", "yellow", "red")


def parse_protocol(protocol_id: str, place: Place, words: Words) -> Protocol:
    """Read one protocol.

    Raises:
        CatalogueError: a key, fact, column, code, group or day is unknown or does not fit.
    """
    entries = place.fields(required=("name", "feed", "after", "due"), optional=_OPTIONAL)
    after = entries["after"].fields(required=("fact", "day"), optional=("where", "find"))
    counted = words.fact(after["fact"], after["fact"].one_of(SUBJECTS))
    anchor = after["day"].one_of(counted.days)
    at_anchor = parse_finds(after.get("find"), Scope(words, {**counted.columns, "age": AGE}, frozenset({"anchor"})))
    where = parse_condition(after["where"], at_anchor) if "where" in after else ALWAYS
    due = at_anchor.phrase(entries["due"])
    if due.count < 0:
        entries["due"].fail("a check cannot be due before its anchor")
    at_due = at_anchor.with_days("due")
    gives_up, gives_up_as = _gives_up(entries.get("gives_up"), at_due)
    whole = at_due.with_days("gives_up") if gives_up else at_due

    def settling(key: str) -> tuple[Find, ...]:
        return tuple(_settling(each, whole) for each in entries[key].items()) if key in entries else ()

    if "met_by" in entries and "answered_by" in entries:
        entries["answered_by"].fail("a check is either met or answered")
    return Protocol(
        id=protocol_id,
        name=entries["name"].text(),
        english=entries.get("english", entries["name"]).text(),
        feed=entries["feed"].one_of(FEEDS),
        subject_fact=counted.name,
        anchor=anchor,
        finds=at_anchor.finds,
        where=where,
        due=due,
        met_by=settling("met_by"),
        answered_by=settling("answered_by"),
        cancelled_by=settling("cancelled_by"),
        gives_up=gives_up,
        gives_up_as=gives_up_as,
        flag=entries["flag"].one_of(FLAGS) if "flag" in entries else None,
        steps=_steps(entries.get("tell")),
        none_once_closed=entries["none_once_closed"].flag() if "none_once_closed" in entries else False,
        summed_after_days=_summed_after_days(entries.get("summed_after_days")),
        tests=parse_tests(entries.get("tests"), words, when="on", keys=OF_CHECKS, check=protocol_id),
    )


def _settling(place: Place, scope: Scope) -> Find:
    find = parse_find(place, scope)
    if find.verb not in (Verb.FIRST, Verb.AT):
        place.fail("what settles a check is the first of something, or the month 'at' a day")
    return find


def _gives_up(place: Place | None, scope: Scope) -> tuple[Phrase | None, str | None]:
    if place is None:
        return None, None
    entries = place.fields(required=("day", "as"))
    return scope.phrase(entries["day"]), entries["as"].one_of(("missed", "expired"))


def _steps(place: Place | None) -> tuple[Step, ...]:
    if place is None:
        return ()
    steps = []
    for entry in place.items():
        fields = entry.fields(required=("day", "who"))
        try:
            phrase = parse_phrase(fields["day"].text())
        except ValueError as error:
            fields["day"].fail(str(error))
        if phrase.name != "due" or phrase.unit != "days":
            fields["day"].fail("a reminder is so many days from due: 'due - 14 days'")
        steps.append(Step(phrase.count, Recipient(fields["who"].one_of([each.value for each in Recipient]))))
    if len({step.offset_days for step in steps}) != len(steps):
        place.fail("two reminders on the same day")
    return tuple(sorted(steps, key=lambda step: step.offset_days))


def _summed_after_days(place: Place | None) -> int:
    if place is None:
        return SUMMED_AFTER_DAYS
    days = place.integer()
    if not 0 <= days <= LONGEST_SUMMED_AFTER_DAYS:
        place.fail(f"a number of days from 0 to {LONGEST_SUMMED_AFTER_DAYS}")
    return days


def what_decides(protocol: Protocol) -> Protocol:
    """Return a protocol without what has no part in what its checks come to: names, feed, reminders."""
    return replace(without_reminders(protocol), name="", english="", feed="", flag=None, tests=())


def without_reminders(protocol: Protocol) -> Protocol:
    """Return a protocol that tells nobody."""
    return replace(protocol, steps=(), none_once_closed=False, summed_after_days=SUMMED_AFTER_DAYS)
