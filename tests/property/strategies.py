"""Histories over a tiny domain, where collisions, corrections and retractions are the rule and not the exception.

Two or three persons, two cases, two measures, three units in a tree that changes, a few target groups, three instants,
two sources and a handful of ids. A history is about one protocol or one kind of figure, and its days are those on
which something of that can turn: the anchor's, the day of due, the day of giving up, and their neighbours.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.reference.days import ONE_DAY, first_of_next_month, month_of, plus_days, plus_months, plus_working_days

Event = dict[str, Any]
Told = tuple[str, dict[str, Any]]
"""The type of an event and its data."""

PERSONS = ("p1", "p1", "p1", "p1", "p2", "p3")
"""One person has most of the events: what meets on one person is what is interesting."""
CASES = ("c1", "c1", "c1", "c2")
MEASURES = ("m1", "m1", "m1", "m2")
UNITS = ("north", "south", "annex")
TARGET_GROUPS = ("ordinary", "resource", "activity_duty", "entry_20_29")
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
KINDS = (
    "stockholmsjobb",
    "stockholmsjobb",
    "vocational_training",
    "combination_training",
    "higher_vocational",
    "internship",
)
ANSWERED = ("occupation_3m", "occupation_6m", "higher_vocational_6m")
"""The protocols that take answers."""
BIRTH_YEARS = (1990, 1990, 1987, 2001, 1955, 1997, 1992)
"""Ages on the edges of bands and of what indicators ask for: 16, 20 and 25 in 2017, 30 in 2017."""

ENROLMENTS = (date(2017, 1, 1), date(2016, 11, 30), date(2017, 2, 28), date(2016, 2, 29))
CLOSURES = (date(2017, 8, 31), date(2017, 4, 1), date(2017, 4, 2), date(2016, 12, 31), date(2018, 1, 1))
STARTS = (date(2017, 1, 1), date(2016, 11, 30), date(2017, 3, 31), date(2016, 2, 29))
ENDS = (date(2017, 8, 31), date(2017, 4, 30), date(2016, 12, 31), date(2017, 10, 31))
STOCKHOLM = ZoneInfo("Europe/Stockholm")

ABOUT = (
    "offer",
    "plan",
    "occupation_6m",
    "assistance_7m",
    "occupation_3m",
    "higher_vocational_6m",
    "assistance_4m",
    "in_measure",
    "duration",
    "stockholmsjobb",
    "internship",
    "livelihood",
    "duty",
    "nothing",
)
"""What a history can be about."""


@dataclass(frozen=True)
class Pool:
    """The few days and the months that one history plays on, around a case and a measure."""

    about: str
    enrolled: date
    closed: date
    started: date
    ended: date
    chosen: tuple[int, ...] = ()

    @property
    def days(self) -> list[date]:
        """The few days on which things are dated, so that they often meet on one."""
        turning = self.turning_days
        return sorted({*self.anchors, *(turning[i % len(turning)] for i in self.chosen)})

    @property
    def with_measures(self) -> bool:
        """Whether measures are what it is about."""
        return self.about not in ("offer", "plan", "occupation_6m", "assistance_7m", "duration", "duty", "nothing")

    @property
    def anchors(self) -> list[date]:
        """The first and last days of the case, and of the measure where it is about one."""
        return [self.enrolled, self.closed, *([self.started, self.ended] if self.with_measures else [])]

    @property
    def due(self) -> date:
        """The day of due of the check that it is about."""
        return {
            "offer": plus_days(self.enrolled, 90),
            "plan": plus_working_days(self.enrolled, 5),
            "occupation_6m": plus_months(self.closed, 6),
            "assistance_7m": plus_months(self.closed, 7),
            "occupation_3m": plus_months(self.ended, 3),
            "higher_vocational_6m": plus_months(self.ended, 6),
            "assistance_4m": plus_months(self.ended, 4),
            "in_measure": plus_months(self.started, 3),
        }.get(self.about, plus_months(self.enrolled, 12))

    @property
    def gives_up(self) -> date:
        """The day on which that check gives up, if it ever does."""
        if self.about in ("offer", "plan"):
            return self.due + ONE_DAY
        return plus_months(self.due, 3 if self.about.startswith("assistance") else 2)

    @property
    def moments(self) -> list[date]:
        """The moments of that check's notices."""
        if self.about.startswith("assistance"):
            return [first_of_next_month(month_of(self.due))]
        steps = {"offer": (-30, -7, 0, 1), "plan": (0, 1), **dict.fromkeys(ANSWERED, (-14, 0, 30))}
        return [plus_days(self.due, step) for step in steps.get(self.about, (0,))]

    @property
    def hardly_summed(self) -> list[date]:
        """Days of receipt on which the first step is just told by itself, and just not."""
        return [plus_days(self.moments[0], 14), plus_days(self.moments[0], 15)]

    @property
    def turning_days(self) -> list[date]:
        """Every day on which something can turn."""
        days = {day + step * ONE_DAY for day in self.anchors for step in (-1, 0, 1)}
        days |= {self.due - ONE_DAY, self.due, self.due + ONE_DAY, self.gives_up - ONE_DAY, self.gives_up}
        days |= {moment - step * ONE_DAY for moment in self.moments for step in (0, 1)}
        if self.about == "offer":
            days.add(plus_months(self.enrolled, 12))
        elif self.about == "in_measure":
            for months in (6, 12):
                day = plus_months(self.started, months)
                days |= {day - ONE_DAY, day, day + ONE_DAY}
        elif self.about in ("stockholmsjobb", "internship", "livelihood", "duty"):
            days |= {date(2016, 12, 31), date(2017, 1, 1), date(2017, 12, 31)}
            days |= {plus_months(day, 12) for day in self.anchors}
        elif self.about == "nothing":
            days |= {plus_months(self.enrolled, 6), plus_months(self.enrolled, 18), plus_months(self.closed, 7)}
        return sorted(days)

    @property
    def months(self) -> list[str]:
        """The month that is looked at after the closure or the end, most of the time, and its neighbours."""
        looked_at = [plus_months(self.closed, 7), plus_months(self.ended, 4)]
        if self.about == "assistance_4m":
            looked_at.reverse()
        return [
            month_of(looked_at[0]),
            month_of(looked_at[0]),
            month_of(looked_at[1]),
            month_of(plus_months(self.closed, 6)),
        ]


