"""Everything is computed again in memory and compared with what is stored."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, select, text

from efterhand.catalogue import Catalogue
from efterhand.catalogue.fingerprints import fingerprints_of_protocols
from efterhand.catalogue.model import FEEDS
from efterhand.erasure import person_hash
from efterhand.persons.auditing import events_disposed_of, wrongly_counted_erasures, wrongly_counted_events
from efterhand.persons.store import NOBODY, read_events, read_watermarks
from efterhand.persons.watermarks import through_by_feed
from efterhand.timeline.checks import derive_checks
from efterhand.timeline.facts import derive_facts
from efterhand_followup.adapters import tables
from efterhand_followup.adapters.context_store import read_context
from efterhand_followup.adapters.person_store import (
    read_cases,
    read_checks,
    read_doubts,
    read_listed,
    read_notices,
)
from efterhand_followup.adapters.tables import kept
from efterhand_followup.application.sum_up import summing_notice
from efterhand_followup.domain.context import Context, Progress
from efterhand_followup.domain.difference import notice_row
from efterhand_followup.domain.doubts import case_rows, doubt_rows
from efterhand_followup.domain.standing import Row, Standing, stand_on
from efterhand_followup.domain.watermarks import known_to

PERSONS_AT_A_TIME: Final = 500
_ABOUT_PERSONS: Final = (
    *("person", "event", "check", "notice", "listed", "doubt", "person_case"),
    *("act", "postponement", "reference"),
)
_STEP: Final = re.compile(r"0|[+-][1-9][0-9]*")


@dataclass
class Audit:
    """What was found. `pending`: persons who are to be computed anyway, and are not compared."""

    checked: int = 0
    pending: int = 0
    differences: list[dict[str, str]] = field(default_factory=list)

    def differs(self, table: str, row_id: str, what: str) -> None:
        """Note a row that is not as it should be: only which and how, nothing of what it holds."""
        self.differences.append({"table": table, "id": row_id, "what": what})

    def compare(self, table: str, stored: Mapping[str, Row], computed: Mapping[str, Row]) -> None:
        """Note every row that is missing, should not be there, or has other values."""
        for row_id in sorted({*stored, *computed}):
            if row_id not in stored:
                self.differs(table, row_id, "missing")
            elif row_id not in computed:
                self.differs(table, row_id, "should not be there")
            elif wrong := sorted(name for name, value in computed[row_id].items() if stored[row_id][name] != value):
                self.differs(table, row_id, f"differs in {', '.join(wrong)}")


def audit(engine: Engine, catalogue: Catalogue, secret: str) -> Audit:
    """Compare everything that follows from the events held with what is stored, beside live traffic.

    Args:
        engine: each batch of persons is read in one state of the database.
        catalogue: by which to compute.
        secret: keys the hashes of persons.
    """
    found = Audit()
    after: str | None = ""
    while after is not None:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            persons = _persons_after(connection, after)
            _audit_persons(connection, persons, catalogue, secret, found)
            after = persons[-1] if persons else None
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        _audit_nobody(connection, catalogue, found)
    return found


def _persons_after(connection: Connection, after: str) -> list[str]:
    each = " UNION ".join(
        f'(SELECT DISTINCT person FROM followup."{table}" WHERE person > :after ORDER BY person LIMIT :limit)'  # noqa: S608
        for table in _ABOUT_PERSONS
    )
    rows = connection.execute(
        text(f"{each} ORDER BY person LIMIT :limit"), {"after": after, "limit": PERSONS_AT_A_TIME}
    )
    return list(rows.scalars())


def _audit_persons(connection: Connection, persons: list[str], catalogue: Catalogue, secret: str, found: Audit) -> None:
    context = read_context(connection)
    selected = select(kept.person).where(kept.person.c.person.in_(persons))
    progress = {row["person"]: Progress(**row) for row in connection.execute(selected).mappings()}
    hashes = {person: person_hash(secret, person) for person in persons}
    erased = set(connection.execute(select(kept.erased.c.personhash)).scalars())
    events, checks = read_events(connection, kept, persons), read_checks(connection, persons)
    notices, listed = read_notices(connection, persons), read_listed(connection, persons)
    doubts, cases = read_doubts(connection, persons), read_cases(connection, persons)
    _audit_events(connection, persons, found)
    for source, event_id in events_disposed_of(connection, kept, persons, secret):
        found.differs("event", f"{source} {event_id}", "is kept and was disposed of")
    for person in persons:
        found.checked += 1
        row = progress.get(person)
        if hashes[person] in erased:
            found.differs("person", person, "something is kept of an erased person")
        if row is None:
            found.differs("person", person, "missing")
        elif row.personhash != hashes[person]:
            found.differs("person", person, "differs in personhash")
        if context.business_date is None or (row is not None and _is_pending(row, context, catalogue)):
            found.pending += 1
            continue
        today = context.business_date
        facts = derive_facts(events.get(person, []))
        checks_now = derive_checks(facts, catalogue)
        standing = stand_on(person, facts, checks_now, catalogue, today, known_to(today, context.through, FEEDS))
        if row is not None:
            if row.next_change_on != standing.next_change_on:
                found.differs("person", person, "differs in next_change_on")
            # Who is said to be ahead of everybody would be passed over by the next change.
            if row.generation > context.generation or (row.computed_on or today) > today:
                found.differs("person", person, "is ahead of everybody")
        found.compare("check", checks.get(person, {}), {each["id"]: each for each in standing.check_rows()})
        _audit_notices(notices.get(person, {}), standing, catalogue, found)
        found.compare(
            "listed",
            {f"{person} {each}": held for each, held in listed.get(person, {}).items()},
            {f"{person} {each}": {"protected": standing.protected} for each in standing.lists},
        )
        for table, key, stored, wanted in (
            ("doubt", "id", doubts, doubt_rows(standing)),
            ("person_case", "case_id", cases, case_rows(standing)),
        ):
            found.compare(
                table,
                {f"{person} {each}": row for each, row in stored.get(person, {}).items()},
                {f"{person} {row[key]}": row for row in wanted},
            )


def _is_pending(row: Progress, context: Context, catalogue: Catalogue) -> bool:
    assert context.business_date is not None  # noqa: S101
    overtaken = row.next_change_on is not None and row.next_change_on <= context.business_date
    old = row.generation < context.generation or context.catalogue != catalogue.version
    return row.dirty or row.computed_on is None or overtaken or old


def _audit_events(connection: Connection, persons: list[str], found: Audit) -> None:
    for source, event_id in wrongly_counted_events(connection, kept, persons):
        found.differs("event", f"{source} {event_id}", "differs in hash or bucket")


def _audit_notices(stored: Mapping[str, Row], standing: Standing, catalogue: Catalogue, found: Audit) -> None:
    protected = standing.protected
    wanted = {
        notice.id: {
            **notice_row(standing.person, notice),
            "protected": protected,
            "told": notice.status == "open" and not protected,
        }
        for notice in standing.notices
    }
    standing_rows = {each: row for each, row in stored.items() if row["status"] != "withdrawn" or each in wanted}
    found.compare("notice", standing_rows, wanted)
    for notice_id, row in stored.items():
        late = row["made_on"] is not None and not row["moment"] <= row["made_on"] <= standing.day
        if late or (notice_id not in standing_rows and not _could_have_been(row, standing, catalogue)):
            found.differs("notice", notice_id, "is no entry that the log can have")


def _could_have_been(row: Row, standing: Standing, catalogue: Catalogue) -> bool:
    """Tell whether a withdrawn notice is one that the protocols can have made; what was sent is not computed again."""
    protocol = catalogue.protocols.get(row["protocol"])
    if protocol is None:
        # The log keeps what an earlier catalogue asked for.
        return True
    # The step says by itself how far from due it lies; it may be one that an earlier catalogue had.
    if row["step"] is None or not _STEP.fullmatch(row["step"]):
        return False
    due = row["moment"] - timedelta(days=int(row["step"]))
    return (
        row["check_id"].startswith(f"{row['protocol']}:{standing.person}:")
        and row["id"] == f"{row['check_id']}/{row['step']}/{due}"
        and row["made_on"] <= row["withdrawn_on"] <= standing.day
        and row["protected"] == standing.protected
        and not row["told"]
    )


def _audit_nobody(connection: Connection, catalogue: Catalogue, found: Audit) -> None:
    """Compare what is about no single person: the context, erasures, notices that sum up."""
    context = read_context(connection)
    if context.catalogue == catalogue.version:
        wanted_protocols = fingerprints_of_protocols(catalogue)
        if context.protocols != wanted_protocols:
            found.differs("context", "protocols", "differs from the catalogue")
        # One that is not there yet is still being computed; what is shown must be what holds.
        for name in sorted(dict(context.definitions.items() - wanted_protocols.items())):
            found.differs("context", f"definitions/{name}", "differs from the catalogue")
    if context.through != through_by_feed(read_watermarks(connection, kept)):
        found.differs("context", "watermarks", "differs from the watermarks received")
    _audit_events(connection, [NOBODY], found)
    for personhash in wrongly_counted_erasures(connection, kept):
        found.differs("erased", personhash, "differs in hash or bucket")
    if connection.execute(select(tables.listing_changed.c.id).limit(1)).first() is not None:
        found.pending += 1
        return
    lists = connection.execute(text("SELECT notice_id, bool_and(protected) FROM followup.listed GROUP BY notice_id"))
    wanted: dict[str, dict[str, Any]] = {
        notice_id: {
            **notice_row(NOBODY, summing_notice(notice_id)),
            "protected": protected,
            "told": not protected,
        }
        for notice_id, protected in lists
    }
    stored = read_notices(connection, [NOBODY]).get(NOBODY, {})
    found.compare(
        "notice", {each: row for each, row in stored.items() if row["status"] != "withdrawn" or each in wanted}, wanted
    )
