"""The counted things behind a figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, bindparam, tuple_
from sqlalchemy.types import Date, Text

from efterhand_indicators.adapters import context_store, figure_query
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.application.figures import business_date_of, shown_indicator
from efterhand_indicators.domain.figures import Window, window_of

Key = tuple[str, str, str, date]
"""person, protocol, subject, first day: what the list is sorted by."""

_SORTED_BY = ("person", "protocol", "subject", "first_day")


@dataclass(frozen=True)
class Cases:
    """Contributions in a window, in the order of their keys; `next_after` when there are more."""

    window: Window
    items: tuple[dict[str, Any], ...]
    next_after: Key | None


def read_cases(
    connection: Connection,
    definitions: Definitions,
    name: str,
    at: date | None = None,
    after: Sequence[Any] | None = None,
    limit: int = 100,
) -> Cases:
    """Return what an indicator counts in the window that ends on a day.

    Args:
        connection: to read from.
        definitions: what everything is computed by.
        name: of the indicator.
        at: the last day of the window; None: the business date.
        after: key of the last item of the page before.
        limit: items on this page.

    Raises:
        UnknownWord, NotYet, OverflowError: as `read_figure`.
    """
    context = context_store.read_context(connection)
    indicator = shown_indicator(definitions, context, name).indicator
    window = window_of(indicator, at or business_date_of(context))
    rows = figure_query.rows_in_window()
    columns = [rows.selected_columns[each] for each in _SORTED_BY]
    parameters = {
        "indicator": indicator.id,
        "definition": indicator.definition,
        "first": window.first,
        "last": window.last,
    }
    if after is not None:
        kinds: tuple[Any, ...] = (Text, Text, Text, Date)
        names: list[Any] = [
            bindparam(f"after_{each}", type_=kind) for each, kind in zip(_SORTED_BY, kinds, strict=True)
        ]
        rows = rows.where(tuple_(*columns) > tuple_(*names))
        parameters |= {f"after_{each}": value for each, value in zip(_SORTED_BY, after, strict=True)}
    found = connection.execute(rows.order_by(*columns).limit(limit + 1), parameters).mappings().all()
    items = tuple(
        {
            "person": row["person"],
            "subject": row["subject"],
            "check": f"{row['protocol']}:{row['person']}:{row['subject']}" if row["protocol"] else None,
            "day": row["first_day"],
            "until": row["last_day"],
            "dims": {each: row[each] for each in indicator.dimensions if row[each] is not None},
            "numerator": row["numerator"],
            "denominator": row["denominator"],
            "expected": row["expected"],
        }
        for row in found[:limit]
    )
    last = found[limit - 1] if len(found) > limit else None
    next_after = None if last is None else (last["person"], last["protocol"], last["subject"], last["first_day"])
    return Cases(window, items, next_after)
