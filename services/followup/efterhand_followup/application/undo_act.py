"""Somebody takes back what they did with a check: an event by another one, a postponement by taking it away."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from efterhand.web.problem import Problem
from efterhand_followup.adapters.act_store import acts_of, set_postponement
from efterhand_followup.application.acting import Acting, done_before, keep, locked_check, must_be_key
from efterhand_followup.domain.acts import SOURCE, Act, event_of, postponed_by, to_undo


def undo_act(connection: Connection, acting: Acting, check_id: str, key: str, said: Mapping[str, Any]) -> Act:
    """Take back one's own act: the one that is named, or the last one.

    What became an event is retracted by an event of the same source. It comes back only as a new act.

    Args:
        connection: in a transaction.
        acting: who takes back.
        check_id: `<protocol>:<person>:<subject>`.
        key: of the form.
        said: act, the key of the act, if given.

    Raises:
        Problem: 404, there is no such check (or it may not be seen); 409, there is nothing of one's own to take back,
            or the key stands for something else; 422, what is named is no key.
    """
    check = locked_check(connection, acting, check_id)
    before = done_before(connection, acting, check, "undo", key, said)
    if before is not None:
        return before
    named = None if said.get("act") is None else must_be_key(said["act"])
    acts = acts_of(connection, [check]).get(check["id"], ())
    act = to_undo(acts, acting.viewer.actor, named)
    if act is None:
        raise Problem(409, "nothing_to_undo", "There is nothing to take back", "Only one's own acts, and only once.")
    event = None
    if act.event is None:
        set_postponement(connection, check, postponed_by(acts, without=act.key))
    else:
        data = {"person": check["person"], "retracts": {"source": SOURCE, "id": act.event["id"]}}
        event = event_of("event.retracted", uuid.uuid4().hex, acting.time(connection), data)
    return keep(connection, acting, check, kind="undo", key=key, said=said, event=event, undoes=act.key)
