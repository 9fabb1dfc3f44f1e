"""The demo's tables: what is computed beside what was printed."""

from datetime import date
from typing import Any

import pytest

from efterhand.catalogue import load_catalogue
from efterhand.demo.comparison import BY_GROUP, compare, group_table, main_table, printed_cells
from efterhand.demo.stockholm import CATALOGUE, YEAR_END, PublishedRow, published
from tests.published import YEAR_BEFORE
from tests.published import printed_cells as cells_of_the_report

INDICATORS = load_catalogue(CATALOGUE).indicators
GROUPS = load_catalogue(CATALOGUE).codelists["target_groups"]


def row(value: str | None = None, **numbers: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"dims": {}, "value": value, "status": "shown", "numerator": None, "denominator": None}
    return {**told, "expected": None, "sum": None, **numbers}


@pytest.mark.parametrize(
    ("printed", "shown"), [("66.7", "66.7 = 66.7"), ("67", "67 = 67"), ("66.66", "66.67 ≠ 66.66"), (None, "66.7")]
)
def test_a_share_is_rounded_to_the_decimals_of_the_printed_number(printed: str | None, shown: str) -> None:
    cell = compare(INDICATORS["offer_90d"], row("66.7", numerator=2, denominator=3, expected=3), printed)
    assert (str(cell), cell.agrees) == (shown, "≠" not in shown)


def test_a_value_that_is_exact_to_the_half_is_rounded_up_once() -> None:
    assert str(compare(INDICATORS["closed_12m"], row(numerator=1, denominator=8), "13")) == "13 = 13"


def test_months_are_brought_from_days() -> None:
    """4 persons of 60.875 days each, of which a month has 30.4375."""
    cell = compare(INDICATORS["youth_duration"], row("2.0", denominator=8, sum=487), "2.0")
    assert str(cell) == "2.0 = 2.0"


def test_a_count_is_its_numerator() -> None:
    assert str(compare(INDICATORS["unique_persons"], row("6", numerator=6), "7")) == "6 ≠ 7"


def test_a_number_that_is_printed_and_not_shown_disagrees() -> None:
    unshown = {**row(numerator=1, denominator=8, expected=80), "status": "low_coverage"}
    assert str(compare(INDICATORS["closed_12m"], unshown, "79")) == "low coverage ≠ 79"
    assert str(compare(INDICATORS["closed_12m"], None, "79")) == "– ≠ 79"
    assert compare(INDICATORS["closed_12m"], None).agrees


def test_both_tables_have_a_place_for_every_printed_cell_and_a_line_for_every_indicator() -> None:
    answers: dict[tuple[str, date], list[Any]] = {
        (name, at): [] for name in INDICATORS for at in (YEAR_END, YEAR_BEFORE)
    }
    table = main_table(INDICATORS.values(), answers, YEAR_END, YEAR_BEFORE, published())
    groups = group_table(INDICATORS.values(), answers, YEAR_END, YEAR_BEFORE, published(), GROUPS)
    found = sorted(str(cell.printed) for cell in printed_cells([*table, *groups]))
    assert found == sorted(cell.printed for cell in cells_of_the_report())
    assert sorted(line.name for line in table) == sorted(indicator.name for indicator in INDICATORS.values())
    assert len(groups) == len(GROUPS) + 2


def test_each_number_stands_under_its_sex_and_year() -> None:
    def of(sex: str | None, number: int) -> dict[str, Any]:
        dims = {"target_group": "resource", **({} if sex is None else {"sex": sex})}
        return row(str(number), numerator=number, dims=dims)

    answers = {
        (BY_GROUP, YEAR_END): [of(None, 3), of("male", 1), of("female", 2)],
        (BY_GROUP, YEAR_BEFORE): [of(None, 4)],
    }
    printed = [PublishedRow(BY_GROUP, "resource", "R", "3", "1", "9", "4")]
    (line,) = group_table([INDICATORS[BY_GROUP]], answers, YEAR_END, YEAR_BEFORE, printed, {"resource": "R"})[:1]
    assert [str(cell) for cell in line.cells] == ["3 = 3", "1 = 1", "2 ≠ 9", "4 = 4"]
