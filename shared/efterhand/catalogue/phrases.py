"""Day phrases: a day by its name, moved by a number of days, working days or months (`closed_on + 7 months`)."""

import re
from dataclasses import dataclass
from datetime import date

from efterhand.dates import add_days, add_months, add_working_days

TIME_UNITS = ("days", "working days", "months")

_PHRASE = re.compile(r"(?P<name>[a-z_.]+)(?: (?P<sign>[+-]) (?P<count>\d+) (?P<unit>[a-z ]+))?")


@dataclass(frozen=True)
class Phrase:
    """A named day and what is added to it; `count` is signed."""

    name: str
    count: int = 0
    unit: str = "days"

    def __str__(self) -> str:
        if not self.count:
            return self.name
        return f"{self.name} {'+' if self.count > 0 else '-'} {abs(self.count)} {self.unit}"

    def after(self, day: date) -> date:
        """Return the day that the phrase means when its name stands for `day`."""
        if self.unit == "months":
            return add_months(day, self.count)
        if self.unit == "working days":
            return add_working_days(day, self.count)
        return add_days(day, self.count)


def parse_phrase(text: str) -> Phrase:
    """Read a phrase.

    Raises:
        ValueError: it is not `name` or `name + n days|working days|months`; the message says what is wrong.
    """
    match = _PHRASE.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is no day phrase; write a day's name, then perhaps '+ 3 months' or '- 14 days'")
    if match["count"] is None:
        return Phrase(match["name"])
    if match["unit"] not in TIME_UNITS:
        raise ValueError(f"'{match['unit']}' is no unit of time; known: {', '.join(TIME_UNITS)}")
    count = int(match["count"])
    return Phrase(match["name"], -count if match["sign"] == "-" else count, match["unit"])
