"""Tokens: who holds one, what the holder may do, and what is no token."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efterhand.web.rights import ROLES, Grant, Principal, Right
from efterhand.web.tokens import InvalidToken, Tokens, TooLong

TOKENS = Tokens("5e" * 32)


def test_a_token_says_who_holds_it() -> None:
    principal = TOKENS.verify(TOKENS.issue("source", "/stockholm/flai"))
    assert (principal.role, principal.source) == ("source", "/stockholm/flai")


def test_a_token_carries_grants_and_who_holds_it() -> None:
    grants = (
        Grant("case_worker", "kista"),
        Grant("analyst"),
        Grant("case_worker", "farsta", until=4e9, reason="Vikarie"),
    )
    principal = TOKENS.verify(TOKENS.issue("case_worker", grants=grants, staff="hl-01", name="Öst 1"))
    assert (principal.grants, principal.staff, principal.name) == (grants, "hl-01", "Öst 1")


def test_a_token_with_a_role_alone_holds_everywhere() -> None:
    principal = TOKENS.verify(TOKENS.issue("manager"))
    assert principal.grants == (Grant("manager"),)
    assert principal.reach(Right.CHECKS_READ) is None
    assert principal.reach(Right.CASES_READ) == frozenset()


def test_a_right_reaches_the_units_of_every_grant_that_gives_it() -> None:
    principal = Principal("1", "case_worker", grants=(Grant("case_worker", "kista"), Grant("manager", "farsta")))
    assert principal.reach(Right.CHECKS_READ) == {"kista", "farsta"}
    assert principal.reach(Right.FIGURES_READ) == {"farsta"}
    whole = Principal("1", "manager", grants=(Grant("manager", "kista"), Grant("analyst")))
    assert whole.reach(Right.FIGURES_READ) is None


def test_a_grant_for_a_while_ends_by_itself() -> None:
    for until, reach in ((4e9, {"kista", "farsta"}), (1.0, {"kista"})):
        held = (Grant("case_worker", "kista"), Grant("case_worker", "farsta", until=until, reason="Vikarie"))
        assert Principal("1", "case_worker", grants=held).reach(Right.CHECKS_READ) == reach
    assert not Principal("1", "case_worker", grants=(Grant("case_worker", "kista", until=1.0),)).may(Right.CHECKS_READ)


def test_a_token_that_would_not_fit_into_a_cookie_is_not_made() -> None:
    with pytest.raises(TooLong):
        TOKENS.issue("case_worker", grants=[Grant("case_worker", f"jobbtorg-{number}") for number in range(100)])


def test_two_tokens_have_two_ids() -> None:
    assert TOKENS.verify(TOKENS.issue("analyst")).token_id != TOKENS.verify(TOKENS.issue("analyst")).token_id


def test_a_token_of_another_installation_is_not_valid() -> None:
    with pytest.raises(InvalidToken, match="signed"):
        TOKENS.verify(Tokens("aa" * 32).issue("administrator"))


def test_a_token_expires() -> None:
    assert TOKENS.verify(TOKENS.issue("analyst", valid_for=timedelta(hours=1)))
    with pytest.raises(InvalidToken, match="expired"):
        TOKENS.verify(TOKENS.issue("analyst", valid_for=timedelta(seconds=-1)))


def test_a_revoked_token_is_not_valid() -> None:
    token = TOKENS.issue("analyst")
    revoked = {TOKENS.verify(token).token_id}
    with pytest.raises(InvalidToken, match="revoked"):
        Tokens("5e" * 32, revoked.__contains__).verify(token)


@given(st.integers(min_value=0), st.characters())
def test_a_token_with_any_character_changed_is_not_valid(place: int, other: str) -> None:
    token = TOKENS.issue("analyst")
    place %= len(token)
    changed = token[:place] + other + token[place + 1 :]
    if changed != token:
        with pytest.raises(InvalidToken):
            TOKENS.verify(changed)


@given(st.text(max_size=200))
def test_no_text_makes_anything_but_an_invalid_token(text: str) -> None:
    for token in (text, f"eh1.{text}", f"eh1.{text}.{text}"):
        with pytest.raises(InvalidToken):
            TOKENS.verify(token)


def test_a_secret_is_needed() -> None:
    with pytest.raises(ValueError):
        Tokens("")


def test_an_administrator_may_everything_and_an_unknown_role_nothing() -> None:
    assert all(Principal("1", "administrator").may(right) for right in Right)
    assert not any(Principal("1", "somebody").may(right) for right in Right)


def test_only_an_administrator_loads_history_and_manages_tokens() -> None:
    for right in (Right.EVENTS_LOAD, Right.TOKENS_MANAGE, Right.REFUSED_RESEND):
        assert [role for role, rights in ROLES.items() if right in rights] == ["administrator"]


def test_only_a_named_role_sees_protected_persons_and_only_a_reviewer_who_saw_whom() -> None:
    for right, named in ((Right.PROTECTED_READ, "protected_officer"), (Right.LOG_READ, "reviewer")):
        assert [role for role, rights in ROLES.items() if right in rights] == ["administrator", named]


def test_an_integrator_has_the_sources_of_the_grants_and_of_the_token() -> None:
    held = (Grant("integrator", source="/a"), Grant("integrator", source="/b"))
    assert Principal("1", "integrator", grants=held).sources(Right.REFUSED_READ) == {"/a", "/b"}
    assert Principal("1", "integrator", "/a").sources(Right.REFUSED_READ) == {"/a"}
    assert Principal("1", "integrator").sources(Right.REFUSED_READ) is None
    assert Principal("1", "analyst").sources(Right.REFUSED_READ) == frozenset()


@pytest.mark.parametrize(
    ("role", "source", "written", "may"),
    [
        ("source", "/a", "/a", True),
        ("source", "/a", "/ab", False),
        ("source", None, "/a", False),
        ("service", None, "/efterhand/followup", True),
        ("service", None, "/efterhand", False),
        ("administrator", None, "/a", True),
        ("analyst", None, "/a", False),
    ],
)
def test_a_holder_writes_the_sources_that_are_its_own(role: str, source: str | None, written: str, may: bool) -> None:
    assert Principal("1", role, source).may_write(written) is may
