"""What can be asked about a golden history, by whom it is answered."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from efterhand.timeline.doubts import CASE_OF_TWO, CODES, doubtful_of
from tests import reference
from tests.golden.histories import Event
from tests.property.services import CHECK_COLUMNS, NOTICE_COLUMNS, FollowupStage, Services
from tests.tiny import MUNICIPALITY

Answers = dict[str, dict[str, Any]]
Ask = Callable[[list[Event], date, date], Answers]


@dataclass(frozen=True)
class Engine:
    """Checks and notices of a history: (events, day asked for, business date) to answers by id."""

    name: str
    checks: Ask
    notices: Ask
    doubts: Callable[[list[Event], date], set[tuple[str, str]]] | None = None
    """What is doubtful, for those that tell it: the kind, and the last word of what it is about."""
    doubt_kinds: frozenset[str] | None = None
    """Which kinds it tells; None: all."""
    columns: frozenset[str] | None = None
    """What an answer shows; None: everything."""


OF_ONE_PERSON = frozenset(CODES) - {CASE_OF_TWO}
"""Doubts that can be told of one person's facts alone."""


def _core() -> Engine:
    from tests.property import product

    def doubts(events: list[Event], business_date: date) -> set[tuple[str, str]]:
        return {
            (doubtful.code, doubtful.about.split(" ")[-1])
            for facts in product.facts_of(events).values()
            for doubtful in doubtful_of(facts)
            if doubtful.stands_on(business_date)
        }

    return Engine("the product's core", product.checks, product.notices, doubts, OF_ONE_PERSON)


def _reference() -> Engine:
    from tests.property import product

    def doubts(events: list[Event], business_date: date) -> set[tuple[str, str]]:
        return {(kind, about.split(" ")[-1]) for kind, _, about in reference.doubts(events, business_date)}

    return Engine("the reference", product.expected_checks, product.expected_notices, doubts)


ENGINES = {engine.name: engine for engine in (_core(), _reference())}


def reference_figure(
    events: list[Event], indicator: str, at: date, by: tuple[str, ...], known: date | None, business_date: date
) -> reference.Figure:
    """The figure as the reference tells it."""
    return reference.figures(events, indicator, at, by, known, business_date, MUNICIPALITY)


def service_figure(
    services: Services,
    events: list[Event],
    indicator: str,
    at: date,
    by: tuple[str, ...],
    known: date | None,
    business_date: date,
) -> reference.Figure:
    """The figure as the service tells it, from a database that holds nothing else."""
    with services.indicators() as indicators:
        indicators.move(business_date)
        indicators.apply(events)
        from_on, preliminary, rows = indicators.figure(indicator, at, by, known)
    return reference.Figure(indicator, from_on, at, preliminary, rows)


def service_engine(services: Services) -> Engine:
    """followup, into which the events come one by one, after the business date has come to the day."""

    @contextmanager
    def told(events: list[Event], business_date: date) -> Iterator[FollowupStage]:
        with services.followup() as followup:
            followup.move(business_date)
            for event in events:
                followup.apply([event])
            yield followup

    def live(ask: Callable[[FollowupStage, date], Answers]) -> Ask:
        def answer(events: list[Event], on: date, business_date: date) -> Answers:
            with told(events, business_date) as followup:
                return ask(followup, on)

        return answer

    def doubts(events: list[Event], business_date: date) -> set[tuple[str, str]]:
        with told(events, business_date) as followup:
            return {(kind, about.split(" ")[-1]) for kind, _, about in followup.doubts()}

    return Engine(
        "followup",
        live(FollowupStage.checks),
        live(FollowupStage.notices),
        doubts,
        columns=frozenset({*CHECK_COLUMNS, *NOTICE_COLUMNS}),
    )
