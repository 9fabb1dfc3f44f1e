"""What is read to find persons who may be disposed of."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, any_, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from efterhand.disposal import as_hex
from efterhand_indicators.adapters.tables import kept


@dataclass(frozen=True)
class Candidate:
    """A person who has been computed by what holds now, and the last day on which the person counts in any figure."""

    person: str
    personhash: str
    last_counted: date | None


def read_candidates(connection: Connection, after: str, generation: int, limit: int) -> list[Candidate]:
    """Return the next persons in the order of their keyed hashes, also those who do not come into question.

    Args:
        connection: to read from.
        after: the keyed hash behind which to begin.
        generation: that persons must have been computed in.
        limit: persons at most.
    """
    rows = connection.execute(
        text(
            "SELECT person, personhash, (SELECT max(last_day) FROM indicators.contribution"
            " WHERE contribution.person = person.person AND NOT evidence) AS last_counted"
            " FROM indicators.person WHERE personhash > :after AND generation >= :generation"
            " ORDER BY personhash LIMIT :limit"
        ),
        {"after": after, "generation": generation, "limit": limit},
    )
    return [Candidate(*row) for row in rows]


def describe_without_naming(connection: Connection, persons: Collection[str]) -> dict[str, dict[str, object]]:
    """Return of each person by what intake finds and recognises everything that is held, without its name.

    `events` counts the events and `sum` adds up their 64-bit hashes; `bucket` is the person's and `least` the least of
    the hashes.
    """
    event = kept.event.c
    rows = connection.execute(
        select(event.person, event.bucket, func.count(), func.sum(event.hash), func.min(event.hash))
        .where(event.person == any_(bindparam("persons", list(persons), ARRAY(TEXT))))
        .group_by(event.person, event.bucket)
    )
    return {
        person: {"events": count, "sum": as_hex(int(total)), "bucket": bucket, "least": as_hex(least)}
        for person, bucket, count, total, least in rows
    }
