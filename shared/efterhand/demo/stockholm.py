"""The built-in municipality: Stockholm's labour-market unit in 2015, 2016 and 2017, made up but for its numbers.

The persons, days and events are invented. How many there are of each kind is a plan (`efterhand.demo.plan`), so that
the figures of 2017, and those of 2016, come out as Stockholm published them (`published`).
"""

import csv
import hashlib
import heapq
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from importlib.resources import files
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import orjson

from efterhand.dates import STOCKHOLM
from efterhand.demo.casting import beside, cast
from efterhand.demo.plan import read_plan
from efterhand.demo.recording import ANSWERS, ASSISTANCE, CASES, Recorded, Recorder, register_run, watermark
from efterhand.demo.telling import LAST_RECEIPT, tell

CATALOGUE: Final = "stockholm"
"""The built-in catalogue whose codes the events use."""
FIRST_DAY: Final = date(2015, 1, 1)
"""Nothing is received before."""
LIVED_THROUGH_FROM: Final = date(2017, 1, 1)
"""What was received before this day is loaded at once; from here the demo lives through the year."""
YEAR_END: Final = date(2017, 12, 31)
"""The day on which the published windows end."""
LAST_DAY: Final = LAST_RECEIPT
"""The business date in the end: December's answers and register lines have come."""

_FRIDAY: Final = 4
_SUNDAY: Final = 6


@dataclass(frozen=True)
class PublishedRow:
    """One row of the published table, as printed: each cell keeps its decimals; None where nothing is printed."""

    indicator: str
    """Id of the built-in catalogue."""
    target_group: str | None
    """A code, where the row is one part of the indicator."""
    name: str
    """Swedish."""
    total: str | None
    men: str | None
    women: str | None
    year_before: str | None


def published() -> tuple[PublishedRow, ...]:
    """Return the table that Stockholm published for 2017, the rows that can be computed."""
    text = (files("efterhand.demo") / "published_2017.csv").read_text("utf-8")
    return tuple(
        PublishedRow(
            row["indicator"],
            row["target_group"] or None,
            row["name"],
            row["total"] or None,
            row["men"] or None,
            row["women"] or None,
            row["year_before"] or None,
        )
        for row in csv.DictReader(text.splitlines())
    )


def history(seed: int = 2017) -> Iterator[tuple[dict[str, Any], date]]:
    """Yield the events of three years with the days on which intake gets them, in order of receipt.

    Args:
        seed: another seed gives other persons, days and events with the same figures; the same one the same bytes.

    Yields:
        A CloudEvents 1.0 event in structured mode, and its day of receipt: never before its `time`.
    """
    people = sorted(_people(seed), key=attrgetter("order"))
    for recorded in heapq.merge(people, _watermarks(), key=attrgetter("order")):
        yield recorded.event, recorded.received


def events_as_json_lines(path: Path, seed: int = 2017) -> int:
    """Write the history as `efterhand load` reads it, `{"event": …, "received": day}` a line; return their number."""
    number = 0
    with path.open("wb") as file:
        for event, received in history(seed):
            file.write(orjson.dumps({"event": event, "received": received}) + b"\n")
            number += 1
    return number


def _people(seed: int) -> Iterator[Recorded]:
    """Yield what is recorded of everybody, person by person."""
    plan = read_plan()
    # Text seeds do not depend on the interpreter's hash seed; one stream a person keeps them apart.
    rng = random.Random(f"{seed}/cast")  # noqa: S311 — made-up people need no secrecy
    lives = cast(plan, rng) + beside(plan, rng)
    lives.sort(key=lambda life: life.cases[0].enrolled)
    cases = 0
    for number, life in enumerate(lives, start=1):
        person = f"p-{hashlib.blake2b(f'stockholm/{seed}/{number}'.encode(), digest_size=8).hexdigest()}"
        recorder = Recorder(random.Random(f"{seed}/{number}"), number, person, LAST_DAY)  # noqa: S311
        tell(recorder, life, cases + 1)
        cases += len(life.cases)
        yield from recorder.written


def _watermarks() -> Iterable[Recorded]:
    """Return what the sources say about how far they reach.

    Answers weekly, assistance after each register run, cases nightly, and weekly before the year that is lived through.
    """
    marks = []
    for ahead in range((LAST_DAY - FIRST_DAY).days + 1):
        day = FIRST_DAY + timedelta(days=ahead)
        evening = datetime.combine(day, time(22, 30), STOCKHOLM)
        if day.weekday() == _SUNDAY or day >= LIVED_THROUGH_FROM:
            marks.append(watermark(CASES, "cases", day, evening))
        if day.weekday() == _FRIDAY:
            marks.append(watermark(ANSWERS, "answers", day, evening))
    through = FIRST_DAY - timedelta(days=1)
    while (run := register_run(through)) <= LAST_DAY:
        marks.append(watermark(ASSISTANCE, "assistance", through, datetime.combine(run, time(3, 30), STOCKHOLM)))
        through = (through + timedelta(days=40)).replace(day=1) - timedelta(days=1)
    return sorted(marks, key=attrgetter("order"))
