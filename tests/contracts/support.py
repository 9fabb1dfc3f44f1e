"""The world in which the examples are judged: a business date, a moment of receipt, a catalogue's codes."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from efterhand import contracts

BUSINESS_DATE = date(2017, 3, 1)
RECEIVED = datetime(2017, 3, 1, 12, 0, tzinfo=UTC)
DIRECTORY = Path(contracts.__file__).parent

CODES = {
    "units": {"farsta", "kista"},
    "target_groups": {"ordinary", "resource"},
    "reasons": {"work", "studies"},
    "measure_kinds": {"internship"},
    "offer_kinds": {"job"},
    "providers": {"municipal"},
    "funders": {"own"},
    "results": {"completed", "interrupted"},
    "protocols": {"occupation_6m", "offer_90d"},
    "answerable_protocols": {"occupation_6m"},
}


class Codes:
    """A catalogue with the codes above."""

    def has(self, list_name: str, code: str, /) -> bool:
        return code in CODES[list_name]


def faults_of(event: object) -> list[contracts.Fault]:
    return contracts.find_faults(event, received=RECEIVED, business_date=BUSINESS_DATE, codes=Codes())


def codes_of(event: object) -> list[str]:
    return [fault.code for fault in faults_of(event)]


def examples(kind: str, folder: str = "events") -> Iterator[tuple[str, str, Any]]:
    """(event type, name, content) of every example of a kind."""
    for path in sorted((DIRECTORY / folder).glob(f"*/examples/{kind}/*.json")):
        yield path.parts[-4], path.stem, json.loads(path.read_text(encoding="utf-8"))


def closed(**changes: Any) -> dict[str, Any]:
    """A closure as it should be, with other attributes; ... takes one away."""
    event = {
        "specversion": "1.0",
        "id": "flai-000123",
        "source": "/stockholm/flai",
        "type": "case.closed",
        "time": "2017-03-01T09:12:00+01:00",
        "datacontenttype": "application/json",
        "data": {"person": "p-7f3a01", "case": "c-1001", "on": "2017-02-28", "reason": "work"},
    }
    return _changed(event, changes)


def closed_with(**changes: Any) -> dict[str, Any]:
    """The same closure with other data; ... takes a field away."""
    return closed(data=_changed(closed()["data"], changes))


def _changed(content: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**content, **changes}.items() if value is not ...}
