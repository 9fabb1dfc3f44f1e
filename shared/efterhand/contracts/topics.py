"""The topics as data: key, schema of the value, partitions, retention, who writes and who reads."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

import yaml

TOPICS_FILE: Final = Path(__file__).parent / "topics.yaml"
VALUES_DIRECTORY: Final = Path(__file__).parent / "values"
_DAY_IN_MS: Final = 86_400_000


@dataclass(frozen=True)
class Topic:
    """One topic.

    `key` says in words what the record's key is; `value` names the schema in `values/`; `retention_days` is None for
    a compacted topic.
    """

    name: str
    description: str
    key: str
    value: str
    partitions: int
    cleanup: Literal["delete", "compact"]
    retention_days: int | None
    producers: tuple[str, ...]
    consumers: tuple[str, ...]

    @property
    def config(self) -> Mapping[str, str]:
        """Kafka's own settings for the topic."""
        if self.retention_days is None:
            return {"cleanup.policy": self.cleanup}
        return {"cleanup.policy": self.cleanup, "retention.ms": str(self.retention_days * _DAY_IN_MS)}

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema (2020-12) of the record's value."""
        return value_schemas()[self.value]


@cache
def topics() -> Mapping[str, Topic]:
    """Return every topic by its name, in the order of the file.

    Raises:
        ValueError: a topic lacks something, has too much, or keeps for ever what it should not.
    """
    return MappingProxyType(read_topics(TOPICS_FILE.read_text(encoding="utf-8")))


@cache
def value_schemas() -> Mapping[str, Mapping[str, Any]]:
    """Return the schemas of what is not judged as an event's data, by their names."""
    return MappingProxyType(
        {
            path.parent.name: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(VALUES_DIRECTORY.glob("*/v1.json"))
        }
    )


def read_topics(text: str) -> dict[str, Topic]:
    """Read topics from YAML. Raises ValueError where one is not as it must be."""
    return {name: _topic(name, entry) for name, entry in yaml.safe_load(text).items()}


def _topic(name: str, entry: dict[str, Any]) -> Topic:
    try:
        topic = Topic(
            name=name,
            **{
                **entry,
                "retention_days": entry.get("retention_days"),
                "producers": tuple(entry["producers"]),
                "consumers": tuple(entry["consumers"]),
            },
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"topics.yaml: {name}: {error}") from None
    if topic.cleanup not in ("delete", "compact") or (topic.cleanup == "delete") != (topic.retention_days is not None):
        raise ValueError(f"topics.yaml: {name}: cleanup is delete with retention_days, or compact without")
    return topic
