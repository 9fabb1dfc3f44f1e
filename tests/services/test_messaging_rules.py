"""What needs no server: where reading starts, what a log line tells, what is said about an error."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from sqlalchemy.exc import IntegrityError

from efterhand.logs import RateLimit, configure_logs, describe
from efterhand.messaging.parking import person_of, reason_for
from efterhand.messaging.positions import Position, Reason, Start, decide_start, unread
from efterhand.messaging.records import Unreadable
from efterhand.messaging.topics import Span, TopicState

Written = Callable[[], list[dict[str, Any]]]


@pytest.mark.parametrize(
    ("stored", "expected", "reason"),
    [
        (None, 20, Reason.NEW_PARTITION),
        (Position("a", 20), 20, Reason.STORED),
        (Position("a", 35), 35, Reason.STORED),
        (Position("a", 50), 50, Reason.STORED),
        (Position("a", 19), 20, Reason.LOG_BEGINS_LATER),
        (Position("a", 51), 20, Reason.LOG_ENDS_EARLIER),
        (Position("b", 35), 20, Reason.TOPIC_CREATED_ANEW),
        (Position("b", 0), 20, Reason.TOPIC_CREATED_ANEW),
    ],
)
def test_reading_starts_at_the_stored_position_or_at_the_beginning(
    stored: Position | None, expected: int, reason: Reason
) -> None:
    assert decide_start(stored, "a", Span(20, 50)) == Start(Position("a", expected), reason)


def test_a_position_that_does_not_fit_counts_as_nothing_read() -> None:
    state = TopicState("a", {0: Span(0, 10), 1: Span(5, 10), 2: Span(0, 10), 3: Span(0, 0)})
    stored = {0: Position("a", 4), 1: Position("a", 2), 2: Position("b", 10)}
    assert unread(stored, state) == {0: 6, 1: 5, 2: 10, 3: 0}


def test_a_key_names_a_person_only_when_it_is_a_text() -> None:
    assert person_of(b"p-1") == "p-1"
    assert [person_of(key) for key in (None, b"", b"\xff", b"p\0")] == [None] * 4


def test_the_reason_for_parking_is_one_short_line() -> None:
    assert reason_for(Unreadable("not JSON")) == "not JSON"
    assert reason_for(ValueError("a\nb")) == "ValueError: a"
    assert len(reason_for(ValueError("\0" * 10 + "x" * 10_000))) == 500


def test_an_error_is_told_without_the_values_it_is_about() -> None:
    class Duplicate(Exception):
        sqlstate = "23505"

    error = IntegrityError("INSERT", {"person": "p-secret"}, Duplicate("Key (person)=(p-secret) already exists"))
    assert describe(error) == "IntegrityError (Duplicate, 23505)"
    assert describe(OSError(28, "No space left on device")) == "OSError (No space left on device)"
    assert describe(ValueError("p-secret")) == "ValueError"


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Written]:
    """Returns the lines written to stderr so far; afterwards logging is as it was."""
    root = logging.getLogger()
    handlers, level, configured = root.handlers[:], root.level, structlog.get_config()
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.configure(**configured)


def test_a_line_is_json_without_the_person(written: Written) -> None:
    configure_logs("followup-worker")
    structlog.get_logger("efterhand.x").info("settled", action="check_settled", person="p-secret", count=3)
    (line,) = written()
    assert line["action"] == "check_settled"
    assert line["process"] == "followup-worker"
    assert line["count"] == 3
    assert "p-secret" not in str(line)


def test_the_person_is_written_when_that_is_asked_for(written: Written) -> None:
    configure_logs("followup-worker", persons=True)
    structlog.get_logger("efterhand.y").info("settled", action="check_settled", person="p-1")
    assert written()[0]["person"] == "p-1"


def test_an_exception_is_written_without_its_message(written: Written) -> None:
    configure_logs("followup-worker")
    try:
        raise KeyError("p-secret")
    except KeyError:
        structlog.get_logger("efterhand.z").exception("failed", action="batch_failed")
        logging.getLogger("some.library").exception("failed")
    lines = written()
    assert [line["error"] for line in lines] == ["KeyError", "KeyError"]
    assert "p-secret" not in str(lines)
    assert "test_messaging_rules.py" in lines[0]["at"][-1]


def test_what_is_said_again_and_again_is_silenced_and_counted(written: Written) -> None:
    configure_logs("followup-worker")
    for number in range(1000):
        logging.getLogger("aiokafka").error("broker %d is away", number)
    logging.getLogger("aiokafka").error("something else")
    lines = written()
    assert [line["event"] for line in lines] == [
        *(f"broker {number} is away" for number in range(5)),
        "something else",
    ]
    assert lines[-1]["silenced"] == 995


def test_a_logger_that_always_says_something_new_is_silenced_too() -> None:
    limit = RateLimit()
    records = [logging.LogRecord("faust", logging.ERROR, "", 0, f"new {n}", None, None) for n in range(1000)]
    assert sum(map(limit.filter, records)) == 50
