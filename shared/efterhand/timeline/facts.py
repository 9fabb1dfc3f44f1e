"""The facts of one person, from the set of that person's accepted events: pure, and blind to order and repeats.

Where several events set the same fact, the one with the greatest (time, source, id) holds, as a whole. The winner is
chosen first; where it turns out doubtful (a closure before its enrolment), it is ignored and nothing takes its place.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from efterhand.timeline.events import Event, EventRef

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Provenance:
    """The event that holds a fact, and when the fact was first heard of.

    `first_received` is the earliest day of receipt among all events, not retracted, that set the fact: a later
    correction does not make it new. `rank` orders events: the greatest was recorded last.
    """

    event: EventRef
    first_received: date
    rank: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One row: its values by column, and where they come from.

    A row that several events make up (a case: its enrolment and its closure) says in `days` which one holds which day.
    """

    values: Mapping[str, Any]
    origin: Provenance
    days: Mapping[str, Provenance] = field(default_factory=dict)

    @property
    def rank(self) -> tuple[Any, ...]:
        """The rank of the event that holds the row."""
        return self.origin.rank

    def held_by(self, column: str) -> Provenance:
        """Return where the day in a column comes from."""
        return self.days.get(column, self.origin)


@dataclass(frozen=True, slots=True)
class Doubt:
    """An accepted event that is ignored, or has no effect, and why."""

    code: str
    event: EventRef
    case_id: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody tried to reach the person about a check, on a day, in a way (`phone`, `sms`, `letter`, `other`)."""

    on: date
    how: str
    event: EventRef


@dataclass(frozen=True)
class Facts:
    """Everything known of one person. `rows` holds the facts by kind (see catalogue/facts.yaml)."""

    person: str
    rows: Mapping[str, tuple[Fact, ...]]
    doubts: tuple[Doubt, ...] = ()
    workers: Mapping[str, tuple[tuple[date, str], ...]] = field(default_factory=dict)
    """Per case: from which day on which worker, in order."""
    protection: tuple[tuple[date, bool], ...] = ()
    """From which day on the identity is protected or not, in order."""
    waiting: Mapping[str, tuple[Event, ...]] = field(default_factory=dict)
    """What was said of cases whose enrolment has not come, by case."""
    enrolments: tuple[EventRef, ...] = ()
    """The events that hold the enrolments, by case."""
    disagreements: tuple[str, ...] = ()
    """Those of sex and birth_year in which the enrolments do not agree."""
    attempts: Mapping[tuple[str, str], tuple[Attempt, ...]] = field(default_factory=dict)
    """What was tried, by protocol and subject, in the order of its days; it settles nothing."""
    _stays: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)
    _closed: Mapping[str, date] = field(default_factory=dict)

    def of(self, kind: str) -> tuple[Fact, ...]:
        """Return the rows of a kind; none where nothing is known."""
        return self.rows.get(kind, ())

    @property
    def birth_year(self) -> int | None:
        """Year of birth, when any enrolment is known."""
        person = self.of("person")
        return person[0].values["birth_year"] if person else None

    def stay_on(self, case_id: str, day: date) -> Mapping[str, Any] | None:
        """Return the stay (unit, target group) of a case at the end of a day; before the enrolment, the first one."""
        stays = self._stays.get(case_id, ())
        held = [stay for stay in stays if stay.values["from_on"] <= day]
        return (held[-1] if held else stays[0]).values if stays else None

    def unit_on(self, case_id: str, day: date) -> str | None:
        """Return the unit of a case at the end of a day, also by transfers after its closure."""
        stay = self.stay_on(case_id, day)
        return None if stay is None else str(stay["unit"])

    def worker_on(self, case_id: str, day: date) -> str | None:
        """Return the worker of a case at the end of a day."""
        worker: str | None = _latest(self.workers.get(case_id, ()), day)
        return worker

    def protected_on(self, day: date) -> bool:
        """Tell whether the identity is protected at the end of a day."""
        return bool(_latest(self.protection, day))

    def closed_on(self, case_id: str) -> date | None:
        """Return the day of a case's closure, if it is closed."""
        return self._closed.get(case_id)

    def attempts_until(self, protocol: str, subject: str, day: date) -> tuple[Attempt, ...]:
        """Return what had been tried for a check by the end of a day."""
        return tuple(each for each in self.attempts.get((protocol, subject), ()) if each.on <= day)

    def change_days(self) -> set[date]:
        """Return every day from which on a unit, worker or protection is another one, or something has been tried."""
        days = {stay.values["from_on"] for stay in self.of("stay")}
        days.update(day for changes in self.workers.values() for day, _ in changes)
        days.update(each.on for attempts in self.attempts.values() for each in attempts)
        days.update(day for day, _ in self.protection)
        return days


