"""Rows that are not as they should be, planted into any table."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Boolean, Column, Date, Engine, Integer, Numeric, Table, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

HOW: Final = ("wrong", "missing", "superfluous")


@contextmanager
def planted(engine: Engine, table: Table, statement: str) -> Iterator[None]:
    """Have one row of a table changed, taken away or added by a statement, and all as it was before afterwards."""
    name = _name(table)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE public.saved AS TABLE {name}"))
        assert connection.execute(text(statement)).rowcount == 1, statement
    yield
    with engine.begin() as connection:
        connection.execute(text(f"DELETE FROM {name}"))
        connection.execute(text(f"INSERT INTO {name} OVERRIDING SYSTEM VALUE SELECT * FROM public.saved"))
        connection.execute(text("DROP TABLE public.saved"))


def how_to_plant(table: Table, how: str, where: str = "true", columns: Collection[str] = ()) -> str:
    """Return the statement that changes one row of a table, takes it away, or puts a copy of it beside it.

    Args:
        table: that holds such a row.
        how: one of HOW.
        where: which row.
        columns: what is changed (by default the last one), or what the copy differs in (the first one).
    """
    name = _name(table)
    one = f"ctid = (SELECT ctid FROM {name} WHERE {where} ORDER BY ctid LIMIT 1)"
    every = list(table.columns)
    if how == "missing":
        return f"DELETE FROM {name} WHERE {one}"
    chosen = columns or [every[-1 if how == "wrong" else 0].name]
    if how == "wrong":
        changes = ", ".join(f'"{each}" = {_another(table.columns[each])}' for each in chosen)
        return f"UPDATE {name} SET {changes} WHERE {one}"
    names = ", ".join(f'"{each.name}"' for each in every)
    values = ", ".join(_another(each) if each.name in chosen else f'"{each.name}"' for each in every)
    return f"INSERT INTO {name} ({names}) SELECT {values} FROM {name} WHERE {one}"


def _name(table: Table) -> str:
    return f'{table.schema}."{table.name}"'


def _another(column: Column[Any]) -> str:
    """A value that a row does not have."""
    name = f'"{column.name}"'
    match column.type:
        case Boolean():
            return f"NOT coalesce({name}, false)"
        case Date():
            return f"coalesce({name}, date '2001-01-01') + 1"
        case Integer() | Numeric():
            return f"coalesce({name}, 0) + 1"
        case Uuid():
            return "gen_random_uuid()"
        case JSONB():
            return '\'{"x": "y"}\''
        case ARRAY():
            return "ARRAY['x']"
        case _:
            return f"coalesce({name}, '') || 'x'"
