"""What stands for a check in an address: nothing about a person can be read from it."""

from typing import Final

from efterhand.web.tokens import Tokens

_LENGTH: Final = 24


def reference_of(tokens: Tokens, check_id: str) -> str:
    """Return the opaque reference of a check: a keyed hash, which only this installation can make."""
    return tokens.keyed_hash("check", check_id)[:_LENGTH]
