"""What every read needs: what is asked for, who may see what, and persons evaluated for another day than the stored."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from efterhand.catalogue import Catalogue
from efterhand.catalogue.fingerprints import fingerprints_of_protocols
from efterhand.catalogue.model import FEEDS
from efterhand.persons.computing import Computing, read_computing
from efterhand.persons.store import read_events
from efterhand.timeline.checks import derive_checks
from efterhand.timeline.facts import derive_facts
from efterhand.web.problem import being_computed, not_available
from efterhand.web.sight import Sight
from efterhand_followup.adapters.context_store import read_context
from efterhand_followup.adapters.tables import kept
from efterhand_followup.domain.context import Context
from efterhand_followup.domain.standing import Row, Standing, stand_on
from efterhand_followup.domain.watermarks import known_to

PERSONS_AT_A_TIME = 200


@dataclass(frozen=True)
class Asked:
    """The day that is asked for (None: the business date) and what of persons the reader sees."""

    on: date | None
    sight: Sight


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


@dataclass(frozen=True)
class Shown:
    """The protocols whose checks and notices everybody has been computed by; those that are `hidden` are not yet."""

    protocols: frozenset[str]
    hidden: tuple[str, ...]
    computing: Computing

    def told(self) -> dict[str, Any]:
        """Return what an answer says of what it leaves out; nothing where it leaves out nothing."""
        if not self.hidden:
            return {}
        return {"computing": {"protocols": list(self.hidden), **self.computing.as_json()}}

    def require(self, protocols: Iterable[str]) -> None:
        """Refuse to answer about protocols of which none is shown; of several, those that are hidden are left out.

        Raises:
            Problem: 503, their new definition is still being computed.
        """
        named = list(protocols)
        hidden = [protocol for protocol in named if protocol in self.hidden]
        if hidden and not self.protocols.intersection(named):
            raise being_computed(f"'{hidden[0]}'", self.computing.done, self.computing.of)


def shown_protocols(connection: Connection, catalogue: Catalogue, context: Context) -> Shown:
    """Return which protocols of a process's catalogue are shown as stored."""
    own = fingerprints_of_protocols(catalogue)
    shown = frozenset(name for name, each in own.items() if context.definitions.get(name) == each)
    hidden = tuple(name for name in own if name not in shown)
    computing = read_computing(connection, kept, context.generation) if hidden else Computing(0, 0)
    return Shown(shown, hidden, computing)


def units_below(catalogue: Catalogue, unit: str, day: date) -> frozenset[str]:
    """Return a unit and those under it in the tree of a day; a unit that the catalogue lacks is alone."""
    return catalogue.units.below_on(unit, day) | {unit}


def seen_by(sight: Sight, standing: Standing, protected: bool, business_date: date) -> list[Row]:
    """Return the rows of a person's checks that a reader sees: by the unit that has the case on the business date."""
    facts = standing.facts
    return [row for row in standing.check_rows() if sight.sees(facts.unit_on(row["case_id"], business_date), protected)]
