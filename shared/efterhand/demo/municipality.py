"""The history of a random municipality: as many enrolments as wanted over three years, the same for the same seed.

Nothing here is taken from real people. The shares are chosen so that the figures look like those of a large city's
labour-market unit: most are closed within a year, most youth get an offer in time, three in four manage without
assistance afterwards.
"""

import hashlib
import heapq
import random
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import orjson

from efterhand.dates import STOCKHOLM
from efterhand.demo.lives import live
from efterhand.demo.recording import ASSISTANCE, CASES, Recorded, Recorder, register_run, watermark

CATALOGUE: Final = "stockholm"
"""The built-in catalogue whose codes the events use."""
FIRST_DAY: Final = date(2015, 1, 1)
LAST_DAY: Final = date(2017, 12, 31)
LIVED_THROUGH_FROM: Final = date(2017, 1, 1)
"""What was received before this day is loaded at once; from here the demo lives through the year."""

_WEIGHT_OF_MONTH: Final = (11, 9, 9, 8, 8, 7, 3, 11, 11, 9, 8, 6)


def history(seed: int = 2017, enrolments: int = 5000) -> Iterator[tuple[dict[str, Any], date]]:
    """Yield the events of three years with the days on which intake gets them, in order of receipt.

    Args:
        seed: another seed gives another municipality; the same one gives the same bytes.
        enrolments: how many cases are enrolled; about eight events come with each.

    Yields:
        A CloudEvents 1.0 event in structured mode, and its day of receipt: never before its `time`.
    """
    people = sorted(_people(seed, enrolments), key=attrgetter("order"))
    for recorded in heapq.merge(people, _watermarks(), key=attrgetter("order")):
        yield recorded.event, recorded.received


def events_as_json_lines(path: Path, seed: int = 2017, enrolments: int = 5000) -> int:
    """Write the history as `efterhand load` reads it, `{"event": …, "received": day}` a line; return their number."""
    number = 0
    with path.open("wb") as file:
        for event, received in history(seed, enrolments):
            file.write(orjson.dumps({"event": event, "received": received}) + b"\n")
            number += 1
    return number


def _people(seed: int, enrolments: int) -> Iterator[Recorded]:
    """Yield what is recorded of everybody, person by person, until enough cases are enrolled."""
    number = cases = 0
    while cases < enrolments:
        number += 1
        # Text seeds do not depend on the interpreter's hash seed; one stream a person keeps them apart.
        rng = random.Random(f"{seed}/{number}")  # noqa: S311 — made-up people need no secrecy
        recorder = Recorder(rng, number, f"p-{hashlib.blake2b(f'{seed}/{number}'.encode(), digest_size=8).hexdigest()}")
        first = _enrolment_day(rng)
        cases += live(recorder, first, first_case_number=cases + 1, most_cases=enrolments - cases, end=LAST_DAY)
        yield from (recorded for recorded in recorder.written if recorded.received <= LAST_DAY)


def _enrolment_day(rng: random.Random) -> date:
    """Return a day of the three years: few in July, many in January, August and September."""
    year = rng.choices((2015, 2016, 2017), (30, 34, 36))[0]
    month = rng.choices(range(1, 13), _WEIGHT_OF_MONTH)[0]
    return date(year, month, rng.randint(1, 28))


def _watermarks() -> Iterable[Recorded]:
    """Return what the sources say about how far they reach: cases every evening, assistance after each register run."""
    marks = []
    for ahead in range((LAST_DAY - FIRST_DAY).days + 1):
        day = FIRST_DAY + timedelta(days=ahead)
        marks.append(watermark(CASES, "cases", day, datetime.combine(day, time(22, 30), STOCKHOLM)))
    through = FIRST_DAY - timedelta(days=1)
    while (run := register_run(through)) <= LAST_DAY:
        marks.append(watermark(ASSISTANCE, "assistance", through, datetime.combine(run, time(3, 30), STOCKHOLM)))
        through = (through + timedelta(days=40)).replace(day=1) - timedelta(days=1)
    return sorted(marks, key=attrgetter("order"))
