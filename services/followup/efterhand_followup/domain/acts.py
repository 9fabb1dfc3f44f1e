"""What staff do with checks, and when it is said to have been done. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from efterhand.clock import end_of_day
from efterhand.dates import STOCKHOLM

SOURCE: Final = "/efterhand/followup"
"""The source of the events that acts become."""

LONGEST_POSTPONEMENT: Final = timedelta(days=366)


@dataclass(frozen=True)
class Act:
    """Something that somebody did with a check.

    Attributes:
        person: whom the check is about.
        check_id: the check's id.
        key: of the form: the same form sent again is the same act.
        kind: `answer`, `attempt`, `postpone` or `undo`.
        made_by: whose act it is.
        made_at: the instant.
        made_on: the business date.
        said: what the form said.
        event: that it became; None: it is no event.
        undoes: the key of the act that it takes back.
        accepted: intake has the event, or it is no event.
        held: the event has come back and counts.
        undone: it has been taken back.
    """

    person: str
    check_id: str
    key: str
    kind: str
    made_by: str
    made_at: datetime
    made_on: date
    said: Mapping[str, Any]
    event: Mapping[str, Any] | None
    undoes: str | None
    accepted: bool
    held: bool = False
    undone: bool = False

    @property
    def pending(self) -> bool:
        """Whether its event is on its way."""
        return self.event is not None and not self.held

    def as_json(self, viewer: str) -> dict[str, Any]:
        """Return the act as a viewer sees it: by whom only as far as it is the viewer's own."""
        event = None if self.event is None else {"source": self.event["source"], "id": self.event["id"]}
        return {
            "key": self.key,
            "kind": self.kind,
            "on": self.made_on,
            "said": dict(self.said),
            "event": event,
            "pending": self.pending,
            "undoes": self.undoes,
            "undone": self.undone,
            "mine": self.made_by == viewer,
        }


def marked(acts: Iterable[Act]) -> tuple[Act, ...]:
    """Return the acts on one check, those marked that others of them take back."""
    each = tuple(acts)
    undone = {one.undoes for one in each if one.undoes is not None}
    return tuple(replace(one, undone=one.key in undone) for one in each)


def to_undo(acts: Iterable[Act], actor: str, key: str | None) -> Act | None:
    """Return which act an actor takes back: the one with the key, or the last one; only one's own, and only once."""
    own = [act for act in acts if act.made_by == actor and act.kind != "undo" and not act.undone]
    return next((act for act in reversed(own) if key in (None, act.key)), None)


def postponed_by(acts: Iterable[Act], without: str) -> date | None:
    """Return to which day the acts on a check put it off when one of them, by its key, is taken back."""
    left = [act for act in acts if act.kind == "postpone" and not act.undone and act.key != without]
    return date.fromisoformat(left[-1].said["until"]) if left else None


def event_of(kind: str, key: str, recorded: datetime, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event that an act becomes.

    Args:
        kind: the event's type.
        key: the event's id.
        recorded: the instant at which it is said to have been recorded.
        data: what it says.
    """
    return {
        "specversion": "1.0",
        "id": key,
        "source": SOURCE,
        "type": kind,
        "time": recorded.isoformat(),
        "datacontenttype": "application/json",
        "data": dict(data),
    }


def recorded_at(now: datetime, manual_date: date | None, last_answer: datetime | None) -> datetime:
    """Return the instant at which an answer is said to have been recorded.

    Of several answers to a check the one recorded last says what was answered. So a new one is recorded after those
    that are there, also where the manual clock stands still; and never later than that clock's day.

    Args:
        now: the clock on the wall, with an offset.
        manual_date: the manual clock's date; None with the system's clock.
        last_answer: when the check's last answer was recorded.
    """
    if manual_date is None:
        said_at, latest = now, now + timedelta(minutes=5)
    else:
        said_at = datetime.combine(manual_date, now.astimezone(STOCKHOLM).time(), STOCKHOLM)
        latest = end_of_day(manual_date)
    if last_answer is not None:
        said_at = max(said_at, last_answer + timedelta(microseconds=1))
    return min(said_at, latest).astimezone(UTC)
