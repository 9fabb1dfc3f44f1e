"""The worklist in SQL: which checks are on it, in which order, and how many there are in each group.

`efterhand_followup.domain.worklist` says the rule; here it is said so that indexes answer. A page is found in two
steps: its keys by an index that holds all that is asked for, then its rows. Counts come from a small index without ids.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    FromClause,
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
from efterhand_followup.adapters.tables import check, notice
from efterhand_followup.domain.standing import Row
from efterhand_followup.domain.worklist import OPEN_GROUPS, Group, settled_since, tried_since

_OPEN: Final = literal_column("state IN ('upcoming', 'due', 'overdue')", Boolean)
"""Written as the partial indexes have it: with parameters a prepared statement could not use them."""

_MISSED: Final = literal_column("state IN ('missed', 'expired')", Boolean)

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
        nobodys: only cases without a worker.
        due_between: the first and the last day on which it is due.
        missed_since: missed, or expired, on that day or later, whatever its group.
        why: it was missed.
        listed_in: the id of a catch-up notice that lists it, whatever its group.
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
    nobodys: bool = False
    due_between: tuple[date, date] | None = None
    missed_since: date | None = None
    why: str | None = None
    listed_in: str | None = None

    @property
    def in_any_group(self) -> bool:
        """Whether something else than groups says what is listed."""
        return self.missed_since is not None or self.listed_in is not None


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
    selected = select(check).where(check.c.person == person, check.c.id == check_id, *conditions_of(wanted))
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
    done = select(func.count()).where(_arm(Group.DONE, wanted), *conditions_of(wanted))
    return connection.execute(done).scalar_one()


def count_in_any_group(connection: Connection, wanted: WorkFilter) -> int:
    """Return how many checks are listed by something else than their groups."""
    listed = select(func.count()).select_from(check).where(_in_any_group(wanted), *conditions_of(wanted))
    return connection.execute(listed).scalar_one()


def listing(
    wanted: WorkFilter, groups: Collection[Group], sort: str, after: tuple[Any, str] | None, limit: int
) -> Select[Any]:
    """Return the query of a page of the list.

    Args:
        wanted: what the checks must have.
        groups: those that are listed, unless something else says it.
        sort: one of SORTS.
        after: the order's value and the id of the last one before.
        limit: how many at most.
    """
    column, backwards = SORTS[sort]
    conditions = conditions_of(wanted)
    if after is not None:
        key = tuple_(column, check.c.id)
        conditions.append(key < tuple_(*after) if backwards else key > tuple_(*after))
    order: tuple[ColumnElement[Any], ...] = (column, check.c.id)
    if backwards:
        order = (column.desc(), check.c.id.desc())
    arms = [_arm(group, wanted) for group in groups]
    if set(groups) >= set(OPEN_GROUPS):
        arms = [_open(wanted), *(_arm(group, wanted) for group in groups if group is Group.DONE)]
    if wanted.in_any_group:
        return _page_of(_keys_in_any_group(wanted, conditions, sort, limit), order, limit)
    # Each by itself, so that each is read in order from its index, and no further than the page.
    keys = union_all(
        *(
            select(check.c.person, check.c.id).where(arm, *conditions).order_by(*order).limit(limit).subquery().select()
            for arm in arms
        )
    ).subquery()
    return _page_of(keys, order, limit)


def _page_of(keys: FromClause, order: Sequence[ColumnElement[Any]], limit: int) -> Select[Any]:
    page = select(check).join(keys, and_(keys.c.person == check.c.person, keys.c.id == check.c.id))
    return page.order_by(*order).limit(limit)


def _keys_in_any_group(
    wanted: WorkFilter, conditions: Sequence[ColumnElement[bool]], sort: str, limit: int
) -> FromClause:
    """Return the keys of a page of what is listed by something else than groups.

    All of it is found before it is put in order: there is no index of what was missed in the order of the list, and
    the one of everything would be read from its beginning.
    """
    column, backwards = SORTS[sort]
    chosen = select(check.c.person, check.c.id, column.label("sorted")).where(_in_any_group(wanted), *conditions)
    found = chosen.cte("found").prefix_with("MATERIALIZED", dialect="postgresql").c
    order = (found.sorted.desc(), found.id.desc()) if backwards else (found.sorted, found.id)
    return select(found.person, found.id).order_by(*order).limit(limit).subquery()


def counting(wanted: WorkFilter) -> Select[Any]:
    """Return the query of (unit, overdue, waits, how many) of what is open."""
    overdue, waits = check.c.state == "overdue", when_it_waits(wanted)
    return (
        select(check.c.unit, overdue, waits, func.count())
        .where(_open(wanted), *conditions_of(wanted))
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
            return and_(_open(wanted), column.state == "overdue", column.due < today, not_(when_it_waits(wanted)))
        case Group.TODO:
            return and_(_open(wanted), column.state != "overdue", column.due >= today, not_(when_it_waits(wanted)))
        case Group.WAITING:
            return and_(_open(wanted), when_it_waits(wanted))
        case Group.DONE:
            return and_(not_(_OPEN), column.settled_on >= settled_since(today))


def is_open() -> ColumnElement[bool]:
    """Return when somebody may have to do something about a check."""
    return _OPEN


def is_missed() -> ColumnElement[bool]:
    """Return when a check was missed, or has expired."""
    return _MISSED


def _in_any_group(wanted: WorkFilter) -> ColumnElement[bool]:
    """Return what is listed by having been missed, or by a catch-up notice."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.missed_since is not None:
        conditions += [_MISSED, check.c.settled_on >= wanted.missed_since]
    if wanted.listed_in is not None:
        named = select(notice.c.person, notice.c.check_id).where(
            notice.c.status == "summed", notice.c.summed_into == wanted.listed_in
        )
        conditions.append(tuple_(check.c.person, check.c.id).in_(named))
    return and_(*conditions)


def _open(wanted: WorkFilter) -> ColumnElement[bool]:
    return _OPEN if wanted.cases is None else and_(_OPEN, check.c.case_id.in_(sorted(wanted.cases)))


def when_it_waits(wanted: WorkFilter) -> ColumnElement[bool]:
    """Return when what is open waits: tried lately, put off, or for the register."""
    column = check.c
    waits = [
        func.coalesce(column.tried_on >= tried_since(wanted.today), false()),
        func.coalesce(column.postponed_until > wanted.today, false()),
    ]
    return or_(*waits, column.protocol.in_(sorted(wanted.register))) if wanted.register else or_(*waits)


def _holds(text: str) -> ColumnElement[bool]:
    return func.strpos(func.lower(check.c.case_id), text.lower()) > 0


def conditions_of(wanted: WorkFilter) -> list[ColumnElement[bool]]:
    """Return what all checks that are wanted have, whatever their group."""
    column = check.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.protocols is not None:
        conditions.append(column.protocol.in_(sorted(wanted.protocols)))
    conditions += seen_with(wanted.sight, column.unit, column.protected)
    if wanted.worker is not None:
        conditions.append(column.worker == wanted.worker)
    if wanted.nobodys:
        conditions.append(column.worker.is_(None))
    if wanted.due_between is not None:
        conditions.append(column.due.between(*wanted.due_between))
    if wanted.why is not None:
        conditions.append(column.missed_why == wanted.why)
    if wanted.text:
        conditions.append(_holds(wanted.text))
    return conditions
