"""What is kept of an event that was not taken: enough to see why and to send it again, and nothing it must not hold."""

import re
from dataclasses import dataclass
from typing import Final

import orjson

from efterhand.contracts import Fault, NotJson, mask_identity_numbers, masked, text_to_keep
from efterhand.contracts.codes import IDENTITY_NUMBER, PERSON_ERASED
from efterhand_intake.domain.candidates import Candidate, Decision, Outcome

LONGEST_BODY: Final = 64 * 1024
"""Characters that are kept of what was sent."""
LONGEST_NAME: Final = 500
"""Bytes that are kept of a source or an id."""

_PSEUDONYM: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry in the list of what was refused.

    `is_whole`: the event stands there as it was sent, so that it can be sent again. `material` tells one entry from
    another: the same refused event again is the same entry.
    """

    sender: str
    source: str | None
    id: str | None
    person: str | None
    outcome: Outcome
    faults: tuple[Fault, ...]
    codes: tuple[str, ...]
    field: str | None
    message: str
    body: str | None
    is_whole: bool
    material: bytes


def refusal_of(candidate: Candidate, decision: Decision) -> Refusal:
    """Return what is kept of a candidate that was refused or conflicts.

    Identity numbers are taken out. Of an event about an erased person nothing is kept but its source and the reason.
    """
    codes = decision.codes
    if isinstance(candidate.item, NotJson):
        raw = (candidate.item.text or "")[:LONGEST_BODY].encode("utf-8", "surrogateescape")
        body, is_whole = text_to_keep(raw), False
        material = body
    else:
        value = masked(candidate.item) if IDENTITY_NUMBER in codes else candidate.item
        material = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
        body = orjson.dumps(value).decode()
        is_whole = IDENTITY_NUMBER not in codes and len(body) <= LONGEST_BODY
        body = body[:LONGEST_BODY]
    is_erased = PERSON_ERASED in codes
    person = candidate.person if candidate.person and _PSEUDONYM.fullmatch(candidate.person) else None
    return Refusal(
        sender=candidate.sender,
        source=_short(candidate.source),
        id=None if is_erased else _short(candidate.id),
        person=None if is_erased or IDENTITY_NUMBER in codes else person,
        outcome=decision.outcome,
        faults=decision.faults,
        codes=codes,
        field=decision.field,
        message=decision.message or "",
        body=None if is_erased else body,
        is_whole=is_whole and not is_erased,
        material=f"{candidate.sender}\0{material}".encode("utf-8", "replace"),
    )


def mention_of(person: str) -> str:
    """Return a PostgreSQL regular expression that finds a pseudonym as a word of its own in a text."""
    return rf"(^|[^A-Za-z0-9._-]){re.escape(person)}($|[^A-Za-z0-9._-])"


def _short(name: str | None) -> str | None:
    if name is None:
        return None
    return mask_identity_numbers(name).encode("utf-8", "replace")[:LONGEST_NAME].decode("utf-8", "ignore")
