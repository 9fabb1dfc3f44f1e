"""What every read needs: what is asked for, who may see what, and persons evaluated for another day than the stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, text

from efterhand.catalogue import Catalogue
from efterhand.catalogue.model import FEEDS
from efterhand.persons.store import read_events
from efterhand.timeline.checks import derive_checks
from efterhand.timeline.facts import derive_facts
from efterhand.web.problem import not_available
from efterhand_followup.adapters.context_store import read_context
from efterhand_followup.adapters.tables import kept
from efterhand_followup.domain.context import Context
from efterhand_followup.domain.standing import Standing, stand_on
from efterhand_followup.domain.watermarks import known_to

PERSONS_AT_A_TIME = 200


@dataclass(frozen=True)
class Asked:
    """The day that is asked for (None: the business date) and whether protected persons may be seen."""

    on: date | None
    sees_protected: bool


def context_with_date(connection: Connection) -> tuple[Context, date]:
    """Return the context and the business date.

    Raises:
        Problem: 503, intake has not announced a business date yet.
    """
    context = read_context(connection)
    if context.business_date is None:
        raise not_available("intake has not announced a business date yet.")
    return context, context.business_date


def standings_on(
    connection: Connection, catalogue: Catalogue, day: date, *, after: str = "", person: str | None = None
) -> Iterator[tuple[Standing, bool]]:
    """Evaluate persons, in the order of their pseudonyms, for any day: facts dated after it do not count.

    What is known is what is known now, and giving up is reached no later than the feeds are known now.

    Args:
        connection: at least with REPEATABLE READ if several pages of persons are to fit together.
        catalogue: the installation's.
        day: that is asked for.
        after: begin behind this person.
        person: only this one.

    Yields:
        How a person stands on that day, and whether the identity is protected then or now.
    """
    context, business_date = context_with_date(connection)
    as_of = known_to(business_date, context.through, FEEDS)
    while True:
        persons = [person] if person is not None else _persons_after(connection, after)
        events = read_events(connection, kept, persons)
        for each in persons:
            facts = derive_facts(events.get(each, []))
            standing = stand_on(each, facts, derive_checks(facts, catalogue), catalogue, day, as_of)
            yield standing, standing.protected or facts.protected_on(business_date)
        if person is not None or len(persons) < PERSONS_AT_A_TIME:
            return
        after = persons[-1]


def _persons_after(connection: Connection, after: str) -> list[str]:
    rows = connection.execute(
        text("SELECT person FROM followup.person WHERE person > :after ORDER BY person LIMIT :limit"),
        {"after": after, "limit": PERSONS_AT_A_TIME},
    )
    return list(rows.scalars())


def units_below(catalogue: Catalogue, unit: str, day: date) -> frozenset[str]:
    """Return a unit and those under it in the tree of a day; a unit that the catalogue lacks is alone."""
    return catalogue.units.below_on(unit, day) | {unit}
