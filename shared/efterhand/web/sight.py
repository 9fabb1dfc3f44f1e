"""What of persons a reader sees: the roots of a reach, turned into units by the tree of a day."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from efterhand.catalogue.units import UnitTree
from efterhand.web.rights import Principal, Reach, Right, roots


@dataclass(frozen=True)
class Sight:
    """The units in which a reader sees persons; None: in every unit, and where there is no unit."""

    units: frozenset[str] | None
    protected: frozenset[str] | None = frozenset()
    """Those in which also persons with a protected identity are seen, if they are among `units`."""
    borrowed: Mapping[str, str] = field(default_factory=dict)
    """Units that are seen for a while only, by the reason that was given for it."""

    def sees(self, unit: str | None, protected: bool = False) -> bool:
        """Tell whether a person is seen, in a unit (None: in none), with a protected identity or without."""
        in_reach = self.units is None or unit in self.units
        return in_reach and (not protected or self.protected is None or unit in self.protected)

    def within(self, units: frozenset[str]) -> "Sight":
        """Return what is left of it in some units."""
        return replace(self, units=units if self.units is None else self.units & units)


EVERYTHING: Final = Sight(None, None)
"""Whoever sees this sees everybody."""

NOTHING: Final = Sight(frozenset())
"""Nobody is seen."""


def sight_of(principal: Principal, right: Right, tree: UnitTree, day: date) -> Sight:
    """Return what a holder sees of persons by a right.

    Args:
        principal: the holder.
        right: by which persons are read.
        tree: of the units.
        day: on which the tree decides what lies below a grant's unit; the business date.
    """
    grants = list(principal.grants_with(right))
    own = units_of(roots(grant for grant in grants if grant.unit is None or grant.reason is None), tree, day)
    lent: dict[str, str] = {}
    for grant in grants:
        if grant.unit is not None and grant.reason is not None and own is not None:
            lent.update(dict.fromkeys(_below(tree, grant.unit, day) - own, grant.reason))
    return Sight(
        None if own is None else own | lent.keys(),
        units_of(principal.reach(Right.PROTECTED_READ), tree, day),
        lent,
    )


def units_of(reach: Reach, tree: UnitTree, day: date) -> frozenset[str] | None:
    """Return the units of a reach, those below its roots included; None: all."""
    return None if reach is None else frozenset[str]().union(*(_below(tree, root, day) for root in reach))


def _below(tree: UnitTree, unit: str, day: date) -> frozenset[str]:
    # A unit that the catalogue lacks is alone.
    return tree.below_on(unit, day) | {unit}
