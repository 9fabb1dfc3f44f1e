"""Checks: what must be found out or must have happened by a date, and what it has come to on a day.

A check's fate is found by walking the days up to the day asked for (those on which anything is dated, and the day of
giving up): the first day on which something meets or answers it, cancels it or gives it up settles it, on one day in
that order, and it stays settled.
"""

from dataclasses import dataclass
from datetime import date

from tests.reference.days import age, month_of, plus_days, plus_months
from tests.reference.history import Event, History, as_of, histories, on, rank, received_on
from tests.reference.municipality import Municipality

FEED = {"offer_90d": "cases", "occupation_6m": "answers", "assistance_7m": "assistance"}
"""The feed whose silence can miss or expire a check: cases for the first two, answers, assistance."""

FIRST_REMINDER = {"offer_90d": -30, "occupation_6m": -14}
"""Days from due to the first reminder's moment. A protocol without reminders is scheduled until due."""

GIVES_UP_AS = {"offer_90d": "missed", "occupation_6m": "expired", "assistance_7m": "expired"}


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
    """Only a check that never gives up can be met late; none of these three is such a one."""
    flag: str | None = None
    """The same."""


def checks(events: list[Event], asked: date, business_date: date, municipality: Municipality) -> list[Check]:
    """Every check that exists on the day asked for, as it is on it, by id."""
    found: list[Check] = []
    known_to = {protocol: as_of(events, feed, business_date) for protocol, feed in FEED.items()}
    for history in histories(events):
        for protocol in FEED:
            for case in history.cases():
                check = check_on(history, protocol, case, asked, known_to[protocol], municipality)
                if check is not None:
                    found.append(check)
    return sorted(found, key=lambda c: c.id)


def anchor(history: History, protocol: str, case: str, municipality: Municipality) -> tuple[date, str] | None:
    """The day after which the check is due, and the type of event that sets it; None where it is not for this case."""
    if protocol == "offer_90d":
        birth_year = history.birth_year()
        assert birth_year is not None
        enrolled = history.enrolled_on(case)
        return (enrolled, "case.enrolled") if 16 <= age(birth_year, enrolled) <= 29 else None
    closed, reason = history.closed_on(case), history.reason(case)
    if closed is None or reason is None:
        return None
    if protocol == "occupation_6m":
        for_it = reason in municipality.livelihood and history.consents_on(closed)
        return (closed, "case.closed") if for_it else None
    return (closed, "case.closed") if reason not in ("referred_back", "deceased") else None


def due_day(protocol: str, anchor_on: date) -> date:
    """Enrolment + 90 days; closure + 6 months; closure + 7 months."""
    if protocol == "offer_90d":
        return plus_days(anchor_on, 90)
    return plus_months(anchor_on, 6 if protocol == "occupation_6m" else 7)


def gives_up_day(protocol: str, due: date) -> date:
    """Due + 1 day; due + 2 months; due + 3 months."""
    if protocol == "offer_90d":
        return plus_days(due, 1)
    return plus_months(due, 2 if protocol == "occupation_6m" else 3)


def answers_that_count(history: History, protocol: str, case: str, anchor_on: date, asked: date) -> list[Event]:
    """Answers dated on or after the anchor's day and before the day of giving up, and not after the day asked for."""
    before = gives_up_day(protocol, due_day(protocol, anchor_on))
    return [
        e
        for e in history.standing("followup.answered")
        if e["data"]["check"] == protocol and e["data"]["subject"] == case
        if anchor_on <= on(e) < before and on(e) <= asked
    ]


def met_on(history: History, protocol: str, case: str, anchor_on: date, day: date, municipality: Municipality) -> bool:
    """Whether something dated this very day meets or answers the check."""
    if protocol == "offer_90d":
        in_time = anchor_on <= day <= due_day(protocol, anchor_on)
        livelihood = history.closed_on(case) == day and history.reason(case) in municipality.livelihood
        return in_time and (day in history.offers(case) or livelihood)
    if protocol == "occupation_6m":
        return any(on(e) == day for e in answers_that_count(history, protocol, case, anchor_on, day))
    return False  # an assistance report has no day


