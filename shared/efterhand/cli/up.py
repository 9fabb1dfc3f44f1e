"""`efterhand up`."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from efterhand.cli.ending import Ending
from efterhand.cli.output import tell
from efterhand.settings import default_home


@click.command("up")
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="EFTERHAND_HOME",
    default=default_home,
    show_default="/var/lib/efterhand for root, else ~/.local/share/efterhand",
    help="Directory that holds everything; goes on from what is in it.",
)
@click.option("--port", type=click.IntRange(1, 65535), envvar="EFTERHAND_PORT", default=8400, show_default=True)
@click.option("--clock", type=click.Choice(["system", "manual"]), envvar="EFTERHAND_CLOCK", help="Default: system.")
@click.option(
    "--date",
    "start_date",
    type=click.DateTime(["%Y-%m-%d"]),
    envvar="EFTERHAND_START_DATE",
    help="First date of a manual clock; a date that the home holds stands.",
)
@click.option("--catalogue", envvar="EFTERHAND_CATALOGUE", help="Directory, or a built-in name. Default: stockholm.")
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Written when all is ready: addresses, an administrator's token, process ids (JSON).",
)
def command(
    home: Path,
    port: int,
    clock: Any,
    start_date: datetime | None,
    catalogue: str | None,
    ready_file: Path | None,
) -> int:
    """Start everything on this machine and keep it running: Kafka, PostgreSQL and the services.

    EFTERHAND_KAFKA=host:port and EFTERHAND_DATABASE_URL use servers that run already. SIGTERM or Ctrl-C stops in order.
    """
    from efterhand.embedded.errors import CannotStart
    from efterhand.embedded.supervisor import Options, Supervisor

    options = Options(
        home=home,
        port=port,
        clock=clock,
        start_date=start_date.date() if start_date else None,
        catalogue=catalogue,
        ready_file=ready_file,
        kafka=os.environ.get("EFTERHAND_KAFKA") or None,
        database_url=os.environ.get("EFTERHAND_DATABASE_URL") or None,
    )
    try:
        return Supervisor(options, tell).run()
    except CannotStart as error:
        raise Ending(error.exit_code, str(error)) from error
    except OSError as error:
        raise Ending(1, f"Stopped: {error}. Make room or allow it, and start again.") from error
