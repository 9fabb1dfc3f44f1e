"""`efterhand bridge`: what led from an earlier figure to a later one."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

import click

from efterhand.cli.output import Form, form_options, print_json, print_rows, tell
from efterhand.cli.system import System

NUMBERS: Final = ("numerator", "denominator", "expected", "sum")
COLUMNS: Final = ("step", "things", *NUMBERS, "value")
THING_COLUMNS: Final = ("what", "person", "subject", "check", "before", "after")
STEPS: Final = ("corrected", "came_in", "went_out", "changed")


@click.command("bridge")
@click.argument("indicator")
@click.option("--from", "since", help="Last day of the earlier window; default: the end of the month before --to.")
@click.option("--to", help="Last day of the later window; default: the business date.")
@click.option("--known", help="How the earlier figure was known; default: at the end of the day --from.")
@click.option("--cell", help="One cell: dimensions with values, as sex:female,unit:north; default: the total.")
@click.option("--step", type=click.Choice(STEPS), help="List the things behind this step instead.")
@form_options
def command(
    form: Form | None,
    indicator: str,
    since: str | None,
    to: str | None,
    known: str | None,
    cell: str | None,
    step: str | None,
) -> None:
    """Show what led from a figure, as it was known then, to a later one as it is known now."""
    system = System.running()
    path = f"/indicators/v1/figures/{quote(indicator, safe='')}/bridge"
    asked = {"from": since, "to": to, "known": known, "cell": cell}
    if step is not None:
        things = system.items(f"{path}/cases", {**asked, "step": step})
        print_rows(things if form == "json" else map(_in_short, things), THING_COLUMNS, form)
        return
    answer = system.get(path, asked)
    if form == "json":
        print_json(answer)
        return
    print_rows(rows_of(answer), COLUMNS, form)
    if answer["later"]["preliminary"]:
        tell("The later figure is preliminary, since not everything has been reported yet.")


def rows_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of one bridge: the two figures, and between them the steps as signed changes."""
    earlier, later = answer["earlier"], answer["later"]
    # How many things a step is about is no change: among them are things that only count otherwise.
    steps = [
        {**step, **{name: f"{step[name]:+d}" for name in NUMBERS if step[name] is not None}} for step in answer["steps"]
    ]
    return [
        {**earlier, "step": f"{earlier['to']} as known {earlier['known']}"},
        *steps,
        {**later, "step": f"{later['to']} as known now"},
    ]


def _in_short(thing: dict[str, Any]) -> dict[str, Any]:
    """A thing with what it adds and added, without what says nothing of its kind of figure."""
    told = {
        end: None if thing[end] is None else {name: value for name, value in thing[end].items() if value is not None}
        for end in ("before", "after")
    }
    return {**thing, **told}
