"""What of an event is compared when the same identity comes again."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from efterhand.contracts.envelope import instant_of

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def canonical_content(event: dict[str, Any]) -> bytes:
    """Return bytes that are equal for two events exactly when they have the same content.

    The same content: equal as JSON values in specversion, id, source, type, dataschema and data (1 and 1.0 are equal,
    true and 1 are not, the order of keys does not matter), and in time as an instant to the microsecond. Other
    attributes are not compared.

    Args:
        event: an event in which `find_faults` finds nothing.

    Raises:
        ValueError: the event has no readable time.
    """
    time = instant_of(event.get("time"))
    if time is None:
        raise ValueError("the event has no readable time")
    return orjson.dumps(
        [
            event.get("specversion"),
            event.get("id"),
            event.get("source"),
            event.get("type"),
            (time - _EPOCH) // _MICROSECOND,
            event.get("dataschema"),
            _with_whole_numbers(event.get("data")),
        ],
        option=orjson.OPT_SORT_KEYS,
    )


def _with_whole_numbers(value: object) -> object:
    if isinstance(value, dict):
        return {key: _with_whole_numbers(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_with_whole_numbers(member) for member in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