def pools(about: str | None) -> st.SearchStrategy[Pool]:
    """Where in time a history plays, and what it is about (None: anything)."""
    chosen = st.lists(st.integers(0, 30), min_size=1, max_size=4).map(tuple)
    return st.builds(
        Pool,
        st.sampled_from(ABOUT) if about is None else st.just(about),
        st.sampled_from(ENROLMENTS),
        st.sampled_from(CLOSURES),
        st.sampled_from(STARTS),
        st.sampled_from(ENDS),
        chosen,
    )


def stamp(day: date) -> str:
    """Intake's stamp at the end of a day in Stockholm."""
    return datetime.combine(day, time.max, STOCKHOLM).astimezone(UTC).isoformat()


def _data(pool: Pool) -> st.SearchStrategy[Told]:
    """Any event, about the few days of a history."""
    day = st.sampled_from(pool.days).map(date.isoformat)

    def mostly(usual: date) -> st.SearchStrategy[str]:
        return st.one_of(st.just(usual.isoformat()), st.just(usual.isoformat()), day)

    person, case, measure = st.sampled_from(PERSONS), st.sampled_from(CASES), st.sampled_from(MEASURES)
    unit, group, reason = st.sampled_from(UNITS), st.sampled_from(TARGET_GROUPS), st.sampled_from(REASONS)
    of_case = {"person": person, "case": case}
    long_ago = plus_months(pool.enrolled, -10)
    enrolment = st.fixed_dictionaries(
        {
            **of_case,
            "on": mostly(pool.enrolled),
            "unit": unit,
            "target_group": group,
            "sex": st.sampled_from(("female", "male", "unknown")),
            "birth_year": st.sampled_from(BIRTH_YEARS),
        },
        optional={
            "contact_consent": st.booleans(),
            "assistance": st.booleans(),
            "assistance_since": st.sampled_from([(long_ago + n * ONE_DAY).isoformat() for n in (-3, -1, 0, 1)]),
        },
    )
    transfer = st.fixed_dictionaries({**of_case, "on": day}, optional={"unit": unit, "target_group": group}).filter(
        lambda data: "unit" in data or "target_group" in data
    )
    answered = st.fixed_dictionaries(
        {"response": st.just("answered"), "occupation": st.sampled_from(OCCUPATIONS)},
        optional={"same_field": st.booleans(), "method": st.just("interview")},
    )
    checked = st.sampled_from((pool.about, *ANSWERED) if pool.about in ANSWERED else ANSWERED)
    asked_about = st.builds(
        lambda person, check, case, measure, on: {
            "person": person,
            "check": check,
            "subject": case if check == "occupation_6m" else measure,
            "on": on,
        },
        person,
        checked,
        case,
        measure,
        day,
    )
    answer = st.builds(
        lambda common, said: {**common, **said}, asked_about, st.one_of(answered, st.just({"response": "declined"}))
    )
    attempt = st.builds(lambda common, how: {**common, "how": how}, asked_about, st.sampled_from(("phone", "letter")))
    start = st.fixed_dictionaries(
        {**of_case, "measure": measure, "kind": st.sampled_from(KINDS), "on": mostly(pool.started)},
        optional={
            "provider": st.sampled_from(("municipal", "private")),
            "funder": st.sampled_from(("own", "district")),
        },
    )
    end = st.fixed_dictionaries(
        {**of_case, "measure": measure, "on": mostly(pool.ended)},
        optional={"result": st.sampled_from(("completed", "interrupted")), "reason": reason},
    )
    retraction = st.fixed_dictionaries({"person": person})  # at what it points is drawn when the others are known
    more = 3 if pool.with_measures else 1
    kinds: list[tuple[int, str, st.SearchStrategy[dict[str, Any]]]] = [
        (6, "case.enrolled", enrolment),
        (
            5,
            "case.closed",
            st.fixed_dictionaries({**of_case, "on": mostly(pool.closed), "reason": st.one_of(reason, st.just("work"))}),
        ),
        (3, "case.transferred", transfer),
        (2, "case.assigned", st.fixed_dictionaries({**of_case, "on": day, "worker": st.sampled_from(("w1", "w2"))})),
        (
            2,
            "offer.made",
            st.fixed_dictionaries({**of_case, "on": day, "kind": st.sampled_from(("job", "education"))}),
        ),
        (2, "plan.set", st.fixed_dictionaries({**of_case, "on": day})),
        (2, "guidance.held", st.fixed_dictionaries({**of_case, "on": day})),
        (more, "measure.started", start),
        (more, "measure.ended", end),
        (3, "followup.answered", answer),
        (1, "followup.attempted", attempt),
        (2, "consent.changed", st.fixed_dictionaries({"person": person, "contact": st.booleans(), "on": day})),
        (
            2,
            "assistance.reported",
            st.fixed_dictionaries({"person": person, "month": st.sampled_from(pool.months), "receives": st.booleans()}),
        ),
        (1, "person.protected", st.fixed_dictionaries({"person": person, "protected": st.booleans(), "on": day})),
        (3, "event.retracted", retraction),
        (
            1,
            "source.reported_through",
            st.fixed_dictionaries({"feed": st.sampled_from(("cases", "answers", "assistance")), "through": day}),
        ),
    ]
    weighted = [st.tuples(st.just(type_), data) for weight, type_, data in kinds for _ in range(weight)]
    return st.one_of(weighted)


