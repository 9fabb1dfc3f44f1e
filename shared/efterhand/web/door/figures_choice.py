"""What a reader has chosen of the figures: T, unit and target group; it is all in the address."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from efterhand.catalogue import Catalogue
from efterhand.dates import add_months, last_day_of_month

TABLE: Final = "/nyckeltal"
FILE: Final = "/nyckeltal.csv"

YEARS_BACK: Final = 5
"""Years of month ends that can be chosen from a list; an address may name an earlier one."""

_EARLIEST: Final = date(1995, 1, 1)
_LATEST: Final = date(2100, 12, 31)


@dataclass(frozen=True)
class FigureChoice:
    """The last day of the window, always the last of a month, and the cell."""

    at: date
    unit: str | None = None
    group: str | None = None
    chosen_at: bool = False
    """Whether T stands in the address, or is the last month that has ended."""

    @classmethod
    def of(cls, query: Mapping[str, str], catalogue: Catalogue, today: date) -> "FigureChoice":
        """Read an address's query; a day within a month means the month, and what is said wrongly is not said."""
        at = month_end_in(query.get("at", ""))
        unit, group = query.get("unit", ""), query.get("group", "")
        return cls(
            at or month_before(today),
            unit if unit in catalogue.units.units else None,
            group if group in catalogue.codelists["target_groups"] else None,
            at is not None,
        )

    @property
    def cell(self) -> dict[str, str]:
        """What the figures are restricted to."""
        named = {"unit": self.unit, "target_group": self.group}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def narrowed(self) -> bool:
        """Whether the figures are restricted at all; targets are held against the total only."""
        return bool(self.cell)

    def but(self, **changes: Any) -> "FigureChoice":
        """Return the choice with something else chosen."""
        return replace(self, **{"chosen_at": self.chosen_at or "at" in changes, **changes})

    def pairs(self) -> list[tuple[str, str]]:
        """Return the names and values of the address."""
        named = {"at": self.at.isoformat() if self.chosen_at else None, "unit": self.unit, "group": self.group}
        return [(name, value) for name, value in named.items() if value is not None]

    def link(self, path: str = TABLE, **more: str) -> str:
        """Return the address of a page with this choice, with something said besides."""
        query = urlencode([*self.pairs(), *more.items()])
        return f"{path}?{query}" if query else path

    def asked(self) -> dict[str, str]:
        """Return what indicators is asked for."""
        cell = ",".join(f"{name}:{value}" for name, value in self.cell.items())
        return {"at": self.at.isoformat(), **({"cell": cell} if cell else {})}

    def months(self, today: date) -> list[date]:
        """Return the month ends to choose from, the latest first: that of today's month and those before it."""
        running = last_day_of_month(today)
        listed = {last_day_of_month(add_months(running.replace(day=1), -back)) for back in range(12 * YEARS_BACK + 1)}
        return sorted({*listed, self.at}, reverse=True)


def page_of(indicator: str) -> str:
    """Return the path of a figure's own page."""
    return f"{TABLE}/{quote(indicator, safe='')}"


def month_end_in(written: str) -> date | None:
    """Return the last day of the month of a written day; None where it is no day that a window can end on."""
    try:
        day = date.fromisoformat(written) if len(written) == len("YYYY-MM-DD") else None
    except ValueError:
        return None
    return last_day_of_month(day) if day is not None and _EARLIEST <= day <= _LATEST else None


def month_before(day: date) -> date:
    """Return the last day of a month that has ended: that of the day itself, or of the month before it."""
    return day if day == last_day_of_month(day) else day.replace(day=1) - timedelta(days=1)
