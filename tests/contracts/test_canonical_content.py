"""When two events with the same identity have the same content."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efterhand.contracts import canonical_content, parse_event
from tests.contracts.support import closed, closed_with

LEAVES = st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, -1.0, 0.5, "1", "true", ""])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)


def equal_as_json(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal_as_json(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal_as_json, one, other))
    if isinstance(one, str) or isinstance(other, str):
        return type(one) is type(other) and bool(one == other)
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    return False


@given(VALUES, VALUES)
def test_data_are_the_same_exactly_when_they_are_equal_as_json_values(one: Any, other: Any) -> None:
    same = canonical_content(closed(data=one)) == canonical_content(closed(data=other))
    assert same == equal_as_json(one, other)


@given(VALUES)
def test_how_an_event_is_written_does_not_matter(value: Any) -> None:
    event = closed(data={"b": value, "a": value})
    turned = dict(reversed(event.items())) | {"data": {"a": value, "b": value}}
    read = parse_event(json.dumps(turned, indent=3).encode())
    assert isinstance(read, dict)
    assert canonical_content(read) == canonical_content(event)


@pytest.mark.parametrize(
    "time", ["2017-03-01T08:12:00Z", "2017-03-01t08:12:00.0000009z", "2017-03-01T10:42:00.000+02:30"]
)
def test_the_same_instant_is_the_same_time(time: str) -> None:
    assert canonical_content(closed(time=time)) == canonical_content(closed())


@pytest.mark.parametrize(
    "other",
    [
        closed(id="other"),
        closed(source="/other"),
        closed(type="plan.set"),
        closed(time="2017-03-01T09:12:00.000001+01:00"),
        closed(dataschema="urn:efterhand:case.closed:1"),
        closed_with(reason="studies"),
        closed_with(reason=...),
    ],
)
def test_other_content_is_told_apart(other: dict[str, Any]) -> None:
    assert canonical_content(other) != canonical_content(closed())


@pytest.mark.parametrize(
    "other", [closed(datacontenttype=...), closed(subject="x"), closed(trace="y"), closed(dataschema=None)]
)
def test_other_attributes_are_not_compared(other: dict[str, Any]) -> None:
    assert canonical_content(other) == canonical_content(closed())


def test_an_event_without_a_readable_time_has_no_content_to_compare() -> None:
    with pytest.raises(ValueError, match="time"):
        canonical_content(closed(time="yesterday"))
