"""`efterhand dispose`."""

from __future__ import annotations

import click

from efterhand.cli.output import json_option, print_json
from efterhand.cli.system import System

DISPOSABLE = "/indicators/v1/disposable"
AT_A_TIME = 200
"""Persons in one request: while it is carried out nothing else is received."""


@click.command("dispose")
@click.option("--before", metavar="YYYY-MM-01", help="What lies before that day goes; default: the latest allowed.")
@click.option("--dry-run", is_flag=True, help="Only count whom it would concern.")
@json_option
def command(before: str | None, dry_run: bool, as_json: bool) -> None:
    """Dispose of persons of whom everything lies before a day (gallring). Cannot be undone.

    What they counted for is added to the closed book of figures. May be interrupted and run again. Afterwards
    `efterhand settle` waits until it has been carried out everywhere.
    """
    system = System.running()
    horizon = str(system.get(DISPOSABLE, {"before": before})["before"])
    found = disposed = 0
    waiting: list[dict[str, object]] = []
    for person in system.items(DISPOSABLE, {"before": horizon}):
        found += 1
        if not dry_run:
            waiting.append(person)
        if len(waiting) == AT_A_TIME:
            disposed += _dispose(system, horizon, waiting)
            waiting = []
    if waiting:
        disposed += _dispose(system, horizon, waiting)
    if as_json:
        print_json({"before": horizon, "found": found, "disposed": disposed, "dry_run": dry_run})
    elif dry_run:
        click.echo(f"{found} persons of whom everything lies before {horizon} could be disposed of")
    else:
        click.echo(f"{disposed} persons of whom everything lay before {horizon} have been disposed of")
        if found > disposed:
            click.echo(f"{found - disposed} had moved on meanwhile: run it again after `efterhand settle`")


def _dispose(system: System, before: str, persons: list[dict[str, object]]) -> int:
    answer = system.post("/intake/v1/disposals", {"before": before, "persons": persons})
    return int(answer["disposed"])
