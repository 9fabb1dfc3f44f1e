"""The worklist in SQL: which checks are on it, in which group, in which order, and how many there are.

`efterhand_followup.domain.worklist` says the rule; here is what the database can answer by its indexes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    tuple_,
)

from efterhand_followup.adapters.tables import check, postponement
from efterhand_followup.domain.standing import Row
from efterhand_followup.domain.worklist import OPEN_GROUPS, Group, settled_since, tried_since

_OPEN: Final = literal_column("state IN ('upcoming', 'due', 'overdue')", Boolean)
"""Written as the partial indexes have it: with parameters a prepared statement could not use them."""

SORTS: Final = {"due": (check.c.due, False), "-due": (check.c.due, True), "case": (check.c.case_id, False)}
"""Order → its column, and whether it is the other way round."""


@dataclass(frozen=True)
class WorkFilter:
    """What the checks must have; None: anything.

    Attributes:
        today: the business date.
        protocols: those that are shown, or some of them.
        register: those of the protocols that a register answers.
        units: where the case is handled.
        worker: a staff id.
        text: a part of the case's number, in whatever case its letters are.
        sees_protected: whether checks about protected persons are among them.
    """

    today: date
    protocols: frozenset[str]
    register: frozenset[str]
    units: frozenset[str] | None = None
    worker: str | None = None
    text: str | None = None
    sees_protected: bool = False


def select_work(
    connection: Connection,
    wanted: WorkFilter,
    groups: Collection[Group],
    sort: str,
    after: tuple[Any, str] | None,
    limit: int,
) -> list[Row]:
    """Return checks with their `work_group` and `postponed_until`; the arguments are those of `listing`."""
    rows = connection.execute(listing(wanted, groups, sort, after, limit))
    return [dict(row) for row in rows.mappings()]


def listing(
    wanted: WorkFilter, groups: Collection[Group], sort: str, after: tuple[Any, str] | None, limit: int
) -> Select[Any]:
    """Return the query of a page of the list.

    Args:
        wanted: what they must have.
        groups: those that are listed.
        sort: one of SORTS.
        after: the order's value and the id of the last one before.
        limit: how many at most.
    """
    column, backwards = SORTS[sort]
    group = _group(wanted)
    selected = (
        select(check, postponement.c.until_on.label("postponed_until"), group.label("work_group"))
        .select_from(_with_postponements(wanted.today))
        .where(_among(wanted, groups), *_conditions(wanted))
        .limit(limit)
    )
    if not set(groups) >= set(OPEN_GROUPS) or Group.DONE in groups:
        selected = selected.where(group.in_([str(each) for each in groups]))
    if after is not None:
        key = tuple_(column, check.c.id)
        selected = selected.where(key < tuple_(*after) if backwards else key > tuple_(*after))
    order = (column.desc(), check.c.id.desc()) if backwards else (column, check.c.id)
    return selected.order_by(*order)


def select_one(connection: Connection, wanted: WorkFilter, person: str, check_id: str) -> Row | None:
    """Return a check, whatever its group (`work_group` may be None), if it has what is wanted."""
    selected = (
        select(check, postponement.c.until_on.label("postponed_until"), _group(wanted).label("work_group"))
        .select_from(_with_postponements(wanted.today))
        .where(check.c.person == person, check.c.id == check_id, *_conditions(wanted))
    )
    row = connection.execute(selected).mappings().first()
    return None if row is None else dict(row)


def count_work(connection: Connection, wanted: WorkFilter) -> dict[Group, int]:
    """Return how many checks each group has."""
    counts = dict.fromkeys(Group, 0)
    for among in (OPEN_GROUPS, (Group.DONE,)):
        for group, number in connection.execute(counting(wanted, among)):
            counts[Group(group)] = number
    return counts


def count_by_unit(connection: Connection, wanted: WorkFilter) -> list[tuple[str, Group, int]]:
    """Return (unit, group, how many) of the open groups; every unit by itself."""
    group = _group(wanted)
    selected = (
        select(check.c.unit, group, func.count())
        .select_from(_with_postponements(wanted.today))
        .where(_OPEN, *_conditions(wanted))
        .group_by(check.c.unit, group)
    )
    return [(unit, Group(name), number) for unit, name, number in connection.execute(selected)]


def counting(wanted: WorkFilter, groups: Sequence[Group]) -> Select[Any]:
    """Return the query of how many checks some groups have."""
    group = _group(wanted)
    return (
        select(group, func.count())
        .select_from(_with_postponements(wanted.today))
        .where(_among(wanted, groups), *_conditions(wanted))
        .group_by(group)
    )


def _with_postponements(today: date) -> FromClause:
    same = and_(postponement.c.person == check.c.person, postponement.c.check_id == check.c.id)
    return check.outerjoin(postponement, and_(same, postponement.c.until_on > today))


def _group(wanted: WorkFilter) -> ColumnElement[Any]:
    waits = or_(
        postponement.c.until_on.is_not(None),
        check.c.tried_on >= tried_since(wanted.today),
        check.c.protocol.in_(sorted(wanted.register)) if wanted.register else false(),
    )
    return case(
        (and_(_OPEN, waits), Group.WAITING.value),
        (check.c.state == "overdue", Group.OVERDUE.value),
        (_OPEN, Group.TODO.value),
        (check.c.settled_on >= settled_since(wanted.today), Group.DONE.value),
    )


def _among(wanted: WorkFilter, groups: Collection[Group]) -> ColumnElement[bool]:
    """Return what the indexes can tell of the groups."""
    parts: list[ColumnElement[bool]] = []
    if any(each in groups for each in OPEN_GROUPS):
        parts.append(_OPEN)
    if Group.DONE in groups:
        parts.append(and_(not_(_OPEN), check.c.settled_on >= settled_since(wanted.today)))
    return or_(false(), *parts)


def _conditions(wanted: WorkFilter) -> list[ColumnElement[bool]]:
    column = check.c
    conditions: list[ColumnElement[bool]] = [column.protocol.in_(sorted(wanted.protocols))]
    if not wanted.sees_protected:
        conditions.append(~column.protected)
    if wanted.units is not None:
        conditions.append(column.unit.in_(sorted(wanted.units)))
    if wanted.worker is not None:
        conditions.append(column.worker == wanted.worker)
    if wanted.text:
        conditions.append(func.strpos(func.lower(column.case_id), wanted.text.lower()) > 0)
    return conditions
