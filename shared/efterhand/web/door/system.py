"""The state of the system: how far each service has come, and whether all three hold the same events."""

from collections.abc import Mapping
from typing import Any, Final

from efterhand.web.door.reading import SERVICES, Reply
from efterhand.web.door.replies import UNKNOWN
from efterhand.web.door.words import Words

_BACKLOG: Final = ("lag", "outbox", "dirty")
"""What is 0 in a service that has caught up."""


def system_table(words: Words, statuses: Mapping[str, Reply]) -> dict[str, Any]:
    """Return one row a service, and a sentence on whether they agree."""
    rows = [_row(words, statuses[service]) for service in SERVICES]
    unknown = any(value == UNKNOWN for row in rows for value in (*row["counts"], row["date"]))
    return {"rows": rows, "level": _level(words, statuses), "unknown": unknown}


def _row(words: Words, reply: Reply) -> dict[str, Any]:
    status = reply.body if reply.answered else {}
    counts = [status.get(name) for name in (*_BACKLOG, "parked")]
    return {
        "name": reply.service,
        "up": reply.answered,
        "state": _state(words, reply),
        "date": words.day(status["date"]) if status.get("date") else UNKNOWN,
        "counts": [UNKNOWN if count is None else words.number(count) for count in counts],
    }


def _state(words: Words, reply: Reply) -> str:
    text = words.text
    if not reply.answered:
        return text("svarar inte")
    # A service that can measure its lag at all and does not know it has lost sight of Kafka.
    if "lag" in reply.body and reply.body["lag"] is None:
        return text("når inte Kafka")
    return text("kommer ikapp") if any(reply.body.get(name) for name in _BACKLOG) else text("i nivå")


def _level(words: Words, statuses: Mapping[str, Reply]) -> str:
    text = words.text
    if not all(reply.answered for reply in statuses.values()):
        return text("Det går inte att säga om tjänsterna är i nivå: någon av dem svarar inte.")
    digests = [reply.body.get("digest") for reply in statuses.values()]
    if any(digest is None or digest != digests[0] for digest in digests):
        return text("Tjänsterna har inte samma händelser än. Det jämnar ut sig när de kommer ikapp.")
    return text("Alla tre tjänster har samma %(count)s händelser.", count=words.number(digests[0]["count"]))
