"""Who reads the worklist or acts on it: what of persons is seen, and whose the acts are."""

from dataclasses import dataclass
from datetime import date

from efterhand.catalogue import Catalogue
from efterhand.web.sight import Sight
from efterhand_followup.application.reading import units_below


@dataclass(frozen=True)
class Viewer:
    """A reader of the worklist.

    Attributes:
        actor: whoever the acts are said to be by: undoing is for the same one.
        staff: the id by which cases name their workers; None: not known.
        sight: what of persons is seen on the business date.
    """

    actor: str
    staff: str | None
    sight: Sight

    def sight_in(self, catalogue: Catalogue, day: date, unit: str | None) -> Sight:
        """Return what is seen in a unit and those under it in the tree of a day; of no unit: everything seen."""
        return self.sight if unit is None else self.sight.within(units_below(catalogue, unit, day))
