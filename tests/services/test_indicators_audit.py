"""The audit of indicators finds a row that is wrong, missing or superfluous in every table that holds what follows."""

from datetime import date
from typing import Final

import pytest

from efterhand.disposal import event_identity
from efterhand.erasure import person_hash
from efterhand.timeline.digest import bucket_of, erasure_hash
from efterhand_indicators.adapters import tables
from efterhand_indicators.application.status import read_status
from tests.services.disposals import disposal
from tests.services.followup_town import event, reported_through
from tests.services.indicators_office import SECRET, Office, office, office_template
from tests.services.planting import HOW, how_to_plant, planted
from tests.services.test_indicators_state import history, nothing_to_find, whole_history

__all__ = ["office", "office_template"]

YEAR = date(2017, 12, 31)
NOT_DERIVED: Final = {
    "access_log": "who saw whom",
    "outbox": "what waits to be sent",
    "parked": "what was put aside",
    "position": "how far the topic has been read",
    "revoked_token": "what intake says",
}
"""Tables that an audit of what follows from the events cannot judge, with what they hold."""

TABLES: Final = {table.name: table for table in tables.metadata.sorted_tables if table.name not in NOT_DERIVED}
"""A new table is among them: it must either be audited, or be said to hold nothing that follows."""

ONLY_A_HASH: Final = {("disposed_event", "wrong")}
"""What nobody can know: of which event it is the hash."""

BY_THE_DIGEST: Final = {("event", "missing"), ("erased", "missing")}
"""What the service cannot know by itself: the digest differs from intake's."""


def busy(office: Office) -> None:
    """Every table holds something."""
    office.move_to(YEAR)
    office.receive(
        *whole_history(office, "p1"),
        *history("p2"),
        reported_through("cases", date(2017, 6, 1), YEAR),
        event("person.erased", received=YEAR, person="p3"),
    )
    gone = history("p4")
    office.receive(*gone)
    office.receive(disposal("p4", date(2019, 1, 1), gone, SECRET))
    office.keep_totals()
    office.receive(*history("p5"))
    nothing_to_find(office)


def digest(office: Office) -> str:
    with office.reading() as connection:
        found: str = read_status(connection, office.definitions)["digest"]["sum"]
    return found


DAY: Final = "indicators.working_day"
CHANGE: Final = "indicators.total_change"
CHANGED: Final = "indicator, sex, unit, month, things, numerator, denominator, expected, sum"
OTHERWISE: Final = {
    ("working_day", "wrong"): f"UPDATE {DAY} SET number = 999999 WHERE day = '2017-03-01'",
    ("working_day", "missing"): f"DELETE FROM {DAY} WHERE day = '2017-03-01'",
    ("working_day", "superfluous"): f"INSERT INTO {DAY} VALUES ('2017-03-04', 999999)",
    ("total_change", "superfluous"): f"INSERT INTO {CHANGE} ({CHANGED}) SELECT {CHANGED} FROM {CHANGE} LIMIT 1",
    ("context", "wrong"): 'UPDATE indicators.context SET watermarks = \'{"cases": "2017-06-02"}\'',
}
"""How a row is planted that the database would not take in the common way."""

TOLD_AS: Final = {"total_change": "total"}
"""What counts is what both come to."""

ONE_ROW: Final = {("context", "missing"), ("context", "superfluous")}
"""What the database itself does not allow, or nothing runs without."""


@pytest.mark.parametrize("table", TABLES)
def test_the_audit_finds_a_row_that_is_not_as_it_should_be(office: Office, table: str) -> None:
    busy(office)
    before = digest(office)
    where = "person = 'p1'" if "person" in TABLES[table].columns else "true"
    for how in HOW:
        if (table, how) in ONE_ROW | ONLY_A_HASH:
            continue
        # The person is in every key; the hash of a person and the identity of an event stand only once.
        differs = {"person": ("person", "personhash"), "event": ("id",)}.get(table, ())
        statement = OTHERWISE.get((table, how)) or how_to_plant(
            TABLES[table], how, where, differs if how == "superfluous" else ()
        )
        with planted(office.engine, TABLES[table], statement):
            if (table, how) in BY_THE_DIGEST:
                assert digest(office) != before
            else:
                assert TOLD_AS.get(table, table) in {each["table"] for each in office.audit()["differences"]}, how
    nothing_to_find(office)


@pytest.mark.parametrize(
    "change",
    [
        "watermarks = '{}'",
        'definitions = definitions || \'{"closed_12m": "x"}\'',
        'definitions = definitions || \'{"unheard_of": "x"}\'',
        'plan = plan || \'{"facts": "x"}\'',
        "plan = plan || '{\"everything\": 1000}'",
        "totals = jsonb_set(totals, '{kept,closed_12m}', '\"x\"')",
        "totals = totals #- '{kept,closed_12m}'",
    ],
)
def test_the_audit_finds_a_wrong_context(office: Office, change: str) -> None:
    busy(office)
    assert office.do(f"UPDATE indicators.context SET {change}") == 1
    assert {each["table"] for each in office.audit()["differences"]} == {"context"}


@pytest.mark.parametrize("change", ["personhash = 'x'", "generation = generation + 1", "facts = '{}'"])
def test_the_audit_finds_a_wrong_row_of_a_person(office: Office, change: str) -> None:
    busy(office)
    office.do(f"UPDATE indicators.person SET {change} WHERE person = 'p1'")
    assert [each["table"] for each in office.audit()["differences"]] == ["person"]


def test_the_audit_finds_somebody_who_was_erased_and_is_still_there(office: Office) -> None:
    busy(office)
    personhash = person_hash(SECRET, "p1")
    office.do(
        "INSERT INTO indicators.erased VALUES (:personhash, :hash, :bucket)",
        personhash=personhash,
        hash=erasure_hash(personhash),
        bucket=bucket_of(personhash),
    )
    (found,) = office.audit()["differences"]
    assert (found["table"], found["id"]) == ("person", "p1")


@pytest.mark.parametrize(
    ("change", "tables"),
    [
        ("closed_book SET unit = 'elsewhere'", {"closed_book", "closing"}),
        ("closed_book SET month = '2001-01-01'", {"closed_book", "closing"}),
        ("closed_book SET numerator = numerator + 1", {"closed_book", "closing"}),
        ("closing SET events = events + 1", {"closing", "horizon"}),
        ("horizon SET missing = 1", {"closing", "horizon"}),
        ("horizon SET received_until = '2001-01-01'", {"closing", "horizon"}),
    ],
)
def test_the_audit_finds_a_book_that_somebody_has_changed(office: Office, change: str, tables: set[str]) -> None:
    busy(office)
    table, _, rest = change.partition(" ")
    office.do(f"UPDATE indicators.{table} {rest} WHERE ctid = (SELECT min(ctid) FROM indicators.{table})")
    assert {each["table"] for each in office.audit()["differences"]} == tables


def test_the_audit_finds_an_event_that_was_disposed_of_and_is_kept(office: Office) -> None:
    busy(office)
    kept = next(row for row in office.rows("event") if row["person"] == "p1")
    office.do(
        "INSERT INTO indicators.disposed_event VALUES (:one)", one=event_identity(SECRET, kept["source"], kept["id"])
    )
    found = {(each["table"], each["what"]) for each in office.audit()["differences"]}
    assert ("event", "is kept and was disposed of") in found
