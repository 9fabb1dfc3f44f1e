"""What stays of an erased person: a keyed hash, by which each service knows whom it must never keep again."""

import hmac


def person_hash(secret: str, person: str) -> str:
    """Return the keyed hash of a pseudonym: hex of HMAC-SHA256 with the installation's secret."""
    return hmac.digest(secret.encode(), person.encode(), "sha256").hex()
