"""`efterhand notices`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import click

from efterhand.cli.output import Form, form_options, print_rows
from efterhand.cli.system import System
from efterhand.dates import add_months
from efterhand.demo.notice_weeks import Load, count_by_week, loads

COLUMNS = ("id", "send_on", "unit", "to", "status")
WEEKS = ("role", "unit", "week", "notices")
LOADS = ("role", "unit", "notices", "a week", "most in a week", "weeks without")


@click.command("notices")
@click.option("--status", type=click.Choice(["open", "withdrawn", "summed"]))
@click.option("--on", help="On this day (YYYY-MM-DD); default: the business date.")
@click.option("--weeks", is_flag=True, help="Count the last year's by role and unit: a table of loads, else each week.")
@form_options
def command(form: Form | None, weeks: bool, **filters: str | None) -> None:
    """List notices to staff, or count them."""
    system = System.running()
    if not weeks:
        print_rows(system.items("/followup/v1/notices", filters), COLUMNS, form)
        return
    if any(filters.values()):
        raise click.UsageError("--weeks counts the year up to the business date, without other choices.")
    last = date.fromisoformat(system.get("/followup/v1/status")["date"])
    first = add_months(last, -12) + timedelta(days=1)
    counts = count_by_week(system.items("/followup/v1/notices", {"limit": "1000", "log": "true"}), first, last)
    if form is None:
        print_rows(load_rows(loads(counts, first, last)), LOADS, None)
    else:
        print_rows([vars(each) for each in counts], WEEKS, form)


def load_rows(told: Iterable[Load]) -> list[Mapping[str, Any]]:
    """Return loads as rows of a table."""
    return [
        {
            "role": each.role,
            "unit": each.unit or "",
            "notices": each.notices,
            "a week": f"{float(each.a_week):.1f}",
            "most in a week": each.most,
            "weeks without": each.quiet_weeks,
        }
        for each in told
    ]
