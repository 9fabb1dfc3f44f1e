"""The answer to what was posted, from the decisions."""

from collections.abc import Sequence
from typing import Any

from efterhand_intake.domain.candidates import Candidate, Decision, Outcome


def results_of(candidates: Sequence[Candidate], decisions: Sequence[Decision]) -> list[dict[str, Any]]:
    """Return one result for each candidate, in the order in which they were sent."""
    return [
        {
            "index": index,
            "source": candidate.shown(candidate.source) if candidate.faults else candidate.source,
            "id": candidate.shown(candidate.id) if candidate.faults else candidate.id,
            "outcome": decision.outcome,
            "codes": decision.codes,
            "field": decision.field,
            "message": decision.message,
        }
        for index, (candidate, decision) in enumerate(zip(candidates, decisions, strict=True))
    ]


def status_of(decisions: Sequence[Decision], *, batch: bool) -> int:
    """Return the HTTP status: 202 all taken or duplicates; for one event 400, 409 or 422; 207 for a batch."""
    outcomes = {decision.outcome for decision in decisions}
    if not outcomes & {Outcome.REFUSED, Outcome.CONFLICT}:
        return 202
    if batch:
        return 207
    if Outcome.CONFLICT in outcomes:
        return 409
    return 400 if decisions[0].codes == ("not_json",) else 422
