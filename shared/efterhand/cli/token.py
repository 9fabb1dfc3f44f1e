"""`efterhand token`."""

from __future__ import annotations

import click

from efterhand.cli.output import Form, form_options, json_option, print_json, print_rows, tell
from efterhand.cli.system import System

PATH = "/intake/v1/tokens"
COLUMNS = ("id", "role", "source", "unit", "staff", "created_at", "expires_at", "revoked_at")


@click.group("token")
def command() -> None:
    """Tokens for programs and people."""


@command.command("create")
@click.argument("role")
@click.option(
    "--source",
    help="For the role source: the only event source that the token may write; for an integrator: the only one whose"
    " refused events it shows.",
)
@click.option("--unit", help="For a role of units: the unit, with those below it, that the token is for.")
@click.option("--staff", help="The staff id of whoever gets it, as case.assigned names it in worker.")
@json_option
def create(role: str, source: str | None, unit: str | None, staff: str | None, as_json: bool) -> None:
    """Make a token with ROLE and print it; it cannot be shown again.

    Roles: administrator, operator, source and integrator; and for a unit or all: case_worker, manager, register_owner,
    protected_officer, analyst, case_analyst, reviewer.
    """
    given = {"role": role, "source": source, "unit": unit, "staff": staff}
    answer = System.running().post(PATH, {name: value for name, value in given.items() if value is not None})
    if as_json:
        print_json(answer)
    else:
        tell(f"Token {answer['id']}, role {role}. Keep it: it is not shown again.")
        click.echo(answer["token"])


@command.command("revoke")
@click.argument("token_id")
@json_option
def revoke(token_id: str, as_json: bool) -> None:
    """Make the token with TOKEN_ID void."""
    System.running().delete(f"{PATH}/{token_id}")
    if as_json:
        print_json({"id": token_id, "revoked": True})
    else:
        tell(f"Token {token_id} is revoked.")


@command.command("list")
@form_options
def list_tokens(form: Form | None) -> None:
    """List the tokens that were made, without their secret part."""
    print_rows(System.running().items(PATH), COLUMNS, form)
