"""Checks: what must be found out or must have happened by a date, and what it has come to on a day.

A check's fate is found by walking the days up to the day asked for (those on which anything is dated, and the day of
giving up): the first day on which something meets or answers it, cancels it or gives it up settles it, on one day in
that order, and it stays settled.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from tests.reference.days import age, month_of, plus_days, plus_months, plus_working_days
from tests.reference.history import Event, History, as_of, histories, on, rank, received_on
from tests.reference.municipality import Municipality

PROTOCOLS = (
    "offer_90d",
    "plan_5d",
    "occupation_3m",
    "occupation_6m",
    "higher_vocational_6m",
    "assistance_7m",
    "assistance_4m",
    "in_measure_3m",
    "in_measure_6m",
    "in_measure_12m",
)

AFTER_A_CASE = ("offer_90d", "plan_5d", "occupation_6m", "assistance_7m")
"""Those whose subject is a case; of the others it is a measure."""

ANSWERED_BY_PEOPLE = ("occupation_3m", "occupation_6m", "higher_vocational_6m")
ANSWERED_BY_THE_REGISTER = ("assistance_7m", "assistance_4m")
WHILE_IN_A_MEASURE = ("in_measure_3m", "in_measure_6m", "in_measure_12m")

ANCHOR = {
    "offer_90d": "case.enrolled",
    "plan_5d": "case.enrolled",
    "occupation_3m": "measure.ended",
    "occupation_6m": "case.closed",
    "higher_vocational_6m": "measure.ended",
    "assistance_7m": "case.closed",
    "assistance_4m": "measure.ended",
    "in_measure_3m": "measure.started",
    "in_measure_6m": "measure.started",
    "in_measure_12m": "measure.started",
}
"""The event after which a check is due."""

FEED = {
    "offer_90d": "cases",
    "plan_5d": "cases",
    "occupation_3m": "answers",
    "occupation_6m": "answers",
    "higher_vocational_6m": "answers",
    "assistance_7m": "assistance",
    "assistance_4m": "assistance",
    "in_measure_3m": "cases",
    "in_measure_6m": "cases",
    "in_measure_12m": "cases",
}
"""The feed whose silence can miss or expire a check; in a measure nothing ever gives up."""

FIRST_REMINDER = {"offer_90d": -30, "occupation_3m": -14, "occupation_6m": -14, "higher_vocational_6m": -14}
"""Days from due to a first reminder before it. A protocol without such a one is scheduled until due."""

FLAG = {"in_measure_3m": "green", "in_measure_6m": "yellow", "in_measure_12m": "red"}
"""What a check shows while the measure goes on after due."""


@dataclass(frozen=True)
class Check:
    """A check as it is on a day."""

    id: str
    protocol: str
    person: str
    subject: str
    anchor_on: date
    due: date
    state: str
    settled_on: date | None
    unit: str
    worker: str | None
    response: str | None
    occupation: str | None
    same_field: bool | None
    case_closed: bool
    """The case is closed on the day asked for, the day of closure included."""
    first_received: date
    """The first receipt among the events, not retracted, that set the anchor's fact."""
    protected: bool
    late: bool = False
    """Met after due: only a check that never gives up can be."""
    flag: str | None = None
    """green, yellow or red while a measure goes on after due."""
    case: str = ""
    """The subject, or the case of the measure that is the subject."""


def checks(
    events: list[Event],
    asked: date,
    business_date: date,
    municipality: Municipality,
    protocols: Iterable[str] = PROTOCOLS,
) -> list[Check]:
    """Every check of these protocols that exists on the day asked for, as it is on it, by id."""
    found: list[Check] = []
    known_to = {protocol: as_of(events, FEED[protocol], business_date) for protocol in protocols}
    for history in histories(events):
        for protocol, known in known_to.items():
            for subject in subjects(history, protocol):
                check = check_on(history, protocol, subject, asked, known, municipality)
                if check is not None:
                    found.append(check)
    return sorted(found, key=lambda c: c.id)


def subjects(history: History, protocol: str) -> list[str]:
    """The person's cases, or measures, that a protocol asks about."""
    return history.cases() if protocol in AFTER_A_CASE else history.measures()


def case_of(history: History, protocol: str, subject: str) -> str:
    """The case of a check: its subject, or that of its measure's start."""
    return subject if protocol in AFTER_A_CASE else history.measure_case(subject)


