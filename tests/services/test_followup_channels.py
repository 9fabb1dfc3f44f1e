"""Channels on a real PostgreSQL, a real mail server and a real HTTP host: nothing lost, nothing shown twice."""

import re
import threading
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from sqlalchemy.exc import DBAPIError
from standardwebhooks import Webhook, WebhookVerificationError

from efterhand.dates import is_working_day
from efterhand_followup.adapters.channel_keys import address_hash, webhook_key
from efterhand_followup.adapters.delivery_store import read_standings, try_again
from efterhand_followup.adapters.ways_out import make_ways_out
from efterhand_followup.adapters.webhook_sender import secret_of
from efterhand_followup.application.read_calendar import read_calendar
from efterhand_followup.application.set_channels import Setter, remove_channel
from efterhand_followup.domain.channels import Audience, Channel, Kind
from efterhand_followup.domain.digests import MOST_IN_A_DIGEST
from tests.services.channel_town import (
    DOOR,
    Channels,
    Crash,
    channels,
    mail,
    office,
    shown_by_mail,
    shown_by_webhook,
)
from tests.services.disposals import disposal
from tests.services.followup_town import SECRET, closed, days_between, enrolled, event, town
from tests.services.receivers import PostOffice

__all__ = ["channels", "mail", "office", "town"]

NOTICE = re.compile(r"#n-([0-9a-f]{24})")
START = date(2017, 1, 2)
FIRST = date(2017, 3, 3)
"""On which the first notice of an enrolment on START is open: thirty days before the ninetieth."""


def enrol(channels: Channels, *persons: str, **more: Any) -> None:
    channels.town.receive(*[enrolled(person, START, **more) for person in persons])
    channels.town.settle()


@pytest.fixture
def begun(channels: Channels) -> Channels:
    channels.move_to(START)
    enrol(channels, "p1", "p2")
    return channels


def test_a_mail_tells_counts_and_links_once_and_nothing_about_anybody(begun: Channels) -> None:
    begun.make(Kind.EMAIL)
    begun.move_to(FIRST)
    begun.rounds_later(hours=3)
    (mail,) = begun.mail.taken
    assert mail["message-id"] == f"<{0:016x}-20170303@town.test>"
    assert (mail["to"], mail["from"]) == ("north@town.test", "efterhand@town.test")
    assert mail["subject"] == "Att följa upp 3 mars 2017: nya 2, öppna 2"
    assert mail["auto-submitted"] == "auto-generated"
    plain, html = (mail.get_body((form,)) for form in ("plain", "html"))
    assert plain is not None
    assert html is not None
    for form in (plain.get_content(), html.get_content()):
        assert f"{DOOR}/uppfoljningar?unit=north" in form
        assert "Att göra, erbjudande inom 90 dagar: 2" in form
        for told in ("p1", "p2", "c1", "offer_90d"):
            assert told not in form.replace("text/plain", "")
    wanted = {begun.reference(f"offer_90d:{person}:c1/-30/2017-04-02") for person in ("p1", "p2")}
    assert [set(each) for each in shown_by_mail(begun.mail).values()] == [wanted]


def test_the_links_of_a_mail_lead_to_their_checks(begun: Channels) -> None:
    begun.make(Kind.EMAIL)
    begun.move_to(FIRST)
    known = {row["ref"]: row["check_id"] for row in begun.town.rows("reference")}
    assert set(known.values()) == {"offer_90d:p1:c1", "offer_90d:p2:c1"}
    text = str(begun.mail.taken[0].get_body(("plain",)).get_content())  # type: ignore[union-attr]
    assert all(f"{DOOR}/uppfoljningar/{ref}#n-" in text for ref in known)


def test_a_mail_in_english(begun: Channels) -> None:
    begun.make(Kind.EMAIL, language="en")
    begun.move_to(FIRST)
    (mail,) = begun.mail.taken
    assert mail["subject"] == "To follow up 3 March 2017: 2 new, 2 open"


def test_a_webhook_is_signed_as_standard_webhooks_has_it(begun: Channels) -> None:
    to = begun.make(Kind.WEBHOOK)
    # The reader takes signatures of these minutes only.
    begun.clock.now = datetime.now(UTC)
    begun.move_to(FIRST)
    (posted,) = begun.office.taken
    key = webhook_key(begun.tokens, to)
    said = Webhook(secret_of(key)).verify(posted.body, posted.headers)
    assert said["data"]["new"] == 2
    assert [(kind["group"], kind["protocol"], kind["new"]) for kind in said["data"]["kinds"]] == [
        ("todo", "offer_90d", 2)
    ]
    assert b"p1" not in posted.body
    assert b"c1/" not in posted.body
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of(key)).verify(posted.body.replace(b"2", b"3"), posted.headers)


