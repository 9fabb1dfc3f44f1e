"""Histories over a tiny domain, where collisions, corrections and retractions are the rule and not the exception.

Two or three persons, two cases, three units in a tree that changes, two target groups, three instants, two sources and
a handful of ids. The days are those on which something can turn: a closure's, the day of due, the day of giving up,
and their neighbours.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.reference.days import ONE_DAY, first_of_next_month, month_of, plus_days, plus_months

Event = dict[str, Any]

PERSONS = ("p1", "p1", "p1", "p1", "p2", "p3")
"""One person has most of the events: what meets on one person is what is interesting."""
CASES = ("c1", "c1", "c1", "c2")
UNITS = ("north", "south", "annex")
TARGET_GROUPS = ("ordinary", "resource")
IDS = ("1", "2", "3", "a", "B", "Z", "_", "ö", "10", "é", "k", "𝄞")
"""Ids whose order by bytes is not the order by any language's alphabet."""
TIMES = (
    "2017-01-01T08:00:00Z",
    "2017-01-01T09:00:00+01:00",  # the same instant
    "2017-01-01T09:00:00.0000009+01:00",  # and again, finer than counts
    "2017-05-02T12:00:00.000001+02:00",
    "2018-03-01T00:30:00+01:00",
)
REASONS = ("work", "studies", "self_employment", "referred_back", "moved", "deceased", "illness", "other_authority")
OCCUPATIONS = ("work", "studies", "self_employment", "unemployed", "other")

ENROLMENTS = (date(2017, 1, 1), date(2016, 11, 30), date(2017, 2, 28), date(2016, 2, 29))
CLOSURES = (date(2017, 8, 31), date(2017, 4, 1), date(2017, 4, 2), date(2016, 12, 31), date(2018, 1, 1))
STOCKHOLM = ZoneInfo("Europe/Stockholm")


@dataclass(frozen=True)
class Pool:
    """The few days and the months that one history plays on, around an enrolment and a closure."""

    enrolled: date
    closed: date
    chosen: tuple[int, ...] = ()

    @property
    def days(self) -> list[date]:
        """The few days on which things are dated, so that they often meet on one."""
        turning = self.turning_days
        return sorted({self.enrolled, self.closed, *(turning[i % len(turning)] for i in self.chosen)})

    @property
    def turning_days(self) -> list[date]:
        """Every day on which something can turn."""
        return sorted(
            {
                self.enrolled - ONE_DAY,
                self.enrolled,
                self.enrolled + ONE_DAY,
                plus_days(self.enrolled, 60),
                plus_days(self.enrolled, 90),
                plus_days(self.enrolled, 91),
                plus_months(self.enrolled, 12),
                self.closed - ONE_DAY,
                self.closed,
                self.closed + ONE_DAY,
                plus_months(self.closed, 6) - ONE_DAY,
                plus_months(self.closed, 6),
                plus_days(plus_months(self.closed, 6), 30),
                plus_months(plus_months(self.closed, 6), 2) - ONE_DAY,
                plus_months(plus_months(self.closed, 6), 2),
                plus_months(self.closed, 7),
                first_of_next_month(month_of(plus_months(self.closed, 7))),
                plus_months(plus_months(self.closed, 7), 3),
            }
        )

    @property
    def months(self) -> list[str]:
        """The month that is looked at after the closure, most of the time, and its neighbours."""
        looked_at = plus_months(self.closed, 7)
        return [month_of(looked_at), month_of(looked_at), month_of(plus_months(self.closed, 6))]


def pools() -> st.SearchStrategy[Pool]:
    """Where in time a history plays."""
    chosen = st.lists(st.integers(0, 17), min_size=1, max_size=4).map(tuple)
    return st.builds(Pool, st.sampled_from(ENROLMENTS), st.sampled_from(CLOSURES), chosen)


def stamp(day: date) -> str:
    """Intake's stamp at the end of a day in Stockholm."""
    return datetime.combine(day, time.max, STOCKHOLM).astimezone(UTC).isoformat()


