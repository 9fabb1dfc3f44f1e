"""Who is told what on which day, when what failed is tried again, and where messages may go."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efterhand.dates import is_working_day
from efterhand.web.rights import Grant, Principal, Right
from efterhand_followup.application.deliver import Pace
from efterhand_followup.domain.channels import may_chat_with, may_mail_to, may_post_to
from efterhand_followup.domain.digests import LONGEST_RETRY_SECONDS, Untold, gives_up, retry_after, share_out

MONDAY = date(2017, 12, 18)
DAYS = st.dates(MONDAY - timedelta(days=20), MONDAY + timedelta(days=20))
UNTOLD = st.lists(st.builds(Untold, DAYS, st.uuids().map(str), st.just("p1")), max_size=12, unique=True)


@settings(deadline=None)
@given(UNTOLD, st.integers(0, 25), st.integers(1, 4))
def test_each_notice_is_in_one_digest_of_a_working_day_on_which_it_may_be_told_or_waits(
    untold: list[Untold], length: int, most: int
) -> None:
    before, through = MONDAY - timedelta(days=1), MONDAY + timedelta(days=length - 1)
    shared = share_out(untold, before, through, most)
    told = [each for digest in shared.values() for each in digest]
    assert len(told) == len(set(told))
    for day, digest in shared.items():
        assert before < day <= through
        assert is_working_day(day)
        assert 0 < len(digest) <= most
        assert all(each.since <= day for each in digest)
    # What waits could be told on no day that had room.
    full = [day for day, digest in shared.items() if len(digest) == most]
    days = [before + timedelta(days=n) for n in range(1, (through - before).days + 1)]
    for each in set(untold) - set(told):
        assert all(day in full for day in days if is_working_day(day) and day >= each.since)


@settings(deadline=None)
@given(UNTOLD, st.lists(st.integers(1, 9), max_size=5), st.integers(1, 4))
def test_a_jump_of_many_days_makes_the_digests_that_day_by_day_would_have(
    untold: list[Untold], steps: list[int], most: int
) -> None:
    before = MONDAY - timedelta(days=1)
    through = before + timedelta(days=sum(steps))
    jumped = share_out(untold, before, through, most)
    by_steps: dict[date, list[Untold]] = {}
    left, day = list(untold), before
    for step in steps:
        some = share_out(left, day, day + timedelta(days=step), most)
        by_steps |= some
        left = [each for each in left if all(each not in digest for digest in some.values())]
        day += timedelta(days=step)
    assert by_steps == jumped


def test_nothing_is_told_between_friday_and_monday_and_around_christmas() -> None:
    friday = date(2017, 12, 22)
    untold = [Untold(friday + timedelta(days=n), f"n{n}", "p1") for n in range(1, 7)]
    assert {day: len(digest) for day, digest in share_out(untold, friday, date(2017, 12, 31)).items()} == {
        date(2017, 12, 27): 5,
        date(2017, 12, 28): 1,
    }


def test_the_wait_doubles_up_to_an_hour() -> None:
    waits = [retry_after(attempts, 60).total_seconds() for attempts in (1, 2, 3, 6, 7, 8, 1000)]
    assert waits == [60, 120, 240, 1920, 3600, 3600, LONGEST_RETRY_SECONDS]


def test_it_gives_up_after_the_days_it_is_told() -> None:
    began = datetime(2017, 3, 1, 7, tzinfo=UTC)
    assert not gives_up(began, began + timedelta(days=7, seconds=-1), 7)
    assert gives_up(began, began + timedelta(days=7), 7)


@pytest.mark.parametrize(
    ("today", "hour", "quiet", "through"),
    [
        (date(2017, 3, 1), 6, True, date(2017, 2, 28)),
        (date(2017, 3, 1), 7, False, date(2017, 3, 1)),
        (date(2017, 3, 4), 12, True, date(2017, 3, 4)),
        (date(2017, 12, 24), 12, True, date(2017, 12, 24)),
    ],
)
def test_by_the_systems_clock_staff_are_told_from_seven_on_working_days(
    today: date, hour: int, quiet: bool, through: date
) -> None:
    now = datetime(today.year, today.month, today.day, hour - 1, 30, tzinfo=UTC)  # Stockholm is an hour ahead.
    pace = Pace(manual=False, hour=7, retry_seconds=60, days=7)
    assert (pace.is_quiet(today, now), pace.through(today, now)) == (quiet, through)
    by_hand = Pace(manual=True, hour=7, retry_seconds=60, days=7)
    assert (by_hand.is_quiet(today, now), by_hand.through(today, now)) == (False, today)


def test_mail_goes_to_plain_addresses_in_the_domains_that_are_allowed() -> None:
    domains = ["stockholm.se"]
    allowed = ["eva@stockholm.se", "jobbtorg.kista@Stockholm.SE"]
    refused = [
        "eva@example.com",
        "eva@x.stockholm.se",
        "eva@stockholm.se.example.com",
        "Eva <eva@stockholm.se>",
        "eva@stockholm.se\r\nBcc: all@example.com",
        "a@b@stockholm.se",
        "eva@example.com,eva@stockholm.se",
        "",
    ]
    assert [each for each in allowed if not may_mail_to(each, domains)] == []
    assert [each for each in refused if may_mail_to(each, domains)] == []
    assert not may_mail_to("eva@stockholm.se", [])


def test_webhooks_go_to_the_hosts_that_are_allowed_encrypted() -> None:
    hosts = ["hooks.stockholm.se", "127.0.0.1:9"]
    allowed = ["https://hooks.stockholm.se/a?b=c", "HTTPS://Hooks.Stockholm.se/", "http://127.0.0.1:9/x"]
    refused = [
        "http://hooks.stockholm.se/",
        "https://hooks.stockholm.se:8443/",
        "https://hooks.stockholm.se@evil.example/",
        "https://user:word@hooks.stockholm.se/",
        "https://evil.example/hooks.stockholm.se",
        "https://hooks.stockholm.se\\@evil.example/",
        "https://hooks.stockholm.se\n/",
        "http://127.0.0.1:8/x",
        "http://169.254.169.254/",
        "https://[::1]/",
        "https://hooks.stockholm.se:port/",
        "file:///etc/passwd",
        "",
    ]
    assert [each for each in allowed if not may_post_to(each, hosts)] == []
    assert [each for each in refused if may_post_to(each, hosts)] == []


def test_chat_goes_to_the_services_that_are_allowed_and_to_no_host_but_those() -> None:
    services, hosts = ["slack", "mmosts"], ["chat.stockholm.se"]
    assert may_chat_with("slack://T1/B1/x", services, hosts, names_host=False)
    assert may_chat_with("mmosts://chat.stockholm.se/x", services, hosts, names_host=True)
    for refused, names_host in (
        ("discord://1/2", False),
        ("mmosts://evil.example/x", True),
        ("mmosts://localhost/x", True),
        ("mmosts://chat.stockholm.se@evil.example/x", True),
        ("mmosts://chat.stockholm.se/x?redirect=yes", True),
        ("slack://evil.example/B1/x", False),
        ("slack://T1/B1/x#y", False),
    ):
        assert not may_chat_with(refused, services, hosts, names_host=names_host), refused


def test_a_right_to_channels_of_a_unit_is_a_managers() -> None:
    roles = ("case_worker", "manager", "register_owner", "administrator", "analyst", "operator")
    held = {role: [right for right in Right if right.startswith("channels:") and _may(role, right)] for role in roles}
    assert held == {
        "case_worker": ["channels:set"],
        "manager": ["channels:set", "channels:unit"],
        "register_owner": ["channels:set", "channels:register"],
        "administrator": ["channels:set", "channels:unit", "channels:register"],
        "analyst": [],
        "operator": [],
    }


def _may(role: str, right: str) -> bool:
    return Principal("t", role, grants=(Grant(role),)).may(Right(right))
