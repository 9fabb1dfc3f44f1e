"""What a command prints: a table for people, JSON or CSV for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import click
import orjson

Form = Literal["table", "json", "csv"]
Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    """The option `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")(command)


def form_options(command: Command) -> Command:
    """The options `--json` and `--csv`."""
    command = click.option("--csv", "form", flag_value="csv", help="CSV on stdout.")(command)
    return click.option("--json", "form", flag_value="json", help="JSON on stdout.")(command)


def print_json(value: object) -> None:
    """Print a value as JSON."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def tell(sentence: str) -> None:
    """Say something to the person at the terminal, on stderr."""
    click.echo(sentence, err=True)


def print_rows(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], form: Form | None) -> None:
    """Print rows in the form asked for; a table and CSV have the columns named, JSON has everything."""
    rows = list(rows)
    if form == "json":
        print_json(rows)
        return
    cells = [[_text(row.get(column)) for column in columns] for row in rows]
    click.echo(as_csv(columns, cells) if form == "csv" else as_table(columns, cells), nl=form != "csv")


def as_csv(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """The rows as CSV with a heading. What a spreadsheet would take for a formula is marked as text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([f"'{cell}" if _is_formula(cell) else cell for cell in row] for row in cells)
    return out.getvalue()


def as_table(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """The rows as a table with a heading."""
    widths = [max(len(line[n]) for line in (columns, *cells)) for n in range(len(columns))]
    rule = ["─" * width for width in widths]
    lines = [columns, rule, *cells]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _is_formula(cell: str) -> bool:
    if not cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return False
    try:
        float(cell)
    except ValueError:
        return True
    return False


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name}={_text(one)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value)
    return str(value)
