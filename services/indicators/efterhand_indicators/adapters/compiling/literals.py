"""Constants of a definition, written into the statement: its plan can then be made once and for all."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import Column as SqlColumn
from sqlalchemy import ColumnElement, Date, FromClause, Integer, Text, cast, literal_column, null, values
from sqlalchemy.types import Boolean, TypeEngine

from efterhand.catalogue.conditions import Value

FOR_EVER: Final = date(9999, 12, 31)
"""The last day of what goes on."""


class Uncompilable(ValueError):
    """A definition asks for what cannot be counted from the stored facts; the sentence says what."""


def text_constant(text: str) -> ColumnElement[Any]:
    """Return a text as a literal of the statement.

    Raises:
        Uncompilable: it holds a backslash or a zero, which no code may have.
    """
    if "\\" in text or "\0" in text:
        raise Uncompilable(f"{text!r} holds a character that no code may have")
    return literal_column("'" + text.replace("'", "''") + "'", Text)


def constant(value: Value) -> ColumnElement[Any]:
    """Return a value as a literal of the statement."""
    match value:
        case bool():
            return literal_column("true" if value else "false", Boolean)
        case int():
            return literal_column(str(value), Integer)
        case date():
            return literal_column(f"DATE '{value.isoformat()}'", Date)
        case str():
            return text_constant(value)


def unknown(kind: type[TypeEngine[Any]] | TypeEngine[Any]) -> ColumnElement[Any]:
    """Return the unknown value of a type."""
    return cast(null(), kind)


def whole(number: int | None) -> ColumnElement[Any]:
    """Return a whole number, or the unknown one."""
    return unknown(Integer) if number is None else constant(number)


def text_or_unknown(text: str | None) -> ColumnElement[Any]:
    """Return a text, or the unknown one."""
    return unknown(Text) if text is None else text_constant(text)


def one_row(name: str, columns: Mapping[str, tuple[type[Any], ColumnElement[Any]]]) -> FromClause:
    """Return a row of computed values by name and type, so that the statement says how they come about once.

    Its columns are called `<name>_<column>`.
    """
    row = values(*(SqlColumn(f"{name}_{column}", kind) for column, (kind, _) in columns.items()))
    return row.data([tuple(value for _, value in columns.values())]).lateral(name)
