"""The data-quality list: what was accepted and is doubtful, in pages; and how much of it there is.

An entry stands on some days and not on others: which of them stand is asked for by the business date. That two persons
have a case with the same id is told by the cases of all persons together, whenever it is asked for: kept with a person,
it would depend on who came first.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, cast, func, literal, null, or_, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import DATE, JSONPATH, TEXT, distinct_on

from efterhand.catalogue import Catalogue
from efterhand.persons.store import sorted_by_bytes, texts
from efterhand.timeline.doubts import CASE_OF_TWO, CODES
from efterhand.web.paging import decode_cursor, encode_cursor, page
from efterhand.web.references import reference_of
from efterhand.web.sight import Sight
from efterhand_followup.adapters.context_store import read_context
from efterhand_followup.adapters.seen_rows import seen_with
from efterhand_followup.adapters.tables import check, doubt, person_case
from efterhand_followup.application.read_worklist import Presenting, sources_of_cases
from efterhand_followup.application.reading import context_with_date, units_below
from efterhand_followup.domain.doubts import ADVICE
from efterhand_followup.domain.worklist import OPEN_STATES

_LISTED: Final = ("person", "id", "code", "about", "case_id", "unit", "events", "from_on", "protected")


@dataclass(frozen=True)
class DoubtFilter:
    """What the entries must have; None: anything. A unit stands for those under it too.

    `source` is one of those that sent the events behind an entry.
    """

    unit: str | None = None
    source: str | None = None
    code: str | None = None


def read_doubts(
    connection: Connection,
    catalogue: Catalogue,
    wanted: DoubtFilter,
    sight: Sight,
    cursor: str | None,
    limit: int,
) -> dict[str, Any]:
    """Return a page of the list as it stands on the business date, in the order of persons.

    What is about no case of a unit is seen by those only who see every unit.

    Raises:
        Problem: 400 for a cursor of another list, 503 before there is a business date.
    """
    _, day = context_with_date(connection)
    units = None if wanted.unit is None else sorted(units_below(catalogue, wanted.unit, day))
    after = decode_cursor(cursor, (str, str))
    parts = [
        _narrowed(selected, columns, wanted.source, units, sight, after, limit + 1)
        for selected, columns in _parts(day, wanted.code)
    ]
    found = union_all(*parts).subquery()
    rows = connection.execute(select(found).order_by(found.c.person, found.c.id).limit(limit + 1)).mappings().all()
    shown = rows[:limit]
    following = encode_cursor([shown[-1]["person"], shown[-1]["id"]]) if len(rows) > limit else None
    return page([_as_json(dict(row)) for row in shown], following)


def read_counts(connection: Connection, catalogue: Catalogue, wanted: DoubtFilter, sight: Sight) -> dict[str, Any]:
    """Return how many entries stand on the list for a reader, by code, unit and source.

    Those by code are of what is wanted but for the code, and so on. A unit (None: no unit) is by itself; an entry that
    several sources are behind counts for each of them.

    Raises:
        Problem: 503 before there is a business date.
    """
    _, day = context_with_date(connection)
    units = None if wanted.unit is None else units_below(catalogue, wanted.unit, day)
    whole = 0
    by: dict[str, Counter[str | None]] = {name: Counter() for name in ("code", "unit", "source")}
    for code, unit, sources, number in connection.execute(_counting(day, sight)):
        fits = {
            "code": wanted.code in (None, code),
            "unit": units is None or unit in units,
            "source": wanted.source is None or wanted.source in sources,
        }
        whole += number if all(fits.values()) else 0
        values: dict[str, Iterable[str | None]] = {"code": (code,), "unit": (unit,), "source": set(sources)}
        for name, counter in by.items():
            if all(fits[other] for other in fits if other != name):
                counter.update(dict.fromkeys(values[name], number))
    return {
        "on": day,
        "all": whole,
        "codes": [{"code": code, "count": by["code"][code]} for code in CODES if by["code"][code]],
        **{
            f"{name}s": [{name: value, "count": by[name][value]} for value in sorted(by[name], key=_by_name)]
            for name in ("unit", "source")
        },
    }


def _counting(day: date, sight: Sight) -> Select[Any]:
    """Return the query of (code, unit, sources, how many)."""
    parts = []
    for selected, columns in _parts(day, None):
        sources = func.jsonb_path_query_array(columns["events"], cast("$[*].source", JSONPATH))
        told = (columns["code"].label("code"), columns["unit"].label("unit"), sources.label("sources"))
        seen = seen_with(sight, columns["unit"], columns["protected"])
        parts.append(selected.with_only_columns(*told).where(*seen))
    found = union_all(*parts).subquery().c
    grouped = (found.code, found.unit, found.sources)
    return select(*grouped, func.count()).group_by(*grouped)


def _by_name(value: str | None) -> str:
    return value or ""


def with_ways(connection: Connection, present: Presenting, items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return entries with the ways to their cases: the case in its own system, and a check by which its story is told.

    Both are None where there is none. `check` is the id of that check: what is due last among what is open, else among
    the rest.
    """
    entries = list(items)
    sources = sources_of_cases(connection, ((each["person"], each["case"]) for each in entries if each["case"]))
    settled = check.c.state.not_in(OPEN_STATES)
    held = connection.execute(
        select(check.c.person, check.c.case_id, check.c.id)
        .where(
            check.c.person == texts(sorted_by_bytes({each["person"] for each in entries})).any_(),
            check.c.case_id == texts(sorted_by_bytes({each["case"] for each in entries if each["case"]})).any_(),
        )
        .ext(distinct_on(check.c.person, check.c.case_id))
        .order_by(check.c.person, check.c.case_id, settled, check.c.due.desc(), check.c.id)
    )
    checks = {(person, case_id): check_id for person, case_id, check_id in held}
    told = []
    for each in entries:
        key = (each["person"], each["case"])
        check_id = checks.get(key)
        ref = None if check_id is None else reference_of(present.tokens, check_id)
        told.append({**each, "check": check_id, "ref": ref, "link": present.case_link(sources.get(key), each["case"])})
    return told


