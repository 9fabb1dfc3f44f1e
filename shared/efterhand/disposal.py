"""Disposal (gallring): which horizons there may be, and by what an event that was disposed of is known ever after."""

from datetime import date
from functools import lru_cache
from hashlib import blake2b
from typing import Final
from uuid import UUID

DISPOSAL_TYPE: Final = "person.disposed"
"""The type of the record by which intake tells what was disposed of. No sender may use it."""

LARGEST_DISPOSAL: Final = 10_000
"""Events of one person that fit into one record of the topic."""

_MODULUS: Final = 2**64


class WrongHorizon(ValueError):
    """Nothing may be disposed of up to that day; says why."""


def latest_horizon(years: int, business_date: date) -> date:
    """Return the latest horizon that may be asked for: the first of the month so many years back."""
    return date(business_date.year - years, business_date.month, 1)


def check_horizon(before: date, years: int, business_date: date) -> None:
    """Make sure that what lies before a day may be disposed of.

    Args:
        before: the horizon; what lies before it goes.
        years: that everything is kept for at least.
        business_date: today.

    Raises:
        WrongHorizon: it is not the first of a month, or not far enough back.
    """
    if before.day != 1:
        raise WrongHorizon(f"{before} is not the first day of a month: figures are closed month by month.")
    latest = latest_horizon(years, business_date)
    if before > latest:
        raise WrongHorizon(f"{before} is less than {years} years back: on {business_date}, {latest} is the latest.")


def event_identity(secret: str, source: str, event_id: str) -> UUID:
    """Return the keyed 128-bit hash of an event's identity: all that stays of an event that was disposed of."""
    digest = blake2b(f"{source}\0{event_id}".encode(), key=_key(secret), digest_size=16)
    return UUID(bytes=digest.digest())


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return blake2b(secret.encode(), person=b"disposal").digest()


def as_hex(number: int) -> str:
    """Return a 64-bit hash, or a sum of such hashes, as 16 hexadecimal digits."""
    return f"{number % _MODULUS:016x}"


def from_hex(text: str) -> int:
    """Return the signed 64-bit hash that 16 hexadecimal digits stand for. Raises ValueError: they are none."""
    return int.from_bytes(bytes.fromhex(text), "big", signed=True)
