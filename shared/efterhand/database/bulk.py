"""Many rows in one statement: `INSERT … SELECT unnest(…)`, ten times as fast as a list of values."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import orjson
from sqlalchemy import ARRAY, JSON, Column, Connection, Row, Table
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

OnConflict = Literal["error", "ignore", "update"]

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]


class Outgoing(NamedTuple):
    """A record for a topic, before it has been published; `person` is there to be found by an erasure."""

    topic: str
    key: bytes | None
    value: bytes | None
    person: str | None = None


def put_outbox(connection: Connection, table: Table, rows: Sequence[Outgoing]) -> None:
    """Write records to a service's outbox in the caller's transaction; they are published in this order."""
    if rows:
        columns = ("topic", "key", "value", "person")
        connection.exec_driver_sql(
            _statement(table, columns, "error", ()), tuple(list(column) for column in zip(*rows, strict=True))
        )


def bulk_insert(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    on_conflict: OnConflict = "error",
    returning: Sequence[str] = (),
) -> Sequence[Row[Any]]:
    """Insert rows, of which all have the columns of the first, in one statement and in the caller's transaction.

    Values of JSON columns are plain Python values (SQL NULL for None); lists go into array columns. Sort the rows by
    key where several processes write the same ones, and give no key twice with "update".

    Args:
        connection: inside a transaction, which the caller commits.
        table: with its schema.
        rows: may be empty.
        on_conflict: "ignore" leaves out rows whose key is there already, "update" replaces the given columns of the
            row with the same primary key.
        returning: columns of the rows that were written.

    Returns:
        The columns asked for, one row for each row inserted or updated, in no certain order.
    """
    if not rows:
        return []
    names = tuple(rows[0])
    statement = _statement(table, names, on_conflict, tuple(returning))
    result = connection.exec_driver_sql(
        statement, tuple(_parameter(table.columns[name], [row[name] for row in rows]) for name in names)
    )
    return result.all() if returning else []


def _parameter(column: Column[Any], values: list[Any]) -> list[Any]:
    if isinstance(column.type, JSON | ARRAY):
        return [None if value is None else orjson.dumps(value).decode() for value in values]
    return values


@lru_cache(maxsize=512)
def _statement(table: Table, names: tuple[str, ...], on_conflict: OnConflict, returning: tuple[str, ...]) -> str:
    quote = _DIALECT.identifier_preparer.quote
    target = _DIALECT.identifier_preparer.format_table(table)
    columns = ", ".join(quote(name) for name in names)
    arrays = ", ".join(f"%b::{_sent_as(table.columns[name])}[]" for name in names)
    selected = ", ".join(_selected(table.columns[name], f"c{i}") for i, name in enumerate(names))
    aliases = ", ".join(f"c{i}" for i in range(len(names)))
    # Only quoted identifiers and type names of our own tables become text; every value is a parameter.
    statement = f"INSERT INTO {target} ({columns}) SELECT {selected} FROM unnest({arrays}) AS rows({aliases})"  # noqa: S608
    if on_conflict == "ignore":
        statement += " ON CONFLICT DO NOTHING"
    elif on_conflict == "update":
        key = [column.name for column in table.primary_key]
        changes = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in names if name not in key)
        action = f"UPDATE SET {changes}" if changes else "NOTHING"
        statement += f" ON CONFLICT ({', '.join(quote(name) for name in key)}) DO {action}"
    if returning:
        statement += " RETURNING " + ", ".join(quote(name) for name in returning)
    return statement


def _sent_as(column: Column[Any]) -> str:
    # Arrays of one parameter must have one length each, and psycopg would need a wrapper per JSON value: as text both.
    return "text" if isinstance(column.type, JSON | ARRAY) else column.type.compile(_DIALECT)


def _selected(column: Column[Any], alias: str) -> str:
    kind = column.type.compile(_DIALECT)
    if isinstance(column.type, JSON):
        return f"{alias}::{kind}"
    if isinstance(column.type, ARRAY):
        elements = f"ARRAY(SELECT jsonb_array_elements_text({alias}::jsonb))::{kind}"
        return f"CASE WHEN {alias} IS NOT NULL THEN {elements} END"
    return alias
