"""The dated tree of units: city, area, jobbtorg."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise


@dataclass(frozen=True)
class Unit:
    """A place that handles cases."""

    id: str
    name: str


@dataclass(frozen=True)
class Edge:
    """`child` lies under `parent` from a day to a day, both included; no last day: still."""

    child: str
    parent: str
    from_on: date
    to_on: date | None = None


@dataclass(frozen=True)
class UnitTree:
    """All units and their dated edges."""

    units: dict[str, Unit]
    edges: tuple[Edge, ...]
    _edges_of: dict[str, tuple[Edge, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_child: dict[str, list[Edge]] = {}
        for edge in sorted(self.edges, key=lambda e: e.from_on):
            by_child.setdefault(edge.child, []).append(edge)
        object.__setattr__(self, "_edges_of", {child: tuple(edges) for child, edges in by_child.items()})

    def parent_on(self, unit: str, day: date) -> str | None:
        """Return the unit above on a day; without an edge that day, the one of the last edge before it."""
        begun = [edge for edge in self._edges_of.get(unit, ()) if edge.from_on <= day]
        return begun[-1].parent if begun else None

    def ancestors_on(self, unit: str, day: date) -> tuple[str, ...]:
        """Return the unit itself, the one above it, and so on up to the top, as the tree stands on a day."""
        path = [unit]
        while (parent := self.parent_on(path[-1], day)) is not None and parent not in path:
            path.append(parent)
        return tuple(path)

    def below_on(self, unit: str, day: date) -> frozenset[str]:
        """Return the unit itself and all units under it, as the tree stands on a day."""
        return frozenset(each for each in self.units if unit in self.ancestors_on(each, day))

    def change_days(self) -> tuple[date, ...]:
        """Return the days on which the tree takes another form, in order."""
        return tuple(sorted({edge.from_on for edge in self.edges}))


def overlapping_edges(edges: Iterable[Edge]) -> tuple[Edge, Edge] | None:
    """Return two edges of one child that hold on the same day, if there are any."""
    by_child: dict[str, list[Edge]] = {}
    for edge in sorted(edges, key=lambda e: e.from_on):
        by_child.setdefault(edge.child, []).append(edge)
    for own in by_child.values():
        for before, after in pairwise(own):
            if before.to_on is None or before.to_on >= after.from_on:
                return before, after
    return None
