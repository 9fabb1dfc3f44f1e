"""Reads the text of events, strictly: what two readers could understand differently is not accepted.

The standard library's scanner with a hook for every object is the one path: it finds a key that occurs twice in 4
microseconds an event. A reader that is faster keeps the last of two keys without a word.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from efterhand.contracts.identity_numbers import mask_identity_numbers

MAX_DEPTH: Final = 32
"""Levels of objects and arrays; an event needs three."""

_HALF_OF_A_PAIR: Final = re.compile("[\ud800-\udfff]")
_PERHAPS_UNKEEPABLE: Final = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_BLANK: Final = " \t\n\r"


class NotJson(ValueError):
    """The text is not JSON that can be kept.

    `message` is a sentence for the sender, `text` the piece of a batch that it is about (None: the whole body). The
    text may hold anything: it must pass `text_to_keep` before it is kept or shown.
    """

    def __init__(self, message: str, text: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.text = text


@dataclass(frozen=True, slots=True)
class Body:
    """What was posted: one event or a batch. An item that cannot be read is a `NotJson` in its place."""

    batch: bool
    items: tuple[object, ...]


def parse_event(raw: bytes) -> object:
    """Read one JSON value from UTF-8 bytes.

    Numbers that are whole become int, as 1990.0 and 1990 are equal JSON values; so whatever reads on need not care.

    Raises:
        NotJson: bad JSON or UTF-8, a key twice in one object, NaN or Infinity, a number beyond 64 bits, half of a
            surrogate pair, the character U+0000 (valid JSON, but no database text can hold it, so that it could be
            kept neither as an event nor among what was refused), or more than `MAX_DEPTH` levels.
    """
    return _parse_text(_decode(raw))


def parse_body(raw: bytes) -> Body:
    """Read a posted body: one event, or an array in which each element is judged by itself.

    Raises:
        NotJson: the body as a whole cannot be read, so that it has no elements.
    """
    text = _decode(raw)
    try:
        value = _parse_text(text)
    except NotJson:
        if not text.lstrip(_BLANK).startswith("["):
            raise
        return Body(batch=True, items=tuple(_parse_element(element) for element in _split_array(text)))
    if isinstance(value, list):
        return Body(batch=True, items=tuple(value))
    return Body(batch=False, items=(value,))


def _decode(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJson(f"The text is not UTF-8: byte {error.start} does not fit. Send JSON in UTF-8.") from None
    return text.removeprefix("\ufeff")


def _parse_text(text: str) -> object:
    try:
        value: object = _STRICT.decode(text)
    except json.JSONDecodeError as error:
        raise NotJson(
            f"The text is not JSON: {error.msg} (line {error.lineno}, column {error.colno}). Correct it there."
        ) from None
    except RecursionError:
        raise _too_deep() from None
    # Fewer brackets than levels allowed is proof enough for nearly every event.
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise _too_deep()
    if _PERHAPS_UNKEEPABLE.search(text):
        for part in _strings(value):
            if "\0" in part:
                raise NotJson("A text holds the character U+0000, which cannot be kept. Leave it out.")
            if _HALF_OF_A_PAIR.search(part):
                raise NotJson("A text holds half of a surrogate pair, which is no character. Leave it out.")
    return value


def _parse_element(text: str) -> object:
    try:
        return _parse_text(text)
    except NotJson as error:
        return NotJson(error.message, text)


def _split_array(text: str) -> Iterator[str]:
    """The texts of an array's elements; NotJson where the array itself cannot be read."""
    position = _skip_blank(text, 0) + 1
    position = _skip_blank(text, position)
    if text[position : position + 1] != "]":
        while True:
            try:
                _, end = _LENIENT.raw_decode(text, position)
            except json.JSONDecodeError as error:
                raise NotJson(
                    f"The text is not JSON: {error.msg} (line {error.lineno}, column {error.colno}). Correct it there."
                ) from None
            except RecursionError:
                raise _too_deep() from None
            yield text[position:end]
            position = _skip_blank(text, end)
            mark = text[position : position + 1]
            if mark == "]":
                break
            if mark != ",":
                raise NotJson(f"The text is not JSON: a comma or a bracket is missing at character {position}.")
            position = _skip_blank(text, position + 1)
    if text[position + 1 :].strip(_BLANK):
        raise NotJson(f"The text is not JSON: there is more after the array, at character {position + 1}.")


def _skip_blank(text: str, position: int) -> int:
    while text[position : position + 1] and text[position] in _BLANK:
        position += 1
    return position


def _depth(value: object) -> int:
    depth = 0
    level = [value]
    while level := [inner for inner in level if isinstance(inner, dict | list)]:
        depth += 1
        level = [member for inner in level for member in (inner.values() if isinstance(inner, dict) else inner)]
    return depth


def _strings(value: object) -> Iterator[str]:
    pending = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, str):
            yield current
        elif isinstance(current, dict):
            yield from current
            pending.extend(current.values())
        elif isinstance(current, list):
            pending.extend(current)


def _too_deep() -> NotJson:
    return NotJson(f"The text has more than {MAX_DEPTH} levels of objects and arrays. An event needs three.")


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        shown = mask_identity_numbers(twice)[:60].encode("utf-8", errors="replace").decode()
        raise NotJson(f"The key {json.dumps(shown, ensure_ascii=False)} stands twice in one object. Keep one of them.")
    return result


def _integer(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= (number := int(digits)) < 2**64:
        raise NotJson("A whole number is beyond 64 bits, so that readers differ on it. Send it as a text.")
    return number


def _decimal(digits: str) -> float | int:
    number = float(digits)
    if abs(number) <= 2**53:
        return int(number) if number.is_integer() else number
    if number in (float("inf"), float("-inf")):
        raise NotJson("A number is too large to be read. Send it as a text.")
    return number


def _no_number(name: str) -> NoReturn:
    raise NotJson(f"{name} is not a number in JSON. Leave the field out where there is no value.")


_STRICT: Final = json.JSONDecoder(
    object_pairs_hook=_object_of, parse_int=_integer, parse_float=_decimal, parse_constant=_no_number
)
# Only to find where an element ends; the strict decoder judges it.
_LENIENT: Final = json.JSONDecoder(parse_int=str, parse_float=str)
