"""The event types as data: one JSON Schema per type and version, read once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import jsonschema_rs

DIRECTORY: Final = Path(__file__).parent
EVENTS_DIRECTORY: Final = DIRECTORY / "events"


@dataclass(frozen=True)
class Contract:
    """What `data` of one event type may hold.

    `schema` is the JSON Schema (2020-12) of `data`; `codelist_fields` maps each field whose codes belong to the
    catalogue to the name of its list; `person_required` tells whether the event is about a person (then `data.person`
    is the Kafka key); `business_date_field` is the field with the business date, if the type has one.
    """

    type: str
    version: int
    schema: Mapping[str, Any]
    codelist_fields: Mapping[str, str]
    person_required: bool
    business_date_field: str | None
    validator: jsonschema_rs.Draft202012Validator

    @property
    def dataschema(self) -> str:
        """The name of this version in `dataschema`."""
        return f"urn:efterhand:{self.type}:{self.version}"

    @property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        """The schemas of the fields of `data`, by name."""
        properties: Mapping[str, Mapping[str, Any]] = self.schema["properties"]
        return properties


@cache
def event_types() -> Mapping[str, Contract]:
    """Return the contract of every event type, by the type's name, in alphabetical order."""
    return MappingProxyType(
        {
            path.parent.name: read_contract(path.parent.name, json.loads(path.read_text(encoding="utf-8")))
            for path in sorted(EVENTS_DIRECTORY.glob("*/v1.json"))
        }
    )


def read_contract(event_type: str, schema: Mapping[str, Any]) -> Contract:
    """Return the contract (version 1) that a schema of `data` describes.

    Raises:
        ValueError: it is not a JSON Schema.
    """
    return Contract(
        type=event_type,
        version=1,
        schema=schema,
        codelist_fields={
            name: field["x-codelist"] for name, field in schema["properties"].items() if "x-codelist" in field
        },
        person_required=schema["x-person"],
        business_date_field=schema["x-business-date"],
        validator=jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True),
    )