def count_doubts(connection: Connection) -> dict[str, int]:
    """Return how many entries of each code stand on the list; none of any while there is no business date."""
    counts = dict.fromkeys(CODES, 0)
    day = read_context(connection).business_date
    if day is not None:
        rows = connection.execute(select(doubt.c.code, func.count()).where(_stands_on(day)).group_by(doubt.c.code))
        counts.update((code, number) for code, number in rows)
        shared = select(func.count()).where(person_case.c.case_id.in_(_shared_cases()))
        counts[CASE_OF_TWO] = connection.execute(shared).scalar_one()
    return counts


def _parts(day: date, code: str | None) -> list[tuple[Select[Any], Mapping[str, ColumnElement[Any]]]]:
    """Give the two tables that make the list, each with its columns by the names of the list."""
    parts: list[tuple[Select[Any], Mapping[str, ColumnElement[Any]]]] = []
    if code != CASE_OF_TWO:
        own = {name: doubt.c[name] for name in _LISTED}
        selected = select(*own.values()).where(_stands_on(day))
        parts.append((selected if code is None else selected.where(doubt.c.code == code), own))
    if code in (None, CASE_OF_TWO):
        case = person_case.c
        columns: dict[str, ColumnElement[Any]] = {
            "person": case.person,
            "id": literal(f"{CASE_OF_TWO} ", TEXT).concat(case.case_id),
            "code": literal(CASE_OF_TWO, TEXT),
            "about": case.case_id,
            "case_id": case.case_id,
            "unit": case.unit,
            "events": case.events,
            "from_on": null().cast(DATE),
            "protected": case.protected,
        }
        labelled = [column.label(name) for name, column in columns.items()]
        parts.append((select(*labelled).where(case.case_id.in_(_shared_cases())), columns))
    return parts


def _narrowed(
    selected: Select[Any],
    columns: Mapping[str, ColumnElement[Any]],
    source: str | None,
    units: Sequence[str] | None,
    sight: Sight,
    after: Sequence[Any] | None,
    limit: int,
) -> Select[Any]:
    """Take of one part what is asked for: the first so many behind the cursor."""
    selected = selected.where(*seen_with(sight, columns["unit"], columns["protected"]))
    if units is not None:
        selected = selected.where(columns["unit"].in_(units))
    if source is not None:
        selected = selected.where(columns["events"].contains([{"source": source}]))
    if after is not None:
        selected = selected.where(tuple_(columns["person"], columns["id"]) > tuple_(*after))
    return selected.order_by(columns["person"], columns["id"]).limit(limit)


def _stands_on(day: date) -> ColumnElement[bool]:
    begun = or_(doubt.c.from_on.is_(None), doubt.c.from_on <= day)
    return begun & or_(doubt.c.until_on.is_(None), doubt.c.until_on >= day)


def _shared_cases() -> Select[Any]:
    """The case ids that more than one person has, each at least once.

    By looking at each id and the one before it, in the order of the index: with a group by the database would rather
    read and sort the whole table.
    """
    case_id = person_case.c.case_id
    neighbours = select(case_id, func.lag(case_id).over(order_by=case_id).label("before")).subquery()
    return select(neighbours.c.case_id).where(neighbours.c.case_id == neighbours.c.before)


def _as_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry as others see it; `protected` is only there when it is true."""
    shown = {
        "code": row["code"],
        "about": row["about"],
        "person": row["person"],
        "case": row["case_id"],
        "unit": row["unit"],
        "events": row["events"],
        "since": row["from_on"],
        "advice": {language: asdict(advice) for language, advice in ADVICE[row["code"]].items()},
    }
    return {**shown, "protected": True} if row["protected"] else shown
