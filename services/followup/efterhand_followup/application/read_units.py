"""The units of a reader's reach, and one unit in sum: how much waits, for how long, what was missed and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection

from efterhand.catalogue import Catalogue
from efterhand.catalogue.model import FEEDS
from efterhand.persons.store import read_watermarks
from efterhand.web.problem import not_found
from efterhand.web.sight import Sight
from efterhand_followup.adapters.tables import kept
from efterhand_followup.adapters.unit_query import CatchUp, Counted, count_at_units, select_catch_ups
from efterhand_followup.adapters.worklist_query import WorkFilter
from efterhand_followup.application.read_worklist import protocols_to_tell, register_protocols
from efterhand_followup.application.reading import context_with_date, shown_protocols, units_below
from efterhand_followup.domain.context import Context
from efterhand_followup.domain.units import Counts, feeds_of, in_all, rolled_up
from efterhand_followup.domain.worklist import Missed, missed_since

MOST_WORKERS: Final = 50
MOST_CATCH_UPS: Final = 50


def read_units(connection: Connection, catalogue: Catalogue, sight: Sight) -> dict[str, Any]:
    """Return the units that are seen, each with what is counted there and under it in the tree of the business date.

    Raises:
        Problem: 503 before there is a business date.
    """
    asked = _asked(connection, catalogue, sight)
    counted = count_at_units(connection, asked.among)
    units = sorted({*catalogue.units.units, *counted.units} if sight.units is None else sight.units)
    return {**asked.told(), "items": _items(asked, counted.units, units)}


def read_unit(connection: Connection, catalogue: Catalogue, sight: Sight, unit: str) -> dict[str, Any]:
    """Return one unit, with those under it, in sum on the business date.

    Raises:
        Problem: 404, there is no such unit, or it may not be seen; 503 before there is a business date.
    """
    _, today = context_with_date(connection)
    below = units_below(catalogue, unit, today)
    asked = _asked(connection, catalogue, sight.within(below))
    counted = count_at_units(connection, asked.among)
    known = unit in catalogue.units.units or unit in counted.units or sight.units is not None
    if not known or not sight.sees(unit):
        raise not_found("There is no such unit.")
    under = sorted(each for each in below - {unit} if catalogue.units.parent_on(each, today) == unit)
    by_worker = sorted(counted.workers.items(), key=lambda item: (*_most_overdue(item[1]), item[0] or ""))
    return {
        **asked.told(),
        "unit": unit,
        "all": in_all(counted.units.values()).as_json(today),
        "units": _items(asked, counted.units, under),
        "protocols": [
            {"protocol": protocol, **counted.protocols[protocol].as_json(today)}
            for protocol in catalogue.protocols
            if protocol in counted.protocols
        ],
        "workers": [{"worker": worker, **counts.as_json(today)} for worker, counts in by_worker[:MOST_WORKERS]],
        "workers_left": max(0, len(by_worker) - MOST_WORKERS),
        "missed": _missed(catalogue, counted),
        "catch_ups": _catch_ups(select_catch_ups(connection, asked.among)),
        "feeds": _feeds(connection, catalogue, asked, counted),
    }


@dataclass(frozen=True)
class _Asked:
    """What both reads ask of the checks, and by what of the context."""

    context: Context
    catalogue: Catalogue
    today: date
    among: WorkFilter
    computing: Mapping[str, Any]

    def told(self) -> dict[str, Any]:
        """Return what both answers say of their time, and of what is left out."""
        spans = {str(each): {"from": missed_since(each, self.today), "to": self.today} for each in Missed}
        return {"on": self.today, **spans, **self.computing}


def _asked(connection: Connection, catalogue: Catalogue, sight: Sight) -> _Asked:
    context, today = context_with_date(connection)
    shown = shown_protocols(connection, catalogue, context)
    among = WorkFilter(
        today=today,
        protocols=protocols_to_tell(shown, context),
        register=register_protocols(catalogue),
        sight=sight,
    )
    return _Asked(context, catalogue, today, among, shown.told())


def _items(asked: _Asked, counts: Mapping[str, Counts], units: Iterable[str]) -> list[dict[str, Any]]:
    tree, today = asked.catalogue.units, asked.today
    sums = rolled_up(counts, units, tree, today)
    return [
        {
            "unit": unit,
            "above": next((each for each in tree.ancestors_on(unit, today)[1:] if each in sums), None),
            **sums[unit].as_json(today),
        }
        for unit in sums
    ]


def _most_overdue(counts: Counts) -> tuple[int, ...]:
    return -counts.overdue, -counts.todo, -counts.waiting, -counts.missed_year


def _missed(catalogue: Catalogue, counted: Counted) -> list[dict[str, Any]]:
    order = {protocol: number for number, protocol in enumerate(catalogue.protocols)}
    whys = sorted(counted.whys.items(), key=lambda item: (order[item[0][0]], -item[1].missed_year, item[0][2] or ""))
    return [
        {"protocol": protocol, "state": state, "why": why, "month": counts.missed_month, "year": counts.missed_year}
        for (protocol, state, why), counts in whys
    ]


def _catch_ups(listed: Iterable[CatchUp]) -> dict[str, Any]:
    """Return the open catch-up notices, those of the last day of receipt first, with what they list."""
    notices: dict[str, dict[str, int]] = {}
    for each in listed:
        notices.setdefault(each.id, {})[each.protocol] = each.checks
    newest = sorted(notices, key=lambda each: (each.rsplit("/", 1)[1], each), reverse=True)
    items = []
    for notice_id in newest[:MOST_CATCH_UPS]:
        _, unit, received_on = notice_id.rsplit("/", 2)
        protocols = [{"protocol": each, "checks": number} for each, number in sorted(notices[notice_id].items())]
        checks = sum(notices[notice_id].values())
        items.append({"id": notice_id, "unit": unit, "on": received_on, "checks": checks, "protocols": protocols})
    return {"items": items, "left": max(0, len(newest) - MOST_CATCH_UPS)}


def _feeds(connection: Connection, catalogue: Catalogue, asked: _Asked, counted: Counted) -> list[dict[str, Any]]:
    held_back: dict[str, int] = dict.fromkeys(FEEDS, 0)
    for protocol, counts in counted.protocols.items():
        held_back[catalogue.protocols[protocol].feed] += counts.held_back
    feeds = feeds_of(FEEDS, asked.context.through, read_watermarks(connection, kept))
    return [feed.as_json(asked.today, held_back[feed.name]) for feed in feeds]
