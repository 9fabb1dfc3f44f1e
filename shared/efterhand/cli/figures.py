"""`efterhand figures`."""

from __future__ import annotations

from typing import Any

import click

from efterhand.cli.output import Form, form_options, print_json, print_rows, tell
from efterhand.cli.system import System

COLUMNS = ("indicator", "dims", "value", "numerator", "denominator", "coverage", "status", "target", "judgement")


@click.command("figures")
@click.argument("indicators", nargs=-1, metavar="[INDICATOR]…")
@click.option("--at", help="Last day of the window (YYYY-MM-DD); default: the business date.")
@click.option("--by", help="Dimensions, with commas between: sex, unit, target_group, age_band, …")
@click.option("--known", help="Without what was received after this day.")
@form_options
def command(form: Form | None, indicators: tuple[str, ...], at: str | None, by: str | None, known: str | None) -> None:
    """Show figures; without an INDICATOR all that the catalogue defines."""
    system = System.running()
    day = at or str(system.get("/intake/v1/date")["date"])
    named = indicators or tuple(one["id"] for one in system.get("/intake/v1/catalogue")["indicators"])
    answers = [system.get(f"/indicators/v1/figures/{name}", {"at": day, "by": by, "known": known}) for name in named]
    if form == "json":
        print_json(answers[0] if len(indicators) == 1 else answers)
        return
    print_rows([row for answer in answers for row in rows_of(answer)], COLUMNS, form)
    early = [str(answer["indicator"]) for answer in answers if answer.get("preliminary")]
    if early:
        tell(f"Preliminary, since not everything has been reported yet: {', '.join(early)}")
    for answer in answers:
        if answer.get("reason"):
            tell(f"{answer['indicator']} is not available. {answer['reason']}")


def rows_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of one figure, each with the indicator's id; no dimension at all reads `all`."""
    return [{**row, "indicator": answer["indicator"], "dims": row["dims"] or "all"} for row in answer["rows"]]
