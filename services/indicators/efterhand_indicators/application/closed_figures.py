"""Figures whose window reaches back to persons who have been disposed of."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from sqlalchemy import Connection

from efterhand.catalogue import Indicator
from efterhand.figures.cells import Dims, Sums, Window
from efterhand_indicators.adapters import closed_book
from efterhand_indicators.domain.closed_book import added, book_cells, check_answerable, check_known, reaching


class ClosedFigures:
    """What the closed book adds to live sums, as seen in one transaction."""

    def __init__(self, connection: Connection, known: date | None = None) -> None:
        """Read up to when persons were disposed of. `known`: figures are asked for as known on that day."""
        self._connection = connection
        self._known = known
        self._horizons = closed_book.read_horizons(connection)

    def complete(
        self,
        indicator: Indicator,
        window: Window,
        by: Sequence[str],
        ancestors: Mapping[str, Iterable[str]],
        live: dict[Dims, Sums],
    ) -> dict[Dims, Sums]:
        """Return live sums with what the book holds.

        Args:
            indicator: the definition.
            window: that the live sums are of.
            by: dimensions that they are broken down by.
            ancestors: of each unit itself and the units above it.
            live: the sums of each cell.

        Raises:
            Disposed: both together are not the figure.
        """
        if self._known is not None:
            check_known(self._horizons, window, self._known)
        if not reaching(self._horizons, window):
            return live
        check_answerable(indicator, window, self._horizons, closed_book.read_closed(self._connection, indicator))
        rows = closed_book.read_rows(self._connection, indicator, window, by)
        return added(indicator, live, book_cells(indicator, rows, by, ancestors))


def check_nobody_is_gone(connection: Connection, windows: Iterable[Window], known: date | None = None) -> None:
    """Make sure that everybody is still there who counted in some windows, as known on a day (None: now).

    Raises:
        Disposed: somebody may be gone: no case can be shown any more.
    """
    horizons = closed_book.read_horizons(connection)
    for window in windows:
        check_known(horizons, window, known)