_OF_CASES: Final = {
    "offer.made": ("offer", "made_on"),
    "plan.set": ("plan", "set_on"),
    "guidance.held": ("guidance", "held_on"),
}
"""Types of events of which every one counts by itself, with the fact and the column of its day."""


def _latest(changes: Iterable[tuple[date, Any]], day: date) -> Any:
    value = None
    for from_on, each in changes:
        if from_on <= day:
            value = each
    return value


@dataclass(slots=True)
class _Held:
    """The event that holds one fact so far, and the first receipt of any that set it."""

    event: Event
    first_received: date

    def add(self, event: Event) -> None:
        self.first_received = min(self.first_received, event.received_on)
        if event.rank > self.event.rank:
            self.event = event

    @property
    def data(self) -> Mapping[str, Any]:
        return self.event.data

    @property
    def provenance(self) -> Provenance:
        return Provenance(self.event.ref, self.first_received, self.event.rank)


def _measure(measure_id: str, start: _Held, end: _Held | None, started_on: date, case: Fact) -> Fact:
    """Make the row of a measure. Without an end it goes on to the closure of its case, at least on its first day."""
    ended_on = last_on = None if end is None else date.fromisoformat(end.data["on"])
    days = {} if end is None else {"ended_on": end.provenance, "last_on": end.provenance}
    closed_on = case.values["closed_on"]
    if ended_on is None and closed_on is not None:
        last_on = max(closed_on, started_on)
        days = {"last_on": case.held_by("closed_on")}
    values = {
        "measure_id": measure_id,
        "case_id": start.data["case"],
        "kind": start.data["kind"],
        "provider": start.data.get("provider"),
        "funder": start.data.get("funder"),
        "started_on": started_on,
        "ended_on": ended_on,
        "last_on": last_on,
        "result": None if end is None else end.data.get("result"),
        "reason": None if end is None else end.data.get("reason"),
    }
    return Fact(values, start.provenance, days)


def _own(event: Event) -> Provenance:
    return Provenance(event.ref, event.received_on, event.rank)


class _Winners(dict[Any, _Held]):
    """The holders of facts of one kind, by the fact's key."""

    def set(self, key: Any, event: Event) -> None:
        held = self.get(key)
        if held is None:
            self[key] = _Held(event, event.received_on)
        else:
            held.add(event)


def derive_facts(events: Iterable[Event]) -> Facts:
    """Return the facts that a person's accepted events come to.

    Args:
        events: all accepted events of ONE person, in any order, with any repeats.

    Returns:
        the facts; none at all when the person has been erased.
    """
    unique = {event.ref: event for event in events}
    person = next((event.person for event in unique.values()), "")
    if any(event.type == "person.erased" for event in unique.values()):
        return Facts(person, {})
    retracted, doubts = _retractions(unique)
    live = [event for ref, event in unique.items() if ref not in retracted]
    return _Derivation(person, live, doubts).facts()


def _retractions(unique: Mapping[EventRef, Event]) -> tuple[set[EventRef], list[Doubt]]:
    """Return what is retracted. A retraction acts on an event of its own source only, and never on a retraction."""
    retracted: set[EventRef] = set()
    doubts: list[Doubt] = []
    for event in unique.values():
        if event.type != "event.retracted":
            continue
        ref: EventRef = (event.data["retracts"]["source"], event.data["retracts"]["id"])
        target = unique.get(ref)
        if ref[0] != event.source or (target is not None and target.type in ("event.retracted", "person.erased")):
            doubts.append(Doubt("retraction_without_effect", event.ref))
        else:
            retracted.add(ref)
    return retracted, doubts


