"""Try again what was refused: one entry because somebody says so, many because the catalogue has changed."""

from typing import Any, Final

from sqlalchemy import Connection

from efterhand.contracts import parse_event
from efterhand_intake.adapters import refusals, registers
from efterhand_intake.adapters.refusals import Entry
from efterhand_intake.domain.candidates import Candidate

_CATALOGUE: Final = "catalogue"


def as_it_stands(entry: Entry) -> Candidate:
    """Return another try of an entry that holds the whole event. Whoever tries it answers for its source."""
    return Candidate(parse_event(entry.body.encode()), sender=entry.sender, entry=entry.id, check_size=True)


def corrected(entry: Entry, event: Any) -> Candidate:
    """Return a try of a corrected event in the place of an entry, which is not kept when it is refused in turn."""
    return Candidate(event, sender=entry.sender, entry=entry.id, check_size=True, keep_refusal=False)


def is_new_catalogue(connection: Connection, version: str) -> bool:
    """Tell whether what was refused for unknown codes has not yet been tried with this version of the catalogue."""
    return registers.remembered(connection, _CATALOGUE) != version


def next_tries(connection: Connection, after: int, rows: int = 200) -> list[Candidate]:
    """Return tries of the next entries, after that with the id `after`, that an unknown code was found in."""
    return [as_it_stands(entry) for entry in refusals.with_unknown_code(connection, after, rows)]


def done_with(connection: Connection, version: str) -> None:
    """Remember that all of them have been tried with this version of the catalogue."""
    registers.remember(connection, _CATALOGUE, version)
