"""What holds for all persons at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Context:
    """The service's one context.

    `business_date` is None until intake has announced one; nothing is computed before that. `started_on` is the first
    one ever announced: notices of days before it were nobody's to make. `generation` grows whenever everything has to
    be computed anew. `protocols` maps each protocol of the catalogue to the hash of its definition, `definitions` those
    that every person has been computed by: only these are shown. `through` says how far each feed with a watermark is
    known.
    """

    business_date: date | None
    started_on: date | None
    catalogue: str | None
    generation: int
    protocols: Mapping[str, str]
    definitions: Mapping[str, str]
    through: Mapping[str, date]


@dataclass(frozen=True)
class Progress:
    """How far one person has been computed; the row of the table `person`."""

    person: str
    personhash: str
    computed_on: date | None = None
    next_change_on: date | None = None
    dirty: bool = True
    generation: int = 0
