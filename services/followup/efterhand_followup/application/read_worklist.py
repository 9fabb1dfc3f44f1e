"""The worklist: what a member of staff has to do, why each check is there, and what has been done about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, select

from efterhand.catalogue import Catalogue
from efterhand.persons.store import sorted_by_bytes, texts
from efterhand.timeline.checks import person_of
from efterhand.timeline.misses import Why
from efterhand.web.paging import decode_cursor, encode_cursor, page, wrong_cursor
from efterhand.web.problem import bad_request, not_found
from efterhand.web.references import reference_of
from efterhand.web.sight import NOTHING
from efterhand.web.tokens import Tokens
from efterhand_followup.adapters.act_store import acts_of
from efterhand_followup.adapters.tables import person_case
from efterhand_followup.adapters.worklist_query import (
    SORTS,
    WorkFilter,
    count_done,
    count_in_any_group,
    count_work,
    narrowed_to_cases,
    select_one,
    select_work,
)
from efterhand_followup.application.read_checks import check_as_json
from efterhand_followup.application.reading import Shown, context_with_date, shown_protocols
from efterhand_followup.application.viewer import Viewer
from efterhand_followup.domain.acts import Act
from efterhand_followup.domain.context import Context
from efterhand_followup.domain.standing import Row
from efterhand_followup.domain.worklist import (
    OPEN_GROUPS,
    OPEN_STATES,
    Group,
    Late,
    Missed,
    Work,
    group_of,
    late_between,
    missed_since,
)


@dataclass(frozen=True)
class Wanted:
    """What a reader has chosen; None, or nothing: anything.

    Attributes:
        groups: those that are listed; none: the open ones.
        mine: only cases whose worker is the reader.
        unit: with those under it.
        worker: a staff id.
        protocols: ids.
        text: a part of a case's number.
        sort: one of `due`, `-due`, `case`.
        nobodys: only cases without a worker.
        late: for how long what is listed has been overdue.
        missed: since when it was missed; then groups choose nothing.
        why: it was missed.
        listed_in: the id of a catch-up notice that lists it; then groups choose nothing.
    """

    groups: tuple[Group, ...] = ()
    mine: bool = False
    unit: str | None = None
    worker: str | None = None
    protocols: tuple[str, ...] = ()
    text: str | None = None
    sort: str = "due"
    nobodys: bool = False
    late: Late | None = None
    missed: Missed | None = None
    why: Why | None = None
    listed_in: str | None = None


@dataclass(frozen=True)
class Presenting:
    """What items are made with: the catalogue, the keys of references, and where cases lie in their systems."""

    catalogue: Catalogue
    tokens: Tokens
    case_links: Mapping[str, str]
    """Source → the address of a case, with `{case}` in the place of its number."""

    def case_link(self, source: str | None, case_id: str | None) -> str | None:
        """Return the address of a case in the system of its source; None where that is not known."""
        if source is None or case_id is None or source not in self.case_links:
            return None
        return self.case_links[source].replace("{case}", quote(case_id, safe=""))


def read_worklist(
    connection: Connection, present: Presenting, viewer: Viewer, wanted: Wanted, cursor: str | None, limit: int
) -> dict[str, Any]:
    """Return a page of the worklist on the business date, with how many checks each group has.

    The counts are of all that is wanted but for the groups; `total` is of what is listed, on this page and others.

    Args:
        connection: that sees one state.
        present: what items are made with.
        viewer: the reader.
        wanted: what is chosen.
        cursor: of the page before.
        limit: how many checks at most.

    Raises:
        Problem: 400 for a cursor of another list, or an order that there is not; 503 before there is a business date,
            or where all protocols that are asked for are being computed.
    """
    if wanted.sort not in SORTS:
        raise bad_request("wrong_sort", f"There is no order {wanted.sort!r}; the orders are {', '.join(SORTS)}.")
    context, today = context_with_date(connection)
    shown = shown_protocols(connection, present.catalogue, context)
    shown.require(wanted.protocols)
    worker = viewer.staff if wanted.mine else wanted.worker
    sight = viewer.sight_in(present.catalogue, today, wanted.unit)
    among = WorkFilter(
        today=today,
        protocols=shown.protocols.intersection(wanted.protocols)
        if wanted.protocols
        else protocols_to_tell(shown, context),
        register=register_protocols(present.catalogue),
        sight=NOTHING if wanted.mine and viewer.staff is None else sight,
        worker=worker,
        text=wanted.text,
        nobodys=wanted.nobodys,
        due_between=None if wanted.late is None else late_between(wanted.late, today),
        missed_since=None if wanted.missed is None else missed_since(wanted.missed, today),
        why=None if wanted.why is None else wanted.why.value,
        listed_in=wanted.listed_in,
    )
    among = narrowed_to_cases(connection, among)
    after = _after(cursor, wanted.sort)
    groups = wanted.groups or OPEN_GROUPS
    rows = select_work(connection, among, groups, wanted.sort, after, limit + 1)
    listed = rows[:limit]
    following = _cursor(wanted.sort, listed[-1]) if len(rows) > limit else None
    counts = {**_in_all(count_work(connection, among)), Group.DONE: count_done(connection, among)}
    in_groups = sum(counts[group] for group in set(groups))
    return {
        **page(items_of(connection, present, viewer, listed), following),
        "on": today,
        "counts": {str(group): number for group, number in counts.items()},
        "total": count_in_any_group(connection, among) if among.in_any_group else in_groups,
        "staff": viewer.staff,
        **shown.told(),
    }


def read_counts(connection: Connection, catalogue: Catalogue, viewer: Viewer) -> dict[str, Any]:
    """Return how many checks there are in the open groups, by unit and in all; a unit without those under it.

    Raises:
        Problem: 503 before there is a business date.
    """
    context, today = context_with_date(connection)
    shown = shown_protocols(connection, catalogue, context)
    among = WorkFilter(
        today=today,
        protocols=protocols_to_tell(shown, context),
        register=register_protocols(catalogue),
        sight=viewer.sight,
    )
    units = count_work(connection, among)
    items = [{"unit": unit, **{str(group): units[unit][group] for group in OPEN_GROUPS}} for unit in sorted(units)]
    whole = {str(group): number for group, number in _in_all(units).items()}
    return {"on": today, "items": items, "all": whole, **shown.told()}


def protocols_to_tell(shown: Shown, context: Context) -> frozenset[str] | None:
    """Return the protocols that checks must be asked for; None: everybody has been computed by just those shown."""
    settled = context.definitions == context.protocols and shown.protocols == context.protocols.keys()
    return None if settled else shown.protocols


def _in_all(units: Mapping[str, Mapping[Group, int]]) -> dict[Group, int]:
    return {group: sum(counts[group] for counts in units.values()) for group in OPEN_GROUPS}


def visible_check(connection: Connection, catalogue: Catalogue, viewer: Viewer, check_id: str) -> Row:
    """Return the row of a check that a viewer may see.

    Raises:
        Problem: 404, there is none, or it may not be seen; 503 before there is a business date, or while its protocol
            is being computed.
    """
    context, today = context_with_date(connection)
    among = WorkFilter(
        today=today,
        protocols=frozenset(catalogue.protocols),
        register=register_protocols(catalogue),
        sight=viewer.sight,
    )
    row = select_one(connection, among, person_of(check_id), check_id)
    if row is None:
        raise not_found("There is no such check.")
    shown_protocols(connection, catalogue, context).require([row["protocol"]])
    return row


def register_protocols(catalogue: Catalogue) -> frozenset[str]:
    """Return the protocols whose checks only the register can answer."""
    return frozenset(each.id for each in catalogue.protocols.values() if each.reads_month)


def items_of(connection: Connection, present: Presenting, viewer: Viewer, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return checks as the worklist shows them.

    Args:
        connection: that sees one state.
        present: what items are made with.
        viewer: whose acts are marked as their own.
        rows: of the table of checks.
    """
    _, today = context_with_date(connection)
    checks = list(rows)
    sources = sources_of_cases(connection, ((row["person"], row["case_id"]) for row in checks))
    acts = acts_of(connection, checks)
    return [
        _item(present, viewer, today, row, sources.get((row["person"], row["case_id"])), acts.get(row["id"], ()))
        for row in checks
    ]


