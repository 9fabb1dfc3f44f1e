"""Identity numbers are found and taken out by the rule, held against a slow and obvious reading of it."""

import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from efterhand.contracts import (
    contains_identity_number,
    identity_number_paths,
    mask_identity_numbers,
    masked,
    text_to_keep,
)

DIGIT_RICH = st.text(st.sampled_from("00112233456789-+ aåß_.٣²"), max_size=16)


def luhn_digit(nine: str) -> str:
    total = 0
    for place, digit in enumerate(nine):
        doubled = int(digit) * 2 if place % 2 == 0 else int(digit)
        total += sum(int(d) for d in str(doubled))
    return str((10 - total % 10) % 10)


@st.composite
def identity_numbers(draw: st.DrawFn) -> str:
    century = draw(st.sampled_from(["", "18", "19", "20"]))
    year = draw(st.integers(0, 99))
    month = draw(st.integers(1, 12))
    day = draw(st.integers(1, 31) | st.integers(61, 91))
    nine = f"{year:02}{month:02}{day:02}{draw(st.integers(0, 999)):03}"
    mark = draw(st.sampled_from(["", "-", "+"]))
    return f"{century}{nine[:6]}{mark}{nine[6:]}{luhn_digit(nine)}"


def slow_spans(text: str) -> list[tuple[int, int]]:
    """Every piece of the text that is a number by the rule, looked at one by one."""
    pieces = [(start, start + length) for start in range(len(text)) for length in (10, 11, 12, 13)]
    return [
        (start, end)
        for start, end in pieces
        if end <= len(text) and is_number(text[start:end]) and not borders(text, start - 1) and not borders(text, end)
    ]


def borders(text: str, place: int) -> bool:
    if not 0 <= place < len(text):
        return False
    category = unicodedata.category(text[place])
    return category.startswith("L") or category == "Nd"


def is_number(piece: str) -> bool:
    head, last = piece[:-4], piece[-4:]
    if head[-1] in "-+":
        head = head[:-1]
    if len(head) not in (6, 8) or not all(unicodedata.category(c) == "Nd" for c in head + last):
        return False
    digits = "".join(str(unicodedata.digit(c)) for c in head + last)
    if len(head) == 8:
        if digits[:2] not in ("18", "19", "20"):
            return False
        digits = digits[2:]
    month, day = int(digits[2:4]), int(digits[4:6])
    if month not in range(1, 13) or day not in [*range(1, 32), *range(61, 92)]:
        return False
    return luhn_digit(digits[:9]) == digits[9]


@given(identity_numbers(), DIGIT_RICH, DIGIT_RICH)
@example("811218-9876", "", "")
@example("8112189876", "x", "")
@example("8112189876", "", "9")
def test_a_text_holds_a_number_exactly_when_the_slow_reading_finds_one(number: str, before: str, after: str) -> None:
    text = before + number + after
    spans = slow_spans(text)
    assert contains_identity_number(text) == bool(spans)
    assert contains_identity_number({text: 1}) == bool(spans)
    expected = text
    for start, end in reversed(spans):
        expected = expected[:start] + "[identity number]" + expected[end:]
    assert mask_identity_numbers(text) == expected


@given(DIGIT_RICH)
def test_a_text_of_digits_and_marks_is_judged_as_the_slow_reading_does(text: str) -> None:
    assert contains_identity_number(text) == bool(slow_spans(text))


@given(identity_numbers())
def test_another_check_digit_is_no_number(number: str) -> None:
    other = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert not contains_identity_number(other)


@pytest.mark.parametrize(
    "text",
    [
        "811218-9876",
        "8112189876",
        "198112189876",
        "19811218-9876",
        "811218+9876",
        "811278-9873",
        "(811218-9876)",
        "p_811218-9876",
        "nr:8112189876.",
        "811218-9876½",
        "-811218-9876-",
        "８１１２１８-９８７６",
    ],
)
def test_these_are_numbers(text: str) -> None:
    assert contains_identity_number(text) == bool(slow_spans(text)) is True


@pytest.mark.parametrize(
    "text",
    [
        *["811218-9875", "811318-9876", "17811218-9876", "p8112189876", "8112189876å", "08112189876", "811218–9876"],
        *["811218--9876", "811232-9878", "811260-9876"],
        "811218 9876",
    ],
)
def test_these_are_none(text: str) -> None:
    assert contains_identity_number(text) == bool(slow_spans(text)) is False


@given(identity_numbers(), st.integers(0, 3))
def test_a_number_is_found_at_any_depth_and_its_place_is_told(number: str, depth: int) -> None:
    value: object = {"note": [1, f"see {number}"]}
    path = "note[1]"
    for _ in range(depth):
        value = {"in": [value]}
        path = f"in[0].{path}"
    assert identity_number_paths(value) == [path]
    assert not contains_identity_number(masked(value))


@pytest.mark.parametrize("number", [8112189876, -8112189876, 198112189876, 8112189876.0, 8112189876.5, 0.8112189876])
def test_a_number_that_reads_as_an_identity_number_is_found(number: float) -> None:
    assert contains_identity_number({"a": [number]})
    assert masked({"a": [number]}) == {"a": ["[identity number]"]}


@pytest.mark.parametrize("number", [True, None, 8112189875, 81121898760, 8.112189876e20, 10**400, float("inf")])
def test_other_values_are_none(number: object) -> None:
    assert not contains_identity_number([number])
    assert masked([number]) == [number]


def test_masking_keeps_everything_else_also_where_two_keys_become_one() -> None:
    value = {"811218-9876": 1, "a": "x 8112189876", "19811218-9876": {"b": True}, "[identity number] (2)": 2}
    kept = masked(value)
    assert isinstance(kept, dict)
    assert kept["a"] == "x [identity number]"
    assert sorted(map(str, kept.values())) == sorted(["1", "x [identity number]", "{'b': True}", "2"])
    assert not contains_identity_number(kept)


@given(identity_numbers(), st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "utf-16"]), st.booleans())
def test_what_is_kept_of_a_broken_body_holds_no_number_however_it_was_written(
    number: str, encoding: str, escaped: bool
) -> None:
    written = "".join(f"\\u{ord(c):04x}" for c in number) if escaped else number
    kept = text_to_keep(f'{{"a": "\\n{written}\\t", '.encode(encoding))
    assert not contains_identity_number(kept)
    assert number not in kept
    assert "\0" not in kept


@given(st.binary())
def test_what_is_kept_can_always_be_stored(raw: bytes) -> None:
    kept = text_to_keep(raw)
    assert "\0" not in kept
    kept.encode()
    json.dumps(kept)
