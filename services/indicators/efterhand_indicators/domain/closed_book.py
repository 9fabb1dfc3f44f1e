"""What of figures can be told when persons have been disposed of: live sums and the closed book, or nothing at all.

Persons are disposed of up to a horizon: whatever they counted for lies before it. It is closed, month by month, by the
definitions of that day, and cannot be computed again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import product
from typing import Final

from efterhand.catalogue import Indicator
from efterhand.catalogue.model import Kind
from efterhand.dates import last_day_of_month
from efterhand.figures.cells import Dims, Sums, Window

_UNSAID: Final = ("sex", "unknown")


class Disposed(LookupError):
    """What is asked for rests on persons who have been disposed of, and the closed book cannot tell it; says why."""


@dataclass(frozen=True)
class Horizon:
    """Up to which day persons were disposed of.

    `events`: how many of theirs. `missing`: how many of these were not held when they should have been closed.
    `received_until`: the latest day on which one of them was received.
    """

    before: date
    events: int
    missing: int
    received_until: date


@dataclass(frozen=True)
class BookRow:
    """What the book holds for one combination of dimensions (None: unknown), and of a split for one part."""

    dims: Mapping[str, str | None]
    part: str | None
    sums: Sums


def is_booked(indicator: Indicator) -> bool:
    """Tell whether what an indicator counts can be added up month by month.

    It cannot where something counts on every day of a span, where persons count once, where a day in the window has to
    speak for it, and where the middle number is asked for.
    """
    return (
        indicator.during is None
        and not indicator.once_per
        and not indicator.first_per_person
        and indicator.evidence is None
        and indicator.kind is not Kind.MEDIAN
    )


def reaching(horizons: Iterable[Horizon], window: Window) -> list[Horizon]:
    """Return the horizons that lie after the first day of a window: persons are gone who may have counted in it."""
    return [horizon for horizon in horizons if window.first < horizon.before]


def check_known(horizons: Collection[Horizon], window: Window, known: date | None) -> None:
    """Make sure that everybody who counted in a window, as known on a day (None: now), is still there.

    Who is gone counts in no later window, unless something was received of them after the day: then nobody can tell
    any more what they were known to be.

    Raises:
        Disposed: somebody may be gone.
    """
    for horizon in reaching(horizons, window):
        raise Disposed(
            f"The window begins on {window.first}. Persons of whom nothing lies on or after {horizon.before} have been "
            "disposed of; of them only sums are left."
        )
    later = [horizon.received_until for horizon in horizons if known is not None and known < horizon.received_until]
    if later:
        raise Disposed(
            f"Persons have been disposed of, of whom something was received up to {max(later)}: how they were known on "
            f"{known} cannot be told any more."
        )


def check_answerable(
    indicator: Indicator, window: Window, horizons: Collection[Horizon], closed: Mapping[date, int]
) -> None:
    """Make sure that live sums and the closed book together are the figure of a window.

    Args:
        indicator: the definition.
        window: that is asked for.
        horizons: up to which persons were disposed of.
        closed: for each horizon, how many of its events the indicator was closed of by this very definition.

    Raises:
        Disposed: they are not.
    """
    concerned = reaching(horizons, window)
    if not concerned:
        return
    last = max(horizon.before for horizon in concerned)
    about = f"Persons of whom nothing lies on or after {last} have been disposed of; of them only sums are left"
    if not is_booked(indicator):
        raise Disposed(f"{about}, and what '{indicator.id}' counts cannot be added up month by month.")
    for horizon in concerned:
        if horizon.missing:
            raise Disposed(f"{about}, and {horizon.missing} of their events were missing here when they were summed.")
        if closed.get(horizon.before, 0) != horizon.events:
            raise Disposed(f"{about}, by another definition of '{indicator.id}' than today's.")
    if not _is_made_of_months(window, last):
        raise Disposed(f"{about} for whole months, and the window is not made of whole months.")


def _is_made_of_months(window: Window, last_horizon: date) -> bool:
    """Tell whether every month before a horizon lies in a window as a whole or not at all."""
    ends_whole = window.last == last_day_of_month(window.last) or window.last >= last_horizon - timedelta(days=1)
    return window.first.day == 1 and ends_whole


def book_cells(
    indicator: Indicator, rows: Iterable[BookRow], by: Sequence[str], ancestors: Mapping[str, Iterable[str]]
) -> dict[Dims, Sums]:
    """Return what the rows of the book add up to in each cell, in the shape of live sums.

    Args:
        indicator: the definition.
        rows: of the months of the window.
        by: dimensions; every combination of some of them is a cell.
        ancestors: of each unit itself and the units above it; a row counts in each of them.
    """
    cells: dict[Dims, Sums] = {}
    for row in rows:
        for dims in _cells_of(row, by, ancestors):
            whole = row.sums if indicator.kind is not Kind.SPLIT else replace(row.sums, numerator=None)
            cells[dims] = _plus(cells.get(dims), whole)
            if indicator.part is not None and row.part is not None:
                part = (*dims, (indicator.part, row.part))
                cells[part] = _plus(cells.get(part), row.sums)
    return added(indicator, cells, {})


def _cells_of(row: BookRow, by: Sequence[str], ancestors: Mapping[str, Iterable[str]]) -> Iterable[Dims]:
    """Give every cell that a row lies in; what is unknown of it, and unknown sex, counts in the totals only."""
    choices: list[list[str | None]] = []
    for name in by:
        value = row.dims[name]
        if name == "unit":
            choices.append([None, *ancestors.get(value or "", ())])
        else:
            choices.append([None] if value is None or (name, value) == _UNSAID else [None, value])
    for chosen in product(*choices):
        yield tuple((name, value) for name, value in zip(by, chosen, strict=True) if value is not None)


def added(indicator: Indicator, live: Mapping[Dims, Sums], book: Mapping[Dims, Sums]) -> dict[Dims, Sums]:
    """Add the cells of the book to the live ones; of a split every part is held against all of its cell again."""
    cells = dict(live)
    for dims, sums in book.items():
        cells[dims] = _plus(cells.get(dims), sums)
    if indicator.kind is not Kind.SPLIT:
        return cells
    return {
        dims: sums
        if sums.numerator is None
        else replace(sums, denominator=cells[dims[:-1]].denominator, expected=cells[dims[:-1]].expected)
        for dims, sums in cells.items()
    }


def _plus(held: Sums | None, more: Sums) -> Sums:
    """Add what applies to the kind of figure; both have the same numbers."""
    if held is None:
        return more
    names = ("numerator", "denominator", "expected", "sum")
    pairs = {name: (getattr(held, name), getattr(more, name)) for name in names}
    return Sums(**{name: None if None in pair else sum(pair) for name, pair in pairs.items()})
