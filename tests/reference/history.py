"""One person's history: which events stand, which of them hold, and what was so on a day.

Every question is answered by looking through all the person's events. An answer is kept: a history never changes.
"""

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from tests.reference.days import day_of, instant_of, stockholm_day

Event = dict[str, Any]
"""An accepted event as it was sent, and `received` (a local day, or a stamp)."""


def identity(event: Event) -> tuple[str, str]:
    """(source, id) identifies an event for ever."""
    return event["source"], event["id"]


def rank(event: Event) -> tuple[Any, bytes, bytes]:
    """Of several that set the same fact the greatest (time, source, id) holds; texts compare by their UTF-8 bytes."""
    return instant_of(event["time"]), event["source"].encode("utf-8"), event["id"].encode("utf-8")


def on(event: Event) -> date:
    """The business date of an event."""
    return day_of(event["data"]["on"])


def received_on(event: Event) -> date:
    """The local day of receipt."""
    return stockholm_day(event["received"])


def without_repeats(events: list[Event]) -> list[Event]:
    """Each event once, whatever the number of times it was delivered."""
    once: dict[tuple[str, str], Event] = {}
    for event in events:
        once.setdefault(identity(event), event)
    return list(once.values())


def watermark(events: list[Event], feed: str) -> date | None:
    """The day up to which a feed is known: its greatest (time, source, id); none when it never sent one."""
    own = [e for e in events if e["type"] == "source.reported_through" and e["data"]["feed"] == feed]
    return day_of(max(own, key=rank)["data"]["through"]) if own else None


def as_of(events: list[Event], feed: str, business_date: date) -> date:
    """The business date, or what the feed is known through where that is earlier; without a word it is live."""
    through = watermark(events, feed)
    return business_date if through is None else min(through, business_date)


Asked = ParamSpec("Asked")
Told = TypeVar("Told")


def once(
    question: Callable[Concatenate["History", Asked], Told],
) -> Callable[Concatenate["History", Asked], Told]:
    """Keep what a question about a history has been answered with."""

    @wraps(question)
    def answer(self: "History", /, *args: Asked.args, **kwargs: Asked.kwargs) -> Told:
        asked = (question.__name__, *args)
        if asked not in self.answers:
            self.answers[asked] = question(self, *args, **kwargs)
        told: Told = self.answers[asked]
        return told

    return answer


