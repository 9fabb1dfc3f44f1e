"""Who may be disposed of: a person of whom nothing lies on or after a horizon, and nothing is still to come. Pure."""

from collections.abc import Iterable
from datetime import date
from typing import Final

from efterhand.clock import local_date
from efterhand.dates import last_day_of_month
from efterhand.timeline.checks import Check
from efterhand.timeline.events import Event
from efterhand.timeline.facts import Facts

DAYS: Final = ("on", "assistance_since", "through")
MONTHS: Final = ("month",)
"""The fields of events that hold a day or a calendar month."""


def last_day_of(event: Event) -> date:
    """Return the last day that an event speaks of; of one that speaks of none, the day on which it was recorded.

    Raises:
        ValueError: a field that should hold a day holds none.
    """
    days = [date.fromisoformat(event.data[name]) for name in DAYS if name in event.data]
    days += [last_day_of_month(date.fromisoformat(f"{event.data[name]}-01")) for name in MONTHS if name in event.data]
    return max(days, default=None) or local_date(event.time)


def may_be_disposed_of(
    events: Iterable[Event], facts: Facts, checks: Iterable[Check], last_counted: date | None, before: date
) -> bool:
    """Tell whether everything about a person lies before a day.

    Args:
        events: everything that is held of the person.
        facts: what they come to.
        checks: what the protocols ask for.
        last_counted: the last day on which the person counts in any figure; None: in none.
        before: the horizon.
    """
    goes_on = any(case.values["closed_on"] is None for case in facts.of("case")) or any(
        measure.values["last_on"] is None for measure in facts.of("measure")
    )
    return (
        not goes_on
        and (last_counted is None or last_counted < before)
        and all(last_day_of(event) < before for event in events)
        and all((check.gives_up_on or check.due) < before and check.due < before for check in checks)
    )