def test_a_chat_message_tells_counts_and_one_link(begun: Channels) -> None:
    begun.make(Kind.CHAT)
    begun.move_to(FIRST)
    (posted,) = begun.office.taken
    assert posted.said["title"] == "Att följa upp 3 mars 2017"
    assert "Att göra, erbjudande inom 90 dagar: 2" in posted.said["message"]
    assert f"{DOOR}/uppfoljningar?unit=north#d-{0:016x}-20170303" in posted.said["message"]
    assert "p1" not in posted.body.decode()


def test_everybody_hears_what_is_theirs(channels: Channels) -> None:
    channels.move_to(START)
    enrol(channels, "p1", "p2")
    enrol(channels, "p3", unit="south")
    assigned = event("case.assigned", received=START, person="p1", case="c1", on=START, worker="w1")
    channels.town.receive(assigned, closed("p4", START), enrolled("p4", date(2016, 9, 1), received=START))
    channels.town.settle()
    worker = channels.make(Kind.WEBHOOK, Audience.WORKER, staff="w1")
    others = channels.make(Kind.WEBHOOK, Audience.WORKER, staff="w2")
    city = channels.make(Kind.WEBHOOK, Audience.UNIT, unit="city")
    manager = channels.make(Kind.WEBHOOK, Audience.MANAGER)
    register = channels.make(Kind.WEBHOOK, Audience.REGISTER)
    for day in (START, FIRST, date(2017, 3, 27), date(2017, 4, 3), date(2017, 9, 1), date(2017, 12, 29)):
        channels.move_to(day)
    heard: dict[str, set[str]] = {}
    for digest_id, refs in shown_by_webhook(channels.office).items():
        heard.setdefault(digest_id.split("-")[0], set()).update(refs)
    named = {channels.reference(row["id"]): row["id"] for row in channels.town.log()}
    told = {name: {named[ref] for ref in refs} for name, refs in heard.items()}
    assert others.id not in told
    assert told[worker.id] == {f"offer_90d:p1:c1/{step}/2017-04-02" for step in ("-30", "-7")}
    # The south comes under the north in June.
    assert told[manager.id] == {f"offer_90d:{person}:c1/+1/2017-04-02" for person in ("p1", "p2", "p3")}
    assert told[register.id] == {"register/2017-08"}
    assert {each.split(":")[1] for each in told[city.id]} >= {"p1", "p2", "p3"}
    assert not any("/+1/" in each for each in told[city.id] if each.startswith("offer_90d"))


def test_nothing_is_said_of_persons_with_a_protected_identity(begun: Channels) -> None:
    begun.make(Kind.WEBHOOK)
    hidden = event("person.protected", received=START, person="p2", protected=True, on=START)
    begun.town.receive(hidden)
    begun.move_to(FIRST)
    assert shown_by_webhook(begun.office) == {f"{0:016x}-20170303": [begun.reference("offer_90d:p1:c1/-30/2017-04-02")]}
    assert begun.office.taken[0].said["data"]["open"] == 1


def test_who_becomes_protected_before_a_repeat_is_not_in_it(begun: Channels) -> None:
    begun.make(Kind.WEBHOOK)
    begun.office.plan.set(["refuse"])
    begun.move_to(FIRST)
    begun.town.receive(event("person.protected", received=FIRST, person="p2", protected=True, on=START))
    begun.rounds_later(minutes=5)
    (posted,) = begun.office.taken
    assert posted.said["data"]["new"] == 1


def test_staff_are_told_on_working_days_only(begun: Channels) -> None:
    begun.make(Kind.WEBHOOK)
    for day in days_between(FIRST, date(2017, 4, 10)):
        begun.move_to(day)
    days = [posted.said["data"]["day"] for posted in begun.office.taken]
    # The second reminder's moment is a Sunday: it is sent on the Monday after. The day due is a Sunday too, and on the
    # Monday after that one the check is missed, which is the manager's to hear.
    assert days == ["2017-03-03", "2017-03-27"]


def test_a_jump_over_many_days_makes_the_digest_of_each(begun: Channels) -> None:
    begun.make(Kind.WEBHOOK)
    begun.town.receive(enrolled("p3", START + timedelta(days=20), received=START + timedelta(days=20)))
    begun.move_to(date(2017, 3, 24))
    assert [posted.said["data"]["day"] for posted in begun.office.taken] == ["2017-03-03", "2017-03-23"]


