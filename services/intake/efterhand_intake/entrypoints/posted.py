"""What was posted, read into candidates: content types, CloudEvents' binary mode, lists with days of receipt."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from efterhand.contracts import NotJson, parse_body, parse_event
from efterhand.contracts.faults import day_of
from efterhand.web.problem import Problem, bad_request
from efterhand_intake.domain.candidates import LARGEST_EVENT, Candidate

LARGEST_BODY: Final = 16 * 1024 * 1024
"""Bytes of one request."""
LONGEST_BATCH: Final = 10_000
"""Events of one request."""

_PLAIN: Final = b"application/json"
_STRUCTURED: Final = frozenset({"application/cloudevents+json", "application/cloudevents-batch+json"})
_KEPT_OF_A_BODY: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Posted:
    """What was posted: one event or a batch."""

    batch: bool
    candidates: Sequence[Candidate]


def read_events(
    headers: Mapping[bytes, bytes], body: bytes, may_write_source: Callable[[str], bool], sender: str
) -> Posted:
    """Read the events of a request.

    A body that is not JSON becomes one candidate that is refused for that.

    Args:
        headers: of the request, names in lower case.
        body: of the request.
        may_write_source: whether the sender may write a source.
        sender: the source that the sender's token is for, or "".

    Raises:
        Problem: 415 for another content type, 400 for an empty list, 413 for too long a one.
    """
    is_binary = _is_binary(headers)
    check_size = len(body) > LARGEST_EVENT
    try:
        if is_binary:
            items: Sequence[object] = [_from_binary(headers, body)]
            batch = False
        else:
            parsed = parse_body(body)
            items, batch = parsed.items, parsed.batch
    except NotJson as error:
        items, batch = [_whole(error, body)], False
    _check_length(batch, items)
    return Posted(
        batch,
        [Candidate(item, may_write_source=may_write_source, sender=sender, check_size=check_size) for item in items],
    )


def read_history(
    headers: Mapping[bytes, bytes], body: bytes, may_write_source: Callable[[str], bool], sender: str
) -> Posted:
    """Read events with the days that they count as received on: `{"event": …, "received": "YYYY-MM-DD"}`.

    What has another shape is judged as an event, and so refused with the reason. Otherwise as `read_events`.
    """
    if _is_binary(headers):
        raise _unsupported("Send application/json.")
    try:
        parsed = parse_body(body)
        items, batch = parsed.items, parsed.batch
    except NotJson as error:
        items, batch = (_whole(error, body),), False
    _check_length(batch, items)
    check_size = len(body) > LARGEST_EVENT
    candidates = []
    for item in items:
        candidate = Candidate(item, may_write_source=may_write_source, sender=sender, check_size=check_size)
        if isinstance(item, dict) and "event" in item and item.keys() <= {"event", "received"}:
            candidate.item = item["event"]
            if "received" in item:
                received = item["received"]
                candidate.received_on = day_of(received) if isinstance(received, str) else None
                candidate.received_is_wrong = candidate.received_on is None
        candidates.append(candidate)
    return Posted(batch, candidates)


def _is_binary(headers: Mapping[bytes, bytes]) -> bool:
    """Tell binary mode from structured mode. Raises Problem (415) for what is neither."""
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise _unsupported("Send the body as it is, without a content encoding.")
    content_type = headers.get(b"content-type", b"")
    has_attributes = b"ce-specversion" in headers or b"ce-id" in headers or b"ce-type" in headers
    if content_type == _PLAIN:
        return has_attributes
    media_type, charset = _media_type(content_type)
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise _unsupported("Send JSON in UTF-8.")
    if media_type in _STRUCTURED:
        return False
    if media_type == "application/json" or (has_attributes and not content_type):
        return has_attributes
    raise _unsupported(
        "Send application/json, application/cloudevents+json or application/cloudevents-batch+json; "
        "in binary mode, with ce- headers, application/json."
    )


def _media_type(content_type: bytes) -> tuple[str, str]:
    message = Message()
    message["content-type"] = content_type.decode("latin-1")
    media_type = message.get_content_type() if content_type else ""
    return media_type, str(message.get_param("charset") or "utf-8").lower()


def _from_binary(headers: Mapping[bytes, bytes], body: bytes) -> dict[str, Any]:
    event: dict[str, Any] = {}
    for name, value in headers.items():
        if name.startswith(b"ce-"):
            try:
                text = unquote_to_bytes(value).decode()
            except UnicodeDecodeError:
                raise NotJson("A ce- header is not percent-encoded UTF-8.") from None
            if "\0" in text:
                raise NotJson("A ce- header holds the character U+0000, which cannot be kept.")
            event[name[3:].decode("latin-1")] = text
    if b"content-type" in headers:
        event["datacontenttype"] = headers[b"content-type"].decode("latin-1")
    if body:
        event["data"] = parse_event(body)
    return event


def _check_length(batch: bool, items: Sequence[object]) -> None:
    if batch and not items:
        raise bad_request("empty_batch", "The list holds no event.")
    if len(items) > LONGEST_BATCH:
        raise Problem(
            413, "too_large", "The request is too large", f"A request takes {LONGEST_BATCH} events; send several."
        )


def _whole(error: NotJson, body: bytes) -> NotJson:
    return NotJson(error.message, body[:_KEPT_OF_A_BODY].decode("utf-8", "surrogateescape"))


def _unsupported(detail: str) -> Problem:
    return Problem(415, "unsupported_media_type", "This content type is not taken", detail)
