"""`efterhand why`: what is behind a check, and behind a figure."""

from __future__ import annotations

from itertools import islice
from typing import Any, Final
from urllib.parse import quote

import click

from efterhand.cli.output import as_table, json_option, print_json, print_rows, tell
from efterhand.cli.system import NotAllowed, System

CASE_COLUMNS: Final = ("person", "subject", "check", "day", "dims", "numerator", "denominator", "sum")


@click.group("why")
def command() -> None:
    """Show what is behind a check or a figure: why it is there and stands as it does."""


@command.command("check")
@click.argument("check_id")
@json_option
def check(check_id: str, as_json: bool) -> None:
    """The events behind a check, whose id is PROTOCOL:PERSON:SUBJECT."""
    answer = System.running().get(f"/followup/v1/checks/{quote(check_id, safe='')}/why")
    if as_json:
        print_json(answer)
        return
    standing = answer["check"]
    settled = f" since {standing['settled_on']}" if standing["settled_on"] else ""
    click.echo(f"{answer['protocol']['name']} ({answer['protocol']['english']})")
    click.echo(f"due {standing['due']}, {standing['state']}{settled}\n")
    rows = [
        (event["type"], event["data"].get("on") or event["data"].get("month", ""), _said(event["data"]), _ref(event))
        for event in answer["events"]
    ]
    click.echo(as_table(("event", "on", "says", "source and id"), rows))


def _said(data: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in data.items() if name not in ("on", "month"))


def _ref(event: dict[str, Any]) -> str:
    return f"{event['source']} {event['id']}"


@command.command("figure")
@click.argument("indicator")
@click.option("--at", help="Last day of the window (YYYY-MM-DD); default: the business date.")
@click.option("--cell", help="One cell: dimensions with values, as sex:female,unit:north; default: the total.")
@click.option("--known", help="Without what was received after this day.")
@click.option("--cases", "most", type=click.IntRange(min=0), default=10, show_default=True, help="So many at most.")
@json_option
def figure(indicator: str, at: str | None, cell: str | None, known: str | None, most: int, as_json: bool) -> None:
    """What a figure means, its numbers, and the first of the cases that it counts."""
    system = System.running()
    path, asked = f"/indicators/v1/figures/{quote(indicator, safe='')}", {"at": at, "cell": cell, "known": known}
    answer = system.get(f"{path}/why", asked)
    cases: list[dict[str, Any]] | None = None
    if most and not answer["of"]:
        try:
            cases = list(islice(system.items(f"{path}/cases", {**asked, "limit": str(min(most, 1000))}), most))
        except NotAllowed:
            tell("The cases are not shown: the token lacks the right to read them.")
    if as_json:
        print_json({"figure": answer, "cases": cases})
        return
    click.echo(f"{answer['name']} ({answer['indicator']})")
    for sentences in answer["sentences"].values():
        click.echo(f"\n{sentences}")
    click.echo(f"\n{answer['from']} – {answer['to']}{_marks(answer)}: {_in_numbers(answer['row'])}")
    if answer["of"]:
        click.echo(f"It counts nothing itself: ask for {' and '.join(answer['of'])}.")
    if cases:
        click.echo("")
        print_rows(cases, CASE_COLUMNS, None)


def _marks(answer: dict[str, Any]) -> str:
    cell = [f"{name}={value}" for name, value in answer["row"]["dims"].items()]
    known = [f"as known on {answer['known']}"] if answer["known"] else []
    early = ["preliminary"] if answer["preliminary"] else []
    return "".join(f", {each}" for each in (*cell, *known, *early))


def _in_numbers(row: dict[str, Any]) -> str:
    value = row["value"] if row["value"] is not None else f"no value ({row['status']})"
    numbers = [
        f"{name} {row[name]}" for name in ("numerator", "denominator", "expected", "sum") if row[name] is not None
    ]
    coverage = [f"coverage {row['coverage']}"] if row["coverage"] is not None else []
    return ", ".join([value, *numbers, *coverage])
