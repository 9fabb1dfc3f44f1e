"""Somebody answers a check: the answer becomes an event, which goes through the same door as every other."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from efterhand_followup.application.acting import Acting, done_before, keep, locked_check, must_leave_out
from efterhand_followup.domain.acts import Act, event_of
from efterhand_followup.domain.standing import Row


def answer_check(connection: Connection, acting: Acting, check_id: str, key: str, said: Mapping[str, Any]) -> Act:
    """Keep an answer, with the event that says it; whether it is a right one is intake's to judge.

    Args:
        connection: in a transaction.
        acting: who answers.
        check_id: `<protocol>:<person>:<subject>`.
        key: of the form.
        said: on, response, occupation, same_field, method, as far as given.

    Raises:
        Problem: 404, there is no such check (or it may not be seen); 422, the body says which check it is about; 409,
            the key stands for something else.
    """
    check = locked_check(connection, acting, check_id)
    must_leave_out(said)
    before = done_before(connection, acting, check, "answer", key, said)
    if before is not None:
        return before
    data = {**said, "person": check["person"], "check": check["protocol"], "subject": check["subject"]}
    recorded = acting.time(connection, _last_answer(connection, check))
    event = event_of("followup.answered", uuid.uuid4().hex, recorded, data)
    return keep(connection, acting, check, kind="answer", key=key, said=said, event=event)


def _last_answer(connection: Connection, check: Row) -> datetime | None:
    last: datetime | None = connection.execute(
        text(
            "SELECT max(time) FROM followup.event WHERE person = :person AND type = 'followup.answered'"
            " AND data->>'check' = :protocol AND data->>'subject' = :subject"
        ),
        {"person": check["person"], "protocol": check["protocol"], "subject": check["subject"]},
    ).scalar_one()
    return last