def anchor(history: History, protocol: str, subject: str, municipality: Municipality) -> date | None:
    """The day after which the check is due; None where the protocol is not for this subject."""
    if protocol == "offer_90d":
        birth_year, enrolled = history.birth_year(), history.enrolled_on(subject)
        assert birth_year is not None
        return enrolled if 16 <= age(birth_year, enrolled) <= 29 else None
    if protocol == "plan_5d":
        return history.enrolled_on(subject)
    if protocol == "occupation_6m":
        closed = history.closed_on(subject)
        if closed is None or history.reason(subject) not in municipality.livelihood:
            return None
        return closed if history.consents_on(closed) else None
    if protocol == "assistance_7m":
        closed = history.closed_on(subject)
        if closed is None or history.reason(subject) in ("referred_back", "deceased"):
            return None
        return closed
    if protocol in WHILE_IN_A_MEASURE:
        return history.started_on(subject)
    # what follows a measure's end needs the event measure.ended
    kind, ended, result = (
        history.said_of_measure(subject, "kind"),
        history.ended_on(subject),
        history.said_of_measure(subject, "result"),
    )
    if protocol == "occupation_3m":
        training = kind in ("vocational_training", "combination_training") and result != "interrupted"
        return ended if kind == "stockholmsjobb" or training else None
    if protocol == "higher_vocational_6m":
        return ended if kind == "higher_vocational" and result == "completed" else None
    assert protocol == "assistance_4m"
    return ended if kind == "stockholmsjobb" else None


def due_day(protocol: str, anchor_on: date) -> date:
    """Days and working days are counted after the anchor's day; months clamp."""
    if protocol == "offer_90d":
        return plus_days(anchor_on, 90)
    if protocol == "plan_5d":
        return plus_working_days(anchor_on, 5)
    months = {
        "occupation_3m": 3,
        "occupation_6m": 6,
        "higher_vocational_6m": 6,
        "assistance_7m": 7,
        "assistance_4m": 4,
        "in_measure_3m": 3,
        "in_measure_6m": 6,
        "in_measure_12m": 12,
    }
    return plus_months(anchor_on, months[protocol])


def gives_up_day(protocol: str, due: date) -> date | None:
    """Due + 1 day; due + 2 months; due + 3 months; never."""
    if protocol in ("offer_90d", "plan_5d"):
        return plus_days(due, 1)
    if protocol in ANSWERED_BY_PEOPLE:
        return plus_months(due, 2)
    if protocol in ANSWERED_BY_THE_REGISTER:
        return plus_months(due, 3)
    return None


def met_as(protocol: str) -> str:
    """What it is called when what was to happen happened, or was found out."""
    return "answered" if protocol in ANSWERED_BY_PEOPLE + ANSWERED_BY_THE_REGISTER else "met"


def given_up_as(protocol: str) -> str:
    """What it is called when it did not."""
    return "missed" if protocol in ("offer_90d", "plan_5d") else "expired"


def answers_that_count(history: History, protocol: str, subject: str, anchor_on: date, asked: date) -> list[Event]:
    """Answers dated on or after the anchor's day and before the day of giving up, and not after the day asked for."""
    before = gives_up_day(protocol, due_day(protocol, anchor_on))
    assert before is not None
    return [
        e
        for e in history.standing("followup.answered")
        if e["data"]["check"] == protocol and e["data"]["subject"] == subject
        if anchor_on <= on(e) < before and on(e) <= asked
    ]


def met_on(
    history: History, protocol: str, subject: str, anchor_on: date, day: date, municipality: Municipality
) -> bool:
    """Whether something dated this very day meets or answers the check."""
    in_time = anchor_on <= day <= due_day(protocol, anchor_on)
    if protocol == "offer_90d":
        livelihood = history.closed_on(subject) == day and history.reason(subject) in municipality.livelihood
        return in_time and (day in history.acts(subject, "offer.made") or livelihood)
    if protocol == "plan_5d":
        return in_time and day in history.acts(subject, "plan.set")
    if protocol in ANSWERED_BY_PEOPLE:
        return any(on(e) == day for e in answers_that_count(history, protocol, subject, anchor_on, day))
    if protocol in WHILE_IN_A_MEASURE:
        return history.last_day(subject) == day
    return False  # an assistance report has no day


def cancelled_on(
    history: History, protocol: str, subject: str, anchor_on: date, day: date, municipality: Municipality
) -> bool:
    """Whether something dated this very day cancels the check. A death may lie before the anchor."""
    due = due_day(protocol, anchor_on)
    if protocol == "offer_90d":
        return history.closed_on(subject) == day <= due and history.reason(subject) in municipality.neutral
    if protocol == "plan_5d":
        return history.closed_on(subject) == day <= due
    if protocol == "occupation_6m":
        enrolled_again = any(
            other != subject and history.enrolled_on(other) == day and anchor_on < day < due
            for other in history.cases()
        )
        withdrawn = day > anchor_on and history.consent_said().get(day) is False
        return enrolled_again or withdrawn or day in history.died_on()
    if protocol in ("occupation_3m", "higher_vocational_6m"):
        return day in history.died_on()
    return False