def _data(pool: Pool) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    day = st.sampled_from(pool.days).map(date.isoformat)
    enrolled = st.one_of(st.just(pool.enrolled.isoformat()), st.just(pool.enrolled.isoformat()), day)
    closed = st.one_of(st.just(pool.closed.isoformat()), st.just(pool.closed.isoformat()), day)
    person, case = st.sampled_from(PERSONS), st.sampled_from(CASES)
    unit, group = st.sampled_from(UNITS), st.sampled_from(TARGET_GROUPS)
    enrolment = st.fixed_dictionaries(
        {
            "person": person,
            "case": case,
            "on": enrolled,
            "unit": unit,
            "target_group": group,
            "sex": st.sampled_from(("female", "male", "unknown")),
            "birth_year": st.sampled_from((1990, 1990, 1987, 2001, 1955)),
        },
        optional={"contact_consent": st.booleans()},
    )
    transfer = st.fixed_dictionaries(
        {"person": person, "case": case, "on": day}, optional={"unit": unit, "target_group": group}
    ).filter(lambda data: "unit" in data or "target_group" in data)
    closure = st.fixed_dictionaries(
        {"person": person, "case": case, "on": closed, "reason": st.sampled_from(("work", "studies", *REASONS))}
    )
    answered = st.fixed_dictionaries(
        {"response": st.just("answered"), "occupation": st.sampled_from(OCCUPATIONS)},
        optional={"same_field": st.booleans(), "method": st.just("interview")},
    )
    answer = st.builds(
        lambda common, said: {**common, **said},
        st.fixed_dictionaries({"person": person, "check": st.just("occupation_6m"), "subject": case, "on": day}),
        st.one_of(answered, st.just({"response": "declined"})),
    )
    feed = st.sampled_from(("cases", "answers", "assistance"))
    measure = st.fixed_dictionaries(
        {"person": person, "case": case, "measure": st.just("m1"), "on": day, "kind": st.just("internship")}
    )
    retraction = st.fixed_dictionaries({"person": person})  # at what it points is drawn when the others are known
    kinds: list[tuple[int, str, st.SearchStrategy[dict[str, Any]]]] = [
        (6, "case.enrolled", enrolment),
        (5, "case.closed", closure),
        (3, "case.transferred", transfer),
        (
            2,
            "case.assigned",
            st.fixed_dictionaries({"person": person, "case": case, "on": day, "worker": st.sampled_from(("w1", "w2"))}),
        ),
        (
            3,
            "offer.made",
            st.fixed_dictionaries(
                {"person": person, "case": case, "on": day, "kind": st.sampled_from(("job", "education"))}
            ),
        ),
        (3, "followup.answered", answer),
        (2, "consent.changed", st.fixed_dictionaries({"person": person, "contact": st.booleans(), "on": day})),
        (
            2,
            "assistance.reported",
            st.fixed_dictionaries({"person": person, "month": st.sampled_from(pool.months), "receives": st.booleans()}),
        ),
        (1, "person.protected", st.fixed_dictionaries({"person": person, "protected": st.booleans(), "on": day})),
        (3, "event.retracted", retraction),
        (1, "source.reported_through", st.fixed_dictionaries({"feed": feed, "through": day})),
        (1, "measure.started", measure),
    ]
    weighted = [st.tuples(st.just(type_), data) for weight, type_, data in kinds for _ in range(weight)]
    return st.one_of(weighted)


IDENTITIES = tuple((source, id_) for source in ("/tiny/a", "/tiny/B") for id_ in IDS)


def _story(pool: Pool, draw: Callable[..., Any]) -> list[tuple[str, dict[str, Any]]]:
    """What a history is about, so that every protocol is reached often; noise is strewn over it afterwards."""
    about = draw(st.sampled_from(("offer", "occupation", "occupation", "assistance", "nothing")))
    if about == "nothing":
        return []
    enrolled = {
        "person": "p1",
        "case": "c1",
        "on": pool.enrolled.isoformat(),
        "unit": "north",
        "target_group": "ordinary",
        "sex": "female",
        "birth_year": 1990,
    }
    closed = {"person": "p1", "case": "c1", "on": pool.closed.isoformat(), "reason": "work"}
    day = st.sampled_from(pool.days).map(date.isoformat)
    turning = st.sampled_from([each for each in pool.turning_days if each >= pool.closed]).map(date.isoformat)
    later = st.one_of(turning, day)

    def reported(feed: str, gives_up: date) -> tuple[str, dict[str, Any]]:
        through = draw(st.sampled_from((gives_up - ONE_DAY, gives_up)))
        return ("source.reported_through", {"feed": feed, "through": through.isoformat()})

    kept: list[tuple[str, dict[str, Any]]]
    optional: list[tuple[str, dict[str, Any]]]
    if about == "offer":
        kept = [("case.enrolled", enrolled)]
        optional = [
            reported("cases", plus_days(pool.enrolled, 91)),
            ("offer.made", {"person": "p1", "case": "c1", "on": draw(day), "kind": "job"}),
            ("case.closed", {**closed, "on": draw(day), "reason": draw(st.sampled_from(REASONS))}),
        ]
    elif about == "occupation":
        kept = [("case.enrolled", {**enrolled, "contact_consent": True}), ("case.closed", closed)]
        optional = [
            reported("answers", plus_months(plus_months(pool.closed, 6), 2)),
            (
                "followup.answered",
                {"person": "p1", "check": "occupation_6m", "subject": "c1", "on": draw(later), "response": "declined"},
            ),
            (
                "followup.answered",
                {
                    "person": "p1",
                    "check": "occupation_6m",
                    "subject": "c1",
                    "on": draw(later),
                    "response": "answered",
                    "occupation": "work",
                },
            ),
            ("consent.changed", {"person": "p1", "contact": False, "on": draw(later)}),
            ("case.enrolled", {**enrolled, "case": "c2", "on": draw(later)}),
        ]
    else:
        kept = [
            ("case.enrolled", enrolled),
            ("case.closed", {**closed, "reason": draw(st.sampled_from(REASONS))}),
        ]
        optional = [
            reported("assistance", plus_months(plus_months(pool.closed, 7), 3)),
            ("assistance.reported", {"person": "p1", "month": pool.months[0], "receives": draw(st.booleans())}),
        ]
    return kept + [event for event in optional if draw(st.booleans())]


