"""What tells whether two catalogues come to the same facts, checks and notices, whatever else they say."""

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

from efterhand.catalogue.grammar.protocols import what_decides
from efterhand.catalogue.model import Catalogue, Protocol
from efterhand.catalogue.reading import kinds_read_by_protocol


def fingerprint_of_facts(catalogue: Catalogue) -> str:
    """Return what changes with whatever decides a person's facts: what checks come to, and what is derived."""
    deciding = (what_decides(protocol) for _, protocol in sorted(catalogue.protocols.items()))
    return _hash([*deciding, *(fact for _, fact in sorted(catalogue.derived.items()))])


def fingerprints_of_protocols(catalogue: Catalogue) -> dict[str, str]:
    """Return, for each protocol, what changes with whatever decides its checks and notices and how they are shown."""
    return {
        name: _hash([replace(protocol, name="", english="", tests=()), *_derived_for(protocol, catalogue)])
        for name, protocol in catalogue.protocols.items()
    }


def _derived_for(protocol: Protocol, catalogue: Catalogue) -> list[object]:
    return [catalogue.derived[kind] for kind in sorted(kinds_read_by_protocol(protocol)) if kind in catalogue.derived]


def _hash(parts: Iterable[object]) -> str:
    return sha256(repr(list(parts)).encode()).hexdigest()[:16]
