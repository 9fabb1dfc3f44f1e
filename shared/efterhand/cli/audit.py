"""`efterhand audit`."""

from __future__ import annotations

import click

from efterhand.cli.ending import DIFFERENCES
from efterhand.cli.output import json_option, print_json
from efterhand.cli.rebuild import REBUILT
from efterhand.cli.system import System


@click.command("audit")
@click.argument("service", type=click.Choice(REBUILT), required=False)
@json_option
def command(service: str | None, as_json: bool) -> int:
    """Compute everything again and list what differs from what is kept; exit code 1 when something does."""
    system = System.running()
    answers = {name: system.post(f"/{name}/v1/audit") for name in ([service] if service else REBUILT)}
    found = {name: answer["differences"] for name, answer in answers.items()}
    if as_json:
        print_json(answers)
    else:
        for name, differences in found.items():
            click.echo(f"{name}: {len(differences) or 'no'} differences")
            for difference in differences:
                click.echo(f"  {difference}")
    return DIFFERENCES if any(found.values()) else 0
