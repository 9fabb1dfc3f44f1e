"""Notices: what tells a member of staff that a check needs them, on a day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from tests.reference.checks import ANSWERED_BY_THE_REGISTER, PROTOCOLS, Check, checks
from tests.reference.days import first_of_next_month, month_of, plus_days, send_on
from tests.reference.history import Event
from tests.reference.municipality import Municipality

STEPS = {
    "offer_90d": [(-30, "worker"), (-7, "worker"), (0, "worker"), (+1, "manager")],
    "plan_5d": [(0, "worker"), (+1, "manager")],
    "occupation_3m": [(-14, "worker"), (0, "worker"), (+30, "worker")],
    "occupation_6m": [(-14, "worker"), (0, "worker"), (+30, "worker")],
    "higher_vocational_6m": [(-14, "worker"), (0, "worker"), (+30, "worker")],
    "assistance_7m": [],  # one notice a month to the register owner instead
    "assistance_4m": [],
    "in_measure_3m": [(0, "worker")],
    "in_measure_6m": [(0, "worker")],
    "in_measure_12m": [(0, "worker")],
}
"""Days from due, and whom it tells."""

NONE_ONCE_CLOSED = ("offer_90d", "plan_5d")
"""What tells nothing once the case is closed, and whose last step (due + 1) reports that it was missed."""

SETTLED = ("met", "missed", "answered", "expired", "cancelled")


@dataclass(frozen=True)
class Notice:
    """A notice that is open, or summed, on a day."""

    id: str
    check: str | None
    step: str | None
    moment: date | None
    send_on: date | None
    unit: str | None
    to: str
    """worker, unit (a case without a worker), manager, register_owner."""
    worker: str | None
    status: str
    """open or summed."""
    summed_into: str | None
    lists: tuple[str, ...]
    """What a catch-up or register notice lists: notices, or checks."""
    protected: bool


def step_text(step: int) -> str:
    """The step with its sign: -30, 0, +1."""
    return f"{step:+d}" if step else "0"


def would_be_open(check: Check, step: int, asked: date) -> bool:
    """Whether a step of a check needs somebody on the day asked for.

    From its moment until the check is settled or moved. Being missed withdraws the steps before, not the one that
    reports it (due + 1), which is open once missed has been reached. Offers and plans tell nothing once the case is
    closed, from the day of closure on.
    """
    if asked < plus_days(check.due, step):
        return False
    if check.protocol in NONE_ONCE_CLOSED and check.case_closed:
        return False
    if check.protocol in NONE_ONCE_CLOSED and step == +1:
        return check.state == "missed"
    return check.state not in SETTLED


def notices(
    events: list[Event],
    asked: date,
    business_date: date,
    municipality: Municipality,
    summed_after_days: int = 14,
    protocols: Iterable[str] = PROTOCOLS,
) -> list[Notice]:
    """Every open or summed notice on the day asked for, with catch-up and register notices, by id."""
    existing = checks(events, asked, business_date, municipality, protocols)
    found: list[Notice] = []
    for check in existing:
        for step, tells in STEPS[check.protocol]:
            if not would_be_open(check, step, asked):
                continue
            moment = plus_days(check.due, step)
            # long past when the anchor's fact was first received: not told one by one
            summed = moment < plus_days(check.first_received, -summed_after_days)
            found.append(
                Notice(
                    id=f"{check.id}/{step_text(step)}/{check.due.isoformat()}",
                    check=check.id,
                    step=step_text(step),
                    moment=moment,
                    send_on=send_on(moment),
                    unit=check.unit,
                    to="unit" if tells == "worker" and check.worker is None else tells,
                    worker=check.worker if tells == "worker" else None,
                    status="summed" if summed else "open",
                    summed_into=f"catchup/{check.unit}/{check.first_received.isoformat()}" if summed else None,
                    lists=(),
                    protected=check.protected,
                )
            )
    found += catch_up_notices(found)
    found += register_notices(existing, asked)
    return sorted(found, key=lambda n: n.id)


def catch_up_notices(found: list[Notice]) -> list[Notice]:
    """One notice to the manager per unit and day of receipt that lists the summed steps, while there is one."""
    together: list[Notice] = []
    for into in sorted({n.summed_into for n in found if n.summed_into}):
        listed = [n for n in found if n.summed_into == into]
        together.append(
            Notice(
                id=into,
                check=None,
                step=None,
                moment=date.fromisoformat(into.rsplit("/", 1)[1]),
                send_on=send_on(date.fromisoformat(into.rsplit("/", 1)[1])),
                unit=listed[0].unit,
                to="manager",
                worker=None,
                status="open",
                summed_into=None,
                lists=tuple(sorted(n.id for n in listed)),
                protected=False,
            )
        )
    return together


def register_notices(existing: list[Check], asked: date) -> list[Notice]:
    """One notice a month to the register owner, from the first day of the following month.

    It is open while a check that looks at that month is unsettled, and lists those.
    """
    together: list[Notice] = []
    waiting = [c for c in existing if c.protocol in ANSWERED_BY_THE_REGISTER and c.state not in SETTLED]
    for month in sorted({month_of(c.due) for c in waiting}):
        moment = first_of_next_month(month)
        if asked >= moment:
            together.append(
                Notice(
                    id=f"register/{month}",
                    check=None,
                    step=None,
                    moment=moment,
                    send_on=send_on(moment),
                    unit=None,
                    to="register_owner",
                    worker=None,
                    status="open",
                    summed_into=None,
                    lists=tuple(sorted(c.id for c in waiting if month_of(c.due) == month)),
                    protected=False,
                )
            )
    return together
