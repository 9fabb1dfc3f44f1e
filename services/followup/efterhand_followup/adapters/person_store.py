"""Reads and writes what follows from persons' events; each statement takes all persons of a batch."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BOOLEAN, DATE, TEXT

from efterhand.database import bulk_insert
from efterhand.persons.store import delete_rows
from efterhand_followup.adapters import tables
from efterhand_followup.domain.difference import Difference
from efterhand_followup.domain.standing import Row

_TEXTS = ARRAY(TEXT)
_ACTED = (tables.act, tables.postponement, tables.reference, tables.delivery)
"""What is kept by check of what staff did and were told."""


def stale(business_date: date | None, generation: int) -> tuple[ColumnElement[bool], ...]:
    """Return when a person must be computed anew: dirty, with a change up to the date, or of an old generation."""
    person = tables.kept.person.c
    overtaken = () if business_date is None else (person.next_change_on <= business_date,)
    return (person.dirty, *overtaken, person.generation < generation)


def behind(generation: int) -> tuple[ColumnElement[bool], ...]:
    """Return when a person has not been computed by what holds now."""
    return (tables.kept.person.c.generation < generation,)


def read_checks(connection: Connection, persons: Collection[str]) -> dict[str, dict[str, Row]]:
    """Return the stored checks of the persons: person → id → row."""
    checks = _by_id(connection, tables.check, "id", persons)
    for rows in checks.values():
        for row in rows.values():
            # Follows from no event, so it is no part of what is compared with what should be.
            del row["postponed_until"]
    return checks


def read_notices(connection: Connection, persons: Collection[str]) -> dict[str, dict[str, Row]]:
    """Return the stored notices of the persons: person → id → row."""
    return _by_id(connection, tables.notice, "id", persons)


def read_listed(connection: Connection, persons: Collection[str]) -> dict[str, dict[str, Row]]:
    """Return the lists that the persons stand on: person → notice id → row."""
    return _by_id(connection, tables.listed, "notice_id", persons)


def read_doubts(connection: Connection, persons: Collection[str]) -> dict[str, dict[str, Row]]:
    """Return what is stored as doubtful about the persons: person → id → row."""
    return _by_id(connection, tables.doubt, "id", persons)


def read_cases(connection: Connection, persons: Collection[str]) -> dict[str, dict[str, Row]]:
    """Return the stored cases of the persons: person → case id → row."""
    return _by_id(connection, tables.person_case, "case_id", persons)


def _by_id(connection: Connection, table: Any, key: str, persons: Collection[str]) -> dict[str, dict[str, Row]]:
    found: dict[str, dict[str, Row]] = defaultdict(dict)
    if persons:
        selected = table.select().where(table.c.person == bindparam("persons", list(persons), _TEXTS).any_())
        result = connection.execute(selected)
        columns = tuple(result.keys())
        # Many rows: fetched at once and made by zip, they cost half of what the driver's own mappings do.
        for values in result.all():
            row = dict(zip(columns, values, strict=True))
            found[row["person"]][row[key]] = row
    return found


def write_difference(connection: Connection, difference: Difference) -> None:
    """Write the rows of a difference; what it tells is written by the outbox."""
    _delete(connection, "check", "id", difference.checks_gone)
    _delete(connection, "notice", "id", difference.notices_gone)
    _delete(connection, "listed", "notice_id", difference.listed_gone)
    _delete(connection, "doubt", "id", difference.doubts_gone)
    _delete(connection, "person_case", "case_id", difference.cases_gone)
    bulk_insert(connection, tables.check, difference.checks, on_conflict="update")
    _copy_postponements(connection, {row["person"] for row in difference.checks})
    bulk_insert(connection, tables.notice, difference.notices, on_conflict="update")
    bulk_insert(connection, tables.listed, difference.listed, on_conflict="update")
    bulk_insert(connection, tables.doubt, difference.doubts, on_conflict="update")
    bulk_insert(connection, tables.person_case, difference.cases, on_conflict="update")
    changed = sorted(set(difference.listings_changed))
    rows = [{"notice_id": notice, "on": day, "protected": protected} for notice, day, protected in changed]
    bulk_insert(connection, tables.listing_changed, rows)


def _copy_postponements(connection: Connection, persons: Collection[str]) -> None:
    """Put off again what was put off before it went and came back."""
    if persons:
        connection.execute(
            text(
                "UPDATE followup.check AS held SET postponed_until = put_off.until_on"
                " FROM followup.postponement AS put_off WHERE put_off.person = ANY(:persons)"
                " AND held.person = put_off.person AND held.id = put_off.check_id"
                " AND held.postponed_until IS DISTINCT FROM put_off.until_on"
            ).bindparams(bindparam("persons", list(persons), _TEXTS))
        )


def _delete(connection: Connection, table: str, key: str, rows: Sequence[tuple[str, str]]) -> None:
    if rows:
        connection.execute(
            text(
                f'DELETE FROM followup."{table}" AS held USING unnest(:persons, :ids) AS gone(person, id)'  # noqa: S608
                f" WHERE held.person = gone.person AND held.{key} = gone.id"
            ).bindparams(
                bindparam("persons", [person for person, _ in rows], _TEXTS),
                bindparam("ids", [each for _, each in rows], _TEXTS),
            )
        )


def mark_by_giving_up(
    connection: Connection, protocols: Collection[str] | None, after: date, until: date, since: date
) -> None:
    """Make persons dirty whose checks of some protocols (None: of any) give up after one day and not after another.

    Their notices are looked at anew from the day `since` on.
    """
    connection.execute(
        text(
            "UPDATE followup.person SET dirty = true,"
            " computed_on = CASE WHEN computed_on >= :since THEN :since - 1 ELSE computed_on END"
            " WHERE person IN (SELECT person FROM followup.check"
            " WHERE (:any_protocol OR protocol = ANY(:protocols)) AND gives_up_on > :after AND gives_up_on <= :until)"
        ).bindparams(
            bindparam("any_protocol", protocols is None, BOOLEAN),
            bindparam("protocols", list(protocols or ()), _TEXTS),
            bindparam("after", after, DATE),
            bindparam("until", until, DATE),
            bindparam("since", since, DATE),
        )
    )


def delete_what_follows(connection: Connection, persons: Collection[str], list_changes_on: date | None) -> None:
    """Delete every row that follows from the persons' events; lists that they stood on change on that day."""
    if list_changes_on is not None:
        connection.execute(
            text(
                'INSERT INTO followup.listing_changed (notice_id, "on", protected)'
                " SELECT notice_id, CAST(:day AS date), protected FROM followup.listed WHERE person = ANY(:persons)"
            ).bindparams(bindparam("persons", list(persons), _TEXTS), day=list_changes_on)
        )
    own = (tables.listed, tables.notice, tables.check, tables.doubt, tables.person_case)
    delete_rows(connection, own, persons)


