"""`efterhand date`."""

from __future__ import annotations

from datetime import datetime

import click

from efterhand.cli.output import json_option, print_json
from efterhand.cli.system import System


@click.command("date")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]), required=False)
@json_option
def command(day: datetime | None, as_json: bool) -> None:
    """Show the business date, or (manual clock) move it forward to DAY."""
    system = System.running()
    if day is None:
        answer = system.get("/intake/v1/date")
    else:
        answer = system.post("/intake/v1/date", {"date": day.date().isoformat()})
    if as_json:
        print_json(answer)
    else:
        click.echo(answer["date"])
