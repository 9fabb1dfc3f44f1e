"""`efterhand notices`."""

from __future__ import annotations

import click

from efterhand.cli.output import Form, form_options, print_rows
from efterhand.cli.system import System

COLUMNS = ("id", "send_on", "unit", "to", "status")


@click.command("notices")
@click.option("--status", type=click.Choice(["open", "withdrawn", "summed"]))
@click.option("--on", help="On this day (YYYY-MM-DD); default: the business date.")
@form_options
def command(form: Form | None, **filters: str | None) -> None:
    """List notices to staff."""
    print_rows(System.running().items("/followup/v1/notices", filters), COLUMNS, form)
