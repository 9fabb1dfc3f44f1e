"""`efterhand catalogue`: check, explain and diff, for people and for programs."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from efterhand.catalogue.loader import BUILT_IN
from efterhand.cli import group
from efterhand.cli.ending import Ending

WIDE = str(Path(__file__).parents[1] / "data" / "wide-catalogue")


def run(*arguments: str) -> Result:
    """The command, with its exit code as the whole program gives it."""
    return CliRunner().invoke(group, ["catalogue", *arguments], standalone_mode=False)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A copy of Stockholm's catalogue to change."""
    directory = tmp_path / "own"
    shutil.copytree(BUILT_IN / "stockholm", directory)
    return directory


def change(own: Path, file: str, replace: str, by: str) -> None:
    text = (own / file).read_text(encoding="utf-8")
    assert replace in text
    (own / file).write_text(text.replace(replace, by, 1), encoding="utf-8")


def test_a_good_catalogue_is_told_to_be_one() -> None:
    result = run("check", "stockholm")

    assert result.return_value == 0
    assert "7 protocols, 30 indicators, 0 warnings, 46 of 46 test persons as expected" in result.output


def test_a_mistake_is_told_with_its_file_its_line_and_the_nearest_right_word(own: Path) -> None:
    change(own, "indicators.yaml", "share: {closed_on: {to: day}}", "share: {closd_on: {to: day}}")

    result = run("check", str(own))

    assert result.return_value == 1
    assert result.output == f"{own / 'indicators.yaml'}:7: 'closd_on' is no column here; did you mean 'closed_on'?\n"


def test_warnings_are_told_by_name_and_are_no_mistakes(own: Path) -> None:
    change(own, "indicators.yaml", "target: {2017: 78}", "target: {1017: 78}")

    result = run("check", str(own))

    assert result.return_value == 0
    assert "warning: target_year: indicator closed_12m: a target for 1017\n" in result.output


def test_a_test_person_that_does_not_come_out_as_expected_is_told_with_its_line(own: Path) -> None:
    change(own, "protocols.yaml", "due: anchor + 90 days", "due: anchor + 89 days")

    result = run("check", str(own))

    assert result.return_value == 1
    assert "offer_90d: an offer on day 90 is in time\n  due: expected 2017-04-01, found 2017-03-31\n" in result.output


def test_a_check_can_be_read_by_a_program(own: Path) -> None:
    change(own, "protocols.yaml", "due: anchor + 90 days", "due: anchor + 89 days")
    good, bad = json.loads(run("check", "nacka", "--json").output), json.loads(run("check", str(own), "--json").output)
    change(own, "protocols.yaml", "due: anchor + 89 days", "due: anker")
    mistaken = json.loads(run("check", str(own), "--json").output)

    assert good["mistake"] is None
    assert all(each["passed"] for each in good["tests"])
    assert [each["definition"] for each in bad["tests"] if not each["passed"]] == ["offer_90d"]
    assert mistaken["mistake"]["message"] == "'anker' is no day here; did you mean 'anchor'?"


def test_an_id_is_explained_in_both_languages_as_the_figure_and_the_protocol_that_have_it() -> None:
    result = run("explain", "offer_90d", "--catalogue", "stockholm")

    assert "Unga som fått ett erbjudande inom 90 dagar (nyckeltal offer_90d)\nNyckeltalet är andelen" in result.output
    assert "Young people who had an offer within 90 days (indicator offer_90d)\nThe figure is" in result.output
    assert "Erbjudande inom 90 dagar (uppföljning offer_90d)\nFör varje ärende" in result.output
    assert "Offer within 90 days (protocol offer_90d)\nFor every case" in result.output


def test_one_language_can_be_asked_for() -> None:
    result = run("explain", "gender_gap", "--catalogue", WIDE, "--language", "en")

    assert result.output.startswith("Difference between women and men (indicator gender_gap)\nThe figure is")
    assert "Nyckeltalet" not in result.output


def test_an_explanation_can_be_read_by_a_program() -> None:
    told = json.loads(run("explain", "closed_12m", "--catalogue", "stockholm", "--json").output)

    assert [each["kind"] for each in told["definitions"]] == ["indicator"]
    assert set(told["definitions"][0]["sentences"]) == {"sv", "en"}


def test_an_unknown_id_gets_the_nearest_known_one() -> None:
    result = run("explain", "closed_12", "--catalogue", "stockholm")

    assert isinstance(result.exception, Ending)
    assert str(result.exception) == "stockholm has no 'closed_12'; did you mean 'closed_12m'?"


@pytest.mark.parametrize("definition", ["plan_5d_x", "gender_gap"])
def test_what_the_database_does_not_compute_has_no_sql(definition: str) -> None:
    result = run("explain", definition, "--catalogue", WIDE, "--sql")

    assert isinstance(result.exception, Ending)


def test_the_sql_of_an_indicator_comes_from_the_service_that_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from efterhand_indicators.entrypoints.explain import sql_of

    class Registered:
        @staticmethod
        def load() -> object:
            return sql_of

    monkeypatch.setattr(
        "efterhand.cli.catalogue.entry_points", lambda group: [Registered] * (group == "efterhand.explain")
    )

    result = run("explain", "closed_12m", "--catalogue", "stockholm", "--sql")

    assert "SELECT" in result.output
    assert "fact_case" in result.output


def test_what_changed_is_told_in_both_languages_and_by_the_exit_code(own: Path) -> None:
    change(own, "indicators.yaml", "target: {2017: 78}", "target: {2017: 79}")

    same, other = run("diff", "stockholm", "stockholm"), run("diff", "stockholm", str(own))

    assert (same.return_value, same.output) == (0, "")
    assert other.return_value == 1
    assert "78 förut, 79 nu." in other.output
    assert "78 before, 79 now." in other.output


def test_what_changed_can_be_read_by_a_program(own: Path) -> None:
    change(own, "units.yaml", "name: Jobbtorg Farsta", "name: Farsta")

    told = json.loads(run("diff", "stockholm", str(own), "--json", "--language", "sv").output)

    assert told == [
        {
            "part": "unit",
            "what": "renamed",
            "id": "jobbtorg-farsta",
            "decides": False,
            "sv": "Enheten ”Jobbtorg Farsta” heter nu ”Farsta”.",
        }
    ]
