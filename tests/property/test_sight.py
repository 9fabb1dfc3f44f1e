"""Whom somebody sees, held against its definition: grants, units and days at random."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from efterhand.web.rights import ROLES, Grant, Principal, Right
from efterhand.web.sight import sight_of
from efterhand.web.tokens import Tokens, TooLong
from tests.property.product import catalogue

TREE = catalogue().units
UNITS = [*TREE.units, "nowhere"]
DAYS = [date(2017, 3, 31), date(2017, 4, 1), date(2017, 6, 1), date(2018, 1, 1)]
TOKENS = Tokens("5e" * 32)

held = st.builds(
    Grant,
    st.sampled_from(list(ROLES)),
    st.none() | st.sampled_from(UNITS),
    until=st.sampled_from([None, 1.0, 4e9]),
    reason=st.none() | st.just("Vikarie"),
)
grants = st.lists(held, min_size=1, max_size=4)


def gives(own: list[Grant], right: Right, unit: str | None, day: date) -> bool:
    """Whether one of the grants that hold gives the right in a unit: for all, or for it or one above it."""
    above = () if unit is None else TREE.ancestors_on(unit, day)
    return any(
        right in ROLES[grant.role] and grant.until != 1.0 and (grant.unit is None or grant.unit in above)
        for grant in own
    )


@given(grants, st.sampled_from([*UNITS, None]), st.booleans(), st.sampled_from(DAYS), st.sampled_from(list(Right)))
def test_a_person_is_seen_where_a_grant_gives_the_right_and_never_elsewhere(
    own: list[Grant], unit: str | None, protected: bool, day: date, right: Right
) -> None:
    sight = sight_of(Principal("1", own[0].role, grants=tuple(own)), right, TREE, day)
    expected = gives(own, right, unit, day) and (not protected or gives(own, Right.PROTECTED_READ, unit, day))
    assert sight.sees(unit, protected) == expected


@given(grants, st.sampled_from(DAYS))
def test_a_reason_is_asked_for_where_no_grant_without_one_gives_the_right_and_nowhere_else(
    own: list[Grant], day: date
) -> None:
    sight = sight_of(Principal("1", own[0].role, grants=tuple(own)), Right.CHECKS_READ, TREE, day)
    plain = [grant for grant in own if grant.reason is None]
    for unit in UNITS:
        needed = sight.units is not None and sight.sees(unit) and not gives(plain, Right.CHECKS_READ, unit, day)
        assert (unit in sight.borrowed) == needed


@given(grants, st.none() | st.text(min_size=1, max_size=50), st.none() | st.text(min_size=1, max_size=50))
def test_a_token_gives_back_the_grants_it_was_made_with(own: list[Grant], staff: str | None, name: str | None) -> None:
    token = TOKENS.issue(own[0].role, grants=own, staff=staff, name=name)
    holder = TOKENS.verify(token)
    assert (holder.grants, holder.staff, holder.name) == (tuple(own), staff, name)
    try:
        wider = TOKENS.verify(TOKENS.with_grant(token, Grant("manager", "north", reason="Vikarie")))
    except TooLong:
        return
    assert wider.token_id == holder.token_id
    assert wider.grants[:-1] == tuple(grant for grant in own if grant.until != 1.0)
