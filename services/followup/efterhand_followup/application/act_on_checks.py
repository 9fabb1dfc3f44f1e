"""The same done with several checks at once; each is judged by itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from efterhand.persons.store import lock_persons
from efterhand.timeline.checks import person_of
from efterhand.web.problem import Problem
from efterhand_followup.adapters.act_store import checks_of_act
from efterhand_followup.adapters.tables import kept
from efterhand_followup.application.acting import Acting, must_be_key
from efterhand_followup.application.attempt_check import attempt_check
from efterhand_followup.application.postpone_check import postpone_check
from efterhand_followup.application.undo_act import undo_act
from efterhand_followup.domain.acts import Act
from efterhand_followup.domain.context import Progress

MOST_AT_ONCE: Final = 200

UseCase = Callable[[Connection, Acting, str, str, Mapping[str, Any]], Act]

KINDS: Final[Mapping[str, UseCase]] = {"attempt": attempt_check, "postpone": postpone_check, "undo": undo_act}
"""What makes sense for several at once: everybody has an answer of their own."""


def act_on_checks(
    connection: Connection, acting: Acting, kind: str, checks: Sequence[str], key: str, said: Mapping[str, Any]
) -> dict[str, Act | Problem]:
    """Do the same with each of several checks; return what became of each, in their order.

    Args:
        connection: in a transaction.
        acting: who acts.
        kind: one of KINDS.
        checks: ids; none with `undo`: all that are seen and on which the actor's act of the key
            `said["act"]` is.
        key: of the form; the acts on all of them have it.
        said: what is said of each of them.

    Raises:
        Problem: 422, an undo names neither checks nor an act.
    """
    if kind == "undo" and not checks:
        checks = checks_of_act(connection, acting.viewer.actor, must_be_key(said.get("act")), acting.viewer.sight)
    lock_persons(connection, kept, {person_of(check_id) for check_id in checks}, Progress)
    done: dict[str, Act | Problem] = {}
    for check_id in checks:
        try:
            done[check_id] = KINDS[kind](connection, acting, check_id, key, said)
        except Problem as problem:
            done[check_id] = problem
    return done
