"""From facts to checks by the protocols of the catalogue, and what state a check is in on a day. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from efterhand.catalogue.conditions import Find
from efterhand.catalogue.grammar.protocols import SUBJECTS
from efterhand.catalogue.model import Catalogue, Protocol
from efterhand.dates import age_on
from efterhand.timeline.derived import with_derived
from efterhand.timeline.events import EventRef
from efterhand.timeline.facts import Fact, Facts
from efterhand.timeline.rules import Subject, find_all, holds, look_up, matching


class State(StrEnum):
    """Where a check stands on a day."""

    SCHEDULED = "scheduled"
    UPCOMING = "upcoming"
    DUE = "due"
    OVERDUE = "overdue"
    MET = "met"
    MISSED = "missed"
    ANSWERED = "answered"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


UNSETTLED = frozenset({State.SCHEDULED, State.UPCOMING, State.DUE, State.OVERDUE})


@dataclass(frozen=True, slots=True)
class Check:
    """One protocol for one subject of one person, with what settles it.

    `outcome` is the earliest fact that settles it (met, answered, cancelled), or None, and `outcome_on` that fact's
    day; answered without a day means: by the register's report for the month of due, which has no business date.
    Giving up (missed, expired) is no fact but the absence of one: whether it has been reached is asked by `state_on`.
    `reason` is that of the closure, or where the measure led, when that is what the check follows; `measure_kind` and
    `provider` are those of the measure that it is about. `late_on` is the first day of what would have met or answered
    it and came too late for that, where nothing in time did.
    """

    protocol: str
    person: str
    subject: str
    case_id: str
    anchor_on: date
    due: date
    gives_up_on: date | None
    gives_up_as: str | None
    outcome: str | None
    outcome_on: date | None
    reason: str | None
    measure_kind: str | None
    provider: str | None
    response: str | None
    occupation: str | None
    same_field: bool | None
    case_closed_on: date | None
    first_received: date
    because: tuple[EventRef, ...]
    late_on: date | None = None

    @property
    def id(self) -> str:
        """`<protocol>:<person>:<subject>`."""
        return f"{self.protocol}:{self.person}:{self.subject}"

    @property
    def verdict(self) -> str | None:
        """What figures count: the outcome, unless the check gives up before it; None while there is neither."""
        if self.outcome_on is not None and self.gives_up_on is not None and self.outcome_on > self.gives_up_on:
            return None
        return self.outcome


def person_of(check_id: str) -> str:
    """Return the person in the id of a check; "" where it is no such id."""
    return check_id.split(":")[1] if check_id.count(":") == 2 else ""


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a check on a day, since when it is settled, and whether it was met after due."""

    state: State
    settled_on: date | None = None
    late: bool = False
    flag: str | None = None

    @property
    def settled(self) -> bool:
        """Whether nothing remains to be done."""
        return self.state not in UNSETTLED


def derive_checks(facts: Facts, catalogue: Catalogue) -> tuple[Check, ...]:
    """Return every check that the protocols ask for, whatever the day, ordered by protocol and subject."""
    everything = with_derived(facts, catalogue)
    return tuple(
        check
        for protocol in catalogue.protocols.values()
        for counted in facts.of(protocol.subject_fact)
        if (check := _check(protocol, counted, everything, catalogue)) is not None
    )


def _check(protocol: Protocol, counted: Fact, facts: Facts, catalogue: Catalogue) -> Check | None:
    anchor: date | None = counted.values[protocol.anchor]
    if anchor is None:
        return None
    birth_year = facts.birth_year
    values = {**counted.values, "age": None if birth_year is None else age_on(birth_year, anchor)}
    days: dict[str, date | None] = {"anchor": anchor}
    subject = str(counted.values[SUBJECTS[protocol.subject_fact]])
    judged = find_all(protocol.finds, Subject(facts, catalogue.facts, values, days, check=(protocol.id, subject)))
    if not holds(protocol.where, judged):
        return None
    due = judged.day(protocol.due)
    if due is None:
        return None
    days["due"] = due
    gives_up_on = None if protocol.gives_up is None else judged.day(protocol.gives_up)
    days["gives_up"] = gives_up_on
    outcome = _outcome(protocol, judged)
    held = counted.held_by(protocol.anchor)
    behind = [held.event, *(row.origin.event for row in judged.found.values() if isinstance(row, Fact))]
    case_id = str(counted.values["case_id"])
    return Check(
        protocol=protocol.id,
        person=facts.person,
        subject=subject,
        case_id=case_id,
        anchor_on=anchor,
        due=due,
        gives_up_on=gives_up_on,
        gives_up_as=protocol.gives_up_as,
        outcome=outcome.name,
        outcome_on=outcome.on,
        reason=counted.values["reason"] if protocol.anchor in _ENDINGS else None,
        measure_kind=counted.values.get("kind"),
        provider=counted.values.get("provider"),
        response=outcome.response,
        occupation=outcome.occupation,
        same_field=outcome.same_field,
        case_closed_on=facts.closed_on(case_id),
        first_received=held.first_received,
        because=tuple(dict.fromkeys([*behind, *outcome.events])),
        late_on=_late_on(protocol, judged) if outcome.name in (None, State.CANCELLED) else None,
    )


