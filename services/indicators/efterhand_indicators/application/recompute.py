"""Persons' facts and contributions from their events: what is stored becomes what should be there."""

from collections.abc import Mapping

from sqlalchemy import Connection

from efterhand.persons.store import read_events, write_progress
from efterhand_indicators.adapters import person_store, tables
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.domain.context import Context, Progress
from efterhand_indicators.domain.rows import Row, derive_rows, fingerprint


def recompute(
    connection: Connection, persons: Mapping[str, Progress], definitions: Definitions, context: Context
) -> None:
    """Compute persons from all their events, and put right what is stored of them.

    Only kinds of facts whose rows have changed are written, and only the indicators that read one of these are run. For
    a person of an older generation the plan tells which are run beside them, or that everything is done from scratch.

    Args:
        connection: inside a transaction that holds the context and has locked the persons' rows.
        persons: how far each has been computed.
        definitions: what everything is computed by; those of the context.
        context: as read in this transaction.
    """
    if not persons:
        return
    events = read_events(connection, tables.kept, persons)
    rows = {person: derive_rows(person, events.get(person, ()), definitions.catalogue) for person in persons}
    prints = {person: {kind: fingerprint(own) for kind, own in kinds.items()} for person, kinds in rows.items()}
    generation, plan = context.generation, context.plan
    behind = {person for person, progress in persons.items() if progress.generation < generation}
    anew = {person for person in behind if persons[person].generation < plan.everything}
    changed = {
        kind: [
            person
            for person, progress in persons.items()
            if person in anew or progress.facts.get(kind) != prints[person].get(kind)
        ]
        for kind in tables.stored.facts
    }
    for kind, own in changed.items():
        if own:
            fresh: list[Row] = [row for person in own for row in rows[person].get(kind, ())]
            person_store.replace_facts(connection, kind, own, fresh)
    for name, compiled in definitions.indicators.items():
        concerned = {person for kind in compiled.reads for person in changed[kind]}
        concerned |= {person for person in behind if plan.is_run(name, persons[person].generation)}
        if concerned:
            person_store.replace_contributions(
                connection, compiled, sorted(concerned), with_totals=name in context.totals.kept
            )
    if behind:
        person_store.drop_contributions_to_others(connection, list(definitions.indicators), sorted(behind))
    write_progress(
        connection,
        tables.kept,
        [
            Progress(person, progress.personhash, generation, prints[person])
            for person, progress in persons.items()
            if person in behind or dict(progress.facts) != prints[person]
        ],
    )
