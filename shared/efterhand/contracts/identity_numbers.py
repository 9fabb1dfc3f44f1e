"""Finds personal identity numbers and coordination numbers, and takes them out of what is kept or shown.

The rule: 6 or 8 digits that are YYMMDD, or 18, 19 or 20 and YYMMDD, with a month 01 to 12 and a day 01 to 31 (or 61 to
91, a coordination number), then nothing, `-` or `+`, then 4 digits of which the last is the Luhn check digit of the
ten, with neither a letter nor a digit on either side.
"""

import re
from typing import Final

import orjson

REPLACEMENT: Final = "[identity number]"
"""What stands where a number was taken out."""

# A quick look that is never wrong when it says no; most texts end here.
_PERHAPS_ASCII: Final = re.compile(r"[0-9]{6}(?:[0-9]{2})?[-+]?[0-9]{4}")
_PERHAPS_JSON: Final = re.compile(_PERHAPS_ASCII.pattern.encode())
_CANDIDATE: Final = re.compile(r"(?<!\d)(\d{6}|\d{8})[-+]?(\d{4})(?!\d)")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_NAMED_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LARGEST_EXACT_FLOAT: Final = 2.0**53


def contains_identity_number(value: object) -> bool:
    """Tell whether a JSON value holds a number at any depth, in texts, numbers and keys."""
    if not _is_worth_a_look(value):
        return False
    text = "\n".join(_texts(value))
    return _holds_one(text)


def identity_number_paths(value: object, path: str = "") -> list[str]:
    """Return where in a JSON value the numbers stand, as field paths such as `data.person`, in document order.

    A number in a key is told by the path of that key, with the number taken out.
    """
    found: dict[str, None] = {}
    pending: list[tuple[str, object]] = [(path, value)]
    while pending:
        where, current = pending.pop()
        if isinstance(current, dict):
            inner = [(join_path(where, key), key, member) for key, member in current.items()]
            found.update(dict.fromkeys(name for name, key, _ in inner if _holds_one(key)))
            pending.extend((name, member) for name, _, member in reversed(inner))
        elif isinstance(current, list):
            pending.extend((f"{where}[{index}]", current[index]) for index in range(len(current) - 1, -1, -1))
        elif any(_holds_one(text) for text in _scalar_texts(current)):
            found[where] = None
    return list(found)


def join_path(path: str, key: str) -> str:
    """Return the field path of a key inside `path`, short, printable and without an identity number."""
    shown = "".join(c if c.isprintable() else "?" for c in mask_identity_numbers(key)[:100])
    return f"{path}.{shown}" if path else shown


def mask_identity_numbers(text: str) -> str:
    """Return the text with every number replaced by `REPLACEMENT`."""
    return _CANDIDATE.sub(lambda match: REPLACEMENT if _is_one(match) else match.group(), text)


def masked(value: object) -> object:
    """Return a JSON value without the numbers: those in texts and keys are replaced, a number becomes a text.

    Keys that become equal are told apart by a count, so that nothing else is lost.
    """
    if isinstance(value, dict):
        result: dict[str, object] = {}
        for key, member in value.items():
            name = mask_identity_numbers(key)
            count = 2
            while name in result or (name != key and name in value):
                name = f"{mask_identity_numbers(key)} ({count})"
                count += 1
            result[name] = masked(member)
        return result
    if isinstance(value, list):
        return [masked(member) for member in value]
    if isinstance(value, str):
        return mask_identity_numbers(value)
    return REPLACEMENT if any(_holds_one(text) for text in _scalar_texts(value)) else value


def text_to_keep(raw: bytes) -> str:
    """Return what may be kept of a body that is not JSON: text that a database can hold, without the numbers.

    A number can hide behind JSON escapes or in a two-byte encoding; where it does, the readable form is what is kept.
    """
    text = raw.decode("utf-8", errors="replace").replace("\0", "")
    readable = _ESCAPE.sub(_unescaped, text).replace("\0", "")
    kept = mask_identity_numbers(readable) if _holds_one(readable) else mask_identity_numbers(text)
    return kept.encode("utf-8", errors="replace").decode("utf-8")


def _is_worth_a_look(value: object) -> bool:
    """Tell in two microseconds that a JSON value holds no number, which is so nearly always; True is no finding.

    Whatever stands together in a text, a key or a number stands together in the value's JSON too.
    """
    try:
        text = orjson.dumps(value)
    except TypeError:
        return True
    return not text.isascii() or _PERHAPS_JSON.search(text) is not None


def _holds_one(text: str) -> bool:
    if text.isascii() and _PERHAPS_ASCII.search(text) is None:
        return False
    return any(_is_one(match) for match in _CANDIDATE.finditer(text))


def _is_one(match: re.Match[str]) -> bool:
    text, start, end = match.string, match.start(), match.end()
    if (start and text[start - 1].isalpha()) or (end < len(text) and text[end].isalpha()):
        return False
    day_part, last_four = match.group(1), match.group(2)
    if len(day_part) == 8:
        if int(day_part[:2]) not in (18, 19, 20):
            return False
        day_part = day_part[2:]
    if not 1 <= int(day_part[2:4]) <= 12:
        return False
    day = int(day_part[4:])
    if not (1 <= day <= 31 or 61 <= day <= 91):
        return False
    total = 0
    for index, digit in enumerate(day_part + last_four):
        product = int(digit) * (2 - index % 2)
        total += product - 9 if product > 9 else product
    return total % 10 == 0


def _texts(value: object) -> list[str]:
    texts: list[str] = []
    pending = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, str):
            texts.append(current)
        elif isinstance(current, dict):
            texts.extend(current)
            pending.extend(current.values())
        elif isinstance(current, list):
            pending.extend(current)
        else:
            texts.extend(_scalar_texts(current))
    return texts


def _scalar_texts(value: object) -> tuple[str, ...]:
    """The texts in which a scalar could show a number; a decimal number as written and, if it is whole, without."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, int):
        # Longer ones have a digit on either side of any ten or twelve.
        return () if isinstance(value, bool) or abs(value) >= 10**12 else (str(value),)
    if isinstance(value, float):
        if value.is_integer() and abs(value) < _LARGEST_EXACT_FLOAT:
            return (str(int(value)), repr(value))
        return (repr(value),)
    return ()


def _unescaped(match: re.Match[str]) -> str:
    if match.group(1):
        return chr(int(match.group(1), 16))
    return _NAMED_ESCAPES.get(match.group(2), match.group(2))
