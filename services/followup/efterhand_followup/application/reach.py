"""Who reads or acts: which units are in reach, whether protected persons are seen, and whose the acts are."""

from dataclasses import dataclass
from datetime import date

from efterhand.catalogue import Catalogue
from efterhand_followup.application.reading import units_below


@dataclass(frozen=True)
class Viewer:
    """A reader of the worklist.

    Attributes:
        actor: whoever the acts are said to be by: undoing is for the same one.
        staff: the id by which cases name their workers; None: not known.
        reach: the units whose checks are in reach, with those under them; None: everywhere.
        sees_protected: whether checks about protected persons are seen.
    """

    actor: str
    staff: str | None
    reach: frozenset[str] | None
    sees_protected: bool

    def units_on(self, catalogue: Catalogue, day: date, unit: str | None = None) -> frozenset[str] | None:
        """Return the units in reach in the tree of a day, or those of them at or under one unit; None: all."""
        chosen = None if unit is None else units_below(catalogue, unit, day)
        if self.reach is None:
            return chosen
        within = frozenset[str]().union(*(units_below(catalogue, each, day) for each in self.reach))
        return within if chosen is None else within & chosen
