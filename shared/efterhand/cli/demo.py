"""`efterhand demo`."""

from __future__ import annotations

import calendar
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import click
import orjson

from efterhand.cli.ending import Ending
from efterhand.cli.load import EVENTS_WITH_DAYS, Line, Summary, load_lines
from efterhand.cli.output import as_table, tell
from efterhand.cli.settle import settle
from efterhand.cli.system import System

SETTLE_SECONDS = 300.0
ROWS_SHOWN = 15


@click.command("demo")
@click.option("--exit", "and_exit", is_flag=True, help="Stop at the end instead of leaving the pages open.")
@click.option("--port", type=click.IntRange(1, 65535), envvar="EFTERHAND_PORT", default=8400, show_default=True)
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="Fresh directory to keep it in; default: a temporary one that goes in the end.",
)
@click.option("--seed", type=int, default=2017, show_default=True, help="Another seed, another municipality.")
@click.option("--enrolments", type=click.IntRange(1), default=5000, show_default=True)
def command(and_exit: bool, port: int, home: Path | None, seed: int, enrolments: int) -> int:
    """Load a built-in municipality's history, live through its last year, show what is due and the year's figures."""
    from efterhand.demo import municipality
    from efterhand.embedded.errors import CannotStart
    from efterhand.embedded.supervisor import Options, Supervisor

    with ExitStack() as stack:
        if home is None:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="efterhand-demo-")))
            # Started as root, the database belongs to another user, who has to pass through.
            scratch.chmod(0o711)
            home = scratch / "home"
        elif home.exists() and any(home.iterdir()):
            raise click.UsageError(f"{home} is not empty; the demo wants a fresh home.")
        options = Options(
            home=home,
            port=port,
            clock="manual",
            start_date=municipality.LIVED_THROUGH_FROM,
            catalogue=municipality.CATALOGUE,
        )

        def live(ready: dict[str, Any]) -> None:
            system = System(str(ready["url"]), str(ready["token"]))
            try:
                history = municipality.history(seed, enrolments)
                live_through(system, history, municipality.LIVED_THROUGH_FROM, municipality.LAST_DAY)
                show(system, municipality.LAST_DAY)
            except Ending as ending:
                tell(str(ending))
                raise SystemExit(ending.exit_code) from ending
            if and_exit:
                raise SystemExit(0)
            tell(f"The pages are open at {supervisor.entry_link()} (a link for once). Stop with Ctrl-C.")

        supervisor = Supervisor(options, tell)
        try:
            return supervisor.run(live)
        except CannotStart as error:
            raise Ending(error.exit_code, str(error)) from error


def live_through(system: System, history: Iterator[tuple[dict[str, Any], date]], first: date, last: date) -> None:
    """Load what was received before `first`, then month by month: move the date, load what came in that month."""
    begun = time.monotonic()
    summary = Summary()
    for until, events in groupby(history, key=lambda one: _period_of(one[1], first)):
        if until is None:
            tell(f"Loading what was received before {first}")
        else:
            system.post("/intake/v1/date", {"date": min(until, last).isoformat()})
        load_lines(system, _lines(events), summary, _tell_refused)
        if until is not None:
            tell(f"{min(until, last)}: {summary.total} events, {time.monotonic() - begun:.0f} s")
    system.post("/intake/v1/date", {"date": last.isoformat()})
    settle(system, SETTLE_SECONDS)
    counts = ", ".join(f"{number} {word}" for word, number in sorted(summary.outcomes.items()))
    tell(f"Everything is applied everywhere: {counts}, in {time.monotonic() - begun:.0f} s")


def _period_of(received: date, first: date) -> date | None:
    """The last day of the month that is lived through; None before `first`."""
    if received < first:
        return None
    return received.replace(day=calendar.monthrange(received.year, received.month)[1])


def _lines(events: Iterator[tuple[dict[str, Any], date]]) -> Iterator[Line]:
    for number, (event, received) in enumerate(events, start=1):
        yield Line(number, orjson.dumps({"event": event, "received": received}), EVENTS_WITH_DAYS)


def _tell_refused(_line: Line, result: dict[str, Any]) -> None:
    tell(f"Refused: {', '.join(result.get('codes', ()))} {result.get('message', '')}")


def show(system: System, today: date) -> None:
    """Print what is due in the seven days from `today`, and the year's figures by sex."""
    names = system.get("/intake/v1/catalogue")
    units = {unit["id"]: str(unit["name"]) for unit in names["units"]}
    protocols = {one["id"]: str(one["name"]) for one in names["protocols"]}
    week = today + timedelta(days=6)
    due = [
        check
        for state in ("scheduled", "upcoming", "due")
        for check in system.items("/followup/v1/checks", {"on": today.isoformat(), "state": state})
        if today <= date.fromisoformat(check["due"]) <= week
    ]
    click.echo(f"\nDue from {today} to {week}: {len(due)} checks")
    counted = Counter((units.get(one["unit"], one["unit"]), protocols[one["protocol"]]) for one in due)
    cells = [(unit, protocol, str(number)) for (unit, protocol), number in sorted(counted.items())]
    click.echo(as_table(("unit", "check", "number"), cells[:ROWS_SHOWN]))
    if len(cells) > ROWS_SHOWN:
        click.echo(f"… and {len(cells) - ROWS_SHOWN} rows more: efterhand checks --state due")
    click.echo(f"\nThe year to {today}, by sex")
    rows = []
    for indicator in names["indicators"]:
        answer = system.get(f"/indicators/v1/figures/{indicator['id']}", {"at": today.isoformat(), "by": "sex"})
        values = {row["dims"].get("sex", "all"): _value(row) for row in answer["rows"]}
        rows.append((str(indicator["name"]), *(values.get(sex, "–") for sex in ("all", "female", "male"))))
    click.echo(as_table(("indicator", "all", "women", "men"), rows))


def _value(row: dict[str, Any]) -> str:
    if row["status"] != "shown":
        return str(row["status"]).replace("_", " ")
    return str(row["value"]) if row["value"] is not None else str(row["numerator"])
