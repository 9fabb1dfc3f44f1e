"""`efterhand doubts`."""

from __future__ import annotations

import click

from efterhand.cli.output import Form, form_options, print_rows, tell
from efterhand.cli.system import System

COLUMNS = ("code", "about", "person", "case", "unit", "since", "events")


@click.command("doubts")
@click.option("--unit")
@click.option("--source")
@click.option("--code")
@form_options
def command(form: Form | None, **filters: str | None) -> None:
    """List what was accepted and is doubtful."""
    rows = list(System.running().items("/followup/v1/doubts", filters))
    print_rows(rows, COLUMNS, form)
    if form is None:
        for code, advice in {row["code"]: row["advice"]["en"] for row in rows}.items():
            tell(f"{code}: {advice['means']} {advice['do']}")
