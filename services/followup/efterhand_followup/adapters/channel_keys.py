"""Keys of channels: made from the installation's secret, or kept as hashes that only it can make."""

from efterhand.web.tokens import Tokens
from efterhand_followup.domain.channels import Channel


def webhook_key(tokens: Tokens, of: Channel) -> bytes:
    """Return the key that signs a webhook: made anew whenever it is needed, kept nowhere."""
    return bytes.fromhex(tokens.keyed_hash("webhook", f"{of.id}\0{of.generation}"))


def address_hash(tokens: Tokens, key: str) -> str:
    """Return what is kept of the secret part of a calendar's address."""
    return tokens.keyed_hash("calendar", key)