def cancelled_on(
    history: History, protocol: str, case: str, anchor_on: date, day: date, municipality: Municipality
) -> bool:
    """Whether something dated this very day cancels the check. A death may lie before the anchor."""
    due = due_day(protocol, anchor_on)
    if protocol == "offer_90d":
        return history.closed_on(case) == day <= due and history.reason(case) in municipality.neutral
    if protocol == "occupation_6m":
        enrolled_again = any(
            other != case and history.enrolled_on(other) == day and anchor_on < day < due for other in history.cases()
        )
        withdrawn = day > anchor_on and history.consent_said().get(day) is False
        return enrolled_again or withdrawn or day in history.died_on()
    return False


def settlement(
    history: History, protocol: str, case: str, anchor_on: date, asked: date, known_to: date, municipality: Municipality
) -> tuple[str, date | None] | None:
    """What has settled the check by the end of the day asked for, and when; None while nothing has.

    `known_to` is as_of of the protocol's feed: giving up is reached on it, so that nobody is told "missed" while the
    night's file has not come.
    """
    due = due_day(protocol, anchor_on)
    gives_up = gives_up_day(protocol, due)
    if protocol == "assistance_7m" and history.assistance(month_of(due)) is not None:
        return "answered", None  # on every day, whenever it came
    for day in sorted({gives_up, *history.dated_days()}):
        if day > asked:
            break
        if met_on(history, protocol, case, anchor_on, day, municipality):
            return ("met" if protocol == "offer_90d" else "answered"), day
        if cancelled_on(history, protocol, case, anchor_on, day, municipality):
            return "cancelled", day
        if day == gives_up and known_to >= gives_up:
            return GIVES_UP_AS[protocol], day
    return None


def check_on(
    history: History, protocol: str, case: str, asked: date, known_to: date, municipality: Municipality
) -> Check | None:
    """One check as it is on the day asked for. What is dated after that day does not count on it."""
    anchored = anchor(history, protocol, case, municipality)
    if anchored is None or anchored[0] > asked:
        return None
    anchor_on, anchor_type = anchored
    due = due_day(protocol, anchor_on)
    settled = settlement(history, protocol, case, anchor_on, asked, known_to, municipality)
    if settled is not None:
        state, settled_on = settled
    elif asked > due:
        state, settled_on = "overdue", None
    elif asked == due:
        state, settled_on = "due", None
    elif protocol in FIRST_REMINDER and asked >= plus_days(due, FIRST_REMINDER[protocol]):
        state, settled_on = "upcoming", None
    else:
        state, settled_on = "scheduled", None
    answer = None
    if protocol == "occupation_6m" and state == "answered":
        # of those that count the greatest says what was answered
        answer = max(answers_that_count(history, protocol, case, anchor_on, asked), key=rank)["data"]
    closed = history.closed_on(case)
    return Check(
        id=f"{protocol}:{history.person}:{case}",
        protocol=protocol,
        person=history.person,
        subject=case,
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
        first_received=min(received_on(e) for e in history.standing(anchor_type) if e["data"]["case"] == case),
        protected=history.protected_on(asked),
    )


def in_the_end(history: History, protocol: str, case: str, municipality: Municipality) -> tuple[date, date, str] | None:
    """Anchor, due and what a check comes to when everything known counts and nothing more happens: for figures."""
    anchored = anchor(history, protocol, case, municipality)
    if anchored is None:
        return None
    due = due_day(protocol, anchored[0])
    end_of_all = max([gives_up_day(protocol, due), *history.dated_days()])
    settled = settlement(history, protocol, case, anchored[0], end_of_all, end_of_all, municipality)
    assert settled is not None  # at the latest it has given up
    return anchored[0], due, settled[0]
