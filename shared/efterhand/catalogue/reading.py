"""What a definition reads: the kinds of facts on which it depends, and the protocols whose checks."""

from collections.abc import Iterable, Iterator
from typing import Final

from efterhand.catalogue.conditions import AllOf, AnyOf, Column, Condition, Exists, Find, Not, OneOf
from efterhand.catalogue.model import Indicator, Protocol

CHECK: Final = "check"


def kinds_read(indicator: Indicator) -> frozenset[str]:
    """Return the kinds of facts that decide an indicator's contributions; person and stay give the dimensions."""
    evidence = indicator.evidence
    conditions = [indicator.where, indicator.unless, indicator.reported, indicator.share]
    kinds = {"person", "stay", indicator.counts}
    if evidence is not None:
        conditions.append(evidence.where)
        kinds.update([evidence.fact] if evidence.fact else [])
    finds: Iterable[Find] = [*indicator.finds.values(), *look_ups(*conditions)]
    return frozenset(kinds.union(*(_kinds_of(find) for find in finds)))


def protocols_read(indicator: Indicator, known: Iterable[str]) -> frozenset[str]:
    """Return those of the known protocols whose checks an indicator may look at."""
    evidence = indicator.evidence
    judged = [indicator.where, indicator.unless, indicator.reported, indicator.share]
    judged += [] if evidence is None else [evidence.where]
    finds = [*indicator.finds.values(), *look_ups(*judged)]
    narrowed: list[Condition | None] = [indicator.where] if indicator.counts == CHECK else []
    narrowed += [evidence.where] if evidence is not None and evidence.fact == CHECK else []
    narrowed += [each.where for find in finds for each in _with_inner(find) if each.fact == CHECK]
    every = frozenset(known)
    return frozenset().union(*(every if (named := _protocols_named(where)) is None else named for where in narrowed))


def _with_inner(find: Find) -> Iterator[Find]:
    yield find
    for inner in look_ups(find.where):
        yield from _with_inner(inner)


def _protocols_named(where: Condition | None) -> frozenset[str] | None:
    """Return the protocols outside of which a condition on a check cannot hold; None: it does not tell."""
    match where:
        case OneOf(Column("protocol", ""), values):
            return frozenset(str(value) for value in values)
        case AllOf(parts):
            told = [named for part in parts if (named := _protocols_named(part)) is not None]
            return frozenset.intersection(*told) if told else None
        case AnyOf(parts):
            either = [_protocols_named(part) for part in parts]
            return None if None in either else frozenset().union(*(named for named in either if named is not None))
        case _:
            return None


def kinds_read_by_protocol(protocol: Protocol) -> frozenset[str]:
    """Return the kinds of facts that decide a protocol's checks."""
    finds = [*protocol.finds.values(), *protocol.met_by, *protocol.answered_by, *protocol.cancelled_by]
    read = (_kinds_of(find) for find in (*finds, *look_ups(protocol.where)))
    return frozenset({protocol.subject_fact}.union(*read))


def _kinds_of(find: Find) -> set[str]:
    return {find.fact}.union(*(_kinds_of(inner) for inner in look_ups(find.where)))


def look_ups(*conditions: Condition | None) -> Iterator[Find]:
    """Give the look-ups that conditions ask for, but not those inside of them."""
    for condition in conditions:
        match condition:
            case AllOf(parts) | AnyOf(parts):
                yield from look_ups(*parts)
            case Not(part):
                yield from look_ups(part)
            case Exists(find):
                yield find
            case _:
                pass
