"""Somebody has tried to reach a person about a check: noted as an event; it settles nothing."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from efterhand_followup.application.acting import Acting, done_before, keep, locked_check, must_be_open, must_leave_out
from efterhand_followup.domain.acts import Act, event_of


def attempt_check(connection: Connection, acting: Acting, check_id: str, key: str, said: Mapping[str, Any]) -> Act:
    """Keep an attempt, with the event that says it; whether it is a right one is intake's to judge.

    Args:
        connection: in a transaction.
        acting: who tried.
        check_id: `<protocol>:<person>:<subject>`.
        key: of the form.
        said: on, how.

    Raises:
        Problem: 404, there is no such check (or it may not be seen); 422, the body says which check it is about; 409,
            the check is not open, or the key stands for something else.
    """
    check = locked_check(connection, acting, check_id)
    must_leave_out(said)
    before = done_before(connection, acting, check, "attempt", key, said)
    if before is not None:
        return before
    must_be_open(check)
    data = {**said, "person": check["person"], "check": check["protocol"], "subject": check["subject"]}
    event = event_of("followup.attempted", uuid.uuid4().hex, acting.time(connection), data)
    return keep(connection, acting, check, kind="attempt", key=key, said=said, event=event)