def test_what_is_too_much_for_one_digest_is_told_on_the_next_working_day(channels: Channels) -> None:
    channels.move_to(START)
    enrol(channels, *[f"p{n}" for n in range(MOST_IN_A_DIGEST + 3)])
    channels.make(Kind.WEBHOOK)
    channels.move_to(FIRST)
    channels.move_to(FIRST + timedelta(days=3))
    told = [(posted.said["data"]["day"], posted.said["data"]["new"]) for posted in channels.office.taken]
    assert told == [("2017-03-03", MOST_IN_A_DIGEST), ("2017-03-06", 3)]
    assert channels.office.taken[0].said["data"]["open"] == MOST_IN_A_DIGEST + 3


def test_a_mail_server_that_is_away_for_a_while_loses_nothing(begun: Channels) -> None:
    to = begun.make(Kind.EMAIL)
    begun.mail.stop()
    begun.move_to(FIRST)
    begun.rounds_later(minutes=2)
    begun.rounds_later(minutes=3)
    standing = standing_of(begun, to)
    assert (standing.waiting, standing.failed, standing.reason) == (1, 0, "no_answer")
    assert standing.failing_since is not None
    begun.mail.start()
    begun.rounds_later(hours=1)
    assert len(shown_by_mail(begun.mail)) == 1
    standing = standing_of(begun, to)
    assert (standing.waiting, standing.failing_since, standing.reason) == (0, None, None)
    assert standing.delivered_at is not None


def test_a_mail_server_that_fails_now_and_then_gets_every_mail_under_one_id(begun: Channels) -> None:
    to = begun.make(Kind.EMAIL)
    begun.mail.plan.set(["refuse", "take", "take_and_say_no", "take_and_say_no", "refuse"])
    for day in days_between(FIRST, date(2017, 4, 3)):
        begun.move_to(day)
        begun.rounds_later(minutes=2)
    begun.rounds_later(hours=2)
    assert_told(begun, to, shown_by_mail(begun.mail))
    assert len(begun.mail.taken) > len(shown_by_mail(begun.mail))


def test_a_webhook_that_fails_half_of_the_time_and_one_that_lies_lose_nothing(begun: Channels) -> None:
    to = begun.make(Kind.WEBHOOK)
    begun.office.plan.set(fate for fate, _ in zip(cycle(["refuse", "take", "take_and_say_no"]), range(9), strict=False))
    enrol(begun, *[f"q{n}" for n in range(20)])
    for day in days_between(FIRST, date(2017, 4, 5)):
        begun.move_to(day)
        begun.rounds_later(minutes=2)
    begun.rounds_later(hours=2)
    assert_told(begun, to, shown_by_webhook(begun.office))
    ids = [posted.headers["webhook-id"] for posted in begun.office.taken]
    assert len(ids) > len(set(ids))


def test_a_crash_between_sending_and_keeping_sends_again_under_the_same_id(begun: Channels) -> None:
    begun.make(Kind.WEBHOOK)
    begun.town.move_to(FIRST)
    begun.ways.crashes = 1
    with pytest.raises(Crash):
        begun.delivery.round()
    assert begun.states() == {f"{0:016x}-20170303": "waiting"}
    begun.delivery = begun.new_delivery()
    begun.rounds()
    assert len(begun.office.taken) == 1, "as long as whoever took it may live, nobody else sends it"
    begun.rounds_later(minutes=3)
    first, second = begun.office.taken
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.said == second.said
    assert set(begun.states().values()) == {"delivered"}


def test_two_processes_do_not_send_the_same(begun: Channels) -> None:
    for n in range(12):
        begun.make(Kind.EMAIL, target=f"u{n}@town.test")
    begun.town.move_to(FIRST)
    processes = [begun.new_delivery() for _ in range(2)]
    failures: list[Exception] = []

    def work(process: Any) -> None:
        try:
            while process.round():
                pass
        except Exception as error:  # noqa: BLE001 — told by the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(each,)) for each in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    begun.rounds()
    assert failures == []
    assert sorted(str(mail["to"]) for mail in begun.mail.taken) == sorted(f"u{n}@town.test" for n in range(12))


