"""What the system computes beside what was printed: each exact value by the decimals of its own printed cell."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from efterhand.catalogue import Indicator
from efterhand.demo.stockholm import PublishedRow
from efterhand.figures.cells import Sums, outcome, round_half_up

BY_GROUP: Final = "persons_by_target_group"
"""The indicator of the table of target groups; its whole adds up the groups."""
PERSONS: Final = "unique_persons"
"""The persons of that table, each counted once."""
NOTHING: Final = "–"

Row = Mapping[str, Any]
Answers = Mapping[tuple[str, date], Sequence[Row]]
"""Indicator and last day of the window → the rows of the figure, as the HTTP read gives them."""


@dataclass(frozen=True)
class Compared:
    """A number as it is shown, and the printed one, if there is one."""

    computed: str
    printed: str | None = None

    @property
    def agrees(self) -> bool:
        """Whether it is the printed number; what nobody printed contradicts nothing."""
        return self.printed in (None, self.computed)

    def __str__(self) -> str:
        if self.printed is None:
            return self.computed
        return f"{self.computed} {'=' if self.agrees else '≠'} {self.printed}"


@dataclass(frozen=True)
class TableLine:
    """A line of a table: all, men, women, and all of the year before."""

    name: str
    cells: tuple[Compared, ...]


def main_table(
    indicators: Iterable[Indicator],
    answers: Answers,
    year_end: date,
    year_before: date,
    printed: Sequence[PublishedRow],
) -> list[TableLine]:
    """Return a line for each indicator: those that were printed in the order of the print, then the others.

    Args:
        indicators: of the catalogue.
        answers: of each indicator by sex, for both years.
        year_end: last day of the year's windows.
        year_before: last day of the windows of the year before.
        printed: the published table; may be empty.
    """
    known = {indicator.id: indicator for indicator in indicators}
    rows = {row.indicator: row for row in printed if row.target_group is None}
    order = [*(name for name in rows if name in known), *(name for name in known if name not in rows)]
    days = (year_end, year_before)
    return [_line(known[name].name, known[name], None, answers, days, rows.get(name)) for name in order]


def group_table(
    indicators: Iterable[Indicator],
    answers: Answers,
    year_end: date,
    year_before: date,
    printed: Sequence[PublishedRow],
    groups: Mapping[str, str],
) -> list[TableLine]:
    """Return the table of target groups: a line for each, one for their sum, and one for the persons.

    Args:
        indicators: of the catalogue.
        answers: of persons by target group and sex, and of persons by sex, for both years.
        year_end: last day of the year's windows.
        year_before: last day of the windows of the year before.
        printed: the published table; may be empty.
        groups: Swedish names of the target groups.
    """
    known = {indicator.id: indicator for indicator in indicators}
    rows = {(row.indicator, row.target_group): row for row in printed}
    places: list[tuple[str, str | None, str]] = [(BY_GROUP, group, name) for group, name in groups.items()]
    places += [(name, None, known[name].name) for name in (BY_GROUP, PERSONS) if name in known]
    days = (year_end, year_before)
    return [
        _line(name, known[indicator], group, answers, days, rows.get((indicator, group)))
        for indicator, group, name in places
        if indicator in known
    ]


def _line(
    name: str,
    indicator: Indicator,
    group: str | None,
    answers: Answers,
    days: tuple[date, date],
    printed: PublishedRow | None,
) -> TableLine:
    year_end, year_before = days
    numbers = (None,) * 4 if printed is None else (printed.total, printed.men, printed.women, printed.year_before)
    places = ((None, year_end), ("male", year_end), ("female", year_end), (None, year_before))
    return TableLine(
        name,
        tuple(
            compare(indicator, _row(answers[indicator.id, at], sex, group), number)
            for (sex, at), number in zip(places, numbers, strict=True)
        ),
    )


def _row(rows: Sequence[Row], sex: str | None, group: str | None) -> Row | None:
    wanted = {name: value for name, value in (("sex", sex), ("target_group", group)) if value is not None}
    return next((row for row in rows if row["dims"] == wanted), None)


def compare(indicator: Indicator, row: Row | None, printed: str | None = None) -> Compared:
    """Hold a row of a figure against a printed number; without one it is shown as the figure rounds it.

    Args:
        indicator: of which the row is.
        row: as the HTTP read gives it; None where there is none.
        printed: as printed, with its decimals.
    """
    if row is None:
        return Compared(NOTHING, printed)
    if row["status"] != "shown":
        return Compared(str(row["status"]).replace("_", " "), printed)
    if printed is None:
        return Compared(str(row["value"] if row["value"] is not None else row["numerator"]))
    numerator, denominator, expected, total = (
        None if row[name] is None else int(row[name]) for name in ("numerator", "denominator", "expected", "sum")
    )
    exact = outcome(indicator, Sums(numerator, denominator, expected, total)).value
    if exact is None:
        return Compared(str(row["value"]), printed)
    return Compared(round_half_up(exact, len(printed.partition(".")[2])), printed)


def printed_cells(lines: Iterable[TableLine]) -> Iterator[Compared]:
    """Yield the cells that were printed."""
    return (cell for line in lines for cell in line.cells if cell.printed is not None)
