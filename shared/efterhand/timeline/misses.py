"""Why a check was missed, or expired: what the facts say of its time. Pure."""

from datetime import date
from enum import StrEnum

from efterhand.catalogue.model import Protocol
from efterhand.timeline.checks import Check
from efterhand.timeline.facts import Facts


class Why(StrEnum):
    """What there was in place of what should have been."""

    TOO_LATE = "too_late"
    """It was done, or answered, when that counted no more."""
    CLOSED_FIRST = "closed_first"
    """The case was closed by the due day, in a way that does not meet it."""
    TRIED = "tried"
    """Somebody noted an attempt, and nothing came of it."""
    NO_REPORT = "no_report"
    """The register has not reported the month."""
    NOTHING = "nothing"
    """None of this is known."""


def why_missed(check: Check, protocol: Protocol, facts: Facts, day: date) -> Why:
    """Return why a check that has given up by a day was not settled: the first of these that holds on it.

    Args:
        check: missed or expired on the day.
        protocol: its own.
        facts: of its person.
        day: facts dated after it do not count.
    """
    if check.late_on is not None and check.late_on <= day:
        return Why.TOO_LATE
    if check.case_closed_on is not None and check.anchor_on <= check.case_closed_on <= check.due and protocol.met_by:
        return Why.CLOSED_FIRST
    if facts.attempts_until(check.protocol, check.subject, day):
        return Why.TRIED
    return Why.NO_REPORT if protocol.reads_month else Why.NOTHING