def test_what_was_withdrawn_before_it_could_be_delivered_is_not_told(begun: Channels) -> None:
    begun.make(Kind.WEBHOOK)
    begun.office.plan.set(["refuse"])
    begun.move_to(FIRST)
    begun.town.receive(event("offer.made", received=FIRST, person="p1", case="c1", on=FIRST, kind="job"))
    begun.rounds_later(minutes=5)
    begun.town.receive(event("offer.made", received=FIRST, person="p2", case="c1", on=FIRST, kind="job"))
    begun.move_to(date(2017, 4, 3))
    (posted,) = begun.office.taken
    assert shown_by_webhook(begun.office) == {
        posted.headers["webhook-id"]: [begun.reference("offer_90d:p2:c1/-30/2017-04-02")]
    }


@pytest.mark.parametrize("others", [True, False])
def test_what_was_left_out_because_it_was_withdrawn_is_told_when_it_is_open_again(
    begun: Channels, others: bool
) -> None:
    """Whether its digest was sent without it, or not at all because nothing else was in it."""
    to = begun.make(Kind.WEBHOOK)
    begun.office.plan.set(["refuse"])
    begun.move_to(FIRST)
    made = [
        event("offer.made", received=FIRST, person=person, case="c1", on=FIRST, kind="job", id_=f"offer-{person}")
        for person in (("p1",) if others else ("p1", "p2"))
    ]
    begun.town.receive(*made)
    begun.rounds_later(minutes=5)
    assert len(begun.office.taken) == (1 if others else 0)
    back = event("event.retracted", received=FIRST, person="p1", time="2017-03-03T09:00:00+01:00")
    back["data"]["retracts"] = {"source": "/tiny/a", "id": "offer-p1"}
    begun.town.receive(back)
    begun.move_to(date(2017, 3, 6))
    assert_told(begun, to, shown_by_webhook(begun.office))
    assert begun.reference("offer_90d:p1:c1/-30/2017-04-02") in str(shown_by_webhook(begun.office))


def test_a_digest_with_nothing_left_to_tell_is_not_sent(begun: Channels) -> None:
    begun.make(Kind.EMAIL)
    begun.mail.plan.set(["refuse"])
    begun.move_to(FIRST)
    for person in ("p1", "p2"):
        begun.town.receive(event("offer.made", received=FIRST, person=person, case="c1", on=FIRST, kind="job"))
    begun.rounds_later(minutes=5)
    assert begun.mail.taken == []
    assert set(begun.states().values()) == {"dropped"}


def test_after_some_days_it_is_not_tried_any_more_and_shows_until_somebody_lets_it_be_tried_again(
    begun: Channels,
) -> None:
    to = begun.make(Kind.WEBHOOK)
    begun.office.stop()
    begun.move_to(FIRST)
    for _ in range(8):
        begun.rounds_later(days=1)
    standing = standing_of(begun, to)
    assert (standing.waiting, standing.failed, standing.reason) == (0, 1, "no_answer")
    begun.office.start()
    begun.rounds_later(days=1)
    assert begun.office.taken == []
    with begun.town.engine.begin() as connection:
        assert try_again(connection, to.id, begun.clock.now) == 1
    begun.rounds()
    assert_told(begun, to, shown_by_webhook(begun.office))
    assert standing_of(begun, to).failed == 0


def test_the_database_may_be_away_between_sending_and_keeping(begun: Channels) -> None:
    begun.make(Kind.WEBHOOK)
    begun.town.move_to(FIRST)
    begun.town.do("ALTER TABLE followup.digest RENAME COLUMN settled_at TO gone")
    with pytest.raises(DBAPIError):
        begun.delivery.round()
    begun.town.do("ALTER TABLE followup.digest RENAME COLUMN gone TO settled_at")
    begun.rounds_later(minutes=3)
    assert len(shown_by_webhook(begun.office)) == 1


def test_an_erasure_takes_the_notices_of_the_person_along_also_from_what_waits(begun: Channels) -> None:
    begun.make(Kind.WEBHOOK)
    begun.office.plan.set(["refuse"])
    begun.move_to(FIRST)
    assert {row["person"] for row in begun.town.rows("delivery")} == {"p1", "p2"}
    begun.town.receive(event("person.erased", received=FIRST, person="p1"))
    for table in ("channel", "digest", "delivery"):
        assert "p1" not in str(begun.town.rows(table)), table
    begun.rounds_later(minutes=5)
    assert list(shown_by_webhook(begun.office).values()) == [[begun.reference("offer_90d:p2:c1/-30/2017-04-02")]]


