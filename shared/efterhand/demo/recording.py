"""How the sources of the built-in municipality write down what happened: ids, times, lateness, days of receipt."""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from efterhand.dates import STOCKHOLM, add_months, add_working_days, last_day_of_month, next_working_day

CASES: Final = "/stockholm/flai"
"""The case system: enrolments, transfers, plans, talks, offers, measures, closures, consent."""
ASSISTANCE: Final = "/stockholm/ekonomiskt-bistand"
"""The assistance register, matched once a month."""
ANSWERS: Final = "/stockholm/uppfoljning"
"""The telephone team that asks what became of people."""

_LATE: Final = 0.02
_NEXT_DAY: Final = 0.30


@dataclass(frozen=True)
class Recorded:
    """One event and the day on which intake gets it."""

    event: dict[str, Any]
    received: date
    at: datetime

    @property
    def order(self) -> tuple[date, datetime, str, str]:
        """Order in which a loader sends: by receipt, then as the sources recorded it."""
        return (self.received, self.at, self.event["source"], self.event["id"])


def register_run(month: date) -> date:
    """Return the day on which the assistance register is matched for the month that `month` lies in.

    The fifth working day of the month after: a month is known only when it has passed.
    """
    return add_working_days(last_day_of_month(month), 5)


@dataclass
class Recorder:
    """Writes the events of one person, in the order in which the sources learn about them."""

    rng: random.Random
    number: int
    person: str
    last: date | None = None
    """Day on which everything has been received; None: what is late may come at any time."""
    written: list[Recorded] = field(default_factory=list)

    def note(self, kind: str, on: date, data: dict[str, Any], *, source: str = CASES) -> Recorded:
        """Write down what happened on the day `on`, mostly the same working day, sometimes later."""
        day = next_working_day(on)
        chance = self.rng.random()
        if chance < _LATE:
            day = next_working_day(day + timedelta(days=self.rng.randint(8, 60)))
        elif chance < _NEXT_DAY:
            day = add_working_days(day, self.rng.randint(1, 3))
        return self.write(kind, day, {**data, "on": on.isoformat()}, source=source)

    def write(self, kind: str, day: date, data: dict[str, Any], *, source: str = CASES) -> Recorded:
        """Write an event down on a given day; the nightly file brings it the same evening, now and then the next."""
        clock = time(self.rng.randint(8, 16), self.rng.randint(0, 59), self.rng.randint(0, 59))
        at = datetime.combine(self._in_time(day), clock, STOCKHOLM)
        received = at.date() if self.rng.random() < 0.97 else at.date() + timedelta(days=self.rng.randint(1, 4))
        received = self._in_time(received)
        return self._add(kind, at, received, {"person": self.person, **data}, source)

    def report_month(self, month: date, receives: bool) -> None:
        """Write down what the register's run says about a calendar month; now and then one run later."""
        run = register_run(month if self.rng.random() < 0.98 else add_months(month, 1))
        if self.last and run > self.last:
            run = register_run(month)
        at = datetime.combine(run, time(2, 10, self.number % 60), STOCKHOLM)
        data = {"person": self.person, "month": f"{month:%Y-%m}", "receives": receives}
        self._add("assistance.reported", at, run, data, ASSISTANCE)

    def correct(self, wrong: Recorded, after_days: int, **changes: Any) -> Recorded:
        """Write the same fact again, later and with other content; the later one holds."""
        day = next_working_day(wrong.received + timedelta(days=after_days))
        data = {name: value for name, value in wrong.event["data"].items() if name != "person"}
        return self.write(wrong.event["type"], day, {**data, **changes}, source=wrong.event["source"])

    def retract(self, wrong: Recorded, after_days: int) -> None:
        """Take an event back: it should never have been sent."""
        day = next_working_day(wrong.received + timedelta(days=after_days))
        reference = {"source": wrong.event["source"], "id": wrong.event["id"]}
        self.write("event.retracted", day, {"retracts": reference}, source=wrong.event["source"])

    def last_receipt(self) -> date:
        """Return the day on which the latest of the person's events is received."""
        return max(recorded.received for recorded in self.written)

    def _in_time(self, day: date) -> date:
        return min(day, self.last) if self.last else day

    def _add(self, kind: str, at: datetime, received: date, data: dict[str, Any], source: str) -> Recorded:
        name = source.rsplit("/", 1)[1]
        event_id = f"{name}-{self.number:05d}-{len(self.written) + 1:03d}"
        recorded = Recorded(cloud_event(event_id, source, kind, at, data), received, at)
        self.written.append(recorded)
        return recorded


def watermark(source: str, feed: str, through: date, at: datetime) -> Recorded:
    """Return a source's word that its feed is known up to and including the day `through`."""
    event_id = f"{source.rsplit('/', 1)[1]}-{feed}-{through.isoformat()}"
    data = {"feed": feed, "through": through.isoformat()}
    return Recorded(cloud_event(event_id, source, "source.reported_through", at, data), at.date(), at)


def cloud_event(event_id: str, source: str, kind: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    """Return a CloudEvents 1.0 event in structured mode."""
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": kind,
        "time": at.isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }
