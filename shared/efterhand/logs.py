"""Logs as JSON lines on stderr: what happened (`action`), where, and nothing about a person.

An error is told by its kind and by the places in the code that it went through, not by its message: the messages of
databases, parsers and validators repeat the values they are about.
"""

import logging
import sys
import time
import traceback
from threading import Lock
from types import TracebackType
from typing import Any, Final

import orjson
import structlog
from sqlalchemy.exc import DBAPIError
from structlog.typing import EventDict, Processor, WrappedLogger

# Below this level these libraries repeat what they send and receive, or say what only their authors understand.
_LEVELS: Final = {
    "kafka": logging.WARNING,
    "aiokafka": logging.WARNING,
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    "asyncio": logging.WARNING,
    "alembic": logging.WARNING,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "uvicorn.access": logging.WARNING,
}


def configure_logs(process: str, *, persons: bool = False, level: int = logging.INFO) -> None:
    """Make every log of this process, also of the libraries, a JSON line on stderr, at a bounded rate.

    Args:
        process: name of the process, e.g. `followup-worker`; stands in every line.
        persons: whether the pseudonym of a person (`person=…`) is written; it is left out otherwise.
        level: the least level that is written.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _Named(process),
        _describe_error,
    ]
    if not persons:
        shared.append(_without_person)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(RateLimit())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _render],
            keep_exc_info=False,
            keep_stack_info=False,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in _LEVELS.items():
        logging.getLogger(name).setLevel(max(least, level))
    logging.captureWarnings(capture=True)


class RateLimit(logging.Filter):
    """Lets the same thing be said a few times in a while, and then how often it was silenced.

    While a broker is away its clients say so eighty times a second.
    """

    def __init__(self, same: int = 5, logger: int = 50, seconds: float = 30.0) -> None:
        """In any `seconds`, let through `same` lines that say the same, and `logger` lines of one logger."""
        super().__init__()
        self._same = same
        self._logger = logger
        self._seconds = seconds
        self._lock = Lock()
        self._since = time.monotonic()
        self._counts: dict[tuple[str, str], int] = {}
        self._silenced = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record is to be written."""
        # Lines of structlog carry a dictionary; the libraries' carry a template, which is the same whatever fills it.
        content: object = record.msg
        if isinstance(content, dict):
            if record.levelno < logging.WARNING:
                return True
            said = f"{content.get('action')} {content.get('event')}"
        else:
            said = str(content)
        with self._lock:
            now = time.monotonic()
            if now - self._since >= self._seconds:
                self._since = now
                self._counts.clear()
            let_through = self._count(record.name, said) <= self._same and self._count(record.name, "") <= self._logger
            if not let_through:
                self._silenced += 1
                return False
            silenced, self._silenced = self._silenced, 0
        if silenced:
            record.silenced = silenced
        return True

    def _count(self, name: str, said: str) -> int:
        count = self._counts.get((name, said), 0) + 1
        self._counts[name, said] = count
        return count


class _Named:
    def __init__(self, process: str) -> None:
        self._process = process

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = self._process
        record = event.get("_record")
        if record is not None and hasattr(record, "silenced"):
            event["silenced"] = record.silenced
        return event


def _without_person(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event.pop("person", None)
    return event


def _describe_error(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    error = raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        event["error"] = _kind(error)
        event["at"] = _places(error.__traceback__)
        if error.__cause__ is not None:
            event["cause"] = _kind(error.__cause__)
    return event


def describe(error: BaseException) -> str:
    """Say what an error is in words that repeat no value: its kind, PostgreSQL's code, what the network said."""
    return _kind(error)


def _kind(error: BaseException) -> str:
    kind = type(error).__name__
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        return f"{kind} ({type(error.orig).__name__}{f', {state}' if state else ''})"
    if isinstance(error, OSError) and error.strerror:
        return f"{kind} ({error.strerror})"
    return kind


def _places(trace: TracebackType | None) -> list[str]:
    return [
        f"{frame.filename.rpartition('/site-packages/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(trace)[-12:]
    ]


def _render(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return orjson.dumps(dict(event), default=_text).decode()


def _text(value: Any) -> str:
    return str(value)
