"""What Stockholm printed for 2017: the year's table, and the table of target groups."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

PUBLISHED = Path(__file__).parent / "data" / "published"
YEAR_END, YEAR_BEFORE = date(2017, 12, 31), date(2016, 12, 31)


@dataclass(frozen=True)
class Cell:
    """A printed number and where the figure stands that it is held against."""

    indicator: str
    target_group: str | None
    sex: str | None
    at: date
    printed: str

    @property
    def dims(self) -> tuple[tuple[str, str], ...]:
        named = {"sex": self.sex, "target_group": self.target_group}
        return tuple((name, value) for name, value in named.items() if value is not None)

    @property
    def decimals(self) -> int:
        return len(self.printed.partition(".")[2])


def printed_cells() -> Iterator[Cell]:
    """Every cell that has a number, of both tables."""
    for name in ("stockholm_2017.csv", "stockholm_2017_target_groups.csv"):
        for row in csv.DictReader((PUBLISHED / name).read_text("utf-8").splitlines()):
            indicator, group = row.get("indicator"), row.get("target_group")
            if indicator is None:
                indicator = "unique_persons" if group == "unique_persons" else "persons_by_target_group"
                group = None if group in {"unique_persons", "all"} else group
            for column, sex, at in (
                ("total", None, YEAR_END),
                ("men", "male", YEAR_END),
                ("women", "female", YEAR_END),
                ("year_before", None, YEAR_BEFORE),
            ):
                if row[column]:
                    yield Cell(indicator, group, sex, at, row[column])


def told_apart(cell: Cell) -> str:
    return "-".join(filter(None, (cell.indicator, cell.target_group, cell.sex, str(cell.at.year))))
