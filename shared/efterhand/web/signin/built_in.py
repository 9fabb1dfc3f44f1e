"""The users that can be chosen on loopback: one for each role, in a unit of the catalogue at hand."""

from dataclasses import dataclass

from efterhand.catalogue.units import UnitTree
from efterhand.web.rights import Grant
from efterhand.web.signin.staff import ROLES_OF_PEOPLE, ROLES_OF_UNITS

_EVERYWHERE = frozenset({"register_owner", "analyst", "case_analyst", "reviewer"})
"""Roles of units that the built-in user has for all of them."""


@dataclass(frozen=True)
class BuiltInUser:
    """Somebody whom whoever sits at the machine may be."""

    staff: str
    grant: Grant


def built_in_users(tree: UnitTree) -> tuple[BuiltInUser, ...]:
    """Return a user for each role of people; those for a unit have the first that nothing lies below."""
    parents = {edge.parent for edge in tree.edges}
    unit = next((each for each in tree.units if each not in parents), None)
    users = []
    for role in ROLES_OF_PEOPLE:
        own = unit if role in ROLES_OF_UNITS - _EVERYWHERE else None
        # The case worker is one of those whom the built-in histories assign cases to.
        staff = f"{own}-1" if role == "case_worker" else role.replace("_", "-")
        users.append(BuiltInUser(staff, Grant(role, own)))
    return tuple(users)
