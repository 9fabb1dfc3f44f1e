"""The counted things behind a figure, each with the rows that it is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, RowMapping

from efterhand.catalogue import Indicator
from efterhand.figures.cells import Window, window_of
from efterhand.web.sight import EVERYTHING, Sight
from efterhand_indicators.adapters import context_store
from efterhand_indicators.adapters.thing_query import (
    ThingQuery,
    after_parameters,
    counted_as,
    key_of,
    labels_of,
)
from efterhand_indicators.application.closed_figures import check_nobody_is_gone
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.application.explaining import (
    counted_by,
    protected_persons,
    restricted,
    sees_protected,
    units_above,
)
from efterhand_indicators.application.figures import business_date_of, derive_as_known

Key = tuple[str, ...]
"""What a thing is known by, and the list is sorted by; see `thing_query.THING`."""


@dataclass(frozen=True)
class Cases:
    """Counted things in a window, in the order of their keys; `next_after` when there are more."""

    window: Window
    items: tuple[dict[str, Any], ...]
    next_after: Key | None


def read_cases(
    connection: Connection,
    definitions: Definitions,
    name: str,
    at: date | None = None,
    after: Sequence[str] | None = None,
    limit: int = 100,
    *,
    cell: Mapping[str, str] | None = None,
    known: date | None = None,
    sight: Sight = EVERYTHING,
) -> Cases:
    """Return what an indicator counts in one cell of the window that ends on a day; each thing is counted once.

    Args:
        connection: to read from; with `known`, in a transaction.
        definitions: what everything is computed by.
        name: of the indicator.
        at: the last day of the window; None: the business date.
        after: key of the last item of the page before.
        limit: items on this page.
        cell: dimensions and their values; None: the total.
        known: without what was received after that day; None: from everything that is known now.
        sight: what of persons the reader sees; only what is counted in those units is listed, and persons with a
            protected identity where the reader sees them.

    Raises:
        UnknownWord, NotYet, OverflowError: as `read_figure`.
        MadeOfOthers: the figure is a formula.
        Disposed: persons who may have counted have been disposed of.
    """
    context = context_store.read_context(connection)
    compiled = counted_by(definitions, context, name)
    indicator = compiled.indicator
    business_date = business_date_of(context)
    window = window_of(indicator, at or business_date)
    check_nobody_is_gone(connection, [window], known)
    query = ThingQuery(indicator, restricted(indicator, definitions.catalogue, cell or {}, sight.units))
    parameters = query.parameters({"": window}, {"": units_above(query, definitions.catalogue, window)})
    if known is not None:
        parameters["anew"] = list(derive_as_known(connection, definitions, [compiled], known))
    items, next_after = list_things(
        connection, query, parameters, derived_anew=known is not None, after=after, limit=limit
    )
    protected = protected_persons(connection, {item["person"] for item in items}, business_date)
    return Cases(
        window,
        tuple(
            {**item, "protected": True} if item["person"] in protected else item
            for item in items
            if item["person"] not in protected or sees_protected(sight, counted_in(item))
        ),
        next_after,
    )


def counted_in(item: Mapping[str, Any]) -> set[str | None]:
    """Return the units in which an item of the list is counted."""
    rows = item.get("made_of") or [item]
    return {row["dims"].get("unit") for row in rows}


def list_things(
    connection: Connection,
    query: ThingQuery,
    parameters: Mapping[str, Any],
    *,
    derived_anew: bool,
    after: Sequence[str] | None,
    limit: int,
) -> tuple[list[dict[str, Any]], Key | None]:
    """Return one page of counted things, and after which key the next page begins, if there is one.

    Args:
        connection: to read from; with `derived_anew`, one on which the temporary tables hold contributions.
        query: of the indicator and the cell.
        parameters: of its statements over one window.
        derived_anew: the temporary contributions stand in for those of the persons in the parameter `anew`.
        after: key of the last thing of the page before.
        limit: things on this page.
    """
    page = query.page(derived_anew=derived_anew, after=after is not None).limit(limit + 1)
    found = connection.execute(page, {**parameters, **after_parameters(after or ())}).mappings().all()
    shown = found[:limit]
    persons = sorted({row["person"] for row in shown})
    behind = query.behind(derived_anew=derived_anew)
    rows = connection.execute(behind, {**parameters, "persons": persons}).mappings().all()
    return _items(query.indicator, shown, rows), key_of(shown[-1]) if len(found) > limit else None


def _items(indicator: Indicator, things: Sequence[RowMapping], rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    made_of: dict[Key, list[RowMapping]] = {}
    said: dict[Key, list[date]] = {}
    for row in rows:
        # Where persons are counted once a day speaks for the person, whatever else the person is counted once in.
        if row["evidence"]:
            said.setdefault(key_of(row)[: 1 if indicator.once_per else 3], []).append(row["first_day"])
        else:
            made_of.setdefault(key_of(row), []).append(row)
    items = []
    for thing in things:
        key = key_of(thing)
        item = _item(indicator, thing, made_of[key])
        if indicator.evidence is not None:
            item["evidence"] = sorted(said.get(key[: 1 if indicator.once_per else 3], ()))
        items.append(item)
    return items


def _item(indicator: Indicator, thing: RowMapping, rows: Sequence[RowMapping]) -> dict[str, Any]:
    """Return a thing: what all its rows have in common, and the rows themselves where there may be several."""
    each = [_row(indicator, row) for row in rows]
    common: dict[str, Any] = {
        name: each[0][name] if all(row[name] == each[0][name] for row in each) else None
        for name in ("subject", "check")
    }
    item: dict[str, Any] = {
        "person": thing["person"],
        **common,
        "day": thing["first_day"],
        "until": thing["last_day"],
        "dims": dict(set.intersection(*(set(row["dims"].items()) for row in each))),
        "numerator": thing["numerator"],
        "denominator": thing["denominator"],
        "expected": thing["expected"],
        "sum": None if thing["sum"] is None else int(thing["sum"]),
    }
    item["dims"] = {name: item["dims"][name] for name in each[0]["dims"] if name in item["dims"]}
    if indicator.once_per[1:]:
        item["counted_as"] = counted_as(indicator, thing)
    if indicator.once_per or indicator.during is not None:
        item["made_of"] = each
    return item


def _row(indicator: Indicator, row: RowMapping) -> dict[str, Any]:
    return {
        "subject": row["of_subject"],
        "check": check_of(row["of_protocol"], row["person"], row["of_subject"]),
        "day": row["first_day"],
        "until": row["last_day"],
        "dims": _dims(indicator, row),
    }


def check_of(protocol: str, person: str, subject: str) -> str | None:
    """Return the id of a counted check; None of what is none."""
    return f"{protocol}:{person}:{subject}" if protocol else None


def _dims(indicator: Indicator, row: Mapping[Any, Any]) -> dict[str, str]:
    part = indicator.part or ""
    values = {name or part: row[label] for name, label in labels_of(indicator).items()}
    return {name: value for name, value in values.items() if value is not None}
