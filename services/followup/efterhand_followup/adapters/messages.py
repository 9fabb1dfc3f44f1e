"""What others hear of checks and notices: ids, days and recipients, never anything else about a person."""

from collections.abc import Iterable
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from efterhand.database import Outgoing, put_outbox
from efterhand_followup.adapters import tables
from efterhand_followup.domain.difference import Difference
from efterhand_followup.domain.standing import Row

CHECKS: Final = "followup-checks"
NOTICES: Final = "followup-notices"


def put_messages(connection: Connection, difference: Difference) -> None:
    """Write to the outbox what a difference tells; the persons are there to be found by an erasure."""
    messages = [_check(row) for row in difference.checks_told]
    messages += [_check_removed(person, check_id) for person, check_id in difference.checks_untold]
    messages += notice_messages(difference.notices_made, "open")
    messages += notice_messages(difference.notices_withdrawn, "withdrawn")
    put_outbox(connection, tables.outbox, messages)


def notice_messages(rows: Iterable[Row], status: str) -> list[Outgoing]:
    """Return the messages that notices are open now, or have been withdrawn."""
    messages = []
    for row in rows:
        body = {"id": row["id"], "check": row["check_id"], "unit": row["unit"], "to": row["recipient"]}
        known = {name: value for name, value in body.items() if value is not None}
        key = (row["check_id"] or row["id"]).encode()
        messages.append(Outgoing(NOTICES, key, orjson.dumps({**known, "status": status}), row["person"] or None))
    return messages


def _check(row: Row) -> Outgoing:
    body: dict[str, Any] = {
        "id": row["id"],
        "change": "set",
        "protocol": row["protocol"],
        "person": row["person"],
        "subject": row["subject"],
        "case": row["case_id"],
        "anchor_on": row["anchor_on"],
        "due": row["due"],
        "outcome": row["outcome"],
        "outcome_on": row["outcome_on"],
    }
    return Outgoing(CHECKS, row["id"].encode(), orjson.dumps(body), row["person"])


def _check_removed(person: str, check_id: str) -> Outgoing:
    return Outgoing(CHECKS, check_id.encode(), orjson.dumps({"id": check_id, "change": "removed"}), person)