def _item(
    present: Presenting, viewer: Viewer, today: date, row: Row, source: str | None, acts: Iterable[Act]
) -> dict[str, Any]:
    protocol = present.catalogue.protocols[row["protocol"]]
    work = Work(row["state"], row["settled_on"], protocol.reads_month, row["tried_on"], row["postponed_until"])
    put_off = row["postponed_until"] is not None and row["postponed_until"] > today
    return {
        **check_as_json(row, row["protected"]),
        "ref": reference_of(present.tokens, row["id"]),
        "group": group_of(work, today),
        "worker": row["worker"],
        "link": present.case_link(source, row["case_id"]),
        "why": {"day": row["anchor_on"], "anchor": protocol.anchor, "rule": protocol.id, "event": row["because"][0]},
        "takes_answer": protocol.takes_answers,
        "asks_register": protocol.reads_month,
        "open": row["state"] in OPEN_STATES,
        "gives_up_on": row["gives_up_on"],
        "tried": row["attempts"],
        "postponed_until": row["postponed_until"] if put_off else None,
        "response": row["response"],
        "occupation": row["occupation"],
        "missed_why": row["missed_why"],
        "acts": [act.as_json(viewer.actor) for act in acts],
    }


def sources_of_cases(connection: Connection, of: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return the source of each case's enrolment, by person and case: the system that the case lies in."""
    named = list(of)
    cases = select(person_case.c.person, person_case.c.case_id, person_case.c.events).where(
        person_case.c.person == texts(sorted_by_bytes({person for person, _ in named})).any_(),
        person_case.c.case_id == texts(sorted_by_bytes({case_id for _, case_id in named})).any_(),
    )
    return {(person, case_id): events[0]["source"] for person, case_id, events in connection.execute(cases)}


def _cursor(sort: str, row: Row) -> str:
    return encode_cursor([sort, str(row[SORTS[sort][0].name]), row["id"]])


def _after(cursor: str | None, sort: str) -> tuple[Any, str] | None:
    key = decode_cursor(cursor, (str, str, str))
    if key is None:
        return None
    if key[0] != sort:
        raise wrong_cursor()
    if SORTS[sort][0].name != "due":
        return key[1], key[2]
    try:
        return date.fromisoformat(key[1]), key[2]
    except ValueError:
        raise wrong_cursor() from None