@dataclass(frozen=True)
class Scene:
    """A history, in the order in which it arrives, and the days that are asked about."""

    events: list[Event]
    days: list[date]
    business_date: date
    known: date


def identity(event: Event) -> tuple[str, str]:
    """What identifies an event."""
    return event["source"], event["id"]


def in_words(events: list[Event]) -> str:
    """A history, one event a line."""
    return "\n".join(
        f"  {e['source']} {e['id']!r} {e['type']} at {e['time']} received {e['received'][:10]}: {e['data']}"
        for e in events
    )


@st.composite
def scenes(draw: Callable[..., Any], *, most: int = 9, erasures: bool = False, often_erased: bool = False) -> Scene:
    """Histories: a story and up to `most` other accepted events, each (source, id) once, in any order.

    A retraction points at any event of the history, also at one that comes after it, mostly from the same source.
    """
    pool = draw(pools())
    # received on few days, so that a step is sometimes summed and sometimes just not
    received = st.sampled_from([*pool.turning_days, plus_days(pool.enrolled, 74), plus_days(pool.enrolled, 75)])
    told = _story(pool, draw) + draw(st.lists(_data(pool), min_size=1, max_size=most))
    if erasures and draw(st.integers(0, 7)) >= (3 if often_erased else 7):
        told.append(("person.erased", {"person": draw(st.sampled_from(PERSONS))}))
    used = draw(st.lists(st.sampled_from(IDENTITIES), min_size=len(told), max_size=len(told), unique=True))
    events: list[Event] = []
    for (type_, data), (source, id_) in zip(told, used, strict=True):
        if type_ == "event.retracted":
            target = draw(st.sampled_from(used))
            about = [told[i][1].get("person") for i, each in enumerate(used) if each == target]
            data = {"person": about[0] or data["person"], "retracts": {"source": target[0], "id": target[1]}}
            if target[0] != source and (target[0], id_) not in used and draw(st.integers(0, 3)):
                source = target[0]
        events.append(
            {
                "specversion": "1.0",
                "id": id_,
                "source": source,
                "type": type_,
                "time": draw(st.sampled_from(TIMES)),
                "data": data,
                "received": stamp(draw(received)),
            }
        )
    order = draw(st.permutations(range(len(events))))
    day = st.sampled_from([*pool.turning_days, pool.turning_days[-1] + timedelta(days=40)])
    days = draw(st.lists(day, min_size=1, max_size=3, unique=True))
    business_date = draw(st.one_of(day, st.just(pool.turning_days[-1])))
    return Scene([events[i] for i in order], sorted(days), business_date, draw(day))


@st.composite
def arrivals(draw: Callable[..., Any], events: list[Event]) -> list[Event]:
    """The same events in another order, some of them more than once."""
    repeats = draw(st.lists(st.sampled_from(events), max_size=4))
    return list(draw(st.permutations([*events, *repeats])))


@st.composite
def batches(draw: Callable[..., Any], events: list[Event]) -> list[list[Event]]:
    """Events cut into batches, none of them empty."""
    cut: list[list[Event]] = [[]]
    for event in events:
        if cut[-1] and draw(st.booleans()):
            cut.append([])
        cut[-1].append(event)
    return cut
