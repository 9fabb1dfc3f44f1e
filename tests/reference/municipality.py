"""A tiny literal description of a municipality: its unit tree with dated edges, its groups of codes, its targets."""

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class Edge:
    """`child` lies under `parent` from one day to another, both included; no last day: it goes on."""

    child: str
    parent: str | None
    from_on: date
    to_on: date | None = None


@dataclass(frozen=True)
class Municipality:
    """What the rules need to know besides the events."""

    edges: tuple[Edge, ...] = ()
    livelihood: frozenset[str] = frozenset({"work", "studies", "self_employment"})
    neutral: frozenset[str] = frozenset({"referred_back", "moved", "deceased"})
    own: frozenset[str] = frozenset({"own"})
    """Funders: paid by the labour-market committee itself."""
    municipal: frozenset[str] = frozenset({"municipal"})
    """Providers: the city's own workplaces."""
    targets: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)
    """(indicator, year) to (target as a decimal text, "higher" or "lower": which is better)."""

    def parent_on(self, unit: str, day: date) -> str | None:
        """Where a unit lies on a day. Without an edge that day it keeps its last one before it."""
        before: list[Edge] = []
        for edge in self.edges:
            if edge.child != unit or edge.from_on > day:
                continue
            if edge.to_on is None or edge.to_on >= day:
                return edge.parent
            before.append(edge)
        if not before:
            return None
        last = before[0]
        for edge in before:
            if edge.to_on is not None and last.to_on is not None and edge.to_on > last.to_on:
                last = edge
        return last.parent

    def up_the_tree(self, unit: str, day: date) -> list[str]:
        """The unit itself and everything above it on a day."""
        above = [unit]
        parent = self.parent_on(unit, day)
        while parent is not None and parent not in above:
            above.append(parent)
            parent = self.parent_on(parent, day)
        return above