def test_after_a_disposal_nobody_is_told_again(begun: Channels) -> None:
    begun.make(Kind.WEBHOOK)
    begun.move_to(date(2017, 4, 3))
    told = shown_by_webhook(begun.office)
    held = [row for row in begun.town.rows("event", "person, source, id") if row["person"] == "p1"]
    assert held != []
    begun.town.receive(disposal("p1", date(2017, 2, 1), [enrolled("p1", START)], SECRET))
    begun.move_to(date(2017, 4, 5))
    assert shown_by_webhook(begun.office) == told


def test_a_channel_that_is_taken_away_leaves_nothing(begun: Channels) -> None:
    to = begun.make(Kind.WEBHOOK)
    begun.office.plan.set(["refuse"])
    begun.move_to(FIRST)
    with begun.town.engine.begin() as connection:
        remove_channel(connection, Setter("t", None, None, True, True), to.id)
    begun.rounds_later(minutes=5)
    assert begun.office.taken == []
    assert [begun.town.rows(table) for table in ("channel", "digest", "delivery")] == [[], [], []]


def test_nothing_is_told_before_everybody_has_been_computed(begun: Channels) -> None:
    begun.make(Kind.WEBHOOK)
    begun.town.set_date(FIRST)
    begun.rounds()
    assert begun.office.taken == []
    begun.town.settle()
    begun.rounds()
    assert len(begun.office.taken) == 1


@pytest.mark.parametrize("kind", [Kind.WEBHOOK, Kind.CHAT])
def test_nobody_is_followed_to_another_host(begun: Channels, kind: Kind) -> None:
    to = begun.make(kind)
    another = PostOffice()
    another.start()
    begun.office.elsewhere = another.address
    begun.office.plan.set(["lead_away"])
    begun.move_to(FIRST)
    another.stop()
    assert another.taken == []
    assert standing_of(begun, to).reason == ("refused 307" if kind is Kind.WEBHOOK else "refused")
    begun.rounds_later(minutes=5)
    assert len(begun.office.taken) == 1


def test_what_is_not_allowed_any_more_is_not_sent(begun: Channels) -> None:
    for kind in (Kind.WEBHOOK, Kind.CHAT, Kind.EMAIL):
        begun.make(kind)
    closed_settings = begun.settings.model_copy(update={"channel_hosts": (), "mail_domains": ()})
    begun.ways.ways = make_ways_out(closed_settings, begun.town.catalogue, begun.tokens)
    begun.move_to(FIRST)
    assert (begun.office.taken, begun.mail.taken) == ([], [])
    assert {row["reason"] for row in begun.town.rows("digest")} == {"not_allowed"}
    begun.ways.ways.close()


def test_a_calendar_says_what_is_open_and_what_is_due_and_nothing_about_anybody(begun: Channels) -> None:
    to = begun.make(Kind.CALENDAR, address_hash=address_hash(begun.tokens, "the-key"))
    begun.move_to(FIRST)
    days = read_by_a_library(begun, "the-key")
    assert days == {
        f"{to.id}-open-20170303@efterhand": (FIRST, "Att följa upp: 2", 2),
        f"{to.id}-due-20170402@efterhand": (date(2017, 4, 2), "Ska vara gjorda: 2", 0),
    }
    begun.town.receive(event("offer.made", received=FIRST, person="p1", case="c1", on=FIRST, kind="job"))
    assert read_by_a_library(begun, "the-key") == {
        f"{to.id}-open-20170303@efterhand": (FIRST, "Att följa upp: 1", 1),
        f"{to.id}-due-20170402@efterhand": (date(2017, 4, 2), "Ska vara gjorda: 1", 0),
    }
    assert begun.town.rows("channel")[0]["read_at"] is not None
    assert begun.town.rows("digest") == []


def read_by_a_library(channels: Channels, key: str) -> dict[str, tuple[date, str, int]]:
    """UID → day, summary, and how many notices the links tell apart."""
    with channels.town.engine.begin() as connection:
        found = read_calendar(connection, channels.composing, key)
    assert found is not None
    said = channels.real_ways.rendering.calendar(*found, channels.clock.now)
    assert b"p1" not in said
    assert b"c1" not in said
    calendar = Calendar.from_ical(said)
    assert calendar.errors == []
    return {
        str(each["uid"]): (each["dtstart"].dt, str(each["summary"]), len(set(NOTICE.findall(str(each["description"])))))
        for each in calendar.walk("VEVENT")
    }


def test_a_calendar_without_its_key_is_none(begun: Channels) -> None:
    begun.make(Kind.CALENDAR, address_hash=address_hash(begun.tokens, "the-key"))
    with begun.town.engine.begin() as connection:
        assert read_calendar(connection, begun.composing, "another-key") is None


