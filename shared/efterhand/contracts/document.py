"""Writes `docs/events.md` from the contracts: `python -m efterhand.contracts.document > docs/events.md`."""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from efterhand.contracts.codes import REFUSAL_CODES
from efterhand.contracts.event_types import EVENTS_DIRECTORY, Contract, event_types
from efterhand.contracts.topics import Topic, topics

_LIST_NAMES: Final = {
    "units": "a unit of the catalogue",
    "target_groups": "a target group of the catalogue",
    "reasons": "a closure reason of the catalogue",
    "measure_kinds": "a kind of measure of the catalogue",
    "offer_kinds": "a kind of offer of the catalogue",
    "providers": "a provider of the catalogue",
    "funders": "a funder of the catalogue",
    "results": "a result of the catalogue",
    "protocols": "a protocol of the catalogue",
    "answerable_protocols": "a protocol of the catalogue that takes answers",
}

_HEAD: Final = """\
# Events

For those who send events, and those who read the topics. This page is written from the contracts in
`shared/efterhand/contracts/`; a test says so. After a change:
`python -m efterhand.contracts.document > docs/events.md`.

## The envelope

An event is a CloudEvents 1.0 JSON event. Post one, or an array of them, to `/intake/v1/events`; each event of an array
is judged by itself. `/intake/v1/events/validate` gives the same answer and keeps nothing.

| attribute | what it must be |
|---|---|
| `specversion` | `"1.0"` |
| `id` | a text that is not empty, at most 500 bytes |
| `source` | a URI reference that is not empty, at most 500 bytes, such as `/municipality/system` |
| `type` | one of the types below |
| `time` | when the source recorded the fact: RFC 3339 with an offset; at most 10 minutes after it is received |
| `datacontenttype` | optional: `application/json`, also with parameters |
| `dataschema` | optional: `urn:efterhand:<type>:1`; without it, version 1 holds |
| `subject`, extension attributes | optional: as CloudEvents has them; `personhash` is refused, `received` replaced |
| `data` | a JSON object with exactly the fields of the type; `null` stands nowhere in it |

Digits of `time` finer than the microsecond are cut off; a leap second is not taken. In the envelope `null` means that
the attribute is not set, as CloudEvents has it.

`source` and `id` together identify an event for ever. The same pair with the same content (equal as JSON values in
specversion, id, source, type, time as an instant, dataschema and data) is a duplicate and changes nothing; with other
content it is a conflict, and the one received first stands. What is refused claims nothing: a repaired event may have
the same id.

The text is strict JSON in UTF-8, at most 32 levels deep. 1990 and 1990.0 are the same number. A key twice in one
object, a number beyond 64 bits and the character U+0000 are `not_json`: readers differ on the first two, and no
database text can hold the third, so that the event could be kept nowhere.

`data.on` is the business date: the local day in Europe/Stockholm on which it happened, from 1990-01-01 to the day
after the installation's business date. Codes that belong to the catalogue of an installation are listed by
`GET /intake/v1/catalogue`.
"""


def document() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *_types(), *_codes(), *_topics()]) + "\n"


def _types() -> Iterator[str]:
    yield "## The types\n"
    for contract in event_types().values():
        yield from _type(contract)


def _type(contract: Contract) -> Iterator[str]:
    schema = contract.schema
    yield f"### `{contract.type}`\n"
    yield f"{schema['description']}"
    if schema["x-fact"]:
        yield f"\nSets: {schema['x-fact']}; by {', '.join(schema['x-fact-key'])}."
    yield "\n| field | | what it is | value |\n|---|---|---|---|"
    for name, field in contract.properties.items():
        need = "required" if name in schema["required"] else "optional"
        yield f"| `{name}` | {need} | {field['description']} | {_value(field)} |"
    yield ""
    for rule in _rules(schema):
        yield f"- {rule}"
    example = json.loads((EVENTS_DIRECTORY / contract.type / "examples/valid/smallest.json").read_text("utf-8"))
    yield f"\n```json\n{json.dumps(example, ensure_ascii=False, indent=1)}\n```\n"


def _value(field: Mapping[str, Any]) -> str:
    if "x-codelist" in field:
        return _LIST_NAMES[field["x-codelist"]]
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    said: str = field["x-expect"]
    return said


def _rules(schema: Mapping[str, Any]) -> Iterator[str]:
    if "x-any-of-says" in schema:
        yield schema["x-any-of-says"]
    for rule in schema.get("allOf", ()):
        yield rule["description"]


def _codes() -> Iterator[str]:
    yield "## Why an event is refused\n"
    yield "Every code that applies is told, in this order, with the field and a sentence.\n"
    yield "| code | when |\n|---|---|"
    for code, meaning in REFUSAL_CODES.items():
        yield f"| `{code}` | {meaning} |"
    yield ""


def _topics() -> Iterator[str]:
    yield "## Topics\n"
    yield "| topic | what | key | value (schema) | partitions | kept | from | to |\n|---|---|---|---|---|---|---|---|"
    for topic in topics().values():
        yield (
            f"| `{topic.name}` | {topic.description} | {topic.key} | `values/{topic.value}/v1.json` "
            f"| {topic.partitions} | {_kept(topic)} | {', '.join(topic.producers)} | {', '.join(topic.consumers)} |"
        )


def _kept(topic: Topic) -> str:
    return "the last of each key" if topic.retention_days is None else f"{topic.retention_days} days"


if __name__ == "__main__":
    sys.stdout.write(document())
