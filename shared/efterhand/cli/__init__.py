"""The command `efterhand`: one file per command, loaded when it is asked for."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import version

import click

from efterhand.cli.ending import USAGE, Ending

COMMANDS = (
    "up",
    "demo",
    "load",
    "date",
    "settle",
    "checks",
    "notices",
    "doubts",
    "figures",
    "why",
    "bridge",
    "rebuild",
    "audit",
    "dispose",
    "token",
    "catalogue",
    "doctor",
)
"""The commands in the order of the help; each is the `command` of the module of its name."""


class _Commands(click.Group):
    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"efterhand.cli.{cmd_name}")
        command: click.Command = module.command
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("efterhand"), message="%(prog)s %(version)s")
def group() -> None:
    """What became of the people a municipality helped: follow-up checks and outcome indicators from case events.

    \b
    Exit codes: 0 ok, 1 differences or findings, 2 usage, 3 some refused, 4 timeout, 5 not reachable.
    """


def main() -> None:
    """Run the command line; ends the interpreter with the exit code."""
    try:
        code = group.main(prog_name="efterhand", standalone_mode=False)
    except click.exceptions.Abort:
        code = 130
    except click.ClickException as error:
        error.show()
        code = error.exit_code or USAGE
    except Ending as ending:
        click.echo(str(ending), err=True)
        code = ending.exit_code
    sys.exit(code if isinstance(code, int) else 0)
