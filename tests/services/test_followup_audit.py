"""The audit of followup finds a row that is wrong, missing or superfluous in every table that holds what follows."""

from datetime import date
from typing import Any, Final

import pytest

from efterhand.catalogue import load_catalogue
from efterhand.erasure import person_hash
from efterhand.persons.store import read_digest
from efterhand.timeline.digest import bucket_of, erasure_hash
from efterhand_followup.adapters import tables
from efterhand_followup.application.audit import audit
from tests.services.followup_town import SECRET, Town, closed, enrolled, event, reported_through, town
from tests.services.planting import HOW, how_to_plant, planted
from tests.services.test_followup_changed_catalogue import TINY, in_town

__all__ = ["town"]

START = date(2017, 1, 2)
NOT_DERIVED: Final = {
    "access_log": "who saw whom",
    "outbox": "what waits to be sent",
    "parked": "what was put aside",
    "position": "how far the topic has been read",
    "revoked_token": "what intake says",
    "disposed_event": "what intake says; their number is held against intake's",
    "act": "what staff did",
    "postponement": "to which day staff put checks off",
    "reference": "which references have been given out",
    "saved_view": "what users chose",
    "channel": "what staff set",
    "digest": "what channels were told",
    "delivery": "by which digest they were told of what",
    "listing_changed": "lists whose notices have to follow: work, done soon whatever it is",
}
"""Tables that an audit of what follows from the events cannot judge, with what they hold."""

TABLES: Final = {table.name: table for table in tables.metadata.sorted_tables if table.name not in NOT_DERIVED}
"""A new table is among them: it must either be audited, or be said to hold nothing that follows."""

BY_THE_DIGEST: Final = {("event", "missing"), ("erased", "missing")}
"""What the service cannot know by itself: the digest differs from intake's."""

WHERE: Final = {"notice": "person = 'p1' AND status = 'open'", "listed": "true"}
WRONG: Final = {
    "check": ("tried_on",),
    "person": ("personhash",),
    "notice": ("unit",),
    "event": ("hash",),
    "context": ("protocols",),
}
"""The column that is changed, where it is not the last one."""
DIFFERS: Final = {"person": ("person", "personhash"), "event": ("id",)}
"""What a copy differs in, where it is not the first column."""
ONE_ROW: Final = {("context", "missing"), ("context", "superfluous")}
"""What the database itself does not allow, or nothing runs without."""


def busy(town: Town) -> None:
    """Every table holds something."""
    town.begin_again()
    town.move_to(START)
    retraction = event("event.retracted", received=START, person="p1")
    retraction["data"]["retracts"] = {"source": "/tiny/b", "id": "x"}
    town.receive(
        enrolled("p1", START),
        retraction,
        closed("p1", date(2016, 6, 1), received=START),
        enrolled("p2", date(2016, 6, 1), received=START),
        closed("p2", date(2016, 8, 1), received=START, reason="other_authority"),
        enrolled("p3", date(2016, 9, 1), received=START),
        event("person.erased", received=START, person="p4"),
        reported_through("cases", date(2017, 4, 10), START),
    )
    town.move_to(date(2017, 4, 3))
    assert [name for name, table in TABLES.items() if not town.rows(name, "1")] == []
    found = audit(town.engine, town.catalogue, SECRET)
    assert (found.pending, found.differences) == (0, [])


def found_in(town: Town) -> set[str]:
    return {each["table"] for each in audit(town.engine, town.catalogue, SECRET).differences}


def digest(town: Town) -> Any:
    with town.engine.connect() as connection:
        return read_digest(connection, tables.kept)["sum"]


@pytest.mark.parametrize("table", TABLES)
def test_the_audit_finds_a_row_that_is_not_as_it_should_be(town: Town, table: str) -> None:
    in_town(town, load_catalogue(str(TINY)))
    busy(town)
    before = digest(town)
    where = WHERE.get(table, "person = 'p1'" if "person" in TABLES[table].columns else "true")
    for how in HOW:
        if (table, how) in ONE_ROW:
            continue
        columns = (WRONG if how == "wrong" else DIFFERS).get(table, ())
        with planted(town.engine, TABLES[table], how_to_plant(TABLES[table], how, where, columns)):
            if (table, how) in BY_THE_DIGEST:
                assert digest(town) != before
            else:
                assert table in found_in(town), how
    assert found_in(town) == set()


@pytest.mark.parametrize("column", ["watermarks", "protocols", "definitions"])
def test_the_audit_finds_a_wrong_context(town: Town, column: str) -> None:
    busy(town)
    town.do(f"UPDATE followup.context SET {column} = {column} - 'cases' || '{{\"offer_90d\": \"2017-01-01\"}}'")
    assert found_in(town) == {"context"}


@pytest.mark.parametrize(
    "change",
    [
        "personhash = 'x'",
        "generation = generation + 1",
        "next_change_on = '2030-01-01'",
        "computed_on = '2030-01-01'",
    ],
)
def test_the_audit_finds_a_wrong_row_of_a_person(town: Town, change: str) -> None:
    busy(town)
    town.do(f"UPDATE followup.person SET {change} WHERE person = 'p1'")
    assert found_in(town) == {"person"}


def test_the_audit_finds_somebody_who_was_erased_and_is_still_there(town: Town) -> None:
    busy(town)
    personhash = person_hash(SECRET, "p1")
    town.do(
        "INSERT INTO followup.erased VALUES (:personhash, :hash, :bucket)",
        personhash=personhash,
        hash=erasure_hash(personhash),
        bucket=bucket_of(personhash),
    )
    assert found_in(town) == {"person"}
