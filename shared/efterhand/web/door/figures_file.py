"""Figures as a file for a spreadsheet: what a page shows, as numbers."""

import csv
from collections.abc import Iterable, Sequence
from decimal import Decimal
from io import StringIO
from typing import Any, Final

from starlette.responses import Response

from efterhand.web.door.words import Words

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def as_file(words: Words, name: str, rows: Iterable[Sequence[Any]]) -> Response:
    """Return rows as a CSV file that a spreadsheet in the reader's language opens as it is.

    In Swedish semicolons stand between the fields and numbers have a decimal comma; in English comma and point. Texts
    are UTF-8 with a byte order mark. No text is taken for a formula.

    Args:
        words: the reader's language.
        name: of the file, without its ending.
        rows: texts, numbers (as Decimal or int) and None.
    """
    swedish = words.language == "sv"
    buffer = StringIO()
    writer = csv.writer(buffer, delimiter=";" if swedish else ",", lineterminator="\r\n")
    for row in rows:
        writer.writerow([_field(value, swedish) for value in row])
    headers = {
        "content-disposition": f'attachment; filename="{name}.csv"',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return Response(b"\xef\xbb\xbf" + buffer.getvalue().encode(), 200, headers, "text/csv; charset=utf-8")


def _field(value: Any, swedish: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal | int):
        written = format(value, "f") if isinstance(value, Decimal) else str(value)
        return written.replace(".", ",") if swedish else written
    return f"'{value}" if str(value).startswith(_FORMULAS) else str(value)
