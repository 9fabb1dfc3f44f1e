"""Lists in pages: `{"items": […], "next": cursor or null}`; the cursor is the sort key of the last item."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final

import orjson

from efterhand.web.problem import Problem, bad_request

DEFAULT_LIMIT: Final = 100
LARGEST_LIMIT: Final = 1000


def encode_cursor(key: Sequence[str | int]) -> str:
    """Return the cursor of a sort key of texts and whole numbers."""
    return base64.urlsafe_b64encode(orjson.dumps(list(key))).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, kinds: Sequence[type[str] | type[int]]) -> list[Any] | None:
    """Return the sort key that a cursor stands for, or None without one.

    Args:
        cursor: as given to the client before.
        kinds: what the parts of the key are.

    Raises:
        Problem: 400 `wrong_cursor`.
    """
    if not cursor:
        return None
    try:
        key = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        key = None
    if (
        not isinstance(key, list)
        or len(key) != len(kinds)
        or any(type(part) is not kind for part, kind in zip(key, kinds, strict=True))
        or any(isinstance(part, str) and "\0" in part for part in key)
        or any(isinstance(part, int) and abs(part) >= 2**63 for part in key)
    ):
        raise wrong_cursor()
    return key


def wrong_cursor() -> Problem:
    """Return what is answered to a cursor of another list, or of none."""
    return bad_request("wrong_cursor", "The cursor is not one that this list has given out.")


def page(items: Sequence[Any], next_cursor: str | None = None) -> dict[str, Any]:
    """Return the body of one page of a list."""
    return {"items": list(items), "next": next_cursor}
