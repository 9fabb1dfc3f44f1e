"""Day phrases: a named day moved by a stretch of time, or the first or last day of a period near it.

`closed_on + 7 months`, `due - 14 days`, `end of 2nd quarter after ended_on`, `start of tertial of enrolled_on`: values
read by two patterns, not a language of their own.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from efterhand.dates import add_days, add_months, add_working_days

MONTHS_IN: Final = {"months": 1, "quarters": 3, "years": 12}
TIME_UNITS: Final = ("days", "working days", "weeks", *MONTHS_IN)
PERIODS: Final = {"month": 1, "quarter": 3, "tertial": 4, "year": 12}
"""Months in each calendar period; a tertial is a third of a year."""

LONGEST_YEARS: Final = 100
"""No day lies further than this from the one that tells it."""
_DAYS_AT_MOST: Final = {"days": 1, "working days": 3, "weeks": 7, "months": 30, "quarters": 91, "years": 366}

_SHIFTED = re.compile(r"(?P<name>[a-z_][a-z_0-9.]*)(?: (?P<sign>[+-]) (?P<count>\d{1,4}) (?P<unit>[a-z ]+))?")
_EDGE = re.compile(
    r"(?P<edge>start|end) of (?:(?P<nth>\d{1,3})(?:st|nd|rd|th) )?(?P<period>[a-z]+)"
    r" (?P<way>of|after|before) (?P<name>[a-z_][a-z_0-9.]*)"
)
_EXAMPLES = "write 'closed_on', 'due - 14 days', 'closed_on + 7 months' or 'end of 2nd quarter after ended_on'"


@dataclass(frozen=True)
class Phrase:
    """A day that is told by another one.

    `name` is a named day or a column, perhaps of another row (`back.entry_on`). Without `edge` it is moved by `count`
    units of time (signed). With `edge` it is the first (`start`) or last (`end`) day of the period that lies `count`
    periods after the one that holds the day.
    """

    name: str
    count: int = 0
    unit: str = "days"
    edge: str | None = None
    period: str = ""

    def __str__(self) -> str:
        if self.edge is not None:
            way = "of" if not self.count else "after" if self.count > 0 else "before"
            nth = f"{_ordinal(abs(self.count))} " if self.count else ""
            return f"{self.edge} of {nth}{self.period} {way} {self.name}"
        if not self.count:
            return self.name
        return f"{self.name} {'+' if self.count > 0 else '-'} {abs(self.count)} {self.unit}"

    @property
    def row(self) -> str:
        """The row that the name belongs to: '' for the row itself."""
        return self.name.rpartition(".")[0]

    @property
    def column(self) -> str:
        """The name without its row."""
        return self.name.rpartition(".")[2]

    def after(self, day: date) -> date:
        """Return the day that the phrase means when its name stands for `day`. Months clamp."""
        if self.edge is not None:
            length = PERIODS[self.period]
            first = date(day.year, (day.month - 1) // length * length + 1, 1)
            begins = add_months(first, self.count * length)
            return begins if self.edge == "start" else add_months(begins, length) - timedelta(days=1)
        if self.unit in MONTHS_IN:
            return add_months(day, self.count * MONTHS_IN[self.unit])
        if self.unit == "working days":
            return add_working_days(day, self.count)
        return add_days(day, self.count * (7 if self.unit == "weeks" else 1))


def parse_phrase(text: str) -> Phrase:
    """Read a phrase.

    Raises:
        ValueError: it is none; the message says what is wrong and shows what can be written.
    """
    edge = _EDGE.fullmatch(text)
    if edge is not None:
        return _edge(edge)
    match = _SHIFTED.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is no day phrase; {_EXAMPLES}")
    if match["count"] is None:
        return Phrase(match["name"])
    if match["unit"] not in TIME_UNITS:
        raise ValueError(f"'{match['unit']}' is no unit of time; known: {', '.join(TIME_UNITS)}")
    count = int(match["count"])
    if count * _DAYS_AT_MOST[match["unit"]] > LONGEST_YEARS * 366:
        raise ValueError(f"'{text}': no stretch of time is longer than {LONGEST_YEARS} years")
    return Phrase(match["name"], -count if match["sign"] == "-" else count, match["unit"])


def _edge(match: re.Match[str]) -> Phrase:
    if match["period"] not in PERIODS:
        raise ValueError(f"'{match['period']}' is no calendar period; known: {', '.join(PERIODS)}")
    if match["way"] == "of" and match["nth"]:
        raise ValueError(f"'{match[0]}': the {match['nth']}th period is counted 'after' or 'before' a day")
    nth = int(match["nth"] or (0 if match["way"] == "of" else 1))
    if nth * PERIODS[match["period"]] > LONGEST_YEARS * 12:
        raise ValueError(f"'{match[0]}': no stretch of time is longer than {LONGEST_YEARS} years")
    if match["way"] != "of" and nth == 0:
        raise ValueError(f"'{match[0]}': periods are counted from the 1st")
    return Phrase(match["name"], -nth if match["way"] == "before" else nth, "", match["edge"], match["period"])


def _ordinal(number: int) -> str:
    last = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{last}"
