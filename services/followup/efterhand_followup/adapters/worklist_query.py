"""The worklist in SQL: which checks are on it, in which order, and how many there are in each group.

`efterhand_followup.domain.worklist` says the rule; here it is said so that indexes answer. A page is found in two
steps: its keys by an index that holds all that is asked for, then its rows. Counts come from a small index without ids.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Select,
    and_,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    tuple_,
    union_all,
)

from efterhand.web.sight import Sight
from efterhand_followup.adapters.seen_rows import seen_with
from efterhand_followup.adapters.tables import check
from efterhand_followup.domain.standing import Row
from efterhand_followup.domain.worklist import OPEN_GROUPS, Group, settled_since, tried_since

_OPEN: Final = literal_column("state IN ('upcoming', 'due', 'overdue')", Boolean)
"""Written as the partial indexes have it: with parameters a prepared statement could not use them."""

_FEW_CASES: Final = 500

SORTS: Final = {"due": (check.c.due, False), "-due": (check.c.due, True), "case": (check.c.case_id, False)}
"""Order → its column, and whether it is the other way round."""


@dataclass(frozen=True)
class WorkFilter:
    """What the checks must have; None: anything.

    Attributes:
        today: the business date.
        protocols: those that are shown, or some of them; None: there are no others.
        register: those of the protocols that a register answers.
        sight: what of persons is seen.
        worker: a staff id.
        text: a part of the case's number, in whatever case its letters are.
        cases: the open cases that the text is a part of the number of, if they are few.
    """

    today: date
    protocols: frozenset[str] | None
    register: frozenset[str]
    sight: Sight
    worker: str | None = None
    text: str | None = None
    cases: frozenset[str] | None = None


def select_work(
    connection: Connection,
    wanted: WorkFilter,
    groups: Collection[Group],
    sort: str,
    after: tuple[Any, str] | None,
    limit: int,
) -> list[Row]:
    """Return a page of checks; the arguments are those of `listing`."""
    return [dict(row) for row in connection.execute(listing(wanted, groups, sort, after, limit)).mappings()]


def select_one(connection: Connection, wanted: WorkFilter, person: str, check_id: str) -> Row | None:
    """Return a check that has what is wanted, whatever its group."""
    selected = select(check).where(check.c.person == person, check.c.id == check_id, *_conditions(wanted))
    row = connection.execute(selected).mappings().first()
    return None if row is None else dict(row)


def select_case(connection: Connection, person: str, case_id: str) -> list[Row]:
    """Return all checks of a case of a person, the earliest due first."""
    of_case = select(check).where(check.c.person == person, check.c.case_id == case_id)
    rows = connection.execute(of_case.order_by(check.c.due, check.c.id))
    return [dict(row) for row in rows.mappings()]


def count_work(connection: Connection, wanted: WorkFilter) -> dict[str, dict[Group, int]]:
    """Return how many checks each open group has, by unit; every unit by itself."""
    counts: dict[str, Counter[Group]] = {}
    for unit, overdue, waits, number in connection.execute(counting(wanted)):
        group = Group.WAITING if waits else Group.OVERDUE if overdue else Group.TODO
        counts.setdefault(unit, Counter())[group] += number
    return {unit: {group: each[group] for group in OPEN_GROUPS} for unit, each in counts.items()}


def count_done(connection: Connection, wanted: WorkFilter) -> int:
    """Return how many checks have been settled lately."""
    done = select(func.count()).where(_arm(Group.DONE, wanted), *_conditions(wanted))
    return connection.execute(done).scalar_one()


def listing(
    wanted: WorkFilter, groups: Collection[Group], sort: str, after: tuple[Any, str] | None, limit: int
) -> Select[Any]:
    """Return the query of a page of the list.

    Args:
        wanted: what the checks must have.
        groups: those that are listed.
        sort: one of SORTS.
        after: the order's value and the id of the last one before.
        limit: how many at most.
    """
    column, backwards = SORTS[sort]
    conditions = _conditions(wanted)
    if after is not None:
        key = tuple_(column, check.c.id)
        conditions.append(key < tuple_(*after) if backwards else key > tuple_(*after))
    order = (column.desc(), check.c.id.desc()) if backwards else (column, check.c.id)
    arms = [_arm(group, wanted) for group in groups]
    if set(groups) >= set(OPEN_GROUPS):
        arms = [_open(wanted), *(_arm(group, wanted) for group in groups if group is Group.DONE)]
    # Each by itself, so that each is read in order from its index, and no further than the page.
    keys = union_all(
        *(
            select(check.c.person, check.c.id).where(arm, *conditions).order_by(*order).limit(limit).subquery().select()
            for arm in arms
        )
    ).subquery()
    page = select(check).join(keys, and_(keys.c.person == check.c.person, keys.c.id == check.c.id))
    return page.order_by(*order).limit(limit)


def counting(wanted: WorkFilter) -> Select[Any]:
    """Return the query of (unit, overdue, waits, how many) of what is open."""
    overdue, waits = check.c.state == "overdue", _waits(wanted)
    return (
        select(check.c.unit, overdue, waits, func.count())
        .where(_open(wanted), *_conditions(wanted))
        .group_by(check.c.unit, overdue, waits)
    )


def narrowed_to_cases(connection: Connection, wanted: WorkFilter) -> WorkFilter:
    """Return the same, with the cases that the text is a part of the number of, unless they are many.

    So a search reads the small index of open cases once, and then only what it found there.
    """
    if not wanted.text:
        return wanted
    found = select(check.c.case_id).where(_OPEN, _holds(wanted.text)).limit(_FEW_CASES + 1)
    cases = frozenset(connection.execute(found).scalars())
    return wanted if len(cases) > _FEW_CASES else replace(wanted, cases=cases)


def _arm(group: Group, wanted: WorkFilter) -> ColumnElement[bool]:
    """Return what makes a check one of a group. Due today or later says the same as the state, and to an index."""
    column, today = check.c, wanted.today
    match group:
        case Group.OVERDUE:
            return and_(_open(wanted), column.state == "overdue", column.due < today, not_(_waits(wanted)))
        case Group.TODO:
            return and_(_open(wanted), column.state != "overdue", column.due >= today, not_(_waits(wanted)))
        case Group.WAITING:
            return and_(_open(wanted), _waits(wanted))
        case Group.DONE:
            return and_(not_(_OPEN), column.settled_on >= settled_since(today))


def _open(wanted: WorkFilter) -> ColumnElement[bool]:
    return _OPEN if wanted.cases is None else and_(_OPEN, check.c.case_id.in_(sorted(wanted.cases)))


def _waits(wanted: WorkFilter) -> ColumnElement[bool]:
    column = check.c
    waits = [
        func.coalesce(column.tried_on >= tried_since(wanted.today), false()),
        func.coalesce(column.postponed_until > wanted.today, false()),
    ]
    return or_(*waits, column.protocol.in_(sorted(wanted.register))) if wanted.register else or_(*waits)


def _holds(text: str) -> ColumnElement[bool]:
    return func.strpos(func.lower(check.c.case_id), text.lower()) > 0


def _conditions(wanted: WorkFilter) -> list[ColumnElement[bool]]:
    column = check.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.protocols is not None:
        conditions.append(column.protocol.in_(sorted(wanted.protocols)))
    conditions += seen_with(wanted.sight, column.unit, column.protected)
    if wanted.worker is not None:
        conditions.append(column.worker == wanted.worker)
    if wanted.text:
        conditions.append(_holds(wanted.text))
    return conditions
