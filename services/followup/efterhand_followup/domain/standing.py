"""How a person's follow-up stands at the end of one day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from efterhand.catalogue import Catalogue
from efterhand.dates import add_months
from efterhand.timeline.checks import Check, next_change, state_on
from efterhand.timeline.checks import Standing as CheckStanding
from efterhand.timeline.facts import Facts
from efterhand.timeline.misses import why_missed
from efterhand.timeline.notices import Notice, month_looked_at, notices_on, register_notices
from efterhand_followup.domain.worklist import MISSED_STATES

Row = dict[str, Any]
"""A row of a table by column."""


@dataclass(frozen=True)
class Standing:
    """Everything that holds of one person at the end of `day`, if nothing more arrives."""

    person: str
    day: date
    facts: Facts
    catalogue: Catalogue
    checks: tuple[tuple[Check, CheckStanding], ...]
    """Those that exist on the day."""
    notices: tuple[Notice, ...]
    """Open and summed up."""
    lists: frozenset[str]
    """The catch-up and register notices that have the person on their list."""
    next_change_on: date | None
    """The next day on which any of this can change."""

    @cached_property
    def protected(self) -> bool:
        """Whether the person's identity is protected."""
        return self.facts.protected_on(self.day)

    def check_rows(self) -> list[Row]:
        """Return the rows of the table `check`."""
        return [self._row(check, standing) for check, standing in self.checks]

    def _row(self, check: Check, standing: CheckStanding) -> Row:
        tried = self.facts.attempts_until(check.protocol, check.subject, self.day)
        return {
            "person": self.person,
            "id": check.id,
            "protocol": check.protocol,
            "subject": check.subject,
            "case_id": check.case_id,
            "anchor_on": check.anchor_on,
            "due": check.due,
            "outcome": check.outcome,
            "outcome_on": check.outcome_on,
            "gives_up_on": check.gives_up_on,
            "gives_up_as": check.gives_up_as,
            "first_received": check.first_received,
            "unit": self.facts.unit_on(check.case_id, self.day),
            "worker": self.facts.worker_on(check.case_id, self.day),
            "state": standing.state.value,
            "late": standing.late,
            "flag": standing.flag,
            "settled_on": standing.settled_on,
            "response": check.response,
            "occupation": check.occupation,
            "same_field": check.same_field,
            "protected": self.protected,
            "because": [{"source": source, "id": event_id} for source, event_id in check.because],
            "attempts": [
                {"on": each.on.isoformat(), "how": each.how, "source": each.event[0], "id": each.event[1]}
                for each in tried
            ],
            "tried_on": tried[-1].on if tried else None,
            "missed_why": self._missed_why(check, standing),
        }

    def _missed_why(self, check: Check, standing: CheckStanding) -> str | None:
        if standing.state not in MISSED_STATES:
            return None
        return why_missed(check, self.catalogue.protocols[check.protocol], self.facts, self.day).value


def stand_on(
    person: str,
    facts: Facts,
    checks: Iterable[Check],
    catalogue: Catalogue,
    day: date,
    known_to: Mapping[str, date],
) -> Standing:
    """Return how one person's follow-up stands at the end of a day.

    Args:
        person: the pseudonym.
        facts: of that person.
        checks: what the protocols ask for, by those facts.
        catalogue: the installation's.
        day: any day.
        known_to: up to which day each feed is known.
    """
    all_checks = tuple(checks)
    existing = tuple(
        (check, standing)
        for check in all_checks
        if (standing := state_on(check, catalogue.protocols[check.protocol], day, known_to)) is not None
    )
    notices = notices_on(facts, all_checks, catalogue, day, known_to)
    lists = {notice.summed_into for notice in notices if notice.summed_into is not None}
    months = {_register_month(check, catalogue) for check, standing in existing if not standing.settled}
    lists |= {notice.id for notice in register_notices((month for month in months if month is not None), day)}
    return Standing(
        person=person,
        day=day,
        facts=facts,
        catalogue=catalogue,
        checks=existing,
        notices=notices,
        lists=frozenset(lists),
        next_change_on=_next_change(facts, all_checks, catalogue, day),
    )


def _register_month(check: Check, catalogue: Catalogue) -> date | None:
    return month_looked_at(check, catalogue.protocols[check.protocol])


def _next_change(facts: Facts, checks: Iterable[Check], catalogue: Catalogue, day: date) -> date | None:
    """Beyond its watermark a feed only changes by another watermark, which finds its persons by itself."""
    all_checks = tuple(checks)
    days = {add_months(month, 1) for check in all_checks if (month := _register_month(check, catalogue))}
    change = next_change(facts, all_checks, catalogue, day)
    return min((each for each in (change, *days) if each is not None and each > day), default=None)
