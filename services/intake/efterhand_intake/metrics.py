"""What intake counts beside what every process counts. Sources are systems, so they may be labels; persons never."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from efterhand_intake.domain.candidates import Decision, Outcome

ACCEPTED: Final = Counter("efterhand_events_accepted_total", "Events accepted")
DUPLICATES: Final = Counter("efterhand_events_duplicate_total", "Events that had been accepted before")
CONFLICTS: Final = Counter("efterhand_events_conflict_total", "Events whose identity another event has")
REFUSED: Final = Counter("efterhand_events_refused_total", "Events refused, by each code that applied", ["code"])
COMMIT_SECONDS: Final = Histogram(
    "efterhand_commit_duration_seconds",
    "Time to put what waits on disk, in one transaction",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
COMMIT_EVENTS: Final = Histogram(
    "efterhand_commit_events", "Events in one transaction", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
)
NOT_STORED: Final = Counter("efterhand_requests_not_stored_total", "Requests answered with 503: nothing was kept")
OPEN_REFUSALS: Final = Gauge("efterhand_refused_open", "Entries in the list of what was refused that are not closed")
SINCE_HEARD: Final = Gauge(
    "efterhand_since_heard_seconds", "Time since a source or a feed last sent something", ["kind", "name"]
)
PARKED_ROWS: Final = Gauge("efterhand_parked_messages", "Messages put aside that lie in the database", ["schema"])

_BY_OUTCOME: Final = {Outcome.ACCEPTED: ACCEPTED, Outcome.DUPLICATE: DUPLICATES, Outcome.CONFLICT: CONFLICTS}


def count(decisions: Iterable[Decision]) -> None:
    """Count what was decided about events, whichever way they came."""
    outcomes: dict[Outcome, int] = {}
    for decision in decisions:
        outcomes[decision.outcome] = outcomes.get(decision.outcome, 0) + 1
        for code in decision.codes:
            REFUSED.labels(code).inc()
    for outcome, counter in _BY_OUTCOME.items():
        counter.inc(outcomes.get(outcome, 0))
