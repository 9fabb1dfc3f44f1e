"""Made-up persons of a large city over ten years, about ten events each: what the large benchmarks are filled with.

The lives are the demo's, with what the demo has none of: answers after measures, and higher vocational education.
"""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

from efterhand.dates import add_months, next_working_day
from efterhand.demo.lives import live
from efterhand.demo.recording import ANSWERS, Recorded, Recorder

FIRST_YEAR: Final = 2008
LAST_DAY: Final = date(2017, 12, 31)
TOKEN: Final = "x00000x"
"""Begins every pseudonym and every id of theirs: with another token in its place they are other persons."""

_OCCUPATIONS: Final = {"work": 55, "studies": 20, "self_employment": 5, "unemployed": 15, "other": 5}
_ASKED_AFTER: Final = ("stockholmsjobb", "vocational_training", "combination_training")
_NAMED: Final = ("person", "case", "measure", "subject")


def persons(number: int, seed: int = 2017) -> Iterator[list[Recorded]]:
    """Yield what is recorded of so many persons, each by itself; the same for the same seed.

    Nobody among them has been erased, and nothing is received after `LAST_DAY`.
    """
    drawn = found = 0
    while found < number:
        drawn += 1
        life = _life(seed, drawn)
        if not any(recorded.event["type"] == "person.erased" for recorded in life):
            found += 1
            yield life


def _life(seed: int, number: int) -> list[Recorded]:
    # Text seeds do not depend on the interpreter's hash seed; one stream a person keeps them apart.
    rng = random.Random(f"{seed}/{number}")
    recorder = Recorder(rng, number, f"p-{rng.getrandbits(48):012x}")
    year = rng.randint(FIRST_YEAR, LAST_DAY.year)
    first = date(year, rng.randint(1, 12), rng.randint(1, 28))
    live(recorder, first, first_case_number=4 * number, most_cases=4, end=LAST_DAY)
    _study(recorder)
    for recorded in tuple(recorder.written):
        if recorded.event["type"] == "measure.ended":
            _answer(recorder, recorded.event["data"])
    return [_named(recorded) for recorded in recorder.written if recorded.received <= LAST_DAY]


def _study(recorder: Recorder) -> None:
    """Let a few take part in higher vocational education."""
    rng = recorder.rng
    if rng.random() >= 0.04:
        return
    enrolment = next(each.event["data"] for each in recorder.written if each.event["type"] == "case.enrolled")
    start = next_working_day(date.fromisoformat(enrolment["on"]) + timedelta(days=rng.randint(20, 120)))
    measure = {"case": enrolment["case"], "measure": f"y-{recorder.number}"}
    recorder.note("measure.started", start, {**measure, "kind": "higher_vocational"})
    end = start + timedelta(days=rng.randint(200, 700))
    recorder.note("measure.ended", end, {**measure, "result": rng.choice(("completed", "completed", "interrupted"))})


def _answer(recorder: Recorder, ended: dict[str, Any]) -> None:
    """Answer what is asked after a measure, mostly."""
    rng = recorder.rng
    started = next(
        each.event["data"]
        for each in recorder.written
        if each.event["type"] == "measure.started" and each.event["data"]["measure"] == ended["measure"]
    )
    check, months = "occupation_3m", 3
    if started["kind"] == "higher_vocational":
        check, months = "higher_vocational_6m", 6
    elif started["kind"] not in _ASKED_AFTER:
        return
    if rng.random() >= 0.9:
        return
    day = add_months(date.fromisoformat(ended["on"]), months) + timedelta(days=rng.randint(-20, 70))
    data: dict[str, Any] = {"check": check, "subject": ended["measure"], "response": "declined"}
    if rng.random() < 0.95:
        occupation = rng.choices(list(_OCCUPATIONS), list(_OCCUPATIONS.values()))[0]
        data |= {"response": "answered", "occupation": occupation, "same_field": rng.random() < 0.7}
    recorder.note("followup.answered", next_working_day(day), data, source=ANSWERS)


def _named(recorded: Recorded) -> Recorded:
    """Put the token before everything that names a person or something of theirs."""
    data = dict(recorded.event["data"])
    data |= {name: f"{TOKEN}-{data[name]}" for name in _NAMED if name in data}
    if "retracts" in data:
        data["retracts"] = {**data["retracts"], "id": f"{TOKEN}-{data['retracts']['id']}"}
    event = {**recorded.event, "id": f"{TOKEN}-{recorded.event['id']}", "data": data}
    return Recorded(event, recorded.received, recorded.at)
