"""The proof that nothing is missing: counts and sums of event hashes per bucket of persons."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final

BUCKETS: Final = 256
_MODULUS: Final = 2**64


def event_hash(source: str, event_id: str) -> int:
    """Return the signed 64-bit hash of an event's identity (signed, so that it fits a bigint)."""
    digest = blake2b(f"{source}\0{event_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def bucket_of(person: str) -> int:
    """Return the bucket, 0 to 255, of a person ("" for events about no person)."""
    return blake2b(person.encode(), digest_size=1).digest()[0]


def erasure_hash(person_hash: str) -> int:
    """Return what an erased person leaves in the digest: the person is gone, that it was erased is not."""
    return event_hash("erased", person_hash)


def digest_of(rows: Iterable[tuple[int, int, int]]) -> dict[str, Any]:
    """Return the digest of rows (bucket, count, sum of hashes); a bucket may occur more than once.

    Two services hold the same events exactly when their digests are equal.
    """
    counts: dict[int, int] = {}
    sums: dict[int, int] = {}
    for bucket, count, total in rows:
        counts[bucket] = counts.get(bucket, 0) + count
        sums[bucket] = (sums.get(bucket, 0) + int(total)) % _MODULUS
    return {
        "count": sum(counts.values()),
        "sum": f"{sum(sums.values()) % _MODULUS:016x}",
        "buckets": {str(b): [counts[b], f"{sums[b]:016x}"] for b in sorted(counts) if counts[b]},
    }
