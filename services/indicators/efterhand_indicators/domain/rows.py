"""From a person's events to the rows that are stored of its facts."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final

import orjson

from efterhand.catalogue import Catalogue
from efterhand.catalogue.factkinds import fact_kinds
from efterhand.catalogue.model import Derivation
from efterhand.timeline.checks import derive_checks
from efterhand.timeline.derived import derive
from efterhand.timeline.events import Event
from efterhand.timeline.facts import Facts, derive_facts

Row = Mapping[str, Any]

TABLE_OF: Final = {Derivation.MERGE: "merged", Derivation.REACHES: "reached"}
"""Where the rows of facts are that a catalogue derives, whatever it calls them."""


def derive_rows(person: str, events: Iterable[Event], catalogue: Catalogue) -> dict[str, list[Row]]:
    """Return the rows of every table of facts; tables without rows are left out.

    Args:
        person: pseudonym, the first column of each row.
        events: all accepted events of the person, or those received up to some day, in any order.
        catalogue: whose protocols the checks follow, and which derives facts from others.
    """
    facts = derive_facts(events)
    rows: dict[str, list[Row]] = {}
    for name, kind in fact_kinds().items():
        if not kind.has_table:
            continue
        if name == "check":
            checks = derive_checks(facts, catalogue)
            found: list[Row] = [{"person": person, **{c: getattr(check, c) for c in kind.columns}} for check in checks]
        else:
            found = [{"person": person, **{c: fact.values[c] for c in kind.columns}} for fact in facts.of(name)]
        if found:
            rows[name] = found
    return {**rows, **derived_rows(person, facts, catalogue)}


def derived_rows(person: str, facts: Facts, catalogue: Catalogue) -> dict[str, list[Row]]:
    """Return the rows of the facts that a catalogue derives from a person's others, by table."""
    rows: dict[str, list[Row]] = {}
    for name, found in derive(catalogue, facts).items():
        derived = catalogue.derived[name]
        for fact in found:
            values = dict(fact.values)
            per = "" if derived.per is None else values.pop(derived.per)
            row = {"person": person, "name": name, "per": per, **values}
            rows.setdefault(TABLE_OF[derived.derivation], []).append(row)
    return rows


def fingerprint(rows: list[Row]) -> str:
    """Return what tells whether a person's rows of one kind have changed; their order does not matter."""
    lines = sorted(orjson.dumps(dict(row)) for row in rows)
    return blake2b(b"\n".join(lines), digest_size=8).hexdigest()
