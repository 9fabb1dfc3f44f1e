"""Look-ups as they are written: `{first: offer.made_on, same: case_id, from: enrolled_on, to: due}`."""

from collections.abc import Mapping
from typing import Final

from efterhand.catalogue.conditions import Bound, Find, Verb
from efterhand.catalogue.errors import nearest
from efterhand.catalogue.factkinds import FactKind
from efterhand.catalogue.grammar import conditions
from efterhand.catalogue.grammar.scope import Scope
from efterhand.catalogue.phrases import Phrase
from efterhand.catalogue.source import Place

_VERBS: Final = tuple(verb.value for verb in Verb if verb is not Verb.SOME)
_BOUNDS: Final = ("from", "after", "to", "before")
_REST: Final = ("same", "other", *_BOUNDS, "where")
REPLIES: Final = "check"
"""`same: check` takes the replies to the check itself."""


def parse_finds(place: Place | None, scope: Scope) -> Scope:
    """Read named look-ups, in order; return the scope with them.

    Raises:
        CatalogueError: a look-up is wrong, or has the name of a column.
    """
    for name, entry in place.mapping().items() if place is not None else ():
        if name in scope.columns or name in scope.days or name in ("counted", "outer"):
            entry.fail(f"the find '{name}' has the name of something else")
        scope = scope.with_find(name, parse_find(entry, scope))
    return scope


def parse_find(place: Place, scope: Scope) -> Find:
    """Read a look-up that is judged on the row of a scope.

    Raises:
        CatalogueError: a key, fact, column or day is unknown or does not fit.
    """
    entries = place.fields(optional=(*_VERBS, "day", *_REST))
    verbs = [verb for verb in _VERBS if verb in entries]
    if len(verbs) != 1:
        place.fail(f"a find needs exactly one of {', '.join(_VERBS)}")
    verb = Verb(verbs[0])
    named = entries[verb.value]
    fact, _, column = named.text().partition(".")
    kind = scope.words.fact(named, fact)
    if verb is Verb.AT:
        return _at(place, entries, kind, scope)
    if "day" in entries and not verb.gives_value:
        entries["day"].fail("'day' goes with 'at', count, sum, min and max")
    value = None
    day = kind.day
    if verb in (Verb.SUM, Verb.MIN, Verb.MAX):
        value = _value_column(named, kind, column, verb)
    elif verb in (Verb.FIRST, Verb.LAST, Verb.COUNT) and column:
        day = _day_column(named, kind, column)
    elif column:
        named.fail(f"'{verb.value}' looks up a row: write '{fact}'")
    if "day" in entries:
        day = _day_column(entries["day"], kind, entries["day"].text())
    if verb in (Verb.FIRST, Verb.LAST) and day is None:
        named.fail(f"{fact} has no day")
    return _rest(verb, kind, day, value, place, entries, scope)


def parse_some(place: Place, scope: Scope) -> Find:
    """Read what follows `some` or `none`: whether there is a row.

    Raises:
        CatalogueError: a key, fact, column or day is unknown or does not fit.
    """
    entries = place.fields(required=("in",), optional=_REST)
    fact, _, column = entries["in"].text().partition(".")
    kind = scope.words.fact(entries["in"], fact)
    day = _day_column(entries["in"], kind, column) if column else kind.day
    return _rest(Verb.SOME, kind, day, None, place, entries, scope)


def _at(place: Place, entries: Mapping[str, Place], kind: FactKind, scope: Scope) -> Find:
    if kind.shape not in ("month", "span"):
        entries["at"].fail(f"'at' looks up a month or a span; {kind.name} is kept by its day")
    if "." in entries["at"].text():
        entries["at"].fail(f"'at' looks up a row: write '{kind.name}'")
    if "day" not in entries:
        place.fail("'at' needs 'day': the day that is looked up")
    for key in _BOUNDS:
        if key in entries:
            entries[key].fail(f"'{key}' has no meaning beside 'at'")
    return _rest(Verb.AT, kind, kind.day, None, place, entries, scope, at=scope.phrase(entries["day"]))


def _rest(
    verb: Verb,
    kind: FactKind,
    day: str | None,
    value: str | None,
    place: Place,
    entries: Mapping[str, Place],
    scope: Scope,
    at: Phrase | None = None,
) -> Find:
    of_protocol = "anchor" in scope.days
    if kind.name == "check" and of_protocol:
        place.fail("a check cannot depend on checks")
    if not kind.has_table and not of_protocol:
        place.fail(f"indicators cannot look up {kind.name}: it is kept for checks only")
    lower, upper = _limit(place, entries, "from", "after", scope), _limit(place, entries, "to", "before", scope)
    if (lower or upper) and day is None:
        place.fail(f"{kind.name} has no day that could lie within bounds")
    replies = "same" in entries and entries["same"].value == REPLIES
    if replies and (kind.name != "reply" or "anchor" not in scope.days):
        entries["same"].fail("'check' is shared by the replies that a protocol takes")
    same = () if replies else _shared(entries.get("same"), kind, scope)
    if verb is Verb.THE and not (same or kind.shape == "one"):
        place.fail(f"'the' needs 'same': which {kind.name} is it?")
    return Find(
        verb=verb,
        fact=kind.name,
        day=day,
        value=value,
        at=at,
        same=same,
        other=_shared(entries.get("other"), kind, scope),
        replies=replies,
        lower=lower,
        upper=upper,
        where=conditions.parse_condition(entries["where"], scope.inside(kind)) if "where" in entries else None,
    )


def _day_column(place: Place, kind: FactKind, name: str) -> str:
    if name not in kind.days:
        place.fail(f"'{name}' is no day of {kind.name}; {nearest(name, kind.days)}")
    return name


def _value_column(place: Place, kind: FactKind, name: str, verb: Verb) -> str:
    types = ("int",) if verb is Verb.SUM else ("int", "date")
    fitting = [column for column, declared in kind.columns.items() if declared.name in types]
    if name not in fitting:
        place.fail(f"'{verb.value}' takes a column of {kind.name}; {nearest(name, fitting)}")
    return name


def _shared(place: Place | None, kind: FactKind, scope: Scope) -> tuple[str, ...]:
    if place is None:
        return ()
    shared = [name for name, column in scope.columns.items() if name in kind.columns and kind.columns[name] == column]
    if kind.name == "reply" and "anchor" in scope.days:
        shared.append(REPLIES)
    members = place.items() if isinstance(place.value, list) else [place]
    for member in members:
        if member.text() not in shared:
            place.fail(f"'{member.value}' is no column of both; {nearest(member.text(), shared)}")
    return tuple(member.text() for member in members)


def _limit(place: Place, entries: Mapping[str, Place], closed: str, opened: str, scope: Scope) -> Bound | None:
    if closed in entries and opened in entries:
        place.fail(f"'{closed}' and '{opened}' exclude each other")
    if closed in entries:
        return Bound(scope.phrase(entries[closed]))
    return Bound(scope.phrase(entries[opened]), open=True) if opened in entries else None
