"""Receive events: judge each, keep what is sound together with what goes out, keep what is refused with its reason."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any, Final, Literal

import orjson
from sqlalchemy import Connection

from efterhand.clock import end_of_day
from efterhand.contracts import CodeLookup, instant_of
from efterhand.database import Outgoing, put_outbox
from efterhand.disposal import event_identity
from efterhand.erasure import person_hash
from efterhand.timeline.digest import bucket_of, erasure_hash, event_hash
from efterhand_intake.adapters import archive, disposals, refusals
from efterhand_intake.adapters.archive import Archived, Erasure
from efterhand_intake.adapters.tables import outbox
from efterhand_intake.domain.candidates import (
    ACCEPTED,
    Candidate,
    Decision,
    Identity,
    Outcome,
    decide,
    judge,
)
from efterhand_intake.domain.refusals import Refusal, mention_of, refusal_of

REFUSED_TOPIC: Final = "case-events-refused"
_OURS: Final = frozenset({"received", "personhash"})
"""Attributes that intake puts on an event itself."""


class Receiver:
    """Decides about events and keeps them; shared by threads."""

    def __init__(self, codes: CodeLookup, clock: Literal["system", "manual"], secret: str) -> None:
        """`codes` are those of the catalogue; `secret` keys the hashes of persons and contents."""
        self._codes = codes
        self._clock = clock
        self._secret = secret
        self._key = blake2b(secret.encode(), person=b"intake").digest()

    def judge(self, candidate: Candidate, day: date) -> None:
        """Judge a candidate by itself, on a business date."""
        received = end_of_day(day) if self._clock == "manual" else datetime.now(UTC)
        judge(candidate, day=day, received=received, codes=self._codes)

    def receive(self, connection: Connection, candidates: Sequence[Candidate]) -> list[Decision]:
        """Decide about candidates in their order, each also against the earlier ones, and keep what is to be kept.

        One transaction, which the caller commits.

        Args:
            connection: inside that transaction.
            candidates: judged; who was judged on another business date than that of the transaction is judged again.

        Returns:
            A decision for each.
        """
        hashes = {each.person: person_hash(self._secret, each.person) for each in candidates if each.person}
        alone = any(each.is_erasure for each in candidates)
        day, erased = archive.begin(connection, alone=alone, person_hashes=hashes.values())
        for each in candidates:
            if each.day != day:
                self.judge(each, day)
        gone = {person for person, hashed in hashes.items() if hashed in erased}
        decisions: list[Decision] = []
        for part in _parts(candidates):
            decided = (
                [self._erase(connection, part[0], hashes, gone)]
                if part[0].is_erasure
                else self._add(connection, part, gone)
            )
            # Before the next part: an erasure takes the refusals of what came before it.
            self._keep_refusals(connection, part, decided)
            decisions.extend(decided)
        return decisions

    def take(self, connection: Connection, candidates: Sequence[Candidate]) -> dict[int, Decision]:
        """Accept what can be accepted without a further question, in one statement that is committed with it.

        That is nearly everything nearly always. `receive` decides about the rest.

        Args:
            connection: that commits each statement by itself.
            candidates: judged, all on the same business date.

        Returns:
            The decisions about those that were accepted, by their place.
        """
        day = candidates[0].day
        if day is None or any(each.is_erasure or each.day != day for each in candidates):
            return {}
        counts = Counter(each.identity for each in candidates)
        plain = {
            each.identity: index
            for index, each in enumerate(candidates)
            if not each.faults and each.identity is not None and counts[each.identity] == 1 and each.entry is None
        }
        rows = sorted((self._row(candidates[index]) for index in plain.values()), key=_identity)
        missing = archive.take(connection, day, rows)
        return {index: ACCEPTED for identity, index in plain.items() if identity not in missing}

    def _add(self, connection: Connection, part: Sequence[Candidate], gone: set[str]) -> list[Decision]:
        first: dict[Identity, int] = {}
        for index, each in enumerate(part):
            if each.identity is not None and not each.faults and each.person not in gone:
                first.setdefault(each.identity, index)
        rows = sorted((self._row(part[index]) for index in first.values()), key=_identity)
        missing = archive.add(connection, rows)
        new = {identity: index for identity, index in first.items() if identity not in missing}
        if len(new) == len(part):
            return [ACCEPTED] * len(part)
        earlier = self._contents(
            connection, {each.identity for each in part if each.identity and each.identity not in new}
        )
        decisions = []
        for index, each in enumerate(part):
            stored = None
            if each.identity is not None:
                stored = earlier.get(each.identity)
                if each.identity in new and new[each.identity] <= index:
                    if new[each.identity] == index:
                        decisions.append(ACCEPTED)
                        continue
                    stored = self._fingerprint(part[new[each.identity]])
            decisions.append(
                decide(each, fingerprint=self._fingerprint(each), stored=stored, is_erased=each.person in gone)
            )
        return decisions

    def _erase(self, connection: Connection, candidate: Candidate, hashes: dict[str, str], gone: set[str]) -> Decision:
        stored = None
        if candidate.identity is not None:
            stored = self._contents(connection, [candidate.identity]).get(candidate.identity)
        decision = decide(
            candidate, fingerprint=self._fingerprint(candidate), stored=stored, is_erased=candidate.person in gone
        )
        if decision is ACCEPTED:
            assert candidate.person is not None  # noqa: S101 - nothing is wrong with the event
            archive.erase(connection, self._erasure(candidate, candidate.person, hashes[candidate.person]))
            gone.add(candidate.person)
        return decision

    def _row(self, candidate: Candidate) -> Archived:
        assert candidate.identity is not None  # noqa: S101
        assert candidate.received is not None  # noqa: S101
        person = candidate.person or ""
        return Archived(
            *candidate.identity,
            person,
            candidate.type,
            _time(candidate),
            candidate.received,
            self._fingerprint(candidate),
            bucket_of(person),
            event_hash(*candidate.identity),
            _wire(candidate).decode(),
            person_hash(self._secret, person) if person else None,
            str(event_identity(self._secret, *candidate.identity)) if person else None,
        )

    def _contents(self, connection: Connection, identities: Collection[Identity]) -> dict[Identity, str]:
        """Return the fingerprint of the content of each event that was accepted, also of what was disposed of since."""
        kept = archive.contents(connection, identities)
        keyed = {event_identity(self._secret, *each): each for each in identities if each not in kept}
        gone = disposals.contents(connection, keyed)
        return {**kept, **{keyed[identity]: content for identity, content in gone.items()}}

    def _erasure(self, candidate: Candidate, person: str, hashed: str) -> Erasure:
        row = self._row(candidate)
        nobody = row._replace(
            person="",
            bucket=bucket_of(hashed),
            hash=erasure_hash(hashed),
            wire=_wire(candidate, data={}, personhash=hashed).decode(),
            person_hash=hashed,
        )
        return Erasure(nobody, person, hashed, _wire(candidate, personhash=hashed), mention_of(person))

    def _fingerprint(self, candidate: Candidate) -> str:
        content = candidate.content
        return "" if content is None else blake2b(content, key=self._key, digest_size=16).hexdigest()

    def _keep_refusals(
        self, connection: Connection, candidates: Sequence[Candidate], decisions: Sequence[Decision]
    ) -> None:
        if all(decision is ACCEPTED for decision in decisions) and all(each.entry is None for each in candidates):
            return
        refused: list[tuple[Refusal, datetime]] = []
        tried: set[int] = set()
        for candidate, decision in zip(candidates, decisions, strict=True):
            if decision.outcome in (Outcome.ACCEPTED, Outcome.DUPLICATE):
                if candidate.entry is not None:
                    tried.add(candidate.entry)
            elif candidate.keep_refusal:
                assert candidate.received is not None  # noqa: S101
                refused.append((refusal_of(candidate, decision), candidate.received))
        refusals.close(connection, tried)
        if refused:
            new = refusals.keep(connection, refused, self._key)
            put_outbox(connection, outbox, [_told(refusal, received) for refusal, received in new])


def _parts(candidates: Sequence[Candidate]) -> Iterator[Sequence[Candidate]]:
    """Runs of events without an erasure among them, and each erasure alone."""
    begin = 0
    for index, each in enumerate(candidates):
        if each.is_erasure:
            if begin < index:
                yield candidates[begin:index]
            yield candidates[index : index + 1]
            begin = index + 1
    if begin < len(candidates):
        yield candidates[begin:]


def _identity(row: Archived) -> Identity:
    return (row.source, row.id)


def _time(candidate: Candidate) -> datetime:
    time = instant_of(candidate.event["time"])
    assert time is not None  # noqa: S101 - nothing is wrong with the event
    return time


def _wire(candidate: Candidate, **changes: Any) -> bytes:
    """The event as published: as it was sent, with intake's stamp."""
    event = {name: value for name, value in candidate.event.items() if value is not None and name not in _OURS}
    return orjson.dumps({**event, **changes, "received": candidate.received})


def _told(refusal: Refusal, received: datetime) -> Outgoing:
    body = {
        "source": refusal.source,
        "id": refusal.id,
        "received": received,
        "faults": [{"code": fault.code, "field": fault.field, "message": fault.message} for fault in refusal.faults],
    }
    return Outgoing(REFUSED_TOPIC, (refusal.source or "").encode(), orjson.dumps(body), refusal.person)
