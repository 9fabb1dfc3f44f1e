"""Any history, any horizon: every figure that can be told after a disposal is the one before it."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from efterhand.catalogue.model import Formula, Indicator
from efterhand.dates import add_days, add_months, last_day_of_month
from efterhand.erasure import person_hash
from efterhand_indicators.application.figures import operands_of, read_figure
from efterhand_indicators.application.list_disposable import list_disposable
from efterhand_indicators.domain.closed_book import is_booked
from tests.property.product import catalogue, on_the_wire
from tests.property.services import SECRET, IndicatorsStage, Services
from tests.property.strategies import ABOUT, Event, arrivals, batches, in_words, scenes
from tests.services.disposals import disposal
from tests.services.followup_town import closed

FEWER = settings(max_examples=max(1, settings().max_examples // 3))
"""Every example is many transactions."""
TODAY = date(2026, 11, 28)
HORIZONS = [date(2018, 2, 1), date(2019, 2, 1), date(2019, 9, 1), date(2020, 1, 1)]
TABLES = ("event", "contribution", "closed_book", "closing", "horizon", "disposed_event")

Question = tuple[str, date, tuple[str, ...], date | None]
Answers = dict[Question, dict[str, Any]]


@st.composite
def questions(draw: Callable[..., Any], counted: list[tuple[str, date]]) -> list[Question]:
    """Figures, each with its day, what it is broken down by and as known when.

    Most are about something that those count for who are to go: `counted` has the indicator and the day.
    """
    asked: list[Question] = []
    for name, day in draw(st.lists(st.sampled_from(counted), min_size=4, max_size=8)):
        # In windows of twelve months the day is the last, lies just behind, is the first, and lies amid whole months.
        edges = (day, add_days(day, -1), add_days(add_months(day, 12), -1), add_months(day, 12))
        ends = (*edges, *map(last_day_of_month, edges), last_day_of_month(add_months(day, 7)))
        possible = catalogue().indicators[name].dimensions
        by = draw(st.lists(st.sampled_from(possible), max_size=2, unique=True)) if possible else []
        known = draw(st.sampled_from([None, None, None, date(2017, 9, 1), TODAY]))
        asked.append((name, draw(st.sampled_from(ends)), tuple(by), known))
    if catalogue().formulas:
        formula = draw(st.sampled_from(sorted(catalogue().formulas)))
        asked.append((formula, draw(st.sampled_from([date(2017, 12, 31), date(2019, 12, 31)])), (), None))
    return asked


def counted_by_those(stage: IndicatorsStage, gone: list[Event]) -> list[tuple[str, date]]:
    """For what, and on which day, those count who are to go."""
    rows = stage.connection.exec_driver_sql(
        "SELECT DISTINCT indicator, first_day FROM indicators.contribution JOIN indicators.person USING (person)"
        " WHERE NOT evidence AND personhash = ANY(%s) ORDER BY indicator, first_day",
        ([each["personhash"] for each in gone],),
    )
    return [(row[0], row[1]) for row in rows]


def answers(stage: IndicatorsStage, asked: Iterable[Question]) -> Answers:
    found: Answers = {}
    for name, at, by, known in asked:
        savepoint = stage.connection.begin_nested()  # as known on a day leaves temporary tables
        found[name, at, by, known] = read_figure(stage.connection, stage.definitions, name, at, by, known).as_json()
        savepoint.rollback()
    return found


def may_be_unavailable(name: str, answer: dict[str, Any], known: date | None, before: date) -> bool:
    """Whether the rules let a figure be unavailable after a disposal up to a horizon."""
    first, last = answer["from"], answer["to"]
    definition: Indicator | Formula = catalogue().indicators.get(name) or catalogue().formulas[name]
    parts = [name] if isinstance(definition, Indicator) else operands_of(definition)
    if known is not None:
        return bool(first < before or known < TODAY)
    if isinstance(definition, Formula):
        return bool(first < before) or definition.to_average or definition.operation == "average_of"
    whole = first.day == 1 and (last == last_day_of_month(last) or last >= before - timedelta(days=1))
    return bool(first < before) and not (whole and all(is_booked(catalogue().indicators[part]) for part in parts))


def hold(before: Answers, after: Answers, horizon: date) -> None:
    for question, answer in after.items():
        if answer["rows"][0]["status"] == "not_available":
            assert may_be_unavailable(question[0], answer, question[3], horizon), question
            assert len(answer["rows"]) == 1
            assert answer["reason"]
        else:
            assert answer == before[question], question


def tables(stage: IndicatorsStage) -> dict[str, list[str]]:
    return {
        name: sorted(
            str(dict(row)) for row in stage.connection.exec_driver_sql(f"SELECT * FROM indicators.{name}").mappings()
        )
        for name in TABLES
    }


def disposals_of(stage: IndicatorsStage, events: list[Event], before: date) -> list[Event]:
    """What intake would publish of those whom the service says may go."""
    hashes = {person_hash(SECRET, event["data"].get("person", "")): event["data"].get("person") for event in events}
    found = list_disposable(stage.connection, stage.definitions, 5, before)
    return [
        disposal(person, before, [event for event in events if event["data"].get("person") == person], SECRET)
        for person in (hashes[item["personhash"]] for item in found.items)
    ]


@FEWER
@given(data=st.data())
def test_figures_are_the_same_after_a_disposal_or_not_available(services: Services, data: st.DataObject) -> None:
    scene = data.draw(scenes(about=data.draw(st.sampled_from(ABOUT))))
    events = lived_through(scene.events)
    horizon = data.draw(st.sampled_from(HORIZONS))
    with services.indicators() as stage:
        stage.move(TODAY)
        stage.apply(events)
        gone = disposals_of(stage, events, horizon)
        counted = counted_by_those(stage, gone)
        assume(counted)
        asked = data.draw(questions(counted))
        before = answers(stage, asked)
        note(f"disposed of up to {horizon}: {len(gone)} of\n{in_words(events)}")
        stage.apply(gone)
        hold(before, answers(stage, asked), horizon)
        state = tables(stage)
        # The topic is read again and everything is published again, in any order and batches.
        for batch in data.draw(batches(data.draw(arrivals([*events, *gone])))):
            stage.apply(batch)
        assert tables(stage) == state


@FEWER
@given(data=st.data())
def test_the_order_and_the_batches_of_disposals_and_new_events_do_not_matter(
    services: Services, data: st.DataObject
) -> None:
    scene = data.draw(scenes())
    events = lived_through(scene.events)
    horizon = data.draw(st.sampled_from(HORIZONS))
    later = [came_back(event) for event in events if event["data"].get("person")]
    states = []
    with services.indicators() as stage:
        stage.move(TODAY)
        stage.apply(events)
        gone = disposals_of(stage, events, horizon)
        assume(gone)
        stage.apply(gone)
        stage.apply(later)
        states.append(tables(stage))
    with services.indicators() as stage:
        stage.move(TODAY)
        stage.apply([*events, *later])
        for batch in data.draw(batches(data.draw(arrivals([*gone, *later])))):
            stage.apply(batch)
        states.append(tables(stage))
    assert states[0] == states[1]


def lived_through(events: Iterable[Event]) -> list[Event]:
    """The events as intake accepts them (of those with one identity only the first), with every case closed in the end.

    No feed says how far it is known: nothing may be disposed of that one has not come to.
    """
    held: dict[tuple[str, str], Event] = {}
    for event in events:
        if event["type"] != "source.reported_through":
            held.setdefault(on_the_wire(event).ref, event)
    cases = {
        (event["data"]["person"], event["data"]["case"]) for event in held.values() if event["type"] == "case.enrolled"
    }
    last = date(2018, 3, 15)
    return [*held.values(), *(closed(person, last, case=case, received=last) for person, case in sorted(cases))]


def came_back(event: Event) -> Event:
    """The same event under another identity: the person comes back under the same pseudonym."""
    return {**event, "id": f"again-{event['id']}"}
