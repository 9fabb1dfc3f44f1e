"""`efterhand demo`."""

from __future__ import annotations

import calendar
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import click
import orjson

from efterhand.catalogue import Indicator, load_catalogue
from efterhand.cli.ending import DIFFERENCES, OK, Ending
from efterhand.cli.load import EVENTS_WITH_DAYS, Line, Summary, load_lines
from efterhand.cli.notices import LOADS, load_rows
from efterhand.cli.output import as_table, print_rows, tell
from efterhand.cli.settle import settle
from efterhand.cli.system import System
from efterhand.dates import add_months
from efterhand.demo.comparison import BY_GROUP, Answers, TableLine, group_table, main_table, printed_cells
from efterhand.demo.notice_weeks import count_by_week, loads
from efterhand.demo.stockholm import PublishedRow

SETTLE_SECONDS = 900.0
ROWS_SHOWN = 15


@dataclass(frozen=True)
class Story:
    """What the demo lives through."""

    catalogue: str
    history: Iterator[tuple[dict[str, Any], date]]
    """Events with their days of receipt, in order of receipt."""
    first: date
    """What was received before this day is loaded at once."""
    last: date
    """The business date in the end."""
    year_end: date
    """The day on which the windows of the year's table end."""
    printed: tuple[PublishedRow, ...] = ()
    """The table that was published for the year."""


def _story(seed: int, enrolments: int | None) -> Story:
    """Stockholm's 2017, or a random municipality with so many enrolments."""
    from efterhand.demo import municipality, stockholm

    if enrolments is None:
        return Story(
            stockholm.CATALOGUE,
            stockholm.history(seed),
            stockholm.LIVED_THROUGH_FROM,
            stockholm.LAST_DAY,
            stockholm.YEAR_END,
            stockholm.published(),
        )
    return Story(
        municipality.CATALOGUE,
        municipality.history(seed, enrolments),
        municipality.LIVED_THROUGH_FROM,
        municipality.LAST_DAY,
        municipality.LAST_DAY,
    )


@click.command("demo")
@click.option("--exit", "and_exit", is_flag=True, help="Stop at the end instead of leaving the pages open.")
@click.option("--port", type=click.IntRange(1, 65535), envvar="EFTERHAND_PORT", default=8400, show_default=True)
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="Fresh directory to keep it in; default: a temporary one that goes in the end.",
)
@click.option("--seed", type=int, default=2017, show_default=True, help="Another seed, another municipality.")
@click.option("--enrolments", type=click.IntRange(1), help="A random municipality of this size, not Stockholm's 2017.")
def command(and_exit: bool, port: int, home: Path | None, seed: int, enrolments: int | None) -> int:
    """Load a built-in municipality's history, live through its last year, show what is due and the year's figures.

    Stockholm's 2017 is printed beside what was published; exit code 1 when a printed number is not the computed one.
    """
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
        story = _story(seed, enrolments)
        options = Options(
            home=home,
            port=port,
            clock="manual",
            start_date=story.first,
            catalogue=story.catalogue,
            choose_user=True,
        )

        code = OK

        def live(ready: dict[str, Any]) -> None:
            nonlocal code
            system = System(str(ready["url"]), str(ready["token"]))
            try:
                live_through(system, story.history, story.first, story.last)
                show_due(system, story.last)
                show_notices(system, story.first, story.last)
                if not show_figures(system, story):
                    code = DIFFERENCES
            except Ending as ending:
                tell(str(ending))
                raise SystemExit(ending.exit_code) from ending
            if and_exit:
                raise SystemExit(code)
            tell(f"The pages are open at {supervisor.entry_link()} (a link for once). Stop with Ctrl-C.")

        supervisor = Supervisor(options, tell)
        try:
            return supervisor.run(live) or code
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


def show_due(system: System, today: date) -> None:
    """Print what is due in the seven days from `today`."""
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


def show_notices(system: System, first: date, last: date) -> None:
    """Print how many notices each role got a week, by unit, in the days that were lived through."""
    counts = count_by_week(system.items("/followup/v1/notices", {"limit": "1000", "log": "true"}), first, last)
    click.echo(f"\nNotices to staff from {first} to {last}, by role and unit")
    print_rows(load_rows(loads(counts, first, last)), LOADS, None)


def show_figures(system: System, story: Story) -> bool:
    """Print the year's figures, by sex and with the year before, beside those that were published.

    Returns:
        Whether every number that was printed is the one that is computed.
    """
    catalogue = load_catalogue(story.catalogue)
    indicators = list(catalogue.indicators.values())
    year_end, year_before = story.year_end, add_months(story.year_end, -12)
    answers = _figures(system, indicators, year_end, year_before)
    table = main_table(indicators, answers, year_end, year_before, story.printed)
    groups = group_table(
        indicators, answers, year_end, year_before, story.printed, catalogue.codelists["target_groups"]
    )
    click.echo(f"\nThe year to {year_end}" + (", computed = published" if story.printed else ""))
    _print(table, "indicator", year_before)
    if groups:
        click.echo(f"\nPersons by target group, the year to {year_end}")
        _print(groups, "target group", year_before)
    cells = list(printed_cells([*table, *groups]))
    agreeing = sum(cell.agrees for cell in cells)
    if cells:
        click.echo(f"\n{agreeing} of {len(cells)} printed cells agree")
    return agreeing == len(cells)


def _figures(system: System, indicators: list[Indicator], *days: date) -> Answers:
    def ask(name: str, at: date) -> list[dict[str, Any]]:
        by = "sex,target_group" if name == BY_GROUP else "sex"
        answer = system.get(f"/indicators/v1/figures/{name}", {"at": at.isoformat(), "by": by})
        return list(answer["rows"])

    return {(one.id, at): ask(one.id, at) for one in indicators for at in days}


def _print(lines: list[TableLine], heading: str, year_before: date) -> None:
    columns = (heading, "all", "men", "women", str(year_before.year))
    click.echo(as_table(columns, [(line.name, *map(str, line.cells)) for line in lines]))
