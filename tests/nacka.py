"""What was printed about Nacka's measures, and the same figures counted by plain loops over the made history."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from efterhand.demo.nacka import GROUP_OF_KIND, history

PUBLISHED = Path(__file__).parent / "data" / "published"
LIVELIHOOD = ("work", "studies", "self_employment")
Cell = dict[str, str]
Event = dict[str, Any]


def cells() -> list[Cell]:
    with (PUBLISHED / "nacka_2021.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def name_of(cell: Cell) -> str:
    return " ".join(filter(None, (cell["figure"], cell["year"], cell["kind"], cell["part"], cell["reasons"])))


def rounded(value: Fraction, like: str) -> str:
    """The value half up, with as many decimals as `like` has."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return str(exact.quantize(Decimal(like), ROUND_HALF_UP))


@cache
def whole(seed: int = 2021) -> tuple[tuple[Event, date], ...]:
    return tuple(history(seed))


@dataclass(frozen=True)
class Measure:
    """What holds of one measure when all is known."""

    person: str
    kind: str
    provider: str
    began: date
    ended: date | None
    reason: str | None

    def goes_on_in(self, year: int) -> bool:
        return self.began.year <= year and (self.ended is None or self.ended.year >= year)


@dataclass(frozen=True)
class Case:
    """What holds of one case when all is known."""

    person: str
    group: str
    enrolled: date
    closed: date | None
    reason: str | None


def winners(events: Iterable[Event], kind: str, key: str) -> dict[tuple[str, str], Event]:
    """Of the events of a type that stand, the one that holds for each person's case or measure."""
    events = list(events)
    gone = {
        (one["data"]["person"], one["source"], one["data"]["retracts"]["id"])
        for one in events
        if "retracts" in one["data"]
    }
    found: dict[tuple[str, str], Event] = {}
    for one in events:
        data = one["data"]
        if one["type"] != kind or (data["person"], one["source"], one["id"]) in gone:
            continue
        place = (data["person"], data[key])
        if place not in found or strength(found[place]) < strength(one):
            found[place] = one
    return found


def strength(event: Event) -> tuple[datetime, str, str]:
    return datetime.fromisoformat(event["time"]), event["source"], event["id"]


def day_of(event: Event | None) -> date | None:
    return date.fromisoformat(event["data"]["on"]) if event else None


def measures(events: Iterable[Event]) -> list[Measure]:
    events = list(events)
    ends = winners(events, "measure.ended", "measure")
    found = []
    for place, start in winners(events, "measure.started", "measure").items():
        end, data = ends.get(place), start["data"]
        began = day_of(start)
        assert began
        reason = end["data"]["reason"] if end else None
        found.append(Measure(place[0], data["kind"], data["provider"], began, day_of(end), reason))
    return found


def cases(events: Iterable[Event]) -> list[Case]:
    events = list(events)
    closures = winners(events, "case.closed", "case")
    found = []
    for place, enrolment in winners(events, "case.enrolled", "case").items():
        closure, enrolled = closures.get(place), day_of(enrolment)
        assert enrolled
        reason = closure["data"]["reason"] if closure else None
        found.append(Case(place[0], enrolment["data"]["target_group"], enrolled, day_of(closure), reason))
    return found


@cache
def known(seed: int = 2021) -> tuple[list[Measure], list[Case]]:
    events = [event for event, _ in whole(seed)]
    return measures(events), cases(events)


def computed(cell: Cell, taken: tuple[list[Measure], list[Case]]) -> Fraction:
    """The exact value of a printed cell."""
    all_measures, all_cases = taken
    year, kind = int(cell["year"]), cell["kind"]
    served = [one for one in all_measures if one.goes_on_in(year) and kind in ("", one.kind)]
    ended = [one for one in served if one.ended and one.ended.year == year]
    reached = [one for one in ended if one.reason in LIVELIHOOD]
    match cell["figure"]:
        case "unique_persons":
            there = [
                one for one in all_cases if one.enrolled.year <= year and (not one.closed or one.closed.year >= year)
            ]
            return Fraction(len({one.person for one in there}))
        case "livelihood_of_served" if cell["part"] == "share of all measures":
            return Fraction(100 * len(served), sum(one.goes_on_in(year) for one in all_measures))
        case "livelihood_of_served" | "livelihood_of_ended" as figure:
            below = served if figure == "livelihood_of_served" else ended
            parts = {
                "numerator": Fraction(len(reached)),
                "denominator": Fraction(len(below)),
                "value": Fraction(100 * len(reached), len(below)),
            }
            return parts[cell["part"]]
        case "days_to_livelihood":
            days = [
                (one.closed - one.enrolled).days
                for one in all_cases
                if one.closed
                and one.closed.year == year
                and one.reason in LIVELIHOOD
                and kind in ("", kind_of_group()[one.group])
            ]
            return Fraction(sum(days), len(days))
        case "measure_endings":
            return Fraction(sum(one.reason in cell["reasons"].split() for one in ended))
    raise AssertionError(f"no rule for {cell}")


def kind_of_group() -> Mapping[str, str]:
    """Target group → the kind of measure that it is granted."""
    return {group: kind for kind, group in GROUP_OF_KIND.items()}
