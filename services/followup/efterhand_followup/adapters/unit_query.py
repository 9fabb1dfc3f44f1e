"""How much waits at units and what was missed there, counted in SQL: by unit, by protocol, by worker."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, func, not_, select, tuple_

from efterhand_followup.adapters.seen_rows import seen_with
from efterhand_followup.adapters.tables import check, notice
from efterhand_followup.adapters.worklist_query import (
    WorkFilter,
    conditions_of,
    is_missed,
    is_open,
    when_it_waits,
)
from efterhand_followup.domain.units import Counts
from efterhand_followup.domain.worklist import Late, Missed, late_between, missed_since

_OPEN: Final = ("overdue", "todo", "due", "waiting", "oldest", *(f"late_{late}" for late in Late), "held_back")


@dataclass(frozen=True)
class Counted:
    """Counts by unit, by protocol (with why it was missed, for the missed), and by worker (None: nobody)."""

    units: Mapping[str, Counts]
    protocols: Mapping[str, Counts]
    workers: Mapping[str | None, Counts]
    whys: Mapping[tuple[str, str, str | None], Counts]
    """(protocol, state, why) → what was missed."""


@dataclass(frozen=True)
class CatchUp:
    """An open catch-up notice: how many checks of a protocol it lists."""

    id: str
    protocol: str
    checks: int


def count_at_units(connection: Connection, wanted: WorkFilter) -> Counted:
    """Count what is open and what was missed among the checks that are wanted."""
    by: dict[str, dict[Any, Counts]] = {"unit": {}, "protocol": {}, "worker": {}}
    for unit, protocol, worker, kind, *numbers in connection.execute(counting_open(wanted)):
        name = _KINDS[kind]
        by[name][{"unit": unit, "protocol": protocol, "worker": worker}[name]] = _counts(numbers)
    whys: dict[tuple[str, str, str | None], Counts] = {}
    for unit, protocol, worker, state, why, kind, month, year in connection.execute(counting_missed(wanted)):
        missed = Counts(missed_month=month, missed_year=year)
        name = _KINDS.get(kind, "protocol")
        key = {"unit": unit, "protocol": protocol, "worker": worker}[name]
        by[name][key] = by[name].get(key, Counts()) + missed
        if name == "protocol":
            whys[protocol, state, why] = missed
    return Counted(by["unit"], by["protocol"], by["worker"], whys)


_KINDS: Final = {0b011: "unit", 0b101: "protocol", 0b110: "worker"}
"""Which of unit, protocol and worker a row is grouped by, by the bits of those that it is not."""


def counting_open(wanted: WorkFilter) -> Select[Any]:
    """Return the query of (unit, protocol, worker, which of them, counts) of what is open."""
    column, today = check.c, wanted.today
    waits = when_it_waits(wanted)
    overdue = and_(column.state == "overdue", not_(waits))
    todo = and_(column.state != "overdue", not_(waits))
    counts = (
        func.count().filter(overdue),
        func.count().filter(todo),
        func.count().filter(todo, column.state == "due"),
        func.count().filter(waits),
        func.min(column.due).filter(overdue),
        *(func.count().filter(overdue, column.due.between(*late_between(late, today))) for late in Late),
        func.count().filter(column.gives_up_on <= today),
    )
    grouped = (column.unit, column.protocol, column.worker)
    return (
        select(*grouped, func.grouping(*grouped), *counts)
        .where(is_open(), *conditions_of(wanted))
        .group_by(func.grouping_sets(*(tuple_(each) for each in grouped)))
    )


def counting_missed(wanted: WorkFilter) -> Select[Any]:
    """Return the query of (unit, protocol, worker, state, why, which of the first three, this month, in a year)."""
    column, today = check.c, wanted.today
    grouped = (column.unit, column.protocol, column.worker)
    reasons = (column.state, column.missed_why)
    this_month = column.settled_on >= missed_since(Missed.MONTH, today)
    sets = (tuple_(column.unit), tuple_(column.protocol, *reasons), tuple_(column.worker))
    return (
        select(*grouped, *reasons, func.grouping(*grouped), func.count().filter(this_month), func.count())
        .where(is_missed(), column.settled_on >= missed_since(Missed.YEAR, today), *conditions_of(wanted))
        .group_by(func.grouping_sets(*sets))
    )


def select_catch_ups(connection: Connection, wanted: WorkFilter) -> list[CatchUp]:
    """Return what the open catch-up notices of the units list, by notice and protocol."""
    column = notice.c
    conditions: list[ColumnElement[bool]] = [column.status == "summed"]
    conditions += seen_with(wanted.sight, column.unit, column.protected)
    if wanted.protocols is not None:
        conditions.append(column.protocol.in_(sorted(wanted.protocols)))
    listed = select(column.summed_into, column.protocol, func.count(column.check_id.distinct()))
    rows = connection.execute(listed.where(*conditions).group_by(column.summed_into, column.protocol))
    return [CatchUp(*row) for row in rows]


def _counts(numbers: Iterable[Any]) -> Counts:
    given = dict(zip(_OPEN, numbers, strict=True))
    late = {each: given[f"late_{each}"] for each in Late}
    oldest: date | None = given["oldest"]
    return Counts(given["overdue"], given["todo"], given["due"], given["waiting"], oldest, late, given["held_back"])
