"""How far feeds were known on earlier days: what the log says is what looking at every day says."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from efterhand.persons.watermarks import Watermark, through_by_feed
from efterhand_followup.domain.watermarks import WatermarkLog

FIRST = date(2017, 2, 25)
DAYS = tuple(FIRST + timedelta(days=ahead) for ahead in range(12))
FEEDS = ("cases", "answers")

watermarks = st.lists(
    st.builds(
        Watermark,
        feed=st.sampled_from(FEEDS),
        through=st.sampled_from(DAYS),
        rank=st.tuples(st.integers(0, 20)),
        received_on=st.sampled_from(DAYS),
    ),
    max_size=8,
    unique_by=lambda each: each.rank,
)


def through_on(received: list[Watermark], feed: str, day: date) -> date:
    """The watermark that holds by what had come until the end of the day; without one a feed is known for ever."""
    return through_by_feed(each for each in received if each.received_on <= day).get(feed, date.max)


@given(watermarks)
def test_how_far_a_feed_was_known_on_a_day_is_told_by_what_had_come_until_then(received: list[Watermark]) -> None:
    log = WatermarkLog(received)
    for day in (FIRST - timedelta(days=1), *DAYS):
        for feed in FEEDS:
            assert log.through_on(day).get(feed, date.max) == through_on(received, feed, day)


@given(watermarks, st.sampled_from(FEEDS), st.sampled_from(DAYS), st.sampled_from(DAYS), st.sampled_from(DAYS))
def test_the_next_turn_is_the_first_day_between_on_which_a_limit_came_to_be_known_or_no_longer_was(
    received: list[Watermark], feed: str, limit: date, after: date, before: date
) -> None:
    reached = through_on(received, feed, after) >= limit
    others = (day for day in DAYS if after < day < before and (through_on(received, feed, day) >= limit) != reached)
    assert WatermarkLog(received).next_turn(feed, limit, after, before) == next(others, None)
