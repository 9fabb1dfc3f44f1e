"""What tells staff that a check needs them: which notices are open on a day. Pure.

What was *sent* is a log; which notices are open is a function of the facts and the day alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from efterhand.catalogue.model import Catalogue, Protocol, Recipient, Step
from efterhand.dates import add_months, next_working_day
from efterhand.timeline.checks import Check, Standing, state_on
from efterhand.timeline.facts import Facts

OPEN: Final = "open"
SUMMED: Final = "summed"


@dataclass(frozen=True, slots=True)
class Notice:
    """One step of one check for one due date, or a sum of many (`check` is None then).

    `moment` is the day from which it is open, `send_on` the first working day on or after it. `to` is
    `worker:<id>`, `unit:<id>`, `manager:<unit>` or `register`.
    """

    id: str
    check: str | None
    protocol: str | None
    step: str | None
    moment: date
    send_on: date
    unit: str | None
    to: str
    status: str
    summed_into: str | None = None
    lists: tuple[str, ...] = ()


def notices_on(
    facts: Facts,
    checks: Iterable[Check],
    catalogue: Catalogue,
    day: date,
    as_of: Mapping[str, date],
) -> tuple[Notice, ...]:
    """Return the open and the summed notices of one person on a day.

    Args:
        facts: the person's facts.
        checks: the person's checks.
        catalogue: whose protocols say the steps.
        day: the day that is asked for.
        as_of: up to which day each feed is known.
    """
    notices: list[Notice] = []
    for check in checks:
        protocol = catalogue.protocols[check.protocol]
        standing = state_on(check, protocol, day, as_of)
        if standing is None:
            continue
        closed = check.case_closed_on is not None and check.case_closed_on <= day
        if protocol.none_once_closed and closed:
            continue
        for step in protocol.steps:
            moment = check.due + timedelta(days=step.offset_days)
            if moment <= day and _is_open(check, step, standing):
                notices.append(_notice(facts, check, step, moment, day, protocol.summed_after_days))
    return tuple(notices)


def _is_open(check: Check, step: Step, standing: Standing) -> bool:
    """Tell whether a step whose moment has come is open: while unsettled, or, when it reports giving up, after it."""
    moment = check.due + timedelta(days=step.offset_days)
    if check.gives_up_on is not None and moment >= check.gives_up_on:
        return standing.state == check.gives_up_as
    return not standing.settled


def _notice(facts: Facts, check: Check, step: Step, moment: date, day: date, summed_after_days: int) -> Notice:
    unit = facts.unit_on(check.case_id, day) or ""
    late = moment < check.first_received - timedelta(days=summed_after_days)
    return Notice(
        id=f"{check.id}/{step.name}/{check.due}",
        check=check.id,
        protocol=check.protocol,
        step=step.name,
        moment=moment,
        send_on=next_working_day(moment),
        unit=unit,
        to=_recipient(step, facts.worker_on(check.case_id, day), unit),
        status=SUMMED if late else OPEN,
        summed_into=catch_up_id(unit, check.first_received) if late else None,
    )


def _recipient(step: Step, worker: str | None, unit: str) -> str:
    if step.to is Recipient.MANAGER:
        return f"manager:{unit}"
    return f"worker:{worker}" if worker else f"unit:{unit}"


def catch_up_id(unit: str, received_on: date) -> str:
    """Return the id of the notice that sums what arrived late at a unit on a day."""
    return f"catchup/{unit}/{received_on}"


def catch_up_notices(summed: Iterable[Notice]) -> tuple[Notice, ...]:
    """Return the catch-up notices that are open because these summed notices are, ordered by id."""
    lists: dict[str, list[Notice]] = {}
    for notice in summed:
        if notice.summed_into is not None:
            lists.setdefault(notice.summed_into, []).append(notice)
    return tuple(
        catch_up_notice(catch_up_id, tuple(sorted(notice.id for notice in members)))
        for catch_up_id, members in sorted(lists.items())
    )


def catch_up_notice(notice_id: str, lists: tuple[str, ...] = ()) -> Notice:
    """Return the catch-up notice of that id; it goes to the unit's manager on the day of receipt."""
    _, unit, received_on = notice_id.rsplit("/", 2)
    moment = date.fromisoformat(received_on)
    return Notice(
        id=notice_id,
        check=None,
        protocol=None,
        step=None,
        moment=moment,
        send_on=next_working_day(moment),
        unit=unit,
        to=f"manager:{unit}",
        status=OPEN,
        lists=lists,
    )


def month_looked_at(check: Check, protocol: Protocol) -> date | None:
    """Return the first day of the month whose register report settles the check; None where none does."""
    return check.due.replace(day=1) if protocol.reads_month else None


def register_notices(unsettled_months: Iterable[date], day: date) -> tuple[Notice, ...]:
    """Return the register owner's notices that are open on a day, ordered by month.

    Args:
        unsettled_months: the months (first days) that unsettled checks look at, with any repeats.
        day: the day that is asked for; a month's notice opens on the first day of the following month.
    """
    return tuple(register_notice(month) for month in sorted(set(unsettled_months)) if add_months(month, 1) <= day)


def register_notice(month: date) -> Notice:
    """Return the register owner's notice for the month that begins on `month`."""
    moment = add_months(month, 1)
    return Notice(
        id=f"register/{month:%Y-%m}",
        check=None,
        protocol=None,
        step=None,
        moment=moment,
        send_on=next_working_day(moment),
        unit=None,
        to="register",
        status=OPEN,
    )
