"""Channels by which staff hear of notices: what there is, whom each is for, and where it may lead."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit


class Kind(StrEnum):
    """How a channel tells."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    CHAT = "chat"
    CALENDAR = "calendar"


class Audience(StrEnum):
    """Whom a channel is for."""

    WORKER = "worker"
    """One member of staff: notices to that case worker."""
    UNIT = "unit"
    """Those who work in a unit or below it: notices to the units and their case workers."""
    MANAGER = "manager"
    """Those who manage a unit: notices to the managers of it and of those below."""
    REGISTER = "register"
    """The register owner: the monthly lists."""


@dataclass(frozen=True)
class Channel:
    """One channel, as it is kept."""

    id: str
    kind: Kind
    audience: Audience
    unit: str | None
    staff: str | None
    target: str
    """The mail address, the webhook's address or the chat's Apprise address; a calendar has none."""
    language: str
    generation: int
    address_hash: str | None
    made_by: str
    made_on: date
    planned_through: date
    read_at: datetime | None


LANGUAGES: Final = ("sv", "en")
LONGEST_TARGET: Final = 500

_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})


def may_mail_to(address: str, domains: Collection[str]) -> bool:
    """Tell whether mail may go to an address: a plain one, in one of the domains."""
    return bool(_ADDRESS.fullmatch(address)) and address.rpartition("@")[2].lower() in {
        each.lower() for each in domains
    }


def may_post_to(address: str, hosts: Collection[str]) -> bool:
    """Tell whether a webhook may go to an address.

    It must be https (or http on loopback), without a user, at one of the hosts as they are written: a name is never
    looked up to find out where it leads.
    """
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 — raises for what is no port
    except ValueError:
        return False
    host = parts.netloc.lower()
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    encrypted = parts.scheme == "https" or (parts.scheme == "http" and name in _LOOPBACK)
    return encrypted and address.isascii() and address.isprintable() and host in {each.lower() for each in hosts}


def may_chat_with(address: str, services: Collection[str], hosts: Collection[str], names_host: bool) -> bool:
    """Tell whether chat messages may go to an Apprise address.

    Args:
        address: as `slack://…`; options behind a question mark are not taken, they could lead elsewhere.
        services: the services that are allowed.
        hosts: the hosts that are allowed.
        names_host: whether addresses of the service name a host.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if parts.scheme.lower() not in {each.lower() for each in services} or "?" in address or "#" in address:
        return False
    host = parts.netloc.rpartition("@")[2].lower()
    # A token has neither: whatever has one might be taken for a host.
    leads_somewhere = names_host or "." in host or ":" in host
    allowed = not leads_somewhere or host in {each.lower() for each in hosts}
    return allowed and address.isascii() and address.isprintable()