class _Derivation:
    """One pass over the live events, then row by row; kept in a class only to share the tables of winners."""

    def __init__(self, person: str, live: Iterable[Event], doubts: list[Doubt]) -> None:
        self.person = person
        self.doubts = doubts
        self.births = _Winners()
        self.enrolments = _Winners()
        self.closures = _Winners()
        self.transfers: dict[str, _Winners] = {}
        self.workers = _Winners()
        self.consents = _Winners()
        self.protection = _Winners()
        self.months = _Winners()
        self.starts = _Winners()
        self.ends = _Winners()
        self.of_cases: dict[str, list[Event]] = {kind: [] for kind in _OF_CASES}
        self.replies: list[Event] = []
        self.tries: list[Event] = []
        self.said_of: dict[str, list[Event]] = {}
        for event in live:
            self._take(event)

    def _take(self, event: Event) -> None:
        data = event.data
        if "case" in data:
            self.said_of.setdefault(data["case"], []).append(event)
        match event.type:
            case "case.enrolled":
                self.births.set("person", event)
                self.enrolments.set(data["case"], event)
            case "case.closed":
                self.closures.set(data["case"], event)
            case "case.transferred":
                of_case = self.transfers.setdefault(data["case"], _Winners())
                for attribute in ("unit", "target_group"):
                    if attribute in data:
                        of_case.set((attribute, data["on"]), event)
            case "case.assigned":
                self.workers.set((data["case"], data["on"]), event)
            case "assistance.reported":
                self.months.set(data["month"], event)
            case "consent.changed":
                self.consents.set(data["on"], event)
            case "person.protected":
                self.protection.set(data["on"], event)
            case "measure.started":
                self.starts.set(data["measure"], event)
            case "measure.ended":
                self.ends.set(data["measure"], event)
            case "followup.answered":
                self.replies.append(event)
            case "followup.attempted":
                self.tries.append(event)
            case kind if kind in _OF_CASES:
                self.of_cases[kind].append(event)

    def facts(self) -> Facts:
        cases = {case_id: self._case(case_id, held) for case_id, held in self.enrolments.items()}
        stays = {case_id: self._stays(case_id, fact) for case_id, fact in cases.items()}
        rows = {
            "person": self._births(),
            "case": tuple(cases[case_id] for case_id in sorted(cases)),
            "stay": tuple(stay for case_id in sorted(stays) for stay in stays[case_id]),
            "measure": self._measures(cases),
            **{fact: self._of_cases(kind, day, cases) for kind, (fact, day) in _OF_CASES.items()},
            "consent": self._consents(),
            "assistance": self._assistance(),
            "reply": self._replies(),
        }
        return Facts(
            person=self.person,
            rows=rows,
            doubts=tuple(sorted(self.doubts, key=lambda doubt: (doubt.code, doubt.event))),
            workers=self._workers(),
            protection=tuple(
                (date.fromisoformat(on), held.data["protected"]) for on, held in sorted(self.protection.items())
            ),
            waiting={
                case_id: tuple(sorted(events, key=lambda event: event.rank))
                for case_id, events in self.said_of.items()
                if case_id not in cases
            },
            enrolments=tuple(self.enrolments[case_id].event.ref for case_id in sorted(cases)),
            disagreements=tuple(
                column
                for column in ("sex", "birth_year")
                if len({held.data[column] for held in self.enrolments.values()}) > 1
            ),
            attempts=self._attempts(),
            _stays=stays,
            _closed={case_id: fact.values["closed_on"] for case_id, fact in cases.items() if fact.values["closed_on"]},
        )

    def _births(self) -> tuple[Fact, ...]:
        return tuple(
            Fact({"sex": held.data["sex"], "birth_year": int(held.data["birth_year"])}, held.provenance)
            for held in self.births.values()
        )

    def _case(self, case_id: str, enrolment: _Held) -> Fact:
        enrolled_on = date.fromisoformat(enrolment.data["on"])
        since = enrolment.data.get("assistance_since")
        values: dict[str, Any] = {
            "case_id": case_id,
            "enrolled_on": enrolled_on,
            "closed_on": None,
            "reason": None,
            "education": enrolment.data.get("education"),
            "reached_by": enrolment.data.get("reached_by"),
            "born_abroad": enrolment.data.get("born_abroad"),
            "on_assistance": enrolment.data.get("assistance"),
            "assistance_since": None if since is None else date.fromisoformat(since),
        }
        closure = self.closures.get(case_id)
        if closure is None:
            return Fact(values, enrolment.provenance)
        closed_on = date.fromisoformat(closure.data["on"])
        if closed_on < enrolled_on:
            self.doubts.append(Doubt("closure_before_enrolment", closure.event.ref, case_id))
            return Fact(values, enrolment.provenance)
        values.update(closed_on=closed_on, reason=closure.data["reason"])
        return Fact(values, enrolment.provenance, {"closed_on": closure.provenance})

    def _stays(self, case_id: str, case: Fact) -> tuple[Fact, ...]:
        """Cut the case into stretches with one unit and one target group; on one day the state at its end counts."""
        enrolment = self.enrolments[case_id]
        enrolled_on, closed_on = case.values["enrolled_on"], case.values["closed_on"]
        by_day: dict[date, dict[str, str]] = {
            enrolled_on: {"unit": enrolment.data["unit"], "target_group": enrolment.data["target_group"]}
        }
        doubtful = set()
        for (attribute, on), held in self.transfers.get(case_id, {}).items():
            day = date.fromisoformat(on)
            if day < enrolled_on:
                doubtful.add(held.event.ref)
            else:
                by_day.setdefault(day, {})[attribute] = held.data[attribute]
        self.doubts += [Doubt("transfer_before_enrolment", ref, case_id) for ref in doubtful]
        said = {"unit": enrolment.data["unit"], "target_group": enrolment.data["target_group"]}
        stays: list[Fact] = []
        if by_day[enrolled_on] != said:
            # What a transfer on the day of enrolment hides still holds for a measure that began before it. Nobody
            # was there then: it ends, as an open case, before it begins.
            before = enrolled_on - ONE_DAY
            values = {"case_id": case_id, "from_on": before, "until_on": before, "open_until": before - ONE_DAY, **said}
            stays.append(Fact(values, case.origin))
        state: dict[str, str] = {}
        days = sorted(by_day)
        for day, following in zip(days, [*days[1:], None], strict=True):
            state = {**state, **by_day[day]}
            until = following - ONE_DAY if following else None
            open_until = until if closed_on is None else closed_on if until is None else min(until, closed_on)
            values = {"case_id": case_id, "from_on": day, "until_on": until, "open_until": open_until, **state}
            stays.append(Fact(values, case.origin))
        return tuple(stays)

    def _measures(self, cases: Mapping[str, Fact]) -> tuple[Fact, ...]:
        """Measures of enrolled cases: the start's case holds, an end dated before the start is ignored."""
        rows = []
        for measure_id, start in sorted(self.starts.items()):
            case = cases.get(start.data["case"])
            end = self.ends.get(measure_id)
            started_on = date.fromisoformat(start.data["on"])
            if end is not None and date.fromisoformat(end.data["on"]) < started_on:
                self.doubts.append(Doubt("end_before_start", end.event.ref, start.data["case"]))
                end = None
            if case is not None:
                rows.append(_measure(measure_id, start, end, started_on, case))
        return tuple(rows)

    def _of_cases(self, kind: str, day: str, cases: Mapping[str, Fact]) -> tuple[Fact, ...]:
        """Offers, plans and talks of enrolled cases; those before the enrolment do not count."""
        rows = []
        alike: Counter[tuple[Any, ...]] = Counter()
        for event in sorted(self.of_cases[kind], key=lambda event: (event.data["on"], event.rank)):
            case = cases.get(event.data["case"])
            on = date.fromisoformat(event.data["on"])
            if case is None or on < case.values["enrolled_on"]:
                continue
            values = {"case_id": event.data["case"], day: on}
            if kind == "offer.made":
                values["kind"] = event.data["kind"]
            key = tuple(values.values())
            alike[key] += 1
            rows.append(Fact({**values, "nth": alike[key]}, _own(event)))
        return tuple(rows)

    def _consents(self) -> tuple[Fact, ...]:
        """Consent from a day on; what an enrolment says of it counts as said on its day."""
        by_day = _Winners(self.consents)
        for held in self.enrolments.values():
            if "contact_consent" in held.data:
                by_day.set(held.data["on"], held.event)
        rows = []
        for on, held in sorted(by_day.items()):
            contact = held.data["contact" if held.event.type == "consent.changed" else "contact_consent"]
            rows.append(Fact({"changed_on": date.fromisoformat(on), "contact": contact}, held.provenance))
        return tuple(rows)

    def _assistance(self) -> tuple[Fact, ...]:
        return tuple(
            Fact({"month": date.fromisoformat(f"{month}-01"), "receives": held.data["receives"]}, held.provenance)
            for month, held in sorted(self.months.items())
        )

    def _replies(self) -> tuple[Fact, ...]:
        rows = []
        for event in self.replies:
            data = event.data
            values = {
                "protocol": data["check"],
                "subject": data["subject"],
                "answered_on": date.fromisoformat(data["on"]),
                "response": data["response"],
                "occupation": data.get("occupation"),
                "same_field": data.get("same_field"),
                "method": data.get("method"),
            }
            rows.append(Fact(values, _own(event)))
        return tuple(sorted(rows, key=lambda fact: (fact.values["answered_on"], fact.rank)))

    def _workers(self) -> dict[str, tuple[tuple[date, str], ...]]:
        workers: dict[str, list[tuple[date, str]]] = {}
        for (case_id, on), held in sorted(self.workers.items()):
            workers.setdefault(case_id, []).append((date.fromisoformat(on), held.data["worker"]))
        return {case_id: tuple(changes) for case_id, changes in workers.items()}

    def _attempts(self) -> dict[tuple[str, str], tuple[Attempt, ...]]:
        attempts: dict[tuple[str, str], list[Attempt]] = {}
        for event in sorted(self.tries, key=lambda event: (event.data["on"], event.rank)):
            attempt = Attempt(date.fromisoformat(event.data["on"]), event.data["how"], event.ref)
            attempts.setdefault((event.data["check"], event.data["subject"]), []).append(attempt)
        return {check: tuple(each) for check, each in attempts.items()}
