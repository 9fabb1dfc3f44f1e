"""`efterhand rebuild`."""

from __future__ import annotations

import click

from efterhand.cli.output import json_option, print_json
from efterhand.cli.system import System

REBUILT = ("followup", "indicators")


@click.command("rebuild")
@click.argument("service", type=click.Choice(REBUILT), required=False)
@json_option
def command(service: str | None, as_json: bool) -> None:
    """Derive everything anew beside live traffic; `efterhand settle` waits for the end."""
    system = System.running()
    answers = {name: system.post(f"/{name}/v1/rebuild") for name in ([service] if service else REBUILT)}
    if as_json:
        print_json(answers)
    else:
        for name, answer in answers.items():
            dirty = (answer or {}).get("dirty")
            click.echo(
                f"{name}: everything is derived anew" + (f", {dirty} persons to go" if dirty is not None else "")
            )
