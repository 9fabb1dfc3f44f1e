"""What staff did with checks, and to which day checks are put off."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, select, update

from efterhand.database import bulk_insert
from efterhand.persons.store import sorted_by_bytes, texts
from efterhand.web.sight import Sight
from efterhand_followup.adapters.seen_rows import seen_with
from efterhand_followup.adapters.tables import act, kept, postponement
from efterhand_followup.adapters.tables import check as held
from efterhand_followup.domain.acts import SOURCE, Act, marked


def acts_of(connection: Connection, checks: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Act, ...]]:
    """Return the acts on checks (`person` and `id` of each), oldest first, by the check's id.

    One whose event intake may not have is left out, until the event turns out to be there.
    """
    rows = list(checks)
    selected = (
        select(act, _held().label("held"))
        .where(
            act.c.person == texts(sorted_by_bytes({row["person"] for row in rows})).any_(),
            act.c.check_id == texts(sorted_by_bytes({row["id"] for row in rows})).any_(),
        )
        .order_by(act.c.made_at, act.c.key)
    )
    found: dict[str, list[Act]] = defaultdict(list)
    for row in connection.execute(selected).mappings():
        each = _act(dict(row))
        if each.accepted or each.held:
            found[each.check_id].append(each)
    return {check_id: marked(acts) for check_id, acts in found.items()}


def find_act(connection: Connection, check: Mapping[str, Any], key: str) -> Act | None:
    """Return what was done with a check under a key, whether or not intake has the event."""
    selected = select(act, _held().label("held")).where(
        act.c.person == check["person"], act.c.check_id == check["id"], act.c.key == key
    )
    row = connection.execute(selected).mappings().first()
    return None if row is None else _act(dict(row))


def checks_of_act(connection: Connection, actor: str, key: str, sight: Sight) -> list[str]:
    """Return the checks on which an actor has done something under a key, as far as they are there and are seen."""
    chosen = (
        select(act.c.check_id)
        .join(held, and_(held.c.person == act.c.person, held.c.id == act.c.check_id))
        .where(act.c.key == key, act.c.made_by == actor, *seen_with(sight, held.c.unit, held.c.protected))
    )
    return list(connection.execute(chosen.order_by(act.c.check_id)).scalars())


def add_act(connection: Connection, new: Act) -> None:
    """Keep an act; its check must have none with the same key."""
    columns = {name: getattr(new, name) for name in act.c.keys() if name != "event_id"}  # noqa: SIM118
    event_id = None if new.event is None else new.event["id"]
    bulk_insert(connection, act, [{**columns, "said": dict(new.said), "event_id": event_id}])


def accept_acts(connection: Connection, acts: Collection[Act]) -> None:
    """Note that intake has the events of acts."""
    for each in acts:
        connection.execute(update(act).where(_is(each)).values(accepted=True))


def drop_acts(connection: Connection, acts: Collection[Act]) -> None:
    """Forget acts whose events intake has refused, so that their keys are free again."""
    for each in acts:
        connection.execute(delete(act).where(_is(each), ~act.c.accepted))


def set_postponement(connection: Connection, check: Mapping[str, Any], until: date | None) -> None:
    """Put a check off to a day, or (None) no longer."""
    same = and_(held.c.person == check["person"], held.c.id == check["id"])
    connection.execute(update(held).where(same).values(postponed_until=until))
    if until is not None:
        row = {"person": check["person"], "check_id": check["id"], "until_on": until}
        bulk_insert(connection, postponement, [row], on_conflict="update")
        return
    connection.execute(
        delete(postponement).where(postponement.c.person == check["person"], postponement.c.check_id == check["id"])
    )


def _held() -> ColumnElement[bool]:
    return exists().where(
        kept.event.c.person == act.c.person, kept.event.c.source == SOURCE, kept.event.c.id == act.c.event_id
    )


def _is(each: Act) -> ColumnElement[bool]:
    return and_(act.c.person == each.person, act.c.check_id == each.check_id, act.c.key == each.key)


def _act(row: Mapping[str, Any]) -> Act:
    return Act(**{name: row[name] for name in (*act.c.keys(), "held") if name != "event_id"})
