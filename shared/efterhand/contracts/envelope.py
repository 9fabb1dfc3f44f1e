"""The envelope of a CloudEvents 1.0 JSON event: what must hold for it whatever the type."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, TypeGuard

from efterhand.contracts import codes
from efterhand.contracts.identity_numbers import join_path

MAX_IDENTITY_BYTES: Final = 500
"""Bytes of an event's id, and of its source: together they are the key of an index, whose rows have a limit."""

_KNOWN: Final = frozenset(
    {"specversion", "id", "source", "type", "time", "datacontenttype", "dataschema", "subject", "data", "data_base64"}
)
# Intake itself puts it on an erasure that is published again; from outside it could erase someone else.
_OURS: Final = "personhash"
_EXTENSION_NAME: Final = re.compile(r"[a-z0-9]+")
# CloudEvents allows neither control characters nor what Unicode says is no character.
_NO_CHARACTER: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane * 0x10000 + last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)
_INSTANT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_JSON_TYPE: Final = re.compile(
    r"application/json(?:[ \t]*;[ \t]*[!#$%&'*+.^_`|~0-9a-z-]+=(?:[!#$%&'*+.^_`|~0-9a-z-]+|\"[^\"\\]*\"))*[ \t]*",
    re.IGNORECASE,
)
_SEGMENT: Final = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_HOST: Final = r"(?:\[[0-9A-Fa-fv.:~!$&'()*+,;=_-]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)"
# RFC 3986, URI-reference. A colon in the first segment of a relative path would make it a scheme.
_URI_REFERENCE: Final = re.compile(
    rf"(?:[A-Za-z][A-Za-z0-9+.-]*:)?"
    rf"(?://(?:{_SEGMENT}*@)?{_HOST}(?::[0-9]*)?(?:/{_SEGMENT}*)*|(?!//)(?:/|{_SEGMENT})*)"
    rf"(?:\?(?:{_SEGMENT}|[/?])*)?(?:#(?:{_SEGMENT}|[/?])*)?"
)
_COLON_FIRST: Final = re.compile(r"(?![A-Za-z][A-Za-z0-9+.-]*:)[^/?#]*:")

Report = Callable[[str, str | None, str], None]
"""Takes a code, a field and a sentence."""


def instant_of(text: object) -> datetime | None:
    """Read an RFC 3339 instant with an offset; digits finer than the microsecond are cut off.

    Returns:
        The instant in UTC; None where it is not a text, has no offset, is no real time (a leap second is none), or
        lies outside the years 1 to 9999 in UTC.
    """
    return _read_instant(text) if isinstance(text, str) else None


# An event's time is read when it is judged, when it is compared and when it is kept.
@lru_cache(maxsize=4096)
def _read_instant(text: str) -> datetime | None:
    match = _INSTANT.fullmatch(text)
    if match is None:
        return None
    day, clock, fraction, offset = match.groups()
    precise = f"{day}T{clock}.{(fraction or '')[:6]:0<6}{offset.upper()}"
    try:
        return datetime.fromisoformat(precise).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def judge_envelope(event: dict[str, Any], report: Report) -> datetime | None:
    """Report what is wrong with the envelope (everything but `type`'s and `dataschema`'s meaning, and `data`).

    `null` means that the attribute is not set, as CloudEvents has it.

    Returns:
        The instant of `time`; None where it is missing or cannot be read.
    """
    get = event.get
    if get("specversion") != "1.0":
        report(codes.NOT_CLOUDEVENTS, "specversion", 'specversion must be the text "1.0".')
    _judge_identity(get("id"), "id", report)
    if _judge_identity(source := get("source"), "source", report) and not is_uri_reference(source):
        report(
            codes.NOT_CLOUDEVENTS,
            "source",
            "source must be a URI reference such as /municipality/system; other characters are percent-encoded.",
        )
    if not is_attribute_text(get("type")):
        report(codes.NOT_CLOUDEVENTS, "type", "type must be a text that is not empty, such as case.closed.")
    instant = None
    if (time := get("time")) is None:
        report(codes.MISSING_FIELD, "time", "time is missing: say when the source recorded this, with an offset.")
    elif (instant := instant_of(time)) is None:
        report(
            codes.NOT_CLOUDEVENTS,
            "time",
            "time must be a real instant with an offset from UTC, such as 2017-03-01T09:12:00+01:00.",
        )
    if not _is_json_type(get("datacontenttype")):
        report(codes.NOT_CLOUDEVENTS, "datacontenttype", "datacontenttype must be application/json, or left out.")
    if (dataschema := get("dataschema")) is not None and not isinstance(dataschema, str):
        report(codes.NOT_CLOUDEVENTS, "dataschema", "dataschema must be a text, or left out.")
    if (subject := get("subject")) is not None and not is_attribute_text(subject):
        report(codes.NOT_CLOUDEVENTS, "subject", "subject must be a text that is not empty, or left out.")
    if get("data_base64") is not None:
        report(codes.NOT_CLOUDEVENTS, "data_base64", "The data must be a JSON object in data, not in data_base64.")
    for name in event.keys() - _KNOWN:
        _judge_extension(name, event[name], report)
    return instant


def is_attribute_text(value: object) -> TypeGuard[str]:
    """Tell whether a value is a non-empty text without control characters, as CloudEvents attributes are."""
    if not isinstance(value, str) or not value:
        return False
    return (value.isascii() and value.isprintable()) or _NO_CHARACTER.search(value) is None


def is_uri_reference(text: str) -> bool:
    """Tell whether a text is a URI-reference of RFC 3986."""
    return _URI_REFERENCE.fullmatch(text) is not None and _COLON_FIRST.match(text) is None


def _is_json_type(value: object) -> bool:
    if value is None or value == "application/json":
        return True
    return isinstance(value, str) and _JSON_TYPE.fullmatch(value) is not None


def _judge_identity(value: object, name: str, report: Report) -> TypeGuard[str]:
    """Whether the id or source is a text of a length that can be a key."""
    if not is_attribute_text(value):
        report(codes.NOT_CLOUDEVENTS, name, f"{name} must be a text that is not empty.")
        return False
    if len(value) * 4 > MAX_IDENTITY_BYTES and len(value.encode(errors="replace")) > MAX_IDENTITY_BYTES:
        report(codes.WRONG_VALUE, name, f"{name} must not be longer than {MAX_IDENTITY_BYTES} bytes.")
        return False
    return True


def _judge_extension(name: str, value: object, report: Report) -> None:
    field = join_path("", name)
    if not _EXTENSION_NAME.fullmatch(name):
        report(
            codes.NOT_CLOUDEVENTS,
            field,
            "Names of attributes consist of lower-case letters and digits; the fields of the type belong in data.",
        )
    elif name == _OURS:
        report(codes.WRONG_VALUE, field, "This attribute is set by intake alone. Leave it out.")
    elif value is None or isinstance(value, bool):
        return
    elif isinstance(value, str):
        if not (value.isascii() and value.isprintable()) and _NO_CHARACTER.search(value):
            report(codes.NOT_CLOUDEVENTS, field, "A text in the envelope must not hold control characters.")
    elif not isinstance(value, int | float) or value != value or not -(2**31) <= value < 2**31 or value % 1:
        report(
            codes.NOT_CLOUDEVENTS,
            field,
            "An extension attribute must be a text, true or false, or a whole number of 32 bits.",
        )
