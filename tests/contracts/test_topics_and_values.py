"""The topics, the schemas of their values with examples, and that nothing lies in the contracts unused."""

import re

import jsonschema_rs
import pytest

from efterhand.contracts import REFUSAL_CODES, event_types, topics
from efterhand.contracts.topics import read_topics, value_schemas
from tests.contracts.support import DIRECTORY, examples

PASS = list(examples("valid", "values"))
FAIL = list(examples("invalid", "values"))
ONE = """
t:
  description: d
  key: k
  value: v
  partitions: 1
  cleanup: delete
  retention_days: 7
  producers: [a]
  consumers: [b]
"""


def takes(name: str, value: object) -> bool:
    validator = jsonschema_rs.Draft202012Validator(dict(value_schemas()[name]), validate_formats=True)
    return validator.is_valid(value)


def test_the_topics_are_these_with_their_partitions() -> None:
    assert {name: topic.partitions for name, topic in topics().items()} == {
        "case-events-inbound": 4,
        "case-events-refused": 1,
        "case-events": 4,
        "case-events-dead-letter": 1,
        "business-date": 1,
        "token-revocations": 1,
        "followup-checks": 4,
        "followup-notices": 4,
        "indicator-values": 1,
    }


def test_a_topic_is_compacted_or_kept_for_days_as_kafka_is_told() -> None:
    assert topics()["business-date"].config == {"cleanup.policy": "compact"}
    assert topics()["case-events"].config == {"cleanup.policy": "delete", "retention.ms": "604800000"}


@pytest.mark.parametrize("name", list(topics()))
def test_what_may_tell_of_a_person_is_not_kept_for_ever(name: str) -> None:
    compacted = topics()[name].cleanup == "compact"
    assert compacted == (name in {"business-date", "token-revocations", "indicator-values"})


@pytest.mark.parametrize(
    "text",
    [
        ONE.replace("  key: k\n", ""),
        ONE + "  colour: red\n",
        ONE.replace("cleanup: delete", "cleanup: compact"),
        ONE.replace("  retention_days: 7\n", ""),
        ONE.replace("cleanup: delete", "cleanup: never"),
    ],
)
def test_a_topic_that_is_not_as_it_must_be_is_refused_by_name(text: str) -> None:
    assert read_topics(ONE)["t"].retention_days == 7
    with pytest.raises(ValueError, match="t:"):
        read_topics(text)


@pytest.mark.parametrize(("name", "label", "value"), PASS, ids=[f"{n}/{label}" for n, label, _ in PASS])
def test_a_valid_example_of_a_value_passes(name: str, label: str, value: object) -> None:
    assert takes(name, value)


@pytest.mark.parametrize(("name", "label", "value"), FAIL, ids=[f"{n}/{label}" for n, label, _ in FAIL])
def test_an_invalid_example_of_a_value_fails(name: str, label: str, value: object) -> None:
    assert not takes(name, value)


def test_every_value_has_examples_that_pass_and_that_fail() -> None:
    for name in value_schemas():
        if name != "cloudevent":
            assert name in {n for n, _, _ in PASS}
        assert sum(n == name for n, _, _ in FAIL) >= 2


def test_every_accepted_event_is_a_value_of_its_topic() -> None:
    for _, _, event in examples("valid"):
        assert takes("cloudevent", event)
        assert takes("case-event", {**event, "received": "2017-03-01T12:00:00+00:00"})


def test_the_codes_of_the_refused_topic_are_the_refusal_codes() -> None:
    fault = value_schemas()["refused-event"]["properties"]["faults"]["items"]
    assert fault["properties"]["code"]["enum"] == list(REFUSAL_CODES)


def test_every_schema_is_a_json_schema_that_names_itself() -> None:
    for name, contract in event_types().items():
        assert jsonschema_rs.meta.is_valid(dict(contract.schema))
        assert contract.schema["$id"] == contract.dataschema == f"urn:efterhand:{name}:1"
    for name, schema in value_schemas().items():
        assert jsonschema_rs.meta.is_valid(dict(schema))
        assert schema["$id"] == f"urn:efterhand:value:{name}:1"


def test_no_file_in_the_contracts_is_unreferenced() -> None:
    values = "|".join(re.escape(topic.value) for topic in topics().values())
    types = "|".join(re.escape(name) for name in event_types())
    used = re.compile(
        rf"topics\.yaml|[a-z_]+\.py|events/({types})/(v1|examples/(valid|invalid)/[a-z0-9_]+)\.json"
        rf"|values/({values})/(v1|examples/(valid|invalid)/[a-z0-9_]+)\.json"
    )
    files = [path.relative_to(DIRECTORY).as_posix() for path in DIRECTORY.rglob("*") if path.is_file()]
    assert [path for path in files if "__pycache__" not in path and not used.fullmatch(path)] == []