class History:
    """All that is known of one person. Two persons with the same case id have two cases."""

    def __init__(self, person: str, events: list[Event]) -> None:
        self.person = person
        self.events = without_repeats([e for e in events if e["data"].get("person") == person])
        self.left = [e for e in self.events if not self.retracted(e)]
        self.answers: dict[Any, Any] = {}

    # -- which events stand, which hold

    def retracted(self, event: Event) -> bool:
        """A retraction by the same source about the same person takes an event away, before it or after it.

        On a retraction or an erasure it does nothing.
        """
        if event["type"] in ("event.retracted", "person.erased"):
            return False
        for other in self.events:
            if other["type"] == "event.retracted" and other["source"] == event["source"]:
                target = other["data"]["retracts"]
                if (target["source"], target["id"]) == identity(event):
                    return True
        return False

    @once
    def standing(self, type_: str) -> list[Event]:
        """The events of a type that are not retracted."""
        return [e for e in self.left if e["type"] == type_]

    def winner(self, type_: str, of: Callable[[Event], bool]) -> Event | None:
        """Of those that set one fact, the whole event with the greatest (time, source, id)."""
        candidates = [e for e in self.standing(type_) if of(e)]
        return max(candidates, key=rank) if candidates else None

    def by_day(self, type_: str, of: Callable[[Event], bool]) -> dict[date, Event]:
        """Where the day is part of the fact's key: for each day the greatest event dated on it."""
        holds: dict[date, Event] = {}
        for event in sorted(filter(of, self.standing(type_)), key=rank):
            holds[on(event)] = event
        return holds

    # -- the person

    @once
    def sex(self) -> str | None:
        """As the greatest of all the person's enrolments says."""
        enrolment = self.winner("case.enrolled", lambda e: True)
        return enrolment["data"]["sex"] if enrolment else None

    @once
    def birth_year(self) -> int | None:
        """As the greatest of all the person's enrolments says."""
        enrolment = self.winner("case.enrolled", lambda e: True)
        return enrolment["data"]["birth_year"] if enrolment else None

    @once
    def consent_said(self) -> dict[date, bool]:
        """What was said about contact, by its day.

        An enrolment that holds and speaks of it counts as one on its day; of several on a day the greatest holds.
        """
        said = list(self.standing("consent.changed"))
        for case in self.cases():
            enrolment = self.enrolment(case)
            if enrolment is not None and "contact_consent" in enrolment["data"]:
                said.append(enrolment)
        by_day: dict[date, bool] = {}
        for event in sorted(said, key=rank):
            data = event["data"]
            by_day[on(event)] = data["contact"] if event["type"] == "consent.changed" else data["contact_consent"]
        return by_day

    def consents_on(self, day: date) -> bool:
        """Contact consent at the end of a day. Nothing said: no."""
        said = {d: yes for d, yes in self.consent_said().items() if d <= day}
        return said[max(said)] if said else False

    def protected_on(self, day: date) -> bool:
        """Protected identity, from the day that it was said."""
        said = {d: e for d, e in self.by_day("person.protected", lambda e: True).items() if d <= day}
        return bool(said and said[max(said)]["data"]["protected"])

    @once
    def assistance(self, month: str) -> bool | None:
        """Whether the person received assistance in a calendar month; None while nobody has reported."""
        report = self.winner("assistance.reported", lambda e: e["data"]["month"] == month)
        return report["data"]["receives"] if report else None

    # -- cases

    @once
    def cases(self) -> list[str]:
        """Every case that has its enrolment: everything about a case waits for that."""
        return sorted({e["data"]["case"] for e in self.standing("case.enrolled")})

    @once
    def enrolment(self, case: str) -> Event | None:
        """The enrolment that holds."""
        return self.winner("case.enrolled", lambda e: e["data"]["case"] == case)

    @once
    def enrolled_on(self, case: str) -> date:
        """The day of enrolment of a case that has one."""
        enrolment = self.enrolment(case)
        assert enrolment is not None
        return on(enrolment)

    @once
    def closing(self, case: str) -> Event | None:
        """The greatest of a case's closures, also where it is doubtful."""
        return self.winner("case.closed", lambda e: e["data"]["case"] == case)

    @once
    def closure(self, case: str) -> Event | None:
        """The closure that holds. Dated before the enrolment it is ignored, and nothing takes its place."""
        closure = self.closing(case)
        if self.enrolment(case) is None or closure is None or on(closure) < self.enrolled_on(case):
            return None
        return closure

    @once
    def closed_on(self, case: str) -> date | None:
        """The day of closure, if any."""
        closure = self.closure(case)
        return on(closure) if closure else None

    @once
    def dated_days(self) -> list[date]:
        """The days on which anything known is dated."""
        return sorted({on(e) for e in self.left if "on" in e["data"]})

    @once
    def reason(self, case: str) -> str | None:
        """Why it was closed, if it was."""
        closure = self.closure(case)
        return closure["data"]["reason"] if closure else None

    def is_open_on(self, case: str, day: date) -> bool:
        """Open from the day of enrolment to the day of closure, both included."""
        closed = self.closed_on(case)
        return self.enrolled_on(case) <= day and (closed is None or day <= closed)

    @once
    def transfers(self, case: str, attribute: str) -> dict[date, Event]:
        """The transfers of a unit or a target group, by day: case, attribute and day are the fact's key."""
        return self.by_day("case.transferred", lambda e: e["data"]["case"] == case and attribute in e["data"])

    @once
    def attribute_on(self, case: str, attribute: str, day: date) -> str:
        """Unit or target group at the end of a day: the enrolment's, until a transfer says otherwise.

        A transfer dated before the enrolment is ignored, and nothing takes its place. Before the enrolment the
        enrolment's holds.
        """
        enrolment = self.enrolment(case)
        assert enrolment is not None
        value: str = enrolment["data"][attribute]
        for moved_on, transfer in sorted(self.transfers(case, attribute).items()):
            if on(enrolment) <= moved_on <= day:
                value = transfer["data"][attribute]
        return value

    def worker_on(self, case: str, day: date) -> str | None:
        """The worker at the end of a day: the last assignment up to it; of one day the greatest."""
        worker = None
        assignments = self.by_day("case.assigned", lambda e: e["data"]["case"] == case)
        for assigned_on, assignment in sorted(assignments.items()):
            if assigned_on <= day:
                worker = assignment["data"]["worker"]
        return worker

    @once
    def acts(self, case: str, type_: str) -> list[date]:
        """The days of a case's offers, plans or talks (the event's type). They count from the day of enrolment."""
        return sorted(
            on(e) for e in self.standing(type_) if e["data"]["case"] == case and on(e) >= self.enrolled_on(case)
        )

    @once
    def talks(self) -> list[date]:
        """The days of the person's study and career guidance, in any case."""
        return sorted(day for case in self.cases() for day in self.acts(case, "guidance.held"))

    @once
    def died_on(self) -> list[date]:
        """Days on which any case of the person was closed as deceased."""
        return sorted(on(c) for c in map(self.closure, self.cases()) if c and c["data"]["reason"] == "deceased")

    # -- measures

    @once
    def measures(self) -> list[str]:
        """Every measure that has its start, and whose case (the start's) has its enrolment."""
        started = {e["data"]["measure"] for e in self.standing("measure.started")}
        return sorted(m for m in started if self.enrolment(self.start(m)["data"]["case"]))

    @once
    def start(self, measure: str) -> Event:
        """The start that holds."""
        start = self.winner("measure.started", lambda e: e["data"]["measure"] == measure)
        assert start is not None
        return start

    @once
    def ending(self, measure: str) -> Event | None:
        """The greatest of a measure's ends, also where it is doubtful."""
        return self.winner("measure.ended", lambda e: e["data"]["measure"] == measure)

    @once
    def end(self, measure: str) -> Event | None:
        """The end that holds. Dated before the start it is ignored, and nothing takes its place."""
        end = self.ending(measure)
        return end if end and on(end) >= on(self.start(measure)) else None

    def measure_case(self, measure: str) -> str:
        """The case that a measure belongs to: the start's holds, whatever the end says."""
        case: str = self.start(measure)["data"]["case"]
        return case

    def started_on(self, measure: str) -> date:
        """The first day of a measure."""
        return on(self.start(measure))

    def ended_on(self, measure: str) -> date | None:
        """The day of the event measure.ended that holds, if any."""
        end = self.end(measure)
        return on(end) if end else None

    def said_of_measure(self, measure: str, name: str) -> str | None:
        """kind, provider or funder, by its start; result or reason, by its end. None: not said."""
        event = self.end(measure) if name in ("result", "reason") else self.start(measure)
        return event["data"].get(name) if event else None

    @once
    def last_day(self, measure: str) -> date | None:
        """The last day on which a measure goes on; None while it is not known.

        Its end; without one the closure of its case, but at least its start day.
        """
        ended = self.ended_on(measure)
        if ended is not None:
            return ended
        closed = self.closed_on(self.measure_case(measure))
        return None if closed is None else max(closed, self.started_on(measure))

    def goes_on(self, measure: str, day: date) -> bool:
        """From its start to its last day, both included."""
        last = self.last_day(measure)
        return self.started_on(measure) <= day and (last is None or day <= last)

    # -- what is doubtful

    def doubts(self) -> set[tuple[str, str, str]]:
        """What goes to the data-quality list about this person alone: (kind, source, id of the event in doubt)."""
        found = set()
        for event in self.events:
            if event["type"] == "event.retracted":
                target = event["data"]["retracts"]
                useless = target["source"] != event["source"]
                for other in self.events:
                    if identity(other) == (target["source"], target["id"]):
                        useless = useless or other["type"] in ("event.retracted", "person.erased")
                if useless:
                    found.add(("retraction_without_effect", *identity(event)))
        for case in self.cases():
            since = self.enrolled_on(case)
            closure = self.closing(case)
            if closure and on(closure) < since:
                found.add(("closure_before_enrolment", *identity(closure)))
            for attribute in ("unit", "target_group"):
                for moved_on, transfer in self.transfers(case, attribute).items():
                    if moved_on < since:
                        found.add(("transfer_before_enrolment", *identity(transfer)))
        for measure in {e["data"]["measure"] for e in self.standing("measure.started")}:
            end = self.ending(measure)
            if end and on(end) < self.started_on(measure):
                found.add(("end_before_start", *identity(end)))
        return found

    def disagreements(self) -> set[str]:
        """Of sex and birth_year, those in which the enrolments that hold do not agree."""
        return {
            name
            for name in ("sex", "birth_year")
            if len({str(e["data"][name]) for c in self.cases() if (e := self.enrolment(c))}) > 1
        }


def histories(events: list[Event]) -> list[History]:
    """The history of everybody whom an event is about, and whom nothing has erased."""
    own: dict[str, list[Event]] = {}
    for event in events:
        if "person" in event["data"]:
            own.setdefault(event["data"]["person"], []).append(event)
    erased = {event["data"]["person"] for event in events if event["type"] == "person.erased"}
    return [History(person, own[person]) for person in sorted(own) if person not in erased]
