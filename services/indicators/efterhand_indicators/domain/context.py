"""What holds for all persons at once, and how far one person has been computed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from efterhand_indicators.domain.plan import Plan
from efterhand_indicators.domain.totals import Totals

NEVER_COMPUTED: Final = 0
"""The generation of a person nothing has been computed for; the first one that counts is 1."""


@dataclass(frozen=True)
class Context:
    """The service's one context.

    `business_date` is None until intake has announced one. `catalogue` is the fingerprint of the definitions that
    everything is computed by. `generation` grows whenever everybody has to be computed anew; the `plan` tells what of
    them. `definitions` maps each indicator to the hash of the definition that every person has been computed by: only
    those are shown. `totals` tells which indicators have totals.
    """

    business_date: date | None
    catalogue: str | None
    generation: int
    plan: Plan
    definitions: Mapping[str, str]
    totals: Totals
    through: Mapping[str, date]


@dataclass(frozen=True)
class Progress:
    """How far one person has been computed; the row of the table `person`.

    `facts` maps each kind of fact to the fingerprint of its stored rows; kinds without rows are left out.
    """

    person: str
    personhash: str
    generation: int = NEVER_COMPUTED
    facts: Mapping[str, str] = field(default_factory=dict)
