"""Somebody answers a check: the answer becomes an event, which goes through the same door as every other."""

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, text

from efterhand.clock import end_of_day
from efterhand.dates import STOCKHOLM
from efterhand.web.problem import Problem, not_found
from efterhand.web.sight import Sight
from efterhand_followup.application.read_checks import read_check
from efterhand_followup.application.reading import context_with_date
from efterhand_followup.domain.standing import Row

SOURCE: Final = "/efterhand/followup"

_DECIDED_HERE: Final = ("person", "check", "subject")


def answer_event(
    connection: Connection,
    check_id: str,
    body: Mapping[str, Any],
    sight: Sight,
    manual_clock: bool,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> dict[str, Any]:
    """Return the event that says the answer; whether it is a right one is intake's to judge.

    Args:
        connection: to read the check and what is known of earlier answers.
        check_id: `<protocol>:<person>:<subject>`.
        body: on, response, occupation, same_field, method, as far as given.
        sight: what of persons the one who answers sees.
        manual_clock: whether the business date is moved by hand.
        now: the clock on the wall.

    Raises:
        Problem: 404, there is no such check (or it may not be seen); 422, the body says which check it is about.
    """
    check = read_check(connection, check_id, sight)
    if check is None:
        raise not_found("There is no such check.")
    if wrong := [name for name in _DECIDED_HERE if name in body]:
        raise Problem(
            422,
            "unknown_field",
            "The answer is not as documented",
            f"The path says which check is answered: leave out {', '.join(wrong)}.",
            {"field": wrong[0]},
        )
    _, business_date = context_with_date(connection)
    said_at = recorded_at(now(), business_date if manual_clock else None, _last_answer(connection, check))
    return {
        "specversion": "1.0",
        "id": uuid.uuid4().hex,
        "source": SOURCE,
        "type": "followup.answered",
        "time": said_at.isoformat(),
        "datacontenttype": "application/json",
        "data": {**body, "person": check["person"], "check": check["protocol"], "subject": check["subject"]},
    }


def recorded_at(now: datetime, manual_date: date | None, last_answer: datetime | None) -> datetime:
    """Return the instant at which an answer is said to have been recorded.

    Of several answers to a check the one recorded last says what was answered. So a new one is recorded after those
    that are there, also where the manual clock stands still; and never later than that clock's day.

    Args:
        now: the clock on the wall, with an offset.
        manual_date: the manual clock's date; None with the system's clock.
        last_answer: when the check's last answer was recorded.
    """
    if manual_date is None:
        said_at, latest = now, now + timedelta(minutes=5)
    else:
        said_at = datetime.combine(manual_date, now.astimezone(STOCKHOLM).time(), STOCKHOLM)
        latest = end_of_day(manual_date)
    if last_answer is not None:
        said_at = max(said_at, last_answer + timedelta(microseconds=1))
    return min(said_at, latest).astimezone(UTC)


def _last_answer(connection: Connection, check: Row) -> datetime | None:
    last: datetime | None = connection.execute(
        text(
            "SELECT max(time) FROM followup.event WHERE person = :person AND type = 'followup.answered'"
            " AND data->>'check' = :protocol AND data->>'subject' = :subject"
        ),
        {"person": check["person"], "protocol": check["protocol"], "subject": check["subject"]},
    ).scalar_one()
    return last
