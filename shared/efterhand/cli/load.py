"""`efterhand load`."""

from __future__ import annotations

import sys
import time
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click
import httpx
import orjson

from efterhand.cli.ending import SOME_REFUSED, USAGE, Ending
from efterhand.cli.output import json_option, print_json, tell
from efterhand.cli.system import System
from efterhand.contracts import NotJson, parse_event

BATCH: Final = 500
EVENTS: Final = "/intake/v1/events"
EVENTS_WITH_DAYS: Final = "/intake/v1/load"
NOT_KEPT: Final = frozenset({"identity_number", "not_json"})
"""What was refused for one of these is not copied: it may hold what must not be kept."""


@dataclass(frozen=True)
class Line:
    """One line of a file; `path` is where it is sent, `alone` whether it would spoil what is sent with it."""

    number: int
    text: bytes
    path: str
    alone: bool = False


@dataclass
class Summary:
    """What became of the lines."""

    outcomes: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """How many lines have been judged."""
        return self.outcomes.total()

    @property
    def has_refused(self) -> bool:
        """Whether anything was refused, a conflict included."""
        return bool(self.outcomes["refused"] or self.outcomes["conflict"])


Refused = Callable[[Line, dict[str, Any]], None]


def lines_of(file: Iterable[bytes]) -> Iterator[Line]:
    """The lines that are sent; empty ones are passed over. What is not JSON is for intake to refuse, and to keep."""
    for number, raw in enumerate(file, start=1):
        text = (raw.removeprefix(BOM_UTF8) if number == 1 else raw).strip()
        if not text:
            continue
        try:
            value = orjson.loads(text)
            wrapped = isinstance(value, dict) and "event" in value and "specversion" not in value
            undated = wrapped and "received" not in value
            if undated:
                # Read once more: the other reader does not mind a key that comes twice, and keeps one of the two.
                parse_event(text)
        except (ValueError, NotJson):
            yield Line(number, text, EVENTS, alone=True)
            continue
        if undated:
            yield Line(number, orjson.dumps(value["event"]), EVENTS)
        elif wrapped and value.keys() != {"event", "received"}:
            # A file of refused lines, repaired: the reasons stay behind.
            known = {"event": value["event"], "received": value["received"]}
            yield Line(number, orjson.dumps(known), EVENTS_WITH_DAYS)
        else:
            # Sent as it stands: what a key that comes twice means is not decided here.
            yield Line(number, text, EVENTS_WITH_DAYS if wrapped else EVENTS)


def load_lines(system: System, lines: Iterable[Line], summary: Summary, refused: Refused) -> None:
    """Send lines in batches, in their order; counts what became of them and hands over what was refused."""
    batch: list[Line] = []
    for line in lines:
        if batch and (len(batch) >= BATCH or batch[0].path != line.path or line.alone or batch[0].alone):
            _send(system, batch, summary, refused)
            batch = []
        batch.append(line)
    if batch:
        _send(system, batch, summary, refused)


def _send(system: System, batch: list[Line], summary: Summary, refused: Refused) -> None:
    body = batch[0].text if batch[0].alone else b"[" + b",".join(line.text for line in batch) + b"]"
    response = system.post_again_and_again(batch[0].path, body)
    if response.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.REQUEST_ENTITY_TOO_LARGE) and len(batch) > 1:
        # One line spoils the whole body, or it is too long: smaller ones find out which.
        middle = len(batch) // 2
        _send(system, batch[:middle], summary, refused)
        _send(system, batch[middle:], summary, refused)
        return
    try:
        answer = response.json()
    except ValueError:
        answer = {}
    if "results" not in answer:
        told = str(answer.get("detail") or answer.get("title") or response.reason_phrase)
        if response.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.REQUEST_ENTITY_TOO_LARGE):
            code = str(answer.get("code", "not_json"))
            _count(summary, batch[0], {"outcome": "refused", "codes": [code], "message": told}, refused)
            return
        raise Ending(USAGE, f"{told} ({response.status_code} for {batch[0].path})")
    for result in answer["results"]:
        _count(summary, batch[int(result["index"])], result, refused)


def _count(summary: Summary, line: Line, result: dict[str, Any], refused: Refused) -> None:
    summary.outcomes[str(result["outcome"])] += 1
    if result["outcome"] in ("refused", "conflict"):
        summary.codes.update(result.get("codes", ()))
        refused(line, result)


class RefusedFile:
    """A file beside the loaded one with what was refused; made when there is something to write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.unlink(missing_ok=True)

    def add(self, line: Line, result: dict[str, Any]) -> None:
        """Append a refused line with the reason; repaired, the file can be loaded in its turn."""
        entry: dict[str, Any] = {"line": line.number}
        entry |= {name: result[name] for name in ("outcome", "codes", "field", "message") if result.get(name)}
        if not NOT_KEPT.intersection(result.get("codes", ())):
            value = orjson.loads(line.text)
            entry |= value if line.path == EVENTS_WITH_DAYS else {"event": value}
        with self.path.open("ab") as file:
            file.write(orjson.dumps(entry) + b"\n")


class Progress:
    """A line on stderr that says how far it has come."""

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size, self._read = name, size, 0
        self._told = time.monotonic()

    def follow(self, file: Iterable[bytes], summary: Summary) -> Iterator[bytes]:
        """The lines of the file, with a word now and then."""
        for line in file:
            self._read += len(line)
            if time.monotonic() - self._told > (1.0 if sys.stderr.isatty() else 10.0):
                self._told = time.monotonic()
                share = f" ({100 * self._read // self._size} %)" if self._size else ""
                tell(f"{self._name}: {summary.total} events{share}")
            yield line


@click.command("load")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@json_option
def command(files: tuple[str, ...], as_json: bool) -> int:
    """Send events from FILES: JSON Lines, an event a line, or {"event": …, "received": day} (manual clock).

    What is refused is written to FILE.refused.jsonl; the exit code is 3 then.
    """
    system = System.running()
    summaries: dict[str, Summary] = {}
    for name in files:
        summary = summaries[name] = Summary()
        rejected = RefusedFile(Path("stdin.refused.jsonl" if name == "-" else f"{name}.refused.jsonl"))
        with click.open_file(name, "rb") as file:
            size = 0 if name == "-" else Path(name).stat().st_size
            source = Progress(name, size).follow(file, summary)
            load_lines(system, lines_of(source), summary, rejected.add)
        if summary.has_refused:
            tell(f"{name}: what was refused is in {rejected.path}")
    if as_json:
        print_json(
            {name: {"outcomes": dict(one.outcomes), "codes": dict(one.codes)} for name, one in summaries.items()}
        )
    else:
        for name, one in summaries.items():
            outcomes = ", ".join(f"{number} {word}" for word, number in sorted(one.outcomes.items())) or "nothing"
            codes = ", ".join(f"{code} {number}" for code, number in one.codes.most_common())
            click.echo(f"{name}: {outcomes}" + (f" ({codes})" if codes else ""))
    return SOME_REFUSED if any(one.has_refused for one in summaries.values()) else 0
