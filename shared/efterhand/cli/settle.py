"""`efterhand settle`."""

from __future__ import annotations

import time
from typing import Any, Final

import click

from efterhand.cli.ending import NOT_REACHABLE, TIMEOUT, Ending
from efterhand.cli.output import json_option, print_json
from efterhand.cli.system import PATIENCE_SECONDS, SERVICES, System

POLL_SECONDS: Final = 0.2

_NAMES: Final = {"date": "the dates", "digest": "the digests", "disposed": "the numbers of events disposed of"}
"""What must be the same everywhere."""


def unsettled(statuses: dict[str, dict[str, Any] | None]) -> list[str]:
    """Why the services are not level yet, one reason each; empty when they are.

    `statuses` has what each service says of itself, None where one cannot be asked.
    """
    reasons = [f"{name} does not answer" for name, status in statuses.items() if status is None]
    known = {name: status for name, status in statuses.items() if status is not None}
    for name, status in known.items():
        for word in ("outbox", "lag", "dirty"):
            value = status.get(word, 0)
            if value is None:
                reasons.append(f"{name} cannot tell its {word}: Kafka does not answer")
            elif value:
                reasons.append(f"{name}: {word} {value}")
        if status.get("complete") is False:
            reasons.append(f"{name}: another catalogue is being taken over")
    for word in _NAMES:
        values = {name: status.get(word) for name, status in known.items()}
        first = next(iter(values.values()), None)
        if any(value != first for value in values.values()):
            told = ", ".join(f"{name} {_short(value)}" for name, value in values.items())
            reasons.append(f"{_NAMES[word]} differ: {told}")
    return reasons


def _short(value: Any) -> str:
    return f"{value.get('count')}/{value.get('sum')}" if isinstance(value, dict) else str(value)


def settle(system: System, timeout: float) -> dict[str, dict[str, Any] | None]:
    """Wait until the services are level; gives their statuses.

    Ends the command with 4 after `timeout` seconds, with 5 when a service has not answered for a minute.
    """
    deadline = time.monotonic() + timeout
    answered = dict.fromkeys(SERVICES, time.monotonic())
    while True:
        statuses = {name: system.status(name) for name in SERVICES}
        reasons = unsettled(statuses)
        if not reasons:
            return statuses
        now = time.monotonic()
        answered.update({name: now for name, status in statuses.items() if status is not None})
        silent = [name for name, last in answered.items() if now - last > PATIENCE_SECONDS]
        if silent:
            raise Ending(NOT_REACHABLE, f"No answer from {', '.join(silent)}. `efterhand doctor` looks for the cause.")
        if now > deadline:
            code = NOT_REACHABLE if all(status is None for status in statuses.values()) else TIMEOUT
            raise Ending(code, f"Not level after {timeout:.0f} s: {'; '.join(reasons)}")
        time.sleep(POLL_SECONDS)


@click.command("settle")
@click.option("--timeout", type=click.FloatRange(min=0), default=300.0, show_default=True, help="Seconds to wait.")
@json_option
def command(timeout: float, as_json: bool) -> None:
    """Wait until everything that intake has accepted is applied everywhere."""
    statuses = settle(System.running(), timeout)
    if as_json:
        print_json(statuses)
    else:
        intake = statuses["intake"] or {}
        click.echo(f"Level on {intake.get('date')}: {_short(intake.get('digest'))}")
