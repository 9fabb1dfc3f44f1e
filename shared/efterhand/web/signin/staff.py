"""Which groups of the provider may do what: the file `staff.yaml` of an installation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from efterhand.catalogue.errors import nearest
from efterhand.catalogue.source import Place, read_yaml
from efterhand.catalogue.units import UnitTree
from efterhand.web.rights import ROLES, Grant

ROLES_OF_PEOPLE: Final = tuple(role for role in ROLES if role not in ("source", "service"))
ROLES_OF_UNITS: Final = frozenset(
    {"case_worker", "manager", "register_owner", "protected_officer", "analyst", "case_analyst", "reviewer"}
)
"""Roles that may be given for a part of the unit tree."""


@dataclass(frozen=True)
class Groups:
    """The provider's groups, each with what its members may do where."""

    grants: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict)

    def grants_of(self, groups: Iterable[str]) -> tuple[Grant, ...]:
        """Return what a member of some groups may do; groups that the installation does not name give nothing."""
        held = [grant for group in groups for grant in self.grants.get(group, ())]
        # The first one says what the holder is called: what reaches furthest.
        return tuple(sorted(dict.fromkeys(held), key=lambda grant: grant.unit is not None))


def load_groups(path: Path, tree: UnitTree) -> Groups:
    """Read `staff.yaml`: `groups:` with a list of grants for each group, as `{role: manager, unit: north}`.

    Args:
        path: of the file.
        tree: whose units may be named.

    Raises:
        CatalogueError: with the file and line, and what is wrong there.
    """
    top = read_yaml(path).mapping()
    _only(top, {"groups"})
    if "groups" not in top:
        read_yaml(path).fail("'groups' is missing: which group of the provider may do what")
    return Groups(
        {
            group: tuple(_grant(each, tree) for each in grants.items())
            for group, grants in top["groups"].mapping().items()
        }
    )


def _grant(place: Place, tree: UnitTree) -> Grant:
    given = place.mapping()
    _only(given, {"role", "unit", "source"})
    if "role" not in given:
        place.fail("'role' is missing")
    role = _known(given["role"], ROLES_OF_PEOPLE, "role")
    unit = _known(given["unit"], tuple(tree.units), "unit") if "unit" in given else None
    if unit is not None and role not in ROLES_OF_UNITS:
        given["unit"].fail(f"the role {role} is for the whole installation and takes no unit")
    if "source" in given and role != "integrator":
        given["source"].fail(f"only an integrator has a source, not the role {role}")
    return Grant(role, unit, given["source"].text() if "source" in given else None)


def _known(place: Place, words: tuple[str, ...], what: str) -> str:
    said = place.text()
    if said not in words:
        place.fail(f"there is no {what} {said!r}; {nearest(said, words)}")
    return said


def _only(given: Mapping[str, Place], names: set[str]) -> None:
    for name, place in given.items():
        if name not in names:
            place.fail(f"{name!r} is not known here; known: {', '.join(sorted(names))}")