def standing_of(channels: Channels, to: Channel) -> Any:
    with channels.town.engine.connect() as connection:
        return read_standings(connection, [to.id])[to.id]


def assert_told(channels: Channels, to: Channel, shown: dict[str, list[str]]) -> None:
    """A reader who keeps the ids has seen every notice that is open, and none twice."""
    own = [ref for digest_id, refs in shown.items() if to.id in digest_id for ref in refs]
    assert len(own) == len(set(own)), "seen twice"
    missing = {each for each in channels.open_notices(to) if channels.reference(each) not in own}
    assert missing == set(), "never told"


FATES = st.lists(st.sampled_from(["take", "refuse", "take_and_say_no"]), max_size=12)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("days"), st.integers(1, 20)),
        st.tuples(st.just("minutes"), st.integers(1, 200)),
        st.tuples(st.just("enrol"), st.integers(0, 30)),
        st.tuples(st.just("offer"), st.integers(0, 6)),
        st.tuples(st.just("hide"), st.integers(0, 6)),
        st.tuples(st.just("erase"), st.integers(0, 6)),
        st.tuples(st.just("crash"), st.integers(1, 2)),
        st.tuples(st.just("another process"), st.just(0)),
        st.tuples(st.just("away"), st.just(0)),
        st.tuples(st.just("back"), st.just(0)),
    ),
    min_size=4,
    max_size=25,
)


@settings(
    max_examples=40,
    deadline=None,
    database=None,
    print_blob=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(by_mail=FATES, by_post=FATES, steps=STEPS)
def test_whatever_fails_in_whatever_order_each_channel_is_told_each_notice_and_no_withdrawn_one(
    channels: Channels, by_mail: list[Any], by_post: list[Any], steps: list[tuple[str, int]]
) -> None:
    """Under its id, at least once; by a reader who keeps the ids seen once."""
    channels.town.begin_again()
    channels.mail.stop()
    channels.office.stop()
    channels.mail.start()
    channels.office.start()
    channels.mail.taken.clear()
    channels.office.taken.clear()
    channels.mail.plan.set(by_mail)
    channels.office.plan.set(by_post)
    channels.ways.crashes = 0
    day = START
    channels.move_to(day)
    told = [
        channels.make(Kind.EMAIL),
        channels.make(Kind.WEBHOOK),
        channels.make(Kind.WEBHOOK, Audience.MANAGER, unit="city", target=channels.office.address + "/2"),
    ]
    people = 0
    seen_posts = 0
    for what, number in steps:
        person = f"p{number}"
        if what == "days":
            day += timedelta(days=number)
            channels.town.move_to(day)
        elif what == "minutes":
            channels.clock.forward(minutes=number)
        elif what == "enrol":
            channels.town.receive(enrolled(f"p{people}", day - timedelta(days=number + 55), received=day))
            people += 1
        elif what == "offer":
            on = day - timedelta(days=1)
            channels.town.receive(event("offer.made", received=day, person=person, case="c1", on=on, kind="job"))
        elif what == "hide":
            channels.town.receive(event("person.protected", received=day, person=person, protected=True, on=START))
        elif what == "erase":
            channels.town.receive(event("person.erased", received=day, person=person))
        elif what == "crash":
            channels.ways.crashes = number
        elif what == "another process":
            channels.delivery = channels.new_delivery()
        elif what == "away":
            channels.mail.stop()
            channels.office.stop()
        else:
            back(channels)
        channels.town.settle()
        channels.rounds()
        # What is sent now is open now.
        open_now = {channels.reference(each) for to in told for each in channels.open_notices(to)}
        for posted in channels.office.taken[seen_posts:]:
            assert {each["id"] for kind in posted.said["data"]["kinds"] for each in kind["notices"]} <= open_now
        seen_posts = len(channels.office.taken)
    back(channels)
    channels.ways.crashes = 0
    channels.mail.plan.set([])
    channels.office.plan.set([])
    day += timedelta(days=1)
    while not is_working_day(day):
        day += timedelta(days=1)
    channels.move_to(day)
    channels.rounds_later(hours=2)
    assert_told(channels, told[0], shown_by_mail(channels.mail))
    for to in told[1:]:
        assert_told(channels, to, shown_by_webhook(channels.office))
    assert set(channels.states().values()) <= {"delivered", "dropped"}


def back(channels: Channels) -> None:
    for server in (channels.mail, channels.office):
        server.stop()
        server.start()