IDENTITIES = tuple((source, id_) for source in ("/tiny/a", "/tiny/B") for id_ in IDS)


def _story(pool: Pool, draw: Callable[..., Any]) -> list[Told]:
    """What a history is about, so that every protocol is reached often; noise is strewn over it afterwards."""
    if pool.about == "nothing":
        return []
    person, of_case = {"person": "p1"}, {"person": "p1", "case": "c1"}
    enrolled: dict[str, Any] = {
        **of_case,
        "on": pool.enrolled.isoformat(),
        "unit": "north",
        "target_group": "activity_duty" if pool.about == "duty" else draw(st.sampled_from(TARGET_GROUPS)),
        "sex": "female",
        "birth_year": 2000 if pool.about == "duty" else draw(st.sampled_from(BIRTH_YEARS)),
    }
    closed: Told = ("case.closed", {**of_case, "on": pool.closed.isoformat(), "reason": "work"})
    of_measure = {**of_case, "measure": "m1"}
    kind = {"assistance_4m": "stockholmsjobb", "higher_vocational_6m": "higher_vocational"}.get(pool.about, pool.about)
    if kind not in KINDS:
        of_these = ("stockholmsjobb", "vocational_training", "combination_training")
        kind = draw(st.sampled_from(of_these if pool.about == "occupation_3m" else KINDS))
    start: dict[str, Any] = {**of_measure, "on": pool.started.isoformat(), "kind": kind}
    end: dict[str, Any] = {**of_measure, "on": pool.ended.isoformat()}
    day = st.sampled_from(pool.days).map(date.isoformat)
    turning = st.sampled_from([each for each in pool.turning_days if each >= max(pool.anchors)] or pool.turning_days)
    later = st.one_of(turning.map(date.isoformat), day)
    edge = st.sampled_from([pool.closed, pool.closed + ONE_DAY, pool.due - ONE_DAY, pool.due]).map(date.isoformat)
    reason, occupation = st.sampled_from(REASONS), st.sampled_from(("work", "work", *OCCUPATIONS))

    def reported(feed: str) -> Told:
        through = draw(st.sampled_from((pool.gives_up - ONE_DAY, pool.gives_up)))
        return ("source.reported_through", {"feed": feed, "through": through.isoformat()})

    def reply(subject: str, **said: Any) -> Told:
        about = {**person, "check": pool.about, "subject": subject, "on": draw(later)}
        return ("followup.answered", {**about, "response": "answered" if said else "declined", **said})

    def closed_on(when: st.SearchStrategy[str], why: st.SearchStrategy[str]) -> Told:
        return ("case.closed", {**of_case, "on": draw(when), "reason": draw(why)})

    said_no: Told = ("consent.changed", {**person, "contact": False, "on": draw(st.one_of(edge, later))})
    register: Told = (
        "assistance.reported",
        {**person, "month": month_of(pool.due), "receives": draw(st.booleans())},
    )
    transfer: Told = ("case.transferred", {**of_case, "on": draw(day), "unit": "south"})
    assigned: Told = ("case.assigned", {**of_case, "on": draw(day), "worker": "w1"})
    again: Told = ("case.enrolled", {**enrolled, "case": "c2", "on": draw(st.one_of(edge, later))})
    died: list[Told] = [
        ("case.enrolled", {**enrolled, "case": "c2"}),
        ("case.closed", {**person, "case": "c2", "on": draw(later), "reason": "deceased"}),
    ]

    kept: list[Told]
    often: list[Told]
    seldom: list[Told] = [transfer, assigned]
    if pool.about == "offer":
        kept = [("case.enrolled", {**enrolled, "birth_year": 1990})]
        offer: Told = ("offer.made", {**of_case, "on": draw(day), "kind": "job"})
        often = [reported("cases"), offer, closed_on(day, reason), assigned]
    elif pool.about == "plan":
        kept = [("case.enrolled", enrolled)]
        often = [reported("cases"), ("plan.set", {**of_case, "on": draw(day)}), closed_on(day, reason), assigned]
    elif pool.about == "occupation_6m":
        kept = [("case.enrolled", {**enrolled, "contact_consent": True}), closed]
        often = [reported("answers"), reply("c1", occupation=draw(occupation)), again]
        seldom += [reply("c1"), said_no]
    elif pool.about == "assistance_7m":
        kept = [("case.enrolled", enrolled), closed_on(st.just(pool.closed.isoformat()), reason)]
        often = [reported("assistance"), register]
    elif pool.about in ("occupation_3m", "higher_vocational_6m"):
        result = draw(st.sampled_from(("completed", "completed", "completed", "interrupted", None)))
        kept = [
            ("case.enrolled", enrolled),
            ("measure.started", start),
            ("measure.ended", {**end, **({"result": result} if result else {})}),
        ]
        said = {"occupation": draw(occupation), "same_field": draw(st.sampled_from((True, True, False)))}
        often = [reported("answers"), reply("m1", **said), closed]
        seldom += [reply("m1"), *died]
    elif pool.about == "assistance_4m":
        kept = [("case.enrolled", enrolled), ("measure.started", start), ("measure.ended", end)]
        often = [reported("assistance"), register, closed]
    elif pool.about == "in_measure":
        kept = [("case.enrolled", enrolled), ("measure.started", start)]
        often = [
            ("measure.ended", {**end, "on": draw(st.one_of(later, st.just(end["on"])))}),
            closed_on(st.one_of(later, st.just(pool.closed.isoformat())), reason),
        ]
    elif pool.with_measures:  # who was there, and what it led to
        kept = [
            ("case.enrolled", enrolled),
            ("measure.started", {**start, "funder": "own", "provider": "municipal"}),
        ]
        often = [("measure.ended", {**end, "reason": draw(st.one_of(st.just("work"), reason))}), closed, transfer]
        seldom += [("case.transferred", {**of_case, "on": draw(day), "target_group": "resource"})]
    elif pool.about == "duty":
        kept = [("case.enrolled", enrolled), closed_on(st.just(pool.closed.isoformat()), st.just("studies"))]
        often = [("guidance.held", {**of_case, "on": draw(day)})]
        seldom += [("case.transferred", {**of_case, "on": draw(day), "target_group": "ordinary"})]
    else:  # how long it took
        since = plus_months(pool.enrolled, -10) - draw(st.sampled_from((0, 1, 1, 3))) * ONE_DAY
        kept = [("case.enrolled", {**enrolled, "assistance": True, "assistance_since": since.isoformat()}), closed]
        often = [("case.closed", {**person, "case": "c2", "on": draw(later), "reason": draw(reason)}), again]
    more = [event for event in often if draw(st.booleans())]
    return kept + more + [event for event in seldom if draw(st.integers(0, 3)) == 3]


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
def scenes(
    draw: Callable[..., Any],
    *,
    about: str | None = None,
    most: int = 9,
    erasures: bool = False,
    often_erased: bool = False,
) -> Scene:
    """Histories: a story (about one thing, or anything) and up to `most` other accepted events, in any order.

    Each (source, id) occurs once. A retraction points at any event of the history, also at one that comes after it,
    mostly from the same source.
    """
    pool = draw(pools(about))
    # received on few days, so that a step is sometimes summed and sometimes just not
    received = st.sampled_from([*pool.turning_days, *pool.hardly_summed])
    story = _story(pool, draw)
    told = story + draw(st.lists(_data(pool), min_size=1, max_size=most))
    if erasures and draw(st.integers(0, 7)) >= (3 if often_erased else 7):
        told.append(("person.erased", {"person": draw(st.sampled_from(PERSONS))}))
    used = draw(st.lists(st.sampled_from(IDENTITIES), min_size=len(told), max_size=len(told), unique=True))
    events: list[Event] = []
    for number, ((type_, data), (source, id_)) in enumerate(zip(told, used, strict=True)):
        if type_ == "event.retracted":
            target = draw(st.sampled_from(used))
            whose = [told[i][1].get("person") for i, each in enumerate(used) if each == target]
            data = {"person": whose[0] or data["person"], "retracts": {"source": target[0], "id": target[1]}}
            if target[0] != source and (target[0], id_) not in used and draw(st.integers(0, 3)):
                source = target[0]
        events.append(
            {
                "specversion": "1.0",
                "id": id_,
                "source": source,
                "type": type_,
                # mostly what the story says was recorded last, so that the noise does not drown it
                "time": draw(st.sampled_from((*TIMES, *TIMES[-1:] * 10) if number < len(story) else TIMES)),
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
