"""`efterhand checks`."""

from __future__ import annotations

import click

from efterhand.cli.output import Form, form_options, print_rows
from efterhand.cli.system import System

COLUMNS = ("id", "unit", "anchor_on", "due", "state", "late", "flag", "settled_on")


@click.command("checks")
@click.option("--on", help="State on this day (YYYY-MM-DD); default: the business date.")
@click.option("--person")
@click.option("--case")
@click.option("--unit")
@click.option("--protocol")
@click.option("--state", help="scheduled, upcoming, due, overdue, met, missed, answered, expired or cancelled.")
@form_options
def command(form: Form | None, **filters: str | None) -> None:
    """List follow-up checks."""
    print_rows(System.running().items("/followup/v1/checks", filters), COLUMNS, form)