_ENDINGS: Final = ("closed_on", "ended_on")
"""Anchors that come with a reason."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    name: str | None = None
    on: date | None = None
    events: tuple[EventRef, ...] = ()
    response: str | None = None
    occupation: str | None = None
    same_field: bool | None = None


def _outcome(protocol: Protocol, subject: Subject) -> _Outcome:
    """Return the earliest fact that settles the check; on one day, meeting comes before cancelling."""
    months = [row for find in protocol.answered_by if find.at for row in matching(find, subject)]
    if months:
        return _Outcome("answered", None, (months[0].origin.event,))
    candidates = [
        outcome
        for outcome in (
            _first(protocol.met_by, subject, "met"),
            _answer(protocol.answered_by, subject),
            _first(protocol.cancelled_by, subject, "cancelled"),
        )
        if outcome is not None and outcome.on is not None
    ]
    if not candidates:
        return _Outcome()
    return min(candidates, key=lambda outcome: outcome.on or date.max)


def _late_on(protocol: Protocol, subject: Subject) -> date | None:
    """Return the first day of what would have settled the check with no last day to it, of one that gives up."""
    if protocol.gives_up is None:
        return None
    days: list[date | None] = []
    for find in (*protocol.met_by, *protocol.answered_by):
        day = find.day
        if day is not None and not find.at:
            days += [row.values[day] for row in matching(replace(find, upper=None), subject)]
    return min((each for each in days if each is not None), default=None)


def _first(finds: Iterable[Find], subject: Subject, name: str) -> _Outcome | None:
    """Return the earliest of what the finds come to."""
    rows = [
        (row.values[find.day], row.held_by(find.day).event)
        for find in finds
        if find.day is not None and (row := look_up(find, subject))
    ]
    if not rows:
        return None
    on, event = min(rows)
    return _Outcome(name, on, (event,))


def _answer(finds: Iterable[Find], subject: Subject) -> _Outcome | None:
    """Return the answer: the earliest that counts says when, the one recorded last says what."""
    replies = [row for find in finds if not find.at for row in matching(find, subject)]
    if not replies:
        return None
    settling = min(replies, key=lambda row: (row.values["answered_on"], row.rank))
    telling = max(replies, key=lambda row: row.rank)
    return _Outcome(
        name="answered",
        on=settling.values["answered_on"],
        events=tuple(dict.fromkeys([settling.origin.event, telling.origin.event])),
        response=telling.values["response"],
        occupation=telling.values["occupation"],
        same_field=telling.values["same_field"],
    )


def state_on(check: Check, protocol: Protocol, day: date, as_of: Mapping[str, date]) -> Standing | None:
    """Return where a check stands on a day, or None while its anchor lies ahead.

    Args:
        check: the check.
        protocol: its protocol.
        day: the day that is asked for; facts dated after it do not count on it.
        as_of: up to which day each feed is known. Giving up is told by absence alone, so it is reached only then.
    """
    if check.anchor_on > day:
        return None
    if check.outcome is not None and check.outcome_on is None:
        return Standing(State(check.outcome))
    known_to = min(as_of[protocol.feed], day)
    gave_up = check.gives_up_on is not None and check.gives_up_on <= known_to
    settled = check.outcome_on is not None and check.outcome_on <= day
    if check.outcome is not None and settled and (check.verdict is not None or not gave_up):
        late = check.outcome == State.MET and check.outcome_on is not None and check.outcome_on > check.due
        return Standing(State(check.outcome), check.outcome_on, late)
    if check.gives_up_as is not None and gave_up:
        return Standing(State(check.gives_up_as), check.gives_up_on)
    if day < check.due + timedelta(days=min(protocol.first_offset, 0)):
        return Standing(State.SCHEDULED)
    if day < check.due:
        return Standing(State.UPCOMING)
    if day == check.due:
        return Standing(State.DUE)
    return Standing(State.OVERDUE, flag=protocol.flag)


def next_change(facts: Facts, checks: Iterable[Check], catalogue: Catalogue, day: date) -> date | None:
    """Return the next later day on which a check or notice of the person can change though nothing more arrives."""
    days = facts.change_days()
    for check in checks:
        if not _settled_for_good(check, day):
            days.update(_days_of_change(check, catalogue.protocols[check.protocol]))
    return min((each for each in days if each > day), default=None)


def _settled_for_good(check: Check, day: date) -> bool:
    """Tell whether a fact has settled the check by that day: then no later day changes it."""
    if check.outcome is None or check.anchor_on > day:
        return False
    return check.outcome_on is None or check.outcome_on <= day


def _days_of_change(check: Check, protocol: Protocol) -> Iterable[date]:
    yield check.anchor_on
    yield check.due
    yield check.due + timedelta(days=1)
    for step in protocol.steps:
        yield check.due + timedelta(days=step.offset_days)
    for known in (check.outcome_on, check.gives_up_on, check.case_closed_on, check.late_on):
        if known is not None:
            yield known
