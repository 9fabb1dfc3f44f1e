"""Opaque references of checks: what an address holds instead of an id, and how it leads back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from efterhand.database import bulk_insert
from efterhand.persons.store import sorted_by_bytes, texts
from efterhand.web.references import reference_of
from efterhand.web.sight import Sight
from efterhand.web.tokens import Tokens
from efterhand_followup.adapters.seen_rows import seen_with
from efterhand_followup.adapters.tables import check, reference


def note_references(connection: Connection, tokens: Tokens, given_out: Iterable[Mapping[str, Any]]) -> bool:
    """Remember the references of checks that are given out; return whether any was new.

    A person's row is not locked for it: of a person who is erased meanwhile nothing may be written, so only checks
    that are there are noted.

    Args:
        connection: in a transaction.
        tokens: keys the references.
        given_out: rows or items with `person` and `id`.
    """
    ids = {row["id"]: row["person"] for row in given_out}
    known = select(reference.c.check_id).where(_of(reference.c.person, ids.values()), _of(reference.c.check_id, ids))
    new = ids.keys() - set(connection.execute(known).scalars())
    if not new:
        return False
    held = connection.execute(
        select(check.c.person, check.c.id)
        .where(_of(check.c.person, {ids[each] for each in new}), _of(check.c.id, new))
        .order_by(check.c.person, check.c.id)
        .with_for_update(read=True, key_share=True)
    )
    rows = [{"person": person, "check_id": each, "ref": reference_of(tokens, each)} for person, each in held]
    bulk_insert(connection, reference, rows, on_conflict="ignore")
    return True


def resolve(connection: Connection, sight: Sight, refs: Sequence[str]) -> dict[str, Any]:
    """Return the checks that references stand for, as far as they are there and are seen."""
    found = (
        select(reference.c.ref, reference.c.check_id)
        .join(check, (check.c.person == reference.c.person) & (check.c.id == reference.c.check_id))
        .where(_of(reference.c.ref, refs), *seen_with(sight, check.c.unit, check.c.protected))
    )
    return {"items": [{"ref": ref, "check": check_id} for ref, check_id in connection.execute(found)]}


def _of(column: Any, values: Iterable[str]) -> Any:
    return column == texts(sorted_by_bytes(values)).any_()
