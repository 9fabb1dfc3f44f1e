"""What is read as an event, and what is not JSON."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efterhand.contracts import Body, NotJson, parse_body, parse_event

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
VALUES = st.recursive(SCALARS | TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=10)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "line 1"),
        (b"{", "line 1"),
        (b'{"a": 1,}', "line 1"),
        (b"{'a': 1}", "line 1"),
        (b'{"a": 01}', "line 1"),
        (b'{"a": 1} x', "line 1"),
        (b'"\t"', "line 1"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": [-Infinity]}', "Infinity"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": 18446744073709551616}', "64 bits"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "64 bits"),
        (b'{"a": 1, "a": 1}', '"a"'),
        (b'{"a": 1, "\\u0061": 1}', '"a"'),
        (b'{"x": [{"b": 1, "c": 2, "b": 3}]}', '"b"'),
        (b'{"811218-9876": 1, "811218-9876": 1}', '"[identity number]"'),
        (b'{"\\ud800": 1, "\\ud800": 1}', "twice"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\udc00": 1}', "surrogate"),
        (b'{"a": "x\\u0000"}', "U+0000"),
        (b'{"a\\u0000": 1}', "U+0000"),
        (b"\xff\xfe{\x00}\x00", "UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "UTF-8"),
        (b"[" * 33 + b"]" * 33, "32 levels"),
        (b"[" * 100_000, "32 levels"),
        (b'{"a":' * 100_000, "32 levels"),
    ],
)
def test_what_two_readers_could_understand_differently_is_not_json(raw: bytes, says: str) -> None:
    with pytest.raises(NotJson) as refused:
        parse_event(raw)
    assert says in refused.value.message
    assert "811218" not in refused.value.message
    refused.value.message.encode()


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a": "\\\\u0000 \\\\ud800"}', {"a": "\\u0000 \\ud800"}),
        (b'{"a": {"b": 1}, "b": {"a": 1}}', {"a": {"b": 1}, "b": {"a": 1}}),
        (b"18446744073709551615", 2**64 - 1),
        (b"[" * 32 + b"]" * 32, json.loads("[" * 32 + "]" * 32)),
        (b"[" + b",".join([b"[[]]"] * 50) + b"]", [[[]]] * 50),
    ],
)
def test_what_is_json_is_read(raw: bytes, value: object) -> None:
    assert parse_event(raw) == value


@pytest.mark.parametrize(("raw", "kind"), [(b"1990.0", int), (b"1.99e3", int), (b"-0.0", int), (b"1990.5", float)])
def test_a_whole_number_is_an_int_however_it_is_written(raw: bytes, kind: type) -> None:
    value = parse_event(raw)
    assert type(value) is kind
    assert value == float(raw)


@given(VALUES, st.booleans())
def test_any_value_that_can_be_kept_is_read_as_it_was_written(value: Any, ascii_only: bool) -> None:
    assert parse_event(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.dictionaries(TEXTS, SCALARS, min_size=1), st.data(), st.integers(0, 3))
def test_a_key_that_stands_twice_is_found_at_any_place_and_depth(
    members: dict[str, Any], data: st.DataObject, depth: int
) -> None:
    twice = data.draw(st.sampled_from(sorted(members)))
    pairs = [f"{json.dumps(key)}: {json.dumps(member)}" for key, member in members.items()]
    pairs.insert(data.draw(st.integers(0, len(pairs))), f"{json.dumps(twice)}: 1")
    text = '{"x": [' * depth + "{" + ", ".join(pairs) + "}" + "]}" * depth
    with pytest.raises(NotJson):
        parse_event(text.encode())


@given(st.binary())
def test_any_bytes_are_a_value_or_not_json(raw: bytes) -> None:
    for read in (parse_event, parse_body):
        with contextlib.suppress(NotJson):
            read(raw)


def test_a_single_event_and_a_batch_are_told_apart() -> None:
    assert parse_body(b' {"a": 1}') == Body(batch=False, items=({"a": 1},))
    assert parse_body(b'[{"a": 1}, 2]') == Body(batch=True, items=({"a": 1}, 2))
    assert parse_body(b" [ ] ") == Body(batch=True, items=())


def test_each_element_of_a_batch_is_judged_by_itself() -> None:
    body = parse_body(b' [ {"a": 1} , {"b": 1, "b": 2},"\\ud800", 1e999,\n{"c": "x, ]"}, [NaN], "\\u0000" ] ')
    assert body.batch
    good = [item for item in body.items if not isinstance(item, NotJson)]
    bad = [item for item in body.items if isinstance(item, NotJson)]
    assert good == [{"a": 1}, {"c": "x, ]"}]
    assert [item.text for item in bad] == ['{"b": 1, "b": 2}', '"\\ud800"', "1e999", "[NaN]", '"\\u0000"']
    assert [isinstance(item, NotJson) for item in body.items] == [False, True, True, True, False, True, True]


@pytest.mark.parametrize(
    "raw", [b'[{"a": 1, "a": 2}', b'[{"a": 1, "a": 2},]', b'[{"a": 1, "a": 2} 3]', b"[NaN] x", b"["]
)
def test_a_batch_whose_array_cannot_be_read_is_not_json_as_a_whole(raw: bytes) -> None:
    with pytest.raises(NotJson):
        parse_body(raw)


@given(st.lists(VALUES, max_size=4), st.integers(0, 4))
def test_one_bad_element_of_a_batch_leaves_the_others_as_they_are(values: list[Any], place: int) -> None:
    texts = [json.dumps(value) for value in values]
    place = min(place, len(texts))
    texts.insert(place, '{"a": 1, "a": 1}')
    body = parse_body(f"[{', '.join(texts)}]".encode())
    assert isinstance(body.items[place], NotJson)
    assert [*body.items[:place], *body.items[place + 1 :]] == values
