"""What is accepted but doubtful about one person, and on which days: for the data-quality list. Pure.

That two persons have a case with the same id is seen only by who knows all persons.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from typing import Final

from efterhand.timeline.events import EventRef
from efterhand.timeline.facts import Facts

WAITS_AFTER_DAYS: Final = 30

EVENT_DOUBTS: Final = (
    "retraction_without_effect",
    "closure_before_enrolment",
    "transfer_before_enrolment",
    "end_before_start",
)
"""About one event, which is ignored or has no effect."""
WAITS: Final = "waits_for_enrolment"
"""About a case: something was said of it 30 days ago or more, and no enrolment has come."""
TWO_OPEN: Final = "two_open_at_one_unit"
"""About two cases that are open at one unit on the same day."""
DISAGREEMENT: Final = "disagreement"
"""About sex or year of birth, in which the enrolments do not agree."""
CASE_OF_TWO: Final = "case_of_two_persons"
"""About a case id that another person has too."""
CODES: Final = (*EVENT_DOUBTS, WAITS, TWO_OPEN, DISAGREEMENT, CASE_OF_TWO)


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An entry of the data-quality list.

    `about` tells entries of one code apart: an event's source and id, a case, two cases, or a column. It stands on the
    list from `from_on` (None: at once) to `until_on` (None: until it is put right). `events` are those behind it.
    """

    code: str
    about: str
    case_id: str | None
    events: tuple[EventRef, ...] = ()
    from_on: date | None = None
    until_on: date | None = None

    def stands_on(self, day: date) -> bool:
        """Tell whether it is on the list on a day."""
        return (self.from_on is None or self.from_on <= day) and (self.until_on is None or day <= self.until_on)


def doubtful_of(facts: Facts) -> tuple[Doubtful, ...]:
    """Return everything doubtful about a person that can be seen from the person's own facts, on any day."""
    events = [
        Doubtful(doubt.code, f"{doubt.event[0]} {doubt.event[1]}", doubt.case_id, (doubt.event,))
        for doubt in facts.doubts
    ]
    waiting = [
        Doubtful(
            code=WAITS,
            about=case_id,
            case_id=case_id,
            events=tuple(event.ref for event in events),
            from_on=min(event.received_on for event in events) + timedelta(days=WAITS_AFTER_DAYS),
        )
        for case_id, events in sorted(facts.waiting.items())
    ]
    disagreeing = [Doubtful(DISAGREEMENT, column, None, facts.enrolments) for column in facts.disagreements]
    return (*events, *waiting, *_two_open(facts), *disagreeing)


def _two_open(facts: Facts) -> Iterable[Doubtful]:
    """Give each stretch of days on which two cases are open at one unit."""
    open_stays = [
        (stay.values["case_id"], stay.values["unit"], stay.values["from_on"], stay.values["open_until"])
        for stay in facts.of("stay")
        if stay.values["open_until"] is None or stay.values["from_on"] <= stay.values["open_until"]
    ]
    together: dict[str, list[tuple[date, date | None]]] = {}
    for one, other in combinations(sorted(open_stays, key=lambda stay: (stay[0], stay[2])), 2):
        begins = max(one[2], other[2])
        ends = min((end for end in (one[3], other[3]) if end is not None), default=None)
        if one[0] != other[0] and one[1] == other[1] and (ends is None or begins <= ends):
            together.setdefault(f"{one[0]} {other[0]}", []).append((begins, ends))
    for about, stretches in together.items():
        for begins, ends in _joined(stretches):
            yield Doubtful(TWO_OPEN, about, about.split()[0], from_on=begins, until_on=ends)


def _joined(stretches: Iterable[tuple[date, date | None]]) -> list[tuple[date, date | None]]:
    """Join stretches that follow one another day by day: a change of target group does not begin another one."""
    joined: list[tuple[date, date | None]] = []
    for begins, ends in sorted(stretches, key=lambda stretch: stretch[0]):
        if joined and joined[-1][1] is not None and begins <= joined[-1][1] + timedelta(days=1):
            joined[-1] = (joined[-1][0], ends)
        else:
            joined.append((begins, ends))
    return joined