def settlement(
    history: History,
    protocol: str,
    subject: str,
    anchor_on: date,
    asked: date,
    known_to: date,
    municipality: Municipality,
) -> tuple[str, date | None] | None:
    """What has settled the check by the end of the day asked for, and when; None while nothing has.

    `known_to` is as_of of the protocol's feed: giving up is reached on it, so that nobody is told "missed" while the
    night's file has not come.
    """
    due = due_day(protocol, anchor_on)
    gives_up = gives_up_day(protocol, due)
    if protocol in ANSWERED_BY_THE_REGISTER and history.assistance(month_of(due)) is not None:
        return "answered", None  # on every day, whenever it came
    days = set(history.dated_days())
    if gives_up is not None:
        days.add(gives_up)
    for day in sorted(days):
        if day > asked:
            break
        if met_on(history, protocol, subject, anchor_on, day, municipality):
            return met_as(protocol), day
        if cancelled_on(history, protocol, subject, anchor_on, day, municipality):
            return "cancelled", day
        if day == gives_up and known_to >= gives_up:
            return given_up_as(protocol), day
    return None


def unsettled_state(protocol: str, due: date, asked: date) -> str:
    """scheduled until the first reminder's moment, upcoming until due, due, overdue."""
    if asked > due:
        return "overdue"
    if asked == due:
        return "due"
    if protocol in FIRST_REMINDER and asked >= plus_days(due, FIRST_REMINDER[protocol]):
        return "upcoming"
    return "scheduled"


def check_on(
    history: History, protocol: str, subject: str, asked: date, known_to: date, municipality: Municipality
) -> Check | None:
    """One check as it is on the day asked for. What is dated after that day does not count on it."""
    anchor_on = anchor(history, protocol, subject, municipality)
    if anchor_on is None or anchor_on > asked:
        return None
    due = due_day(protocol, anchor_on)
    settled = settlement(history, protocol, subject, anchor_on, asked, known_to, municipality)
    state, settled_on = settled or (unsettled_state(protocol, due, asked), None)
    answer = None
    if protocol in ANSWERED_BY_PEOPLE and state == "answered":
        # of those that count the greatest says what was answered
        answer = max(answers_that_count(history, protocol, subject, anchor_on, asked), key=rank)["data"]
    case = case_of(history, protocol, subject)
    closed = history.closed_on(case)
    return Check(
        id=f"{protocol}:{history.person}:{subject}",
        protocol=protocol,
        person=history.person,
        subject=subject,
        anchor_on=anchor_on,
        due=due,
        state=state,
        settled_on=settled_on,
        unit=history.attribute_on(case, "unit", asked),
        worker=history.worker_on(case, asked),
        response=answer["response"] if answer else None,
        occupation=answer.get("occupation") if answer else None,
        same_field=answer.get("same_field") if answer else None,
        case_closed=closed is not None and closed <= asked,
        first_received=first_received(history, protocol, subject),
        protected=history.protected_on(asked),
        late=protocol in WHILE_IN_A_MEASURE and settled_on is not None and settled_on > due,
        flag=FLAG.get(protocol) if state == "overdue" else None,
        case=case,
    )


def first_received(history: History, protocol: str, subject: str) -> date:
    """The first receipt among the events, not retracted, that set the anchor's fact."""
    key = "case" if protocol in AFTER_A_CASE else "measure"
    return min(received_on(e) for e in history.standing(ANCHOR[protocol]) if e["data"][key] == subject)


@dataclass(frozen=True)
class Outcome:
    """What a check comes to when everything known counts and nothing more happens: for figures."""

    anchor_on: date
    due: date
    state: str
    answer: dict[str, object]
    """What was answered; empty where nothing was, and where the answer was declined."""


def in_the_end(history: History, protocol: str, subject: str, municipality: Municipality) -> Outcome | None:
    """The outcome of a check, if the protocol is for that subject."""
    anchor_on = anchor(history, protocol, subject, municipality)
    if anchor_on is None:
        return None
    due = due_day(protocol, anchor_on)
    end_of_all = max([gives_up_day(protocol, due) or due, *history.dated_days()])
    settled = settlement(history, protocol, subject, anchor_on, end_of_all, end_of_all, municipality)
    state = settled[0] if settled else "overdue"  # what never gives up may stay open
    answer: dict[str, object] = {}
    if protocol in ANSWERED_BY_PEOPLE and state == "answered":
        said = max(answers_that_count(history, protocol, subject, anchor_on, end_of_all), key=rank)["data"]
        answer = said if said["response"] == "answered" else {}
    return Outcome(anchor_on, due, state, answer)