def delete_acts(connection: Connection, subjects: Mapping[str, Collection[str]]) -> None:
    """Delete what staff did about persons, but for the checks of some of their subjects.

    Args:
        connection: in a transaction.
        subjects: person → cases and measures of whose checks everything stays.
    """
    pairs = [(person, subject) for person, own in subjects.items() for subject in own]
    for table in _ACTED:
        connection.execute(
            text(
                f"DELETE FROM followup.{table.name} AS held WHERE person = ANY(:persons) AND NOT EXISTS"  # noqa: S608
                " (SELECT FROM unnest(:owners, :subjects) AS stays(person, subject)"
                " WHERE stays.person = held.person AND stays.subject = split_part(held.check_id, ':', 3))"
            ).bindparams(
                bindparam("persons", list(subjects), _TEXTS),
                bindparam("owners", [person for person, _ in pairs], _TEXTS),
                bindparam("subjects", [subject for _, subject in pairs], _TEXTS),
            )
        )


def delete_persons(connection: Connection, persons: Collection[str], list_changes_on: date | None) -> None:
    """Delete every row about the persons in every table, and what waits to be sent about them."""
    delete_what_follows(connection, persons, list_changes_on)
    kept = tables.kept
    delete_rows(connection, (*_ACTED, kept.event, kept.outbox, kept.parked, kept.access_log, kept.person), persons)
